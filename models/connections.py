"""Connections to PostgreSQL: how many a process keeps, and how long anything on them may take.

The time limits are the server's, so that they also hold when this process, or the way to it, is gone: a machine that is
cut off in the middle of a transaction holds its locks for a minute and no longer.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text

PEAK = 2
"""Connections beyond `database_pool` that a process opens when all are in use, and closes again."""

WAITING = 10.0
"""Seconds that work waits for a free connection before the visitor hears 503."""

LIMITS = {
    "statement_timeout": "60s",  # a page takes milliseconds, the longest sweep a second
    "lock_timeout": "10s",  # queues pass by rows that are taken; others are held for milliseconds
    "idle_in_transaction_session_timeout": "60s",
}
"""What the server ends by itself; whoever asked hears 503 and may try again."""

ALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""A server that is gone without a word is noticed within a minute."""


def manner(url: URL, *, pooled: bool) -> dict[str, Any]:
    """How a connection behaves, but for what the URL says itself. `pooled`: it goes to a pooler that hands each
    transaction to another server connection, so nothing may be set or prepared for longer than a transaction; the limits
    are then to be set for the role (deploy/README.md)."""
    how: dict[str, Any] = dict(ALIVE)
    if pooled:
        how["prepare_threshold"] = None
    else:
        how["options"] = " ".join(f"-c {name}={limit}" for name, limit in LIMITS.items())
    return {name: value for name, value in how.items() if name not in url.query}


def engine(url: URL, pool_size: int, *, pooled: bool) -> Engine:
    """A pool of connections."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=PEAK,
        pool_pre_ping=True,
        pool_timeout=WAITING,
        connect_args=manner(url, pooled=pooled),
    )


def without_limits(connection: Connection) -> None:
    """Let the transaction that has just begun take as long as it needs: for changes of the tables, and copies."""
    for name in LIMITS:
        connection.execute(text(f"SET LOCAL {name} = 0"))
