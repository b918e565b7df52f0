"""What nearly every command does first: settings, database, and whether the two fit together."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import actors, connections, migrating, settings
from models.actors import Actor
from models.database import Database
from models.errors import Conflict, NotFound
from server.settings import Settings, load

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
"""The option that every command has whose answer a script might read."""


def connect(chosen: Settings) -> Database:
    """The database the settings name, whatever is in it."""
    return Database(chosen.database, chosen.node, pool_size=chosen.database_pool, listen_url=chosen.database_listen_url)


@contextmanager
def opened(chosen: Settings | None = None) -> Iterator[Database]:
    """The node's database, with the schema this release works with and under the name it was made for."""
    chosen = chosen or load()
    if chosen.sqlite_path and not chosen.sqlite_path.exists():
        raise NotFound(f"There is no database at {chosen.sqlite_path}: run `torv init` first.")
    database = connect(chosen)
    try:
        migrating.require(database)
        with database.reading() as db:
            require_same_name(db, chosen)
        yield database
    finally:
        database.close()


IN_THE_WAY = {
    True: "The node is running; stop torv serve and torv worker first, on all machines.",
    False: "A backup is being put back or the tables are being changed; start again afterwards.",
}
RUNNING = 7_047_402
"""PostgreSQL advisory lock: what `running` holds, for the processes on all machines."""

ALONE = "torv alone"
"""The name of the connection that holds it alone."""


@contextmanager
def running(chosen: Settings, *, alone: bool = False) -> Iterator[None]:
    """Hold the node's lock: shared by the processes of a running node, `alone` by what must not meet one.

    Raises Conflict if the other kind holds it, on this machine or, with PostgreSQL, on any. A process whose connection
    was cut holds it no longer; what it misses then is a guard, and no part of what keeps the data right.
    """
    with _running_here(chosen, alone), _running_anywhere(chosen, alone):
        yield


@contextmanager
def _running_anywhere(chosen: Settings, alone: bool) -> Iterator[None]:
    if chosen.sqlite_path:
        yield
        return
    # Past a pooler, which would hand the connection to somebody else between two statements.
    url = make_url(chosen.database_listen_url or chosen.database).set(drivername="postgresql+psycopg")
    how = {"application_name": ALONE if alone else "torv running", **connections.ALIVE}
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=how)
    held = engine.connect()
    try:
        function = "pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared"
        if not held.scalar(text(f"SELECT {function}(:lock)"), {"lock": RUNNING}):
            raise Conflict(IN_THE_WAY[alone])
        yield
    finally:
        with suppress(SQLAlchemyError):  # it may have been cut long ago
            held.close()


@contextmanager
def _running_here(chosen: Settings, alone: bool) -> Iterator[None]:
    chosen.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (chosen.data_path / "torv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(IN_THE_WAY[alone]) from None
        yield


def require_same_name(db: Session, chosen: Settings) -> None:
    """Refuse to run under another name than the database was made for: every id in it would become a lie."""
    node = chosen.node
    for what, ours in (("origin", node.origin), ("domain", node.domain)):
        known = settings.get(db, what)
        if known is not None and known != ours:
            raise Conflict(
                f"This database belongs to a node whose {what} is {known}, and the settings say {ours}. "
                "Other servers know the node by that name, so it cannot change; correct the setting."
            )


def require_unused(connection: Connection) -> None:
    """Refuse while anybody but ourselves is connected to a PostgreSQL database: an old release, a console."""
    others = connection.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name <> :ourselves"
        ),
        {"ourselves": ALONE},
    )
    if others:
        raise Conflict("Somebody else is connected to the database; stop all processes of the node first.")


def local_actor(db: Session, name: str) -> Actor:
    """The actor of this node called `name` (with or without @ and domain). Raises NotFound."""
    username, _, domain = name.lstrip("@").partition("@")
    found = actors.by_handle(db, username.lower(), domain.lower() or None)
    if found is None or not found.local or not found.active:
        raise NotFound(f"There is nobody called {name} on this node.")
    return found


def show(value: Any) -> None:
    """Print JSON: keys in the order given, times as ISO 8601."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
