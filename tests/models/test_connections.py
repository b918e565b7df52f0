"""Connections to PostgreSQL: nothing on them takes for ever, and what takes too long hurts nobody else."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from models import connections, settings
from models.database import Database
from models.errors import Unavailable
from tests.conftest import ON_POSTGRES

pytestmark = ON_POSTGRES


@pytest.fixture
def hasty(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Database]]:
    """The same database, with these limits instead of ours."""
    made: list[Database] = []

    def make(**limits: str) -> Database:
        monkeypatch.setattr(connections, "LIMITS", limits)
        made.append(Database(database.url.render_as_string(hide_password=False), database.node))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_every_connection_has_the_servers_limits(database: Database) -> None:
    with database.reading() as db:
        found = {name: db.scalar(text(f"SHOW {name}")) for name in connections.LIMITS}
    assert found == {"statement_timeout": "1min", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min"}


def test_a_statement_that_takes_too_long_says_busy(hasty: Callable[..., Database]) -> None:
    database = hasty(statement_timeout="200ms")
    with pytest.raises(Unavailable), database.reading() as db:
        db.execute(text("SELECT pg_sleep(30)"))
    assert database.write(lambda db: 1) == 1


def test_who_waits_too_long_for_a_row_says_busy_and_changes_nothing(
    database: Database, hasty: Callable[..., Database]
) -> None:
    database.write(lambda db: settings.put(db, "x", 1))
    held, go_on = threading.Event(), threading.Event()

    def hold(db: object) -> None:
        settings.put(db, "x", 2)  # type: ignore[arg-type]
        db.flush()  # type: ignore[attr-defined]
        held.set()
        go_on.wait(20)

    holder = threading.Thread(target=database.write, args=(hold,))
    holder.start()
    assert held.wait(10)
    try:
        with pytest.raises(Unavailable):
            hasty(lock_timeout="200ms").write(lambda db: settings.put(db, "x", 3))
    finally:
        go_on.set()
        holder.join()
    with database.reading() as db:
        assert settings.get(db, "x") == 2


def test_a_process_that_stops_in_the_middle_of_a_transaction_loses_its_locks(
    database: Database, hasty: Callable[..., Database]
) -> None:
    """As one whose machine was cut off: its connection stays, but says nothing more."""
    database.write(lambda db: settings.put(db, "x", 1))
    stopped = hasty(idle_in_transaction_session_timeout="300ms")
    held, go_on = threading.Event(), threading.Event()
    heard: list[Exception] = []

    def hold(db: object) -> None:
        settings.put(db, "x", 2)  # type: ignore[arg-type]
        db.flush()  # type: ignore[attr-defined]
        held.set()
        go_on.wait(20)

    def run() -> None:
        try:
            stopped.write(hold)
        except Unavailable as error:
            heard.append(error)

    holder = threading.Thread(target=run)
    holder.start()
    assert held.wait(10)
    database.write(lambda db: settings.put(db, "x", 3))  # waits until the server has ended the other
    go_on.set()
    holder.join()
    assert len(heard) == 1
    with database.reading() as db:
        assert settings.get(db, "x") == 3


def test_changes_of_the_tables_take_as_long_as_they_need(hasty: Callable[..., Database]) -> None:
    database = hasty(statement_timeout="100ms")
    with database.engine.begin() as connection:
        connections.without_limits(connection)
        connection.execute(text("SELECT pg_sleep(0.3)"))
    begun = time.monotonic()
    with pytest.raises(Unavailable), database.reading() as db:
        db.execute(text("SELECT pg_sleep(30)"))
    assert time.monotonic() - begun < 20, "the limit holds again in the next transaction"


def test_behind_a_pooler_nothing_is_set_for_longer_than_a_transaction(database: Database) -> None:
    address = database.url.render_as_string(hide_password=False)
    behind = Database(address, database.node, listen_url=address)
    try:
        with behind.reading() as db:
            assert db.scalar(text("SHOW statement_timeout")) == "0"
        for _ in range(10):
            with behind.reading() as db:
                db.scalar(text("SELECT 1"))
                assert db.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
    finally:
        behind.close()
