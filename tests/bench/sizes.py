"""The same node at several ages, one database for each: filled once, kept if a place is named, opened one by one."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, func, make_url, select, text

from models import base
from models.database import Database
from models.posts import Kind, Post
from tests.bench.filling import LONG, SHORT, GrowingNode, database_at

FOLLOWERS = 100_000


class Files:
    """SQLite: a file for each size, in a folder (`TORV_BENCH_DIR` keeps it)."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def url(self, size: int) -> str:
        """Where the node of that size is; 0 for the one that grows."""
        return f"sqlite:///{self.folder / f'growth-{size}.db'}"

    def has(self, size: int) -> bool:
        """Whether it was filled before."""
        return (self.folder / f"growth-{size}.db").exists()

    def begin(self) -> None:
        """Make room for the one that grows."""
        for old in self.folder.glob("growth-*"):
            old.unlink()

    def keep(self, size: int, *, last: bool) -> None:
        """Keep what has grown as the node of that size."""
        grown, kept = self.folder / "growth-0.db", self.folder / f"growth-{size}.db"
        (shutil.move if last else shutil.copy)(grown, kept)


class Databases:
    """PostgreSQL: a database for each size, beside the one whose address is given."""

    name = "PostgreSQL"

    def __init__(self, address: str) -> None:
        self.address = make_url(address).set(drivername="postgresql+psycopg")

    def url(self, size: int) -> str:
        """Where the node of that size is; 0 for the one that grows."""
        return self.address.set(database=f"growth_{size}").render_as_string(hide_password=False)

    def _run(self, sql: str) -> list[object]:
        engine = create_engine(self.address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            done = connection.execute(text(sql))
            found = list(done.scalars()) if done.returns_rows else []
        engine.dispose()
        return found

    def has(self, size: int) -> bool:
        """Whether it was filled before."""
        return bool(self._run(f"SELECT 1 FROM pg_database WHERE datname = 'growth_{size}'"))

    def begin(self) -> None:
        """Make room for the one that grows."""
        for name in self._run("SELECT datname FROM pg_database WHERE datname LIKE 'growth%'"):
            self._run(f"DROP DATABASE {name}")
        self._run("CREATE DATABASE growth_0")

    def keep(self, size: int, *, last: bool) -> None:
        """Keep what has grown as the node of that size."""
        self._run(
            f"ALTER DATABASE growth_0 RENAME TO growth_{size}"
            if last
            else f"CREATE DATABASE growth_{size} TEMPLATE growth_0 STRATEGY FILE_COPY"
        )


@contextmanager
def place() -> Iterator[Files | Databases]:
    """Where the nodes are: PostgreSQL at `TORV_BENCH_DATABASE_URL`, files in `TORV_BENCH_DIR` or in a passing folder."""
    if url := os.environ.get("TORV_BENCH_DATABASE_URL"):
        yield Databases(url)
    elif folder := os.environ.get("TORV_BENCH_DIR"):
        yield Files(Path(folder))
    else:
        with tempfile.TemporaryDirectory() as passing:
            yield Files(Path(passing))


def fill(where: Files | Databases, sizes: Sequence[int], say: Callable[[str], None]) -> None:
    """Let the node grow from size to size, unless all of them are there."""
    if all(where.has(size) for size in sizes):
        return
    where.begin()
    begun, node = time.monotonic(), None
    for size in sizes:
        database = database_at(where.url(0))
        if node is None:
            node = GrowingNode(database, most=sizes[-1], followers=FOLLOWERS)
            node.begin()
        node.database = database
        node.grow(size)
        node.check()
        database.close()
        where.keep(size, last=size == sizes[-1])
        say(f"{where.name}: {size} posts after {time.monotonic() - begun:.0f} s")


@dataclass(frozen=True)
class Aged:
    """An open node of one size."""

    database: Database
    short: int
    long: int
    """The threads with few and with very many answers."""


@contextmanager
def opened(where: Files | Databases, size: int) -> Iterator[Aged]:
    """The node of a size, with the clock at its day."""
    database, before = database_at(where.url(size)), base.clock.offset
    try:
        with database.reading() as db:
            newest = base.made_at(db.scalar(select(func.max(Post.id))) or 0)
            threads = select(Post.id).where(Post.kind == Kind.QUESTION).order_by(Post.id).limit(50)
            short, long = (
                db.scalars(threads.where(Post.answer_count == answers)).first() or 0 for answers in (SHORT, LONG)
            )
        base.clock.offset += (newest - base.now()).total_seconds()
        yield Aged(database, short, long)
    finally:
        base.clock.offset = before
        database.close()
