"""What runs behind the doors: jobs, deliveries, received activities, and keeping house. The same in `torv serve` and
`torv worker`, any number of which may run side by side on one database."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.orm import Session

import federation
from federation import delivering, receiving, working
from federation.context import Federation
from federation.crossing import in_thread, writing
from models import (
    affiliations,
    calendars,
    deliveries,
    digests,
    domain_lists,
    email_links,
    events,
    exclusions,
    exports,
    inbox,
    media,
    meeting_news,
    memory,
    oauth_sweeping,
    outbox,
    peers,
    reach,
    registrations,
    tries,
)
from models.errors import Unavailable
from server import exporting, sending
from server.calendars import importing
from server.media import processing, remote
from server.media.store import Store
from server.settings import Settings

log = structlog.get_logger("torv.worker")

HOUSEKEEPING = 600.0
"""Seconds between two rounds."""

FIRST_ROUND = 30.0
BATCH = 2000
_SWEEPS: dict[str, Callable[[Session, int], int]] = {
    "memory": memory.sweep,
    "tries": tries.sweep,
    "received": inbox.sweep,
    "deliveries": deliveries.sweep,
    "activities": outbox.sweep,
    "deleted posts": reach.forget_deleted,
    "what attendees elsewhere were told": meeting_news.sweep,
    "peers": peers.sweep,
    "events": events.sweep,
    "apps": oauth_sweeping.sweep,
    "files": media.sweep,
    "affiliations": affiliations.sweep,
    "links in mail": email_links.sweep,
    "exports": exports.sweep,
    "accounts never let in": registrations.sweep,
    "bans that are over": exclusions.end_over,
    "letters with what is new": digests.promise_due,
    "shared lists": domain_lists.promise_due,
    "calendars of others": calendars.promise_due,
}


def jobs(settings: Settings) -> Mapping[str, working.Run]:
    """The work of all layers, by the names that models promise it under."""
    return {
        **federation.JOBS,
        "push": _push,
        "mail": sending.sending(settings),
        **processing.jobs(settings),
        **exporting.jobs(settings),
        **importing.jobs(settings),
    }


async def _push(fed: Federation, job: dict[str, Any]) -> None:
    from server import pushing  # with the first letter, because it loads `cryptography`: see federation.signatures

    await pushing.send(fed, job)


async def run_worker(fed: Federation, stop: asyncio.Event, settings: Settings) -> None:
    """Work until `stop` is set; then what is under way has 10 s, and the rest goes back to the queue.

    If one of the loops breaks, all stop and its error is raised: a process that only half works helps nobody.
    """
    loops = [
        working.run_jobs(fed, stop, jobs(settings)),
        delivering.run(fed, stop),
        receiving.run(fed, stop),
        keep_house(fed, stop),
        keep_files(settings, stop),
    ]
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stop.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def keep_house(fed: Federation, stop: asyncio.Event, *, every: float = HOUSEKEEPING) -> None:
    """Throw away what has outlived its use, a little at a time, so that no table grows without end."""
    wait = min(FIRST_ROUND, every)
    while not await _stopped(stop, wait):
        wait = every
        for name, sweep in _SWEEPS.items():
            while not stop.is_set():
                gone = await _sweep(fed, sweep)
                if gone:
                    log.info("swept", table=name, rows=gone)
                if gone < BATCH:
                    break


async def keep_files(settings: Settings, stop: asyncio.Event, *, every: float = HOUSEKEEPING) -> None:
    """Keep this machine's folder of other servers' files as small as the setting says, and throw away what is left of
    uploads. Every process does it, because each may be the only one on its machine."""
    store = Store.of(settings)
    while not await _stopped(stop, every):
        gone = await in_thread(lambda: remote.sweep(store, settings.media_cache_bytes))
        with suppress(Unavailable):
            gone += await in_thread(store.sweep_uploads)
        if gone:
            log.info("swept", folder="media", files=gone)


async def _sweep(fed: Federation, sweep: Callable[[Session, int], int]) -> int:
    try:
        return await writing(fed.database, lambda db: sweep(db, BATCH))
    except Unavailable:
        return 0


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long; True as soon as `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
