"""Crossing from async to sync: one thread hop per unit of work, and no transaction across the network."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from anyio import to_thread
from sqlalchemy.orm import Session

from models.database import Database
from models.errors import Unavailable

IDLE = 20
"""Turns of the loop in which nobody came, until nobody is expected any more."""

A = TypeVar("A")
T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking `work` in a worker thread."""
    return await to_thread.run_sync(work)


async def reading(database: Database, work: Callable[[Session], T]) -> T:
    """Run queries in a thread and return plain results or detached rows."""

    def run() -> T:
        with database.reading() as db:
            return work(db)

    return await to_thread.run_sync(run)


async def writing(database: Database, work: Callable[[Session], T]) -> T:
    """Run one transaction in a thread; returns once it is committed."""
    return await to_thread.run_sync(database.write, work)


class Together(Generic[A, T]):
    """Things that come while others are being written wait, and are written next: all in one transaction.

    So many at once cost little more than one, and each caller still hears only after the commit. `only_reading`: they
    are questions, and nothing is written.
    """

    def __init__(self, most: int = 64, *, only_reading: bool = False) -> None:
        self._most = most
        self._cross = reading if only_reading else writing
        self._waiting: list[tuple[A, asyncio.Future[T]]] = []
        self._task: asyncio.Task[None] | None = None
        self._crowded = False
        """Whether the last ones were several."""

    async def do(self, database: Database, work: Callable[[Session, Sequence[A]], Sequence[T]], thing: A) -> T:
        """The thing's result, once it is committed. `work`, always the same, gives one for each of several things.

        When it fails for several, each is tried alone: nobody pays for another. Raises what it raises for this thing.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._waiting.append((thing, result))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._write_all(database, work))
        return await result

    async def _write_all(self, database: Database, work: Callable[[Session, Sequence[A]], Sequence[T]]) -> None:
        while self._waiting:
            if self._crowded or len(self._waiting) > 1:
                await self._gather()
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            self._crowded = len(group) > 1
            try:
                await self._write_group(database, work, group)
            finally:
                for _, result in group:
                    if not result.done():
                        result.cancel()

    async def _gather(self) -> None:
        """Where several come at once, more are on their way: let the loop go on with them as long as they come."""
        idle = 0
        while idle < IDLE and len(self._waiting) < self._most:
            before = len(self._waiting)
            await asyncio.sleep(0)
            idle = idle + 1 if len(self._waiting) == before else 0

    async def _write_group(
        self,
        database: Database,
        work: Callable[[Session, Sequence[A]], Sequence[T]],
        group: Sequence[tuple[A, "asyncio.Future[T]"]],
    ) -> None:
        things = [thing for thing, _ in group]
        try:
            results = await self._cross(database, lambda db: work(db, things))
        except Exception as error:
            if len(group) > 1 and not isinstance(error, Unavailable):
                for one in group:
                    await self._write_group(database, work, [one])
                return
            for _, result in group:
                if not result.done():
                    result.set_exception(error)
            return
        for (_, result), found in zip(group, results, strict=True):
            if not result.done():
                result.set_result(found)
