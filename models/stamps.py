"""Whether anything was committed since, by whatever process: how an answer that is kept in memory knows that it holds.

Both databases know it without a table of ours, and so nobody who writes has to think of it, or wait for it.
"""

import sqlite3
import threading
from typing import Protocol

from sqlalchemy import URL, Connection, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from models import connections
from models.errors import Unavailable

Stamp = int | str


class Stamps(Protocol):
    """Gives stamps. Nothing was committed between two that are equal; nearly always something was if they differ."""

    quick: bool
    """It takes some microseconds and asks no other machine, so an event loop may do it itself."""

    def now(self) -> Stamp:
        """The stamp of this moment. Raises Unavailable."""

    def close(self) -> None:
        """Let go of the connection."""


class SqliteStamps:
    """SQLite counts for each connection what the others commit, in this process and elsewhere."""

    quick = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def now(self) -> Stamp:
        """The stamp of this moment: a look into shared memory, which waits for nobody."""
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = sqlite3.connect(
                        self._path, timeout=0, isolation_level=None, check_same_thread=False
                    )
                return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise Unavailable() from error

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


class PostgresStamps:
    """PostgreSQL's snapshot names the transactions whose changes a query sees: as long as it is the same, so are they.

    It is that of the whole server, so another database on it makes stamps differ too.
    """

    quick = False

    def __init__(self, url: URL, *, pooled: bool = False) -> None:
        how = connections.manner(url, pooled=pooled)
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=how)
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def now(self) -> Stamp:
        """The stamp of this moment: one small query, on a connection of its own."""
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._engine.connect()
                try:
                    found = self._connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one()
                except SQLAlchemyError:
                    self._let_go()
                    raise
                return str(found)
        except SQLAlchemyError as error:
            raise Unavailable() from error

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._let_go()
