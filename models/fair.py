"""A turn at a SQLite file that several processes write to.

SQLite lets one write at a time and keeps no queue: whoever finds it taken sleeps, for up to a tenth of a second, while
the one who had it takes it again at once, and again. Beside a busy process another one so waited for seconds, and gave
up. Who looks again each millisecond has a turn after a few of the other's.
"""

import sqlite3
import time

from sqlalchemy.exc import OperationalError

LOOK = 0.001
"""Seconds between two looks."""

BEGIN = "BEGIN IMMEDIATE"


def begin(connection: sqlite3.Connection, patience: float) -> None:
    """Begin to write. Raises SQLAlchemy's OperationalError when others held it for `patience` seconds."""
    until = time.monotonic() + patience
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while not _begun(connection, last=time.monotonic() > until):
            time.sleep(LOOK)
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")


def _begun(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute(BEGIN)
    except sqlite3.OperationalError as error:
        if last or not str(error.sqlite_errorname).startswith("SQLITE_BUSY"):
            raise OperationalError(BEGIN, None, error) from error
        return False
    return True
