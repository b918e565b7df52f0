"""Crossing from async to sync: one thread hop per unit of work, and no transaction across the network."""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread
from sqlalchemy.orm import Session

from models.database import Database

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
