"""The loop that empties the inbox: many rows at once, but never two about the same thing."""

import asyncio
import logging
from collections.abc import Callable

from federation import counting, crossing
from federation.context import Federation
from federation.receiving.processing import process
from federation.receiving.subjects import subject
from federation.waking import Bell
from models import inbox
from models.errors import Unavailable
from models.inbox import Received

log = logging.getLogger("torv.inbox")

CONCURRENCY = 32
TAKEN_AT_ONCE = 64
LEASE = 180.0
DEADLINE = 120.0
"""Seconds one row may take; below the lease, so that nobody else begins with it meanwhile."""

POLL = 1.0
GRACE = 10.0


async def run(fed: Federation, stop: asyncio.Event) -> None:
    """Process the inbox until `stop`; then what is under way ends within 10 s, or goes back untried."""
    line = Line(fed)
    with Bell(fed.database, {"received"}) as bell:
        line.on_end = bell.ring
        while not stop.is_set():
            free = TAKEN_AT_ONCE - len(line)
            claimed = await _claim(fed, free) if free > 0 else []
            for row in claimed:
                line.add(row)
            if len(claimed) < free or free <= 0:
                await bell.wait(POLL, stop)
    await line.wind_up()


async def _claim(fed: Federation, limit: int) -> list[Received]:
    try:
        if not await crossing.reading(fed.database, inbox.any_due):
            return []
        return await crossing.writing(fed.database, lambda db: inbox.claim(db, limit, LEASE))
    except Unavailable:
        return []


class Line:
    """Claimed rows: up to `CONCURRENCY` at once; those about one object in the order in which they came."""

    def __init__(self, fed: Federation) -> None:
        self._fed = fed
        self._places = asyncio.Semaphore(CONCURRENCY)
        self._last: dict[str, asyncio.Task[None]] = {}
        self._rows: dict[asyncio.Task[None], int] = {}
        self.on_end: Callable[[], None] = _nothing

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Received) -> None:
        """Take a row; it begins when the one before it about the same thing has ended."""
        about = subject(row)
        task = asyncio.create_task(self._process(row.id, self._last.get(about)))
        self._last[about] = task
        self._rows[task] = row.id
        task.add_done_callback(lambda done: self._ended(about, done))

    def _ended(self, about: str, task: "asyncio.Task[None]") -> None:
        self._rows.pop(task, None)
        if self._last.get(about) is task:
            del self._last[about]
        self.on_end()

    async def _process(self, received_id: int, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._places:
            try:
                async with asyncio.timeout(DEADLINE):
                    await process(self._fed, received_id)
            except (Unavailable, TimeoutError):
                counting.count("inbox_postponed")  # its lease runs out, and it comes again
            except Exception:
                log.exception("the row %s could not even be put back; its lease runs out", received_id)

    async def wind_up(self) -> None:
        """Let what is under way end; give the rest back."""
        if not self._rows:
            return
        left = dict(self._rows)
        _, pending = await asyncio.wait(left, timeout=GRACE)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        ids = [left[task] for task in pending]
        if ids:
            try:
                await crossing.writing(self._fed.database, lambda db: inbox.release(db, ids))
            except Unavailable:
                log.warning("the database did not take rows back; their leases run out")


def _nothing() -> None:
    """Nobody wants to know."""
