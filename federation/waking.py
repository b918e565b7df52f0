"""Waking a loop at once when the database has committed something for it, from whatever thread."""

import asyncio
import contextlib
from collections.abc import Set as AbstractSet
from types import TracebackType

from models.database import Database


class Bell:
    """Rings when work on one of `topics` was committed, in this process or (PostgreSQL) in another of the node.

    What another process committed may pass unheard while the connection to the database is cut, so loops look by
    themselves as well; and it rings once the connection is back.

    >>> with Bell(database, {"jobs"}) as bell:
    ...     await bell.wait(1.0, stop)
    """

    def __init__(self, database: Database, topics: AbstractSet[str]) -> None:
        self._database = database
        self._topics = topics
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def __enter__(self) -> "Bell":
        self._database.listen(self._heard)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._database.unlisten(self._heard)

    def _heard(self, topics: set[str]) -> None:
        if topics & self._topics:
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                self._loop.call_soon_threadsafe(self._rung.set)

    def ring(self) -> None:
        """Ring it oneself, from within the loop."""
        self._rung.set()

    async def wait(self, timeout: float, stop: asyncio.Event) -> None:
        """Until it rings, `stop` is set, or `timeout` seconds have passed."""
        if self._rung.is_set() or stop.is_set():
            self._rung.clear()
            return
        waiters = [asyncio.ensure_future(self._rung.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waiters, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
        self._rung.clear()
