"""Completing threads: what a post answers, and what else was answered there, fetched from where it was written.

Everything is bounded for one activity and the jobs it causes: 40 posts up, 100 fetches, 60 seconds, 10 pages or 500
items of a collection, and nothing twice. Only posts that anybody may read are taken, nobody is told of them, and a
post belongs to a thread by its `inReplyTo` alone, whatever collection it was listed in.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from federation import crossing, reading
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed, Passing, Unusable, check_foreign, fetch_collection
from federation.handlers import keeping
from federation.resolving import FetchedPost, fetch_post
from federation.resolving.posts import known

MAX_PAGES = 10
MAX_ITEMS = 500


async def ancestors(fed: Federation, uri: str, budget: Budget) -> tuple[list[FetchedPost], bool]:
    """The unknown posts from `uri` upwards, oldest first; and whether a server on the way did not answer just now."""
    chain: list[FetchedPost] = []
    while uri and len(chain) < fed.limits.backfill_depth and budget.first_visit(uri):
        if await known(fed, uri) is not None:
            break
        try:
            found = await fetch_post(fed, uri, budget)
        except Passing:
            return chain[::-1], True
        except (FetchFailed, OverBudget):
            break
        chain.append(found)
        uri = found.read.in_reply_to
    return chain[::-1], False


async def complete_thread(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `backfill`: the post `uri` with what it answers, and what its `replies`, its `context` and theirs list."""
    uri = str(payload["uri"])
    limits = fed.limits
    budget = Budget.carried(payload.get("budget"), fetches=limits.backfill_fetches, seconds=limits.backfill_seconds)
    try:
        start = await fetch_post(fed, uri, budget)
    except Passing as error:
        raise TimeoutError(str(error)) from error
    except (FetchFailed, OverBudget):
        return
    budget.visited.add(uri)
    above, _ = await ancestors(fed, start.read.in_reply_to, budget)
    await _record(fed, [*above, start])
    # `replies` may hold only what answers the post itself (NodeBB); the thread's own collection, FEP-7888, holds all.
    waiting = deque([start.read.replies, start.read.context])
    while waiting and budget.left:
        async for name in _items(fed, waiting.popleft(), budget):
            if not budget.first_visit(name):
                continue
            try:
                reply = await fetch_post(fed, name, budget)
            except (FetchFailed, OverBudget):
                continue
            if await known(fed, reply.read.in_reply_to) is not None:
                await _record(fed, [reply])
                waiting.append(reply.read.replies)


async def _record(fed: Federation, found: list[FetchedPost]) -> None:
    for one in found:
        await crossing.writing(fed.database, lambda db, one=one: keeping.record_ancestor(db, one.remote))  # type: ignore[misc]


async def _items(fed: Federation, value: Any, budget: Budget) -> AsyncIterator[str]:
    """The ids in a collection that a post names or embeds, page by page."""
    page, address = _embedded(value), reading.one_id(value)
    seen = 0
    for _ in range(MAX_PAGES):
        current = page or await _page(fed, address, budget)
        if current is None:
            return
        for name in current.items:
            seen += 1
            if seen > MAX_ITEMS:
                return
            if _is_foreign(fed, name):
                yield name
        page, address = current.first_page, current.first or current.next


async def _page(fed: Federation, address: str, budget: Budget) -> reading.CollectionIn | None:
    if not address or not budget.first_visit(address):
        return None
    try:
        return await fetch_collection(fed, address, budget)
    except (FetchFailed, OverBudget):
        return None


def _embedded(value: Any) -> reading.CollectionIn | None:
    if not isinstance(value, Mapping):
        return None
    try:
        found = reading.collection(value)
    except reading.Unreadable:
        return None
    return found if found.items or found.first_page or found.first else None


def _is_foreign(fed: Federation, uri: str) -> bool:
    try:
        check_foreign(fed, uri)
    except Unusable:
        return False
    return True
