"""Polls as time goes by: their figures are told, and fetched, and at last they are over. So are the figures fetched of
questions elsewhere that call for a meeting, and of dogmas."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from federation import crossing
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed
from federation.resolving import fetch_post
from models import arriving, ballots, calls, dogmas, jobs, memory, polls
from models.errors import DomainError
from models.posts import Post

FRESH = 60.0
"""Seconds for which the figures of a post elsewhere are good enough."""

FETCHES = 3
PATIENCE = 5.0
"""Seconds that somebody waits for them at most."""


async def tell_poll(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_poll`: the votes of the last minutes, to all who have the poll."""
    post_id = int(payload["post"])
    await crossing.writing(fed.database, lambda db: ballots.tell(db, post_id))


async def end_poll(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `end_poll`: tell those whom it concerns, of a poll elsewhere after a last look at its figures."""
    post_id = int(payload["post"])
    await refresh_poll(fed, post_id)
    await crossing.writing(fed.database, lambda db: ballots.end(db, post_id))


async def refresh_poll(fed: Federation, post_id: int) -> None:
    """Take over a poll as its origin has it now, at most once a minute, and not after its end was seen.

    Of a poll of ours, and where its server does not answer, nothing happens.
    """
    if not await crossing.reading(fed.database, lambda db: _unfinished(db, post_id)):
        return
    uri = await crossing.writing(fed.database, lambda db: _due(db, post_id))
    if not uri:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            found = await fetch_post(fed, uri, Budget(fetches=FETCHES))
        await crossing.writing(fed.database, lambda db: arriving.update_remote(db, found.remote, fetched=True))
    except (FetchFailed, OverBudget, DomainError, TimeoutError):
        return


def refresh_later(db: Session, post_id: int) -> None:
    """The same, without waiting for it."""
    if uri := _due(db, post_id):
        jobs.enqueue(db, "refresh_post", {"uri": uri}, dedupe=f"refresh:{uri}")


def _unfinished(db: Session, post_id: int) -> str:
    """The id of a poll elsewhere whose last figures we have not seen, of a question there that calls for a meeting, or of a
    dogma that can be endorsed; else nothing."""
    post, poll = db.get(Post, post_id), polls.get(db, post_id)
    if post is None or post.local or post.deleted_at is not None:
        return ""
    if poll is None:
        dogma = dogmas.many(db, [post]).get(post.id)
        goes_on = dogma.status in dogmas.OPEN if dogma is not None else calls.find(db, post) is not None
        return post.uri if goes_on else ""
    seen = poll.expires_at is not None and post.checked_at is not None and post.checked_at > poll.expires_at
    return "" if seen else post.uri


def _due(db: Session, post_id: int) -> str:
    uri = _unfinished(db, post_id)
    return uri if uri and memory.first_time(db, "poll-asked", uri, FRESH) else ""
