"""The job loop: takes promised work from the queue table and runs it, each kind by its function."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from federation import counting
from federation.budget import OverBudget
from federation.context import Federation
from federation.crossing import reading, writing
from federation.documents import FetchFailed
from federation.fetch_errors import FetchError
from federation.waking import Bell
from models import jobs
from models.errors import DomainError, Unavailable
from models.jobs import Job

log = logging.getLogger("torv.jobs")

LEASE = 180.0
DEADLINE = 150.0
"""Seconds one run of a job may take; below the lease, so that no job runs twice at once."""

POLL = 1.0
GRACE = 10.0

Run = Callable[[Federation, dict[str, Any]], Awaitable[None]]


class Later(Exception):
    """Not now: the job comes again in `seconds` without having used up an attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


class GiveUp(Exception):
    """It will never work: the job goes to the dead letters with this reason."""


@dataclass(frozen=True)
class _Lane:
    """Kinds of jobs that share some slots: those named, or with `others` all but those."""

    kinds: frozenset[str]
    others: bool
    slots: int


QUICK = frozenset({"publish"})
"""Jobs that ask no other server: they never wait behind those that do."""

_LANES = (_Lane(QUICK, False, 2), _Lane(QUICK, True, 8))


async def run_jobs(fed: Federation, stop: asyncio.Event, table: Mapping[str, Run]) -> None:
    """Run jobs until `stop`; then those under way end within 10 s, or go back to the queue."""
    async with asyncio.TaskGroup() as lanes:
        for lane in _LANES:
            lanes.create_task(_run_lane(fed, stop, table, lane))


async def _run_lane(fed: Federation, stop: asyncio.Event, table: Mapping[str, Run], lane: _Lane) -> None:
    running: dict[asyncio.Task[None], int] = {}
    with Bell(fed.database, {"jobs"}) as bell:

        def ended(task: asyncio.Task[None]) -> None:
            running.pop(task, None)
            bell.ring()

        while not stop.is_set():
            free = lane.slots - len(running)
            claimed = await _claim(fed, lane, free) if free else []
            for job in claimed:
                task = asyncio.create_task(_run(fed, job, table))
                running[task] = job.id
                task.add_done_callback(ended)
            if len(claimed) < free or not free:
                await bell.wait(POLL, stop)
        await _wind_up(fed, running)


async def _claim(fed: Federation, lane: _Lane, limit: int) -> list[Job]:
    kinds, others = lane.kinds, lane.others
    try:
        if not await reading(fed.database, lambda db: jobs.any_due(db, kinds=kinds, others=others)):
            return []
        return await writing(fed.database, lambda db: jobs.claim(db, limit, LEASE, kinds=kinds, others=others))
    except Unavailable:
        return []


async def _run(fed: Federation, job: Job, table: Mapping[str, Run]) -> None:
    """Run one job and write down how it ended. Never raises but when cancelled."""
    id, kind = job.id, job.kind
    try:
        run = table.get(kind)
        if run is None:
            raise GiveUp(f"Nobody knows how to do {kind!r}.")
        async with asyncio.timeout(DEADLINE):
            await run(fed, dict(job.payload))
    except Later as later:
        seconds = later.seconds
        await _record(fed, lambda db: jobs.put_off(db, id, seconds))
    except GiveUp as error:
        text = str(error)
        counting.count("jobs_dead")
        log.warning("job %s %s given up: %s", kind, id, text)
        await _record(fed, lambda db: jobs.fail(db, id, text, permanent=True))
    except Unavailable:
        await _record(fed, lambda db: jobs.put_off(db, id, 5.0))
    except (DomainError, FetchFailed, FetchError, OverBudget, TimeoutError) as error:
        text = f"{type(error).__name__}: {error}"
        counting.count("jobs_failed")
        await _record(fed, lambda db: jobs.fail(db, id, text))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        counting.count("jobs_failed")
        log.exception("job %s %s failed", kind, id)
        await _record(fed, lambda db: jobs.fail(db, id, text))
    else:
        counting.count("jobs_done")
        await _record(fed, lambda db: jobs.finish(db, id))


async def _record(fed: Federation, work: Callable[[Any], None]) -> None:
    # When not even this can be written, the lease runs out and the job comes again.
    try:
        await writing(fed.database, work)
    except Unavailable:
        log.warning("the database did not take the end of a job; it will run again")


async def _wind_up(fed: Federation, running: dict[asyncio.Task[None], int]) -> None:
    if not running:
        return
    left = dict(running)
    _, pending = await asyncio.wait(left, timeout=GRACE)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    ids = [left[task] for task in pending]
    if ids:
        await _record(fed, lambda db: jobs.release(db, ids))
