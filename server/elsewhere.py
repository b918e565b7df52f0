"""Finding people and posts of other servers for somebody who names them, within his share of fetches."""

import asyncio
from typing import TypeVar

from sqlalchemy.orm import Session

from federation import crossing, discovery, reading, resolving
from federation.resolving import Budget, FetchFailed, Gone, OverBudget, Passing, Unusable
from models import actors, arriving, jobs, posts, text
from models.actors import Actor
from models.errors import Invalid, NotFound, Unavailable
from models.posts import Post
from server.asking import Asker
from server.i18n import later
from server.limits import LOOKUPS_BY_ACCOUNT

T = TypeVar("T")

SECONDS = 12.0
"""How long a visitor waits for other servers at most."""

MENTION_SECONDS = 6.0
UNREACHABLE = later("The other server does not answer. Try again in a little while.")
UNKNOWN = later("We found nobody and nothing there. Check the spelling.")


def is_address(wanted: str) -> bool:
    """Whether somebody typed an address rather than a handle."""
    return wanted.lower().startswith(("https://", "http://"))


async def find(asker: Asker, wanted: str) -> Actor | Post:
    """The person, community or post behind a handle or an address. Raises NotFound, Invalid, Unavailable or TooMany."""
    wanted = wanted.strip()
    if not wanted or len(wanted) > 2000:
        raise Invalid("Write a handle such as name@server.dk, or an address that begins with https://.")
    if not is_address(wanted):
        return await _by_handle(asker, wanted)
    known = await asker.read(lambda db: actors.by_uri(db, wanted) or posts.by_uri(db, wanted))
    if known is not None:
        return known
    await asker.limits.count(LOOKUPS_BY_ACCOUNT, str(asker.me.id))
    budget = Budget(fetches=10, seconds=SECONDS)
    try:
        return await _by_address(asker, wanted, budget)
    except Passing:
        raise Unavailable(UNREACHABLE) from None
    except (FetchFailed, OverBudget):
        raise NotFound(UNKNOWN) from None


async def find_actor(asker: Asker, wanted: str) -> Actor:
    """Like `find`, where only somebody who acts will do."""
    found = await find(asker, wanted)
    if not isinstance(found, Actor):
        raise NotFound("That is a post, not a person or a community.")
    return found


async def _by_handle(asker: Asker, wanted: str) -> Actor:
    known = await asker.read(lambda db: actors.find(db, wanted.removeprefix("acct:").lstrip("@")))
    if known is not None:
        return known
    try:
        discovery.handle(wanted)
    except FetchFailed:
        raise Invalid("Write a handle such as name@server.dk, or an address that begins with https://.") from None
    await asker.limits.count(LOOKUPS_BY_ACCOUNT, str(asker.me.id))
    try:
        return await resolving.by_handle(asker.fed, wanted, Budget(fetches=10, seconds=SECONDS))
    except Passing:
        raise Unavailable(UNREACHABLE) from None
    except (FetchFailed, OverBudget):
        raise NotFound(UNKNOWN) from None


async def _by_address(asker: Asker, address: str, budget: Budget) -> Actor | Post:
    document = await resolving.fetch(asker.fed, address, budget)
    kind = document.doc.get("type")
    if isinstance(kind, str) and kind in set(actors.ActorType):
        return await resolving.actor(asker.fed, document.id, budget)
    is_thread = isinstance(kind, str) and kind in reading.COLLECTIONS
    wanted = await resolving.first_in_thread(asker.fed, document, budget) if is_thread else document.id
    known = await crossing.reading(asker.database, lambda db: posts.by_uri(db, wanted))
    if known is not None:
        return known
    fetched = await resolving.fetch_post(asker.fed, wanted, budget)
    if is_thread and fetched.read.context != document.id:
        raise Unusable("The post does not say that it belongs to this collection.")

    def record(db: Session) -> Post:
        post, _ = arriving.record_remote(db, fetched.remote, told=False)
        jobs.enqueue(db, "backfill", {"uri": post.uri}, dedupe=f"backfill {post.uri}")
        return post

    return await crossing.writing(asker.database, record)


async def resolve_mentions(asker: Asker, source: str) -> None:
    """Get to know whom a text names on other servers, so that the post can address them.

    Whoever cannot be found in time stays plain text; the post is written all the same.
    """
    handles = text.handles_in(source)
    unknown = (
        await crossing.reading(asker.database, lambda db: [h for h in handles if actors.find(db, h) is None])
        if handles
        else []
    )
    if not unknown:
        return
    budget = Budget(fetches=60, seconds=MENTION_SECONDS)
    looking = [asyncio.ensure_future(_quietly(asker, handle, budget)) for handle in unknown[:20]]
    _, late = await asyncio.wait(looking, timeout=MENTION_SECONDS)
    for task in late:
        task.cancel()


async def _quietly(asker: Asker, handle: str, budget: Budget) -> None:
    try:
        await resolving.by_handle(asker.fed, handle, budget)
    except (Gone, FetchFailed, OverBudget, Unavailable):
        return
