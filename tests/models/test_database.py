"""Transactions: what is committed, what is not, and what a caller hears."""

import sqlite3
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import settings
from models.base import insert_unless_there, new_id
from models.database import Database, wake
from models.errors import Unavailable
from models.jobs import Job
from models.settings import NodeSetting


def count(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(NodeSetting)) or 0


def test_what_raises_changes_nothing_and_hurts_nobody_beside_it(database: Database) -> None:
    started = threading.Barrier(8)
    outcomes: list[str] = []

    def one(number: int) -> None:
        def work(db: object) -> None:
            settings.put(db, f"n{number}", number)  # type: ignore[arg-type]
            if number % 2:
                raise ValueError("odd")

        started.wait()
        try:
            database.write(work)
            outcomes.append("kept")
        except ValueError:
            outcomes.append("refused")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    before = count(database)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept"] * 4 + ["refused"] * 4
    assert count(database) == before + 4


def test_a_mistake_in_a_query_is_not_called_a_busy_database(database: Database) -> None:
    with pytest.raises(SQLAlchemyError):
        database.write(lambda db: db.execute(text("SELECT nothing FROM nowhere")))
    assert database.write(lambda db: 1) == 1


def test_a_reader_cannot_change_anything(database: Database) -> None:
    before = count(database)
    if database.sqlite:
        with pytest.raises(Unavailable), database.reading() as db:
            db.execute(text("DELETE FROM node_settings"))
    else:
        with database.reading() as db:
            db.execute(text("DELETE FROM node_settings"))
    assert count(database) == before


def test_r12_a_commit_is_on_the_disk_before_anybody_hears_yes(database: Database) -> None:
    """`synchronous` 2 is FULL: with less, a power cut takes what was promised."""
    if not database.sqlite:
        pytest.skip("PostgreSQL does so by itself")
    asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    found = database.write(lambda db: [db.scalar(text(f"PRAGMA {name}")) for name in asked])
    assert found == ["wal", 2, 1, 5000]
    with database.reading() as db:
        assert [db.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "query_only")] == ["wal", 1]


def test_r12_what_waits_is_one_commit_and_all_are_answered_after_it(database: Database) -> None:
    if not database.sqlite:
        pytest.skip("PostgreSQL groups commits by itself")
    commits: list[int] = []
    answered: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def commit(_connection: object) -> None:
        commits.append(len(answered))

    event.listen(database.engine, "commit", commit)

    def hold(_db: object) -> None:
        begun.set()
        go_on.wait(10)

    def one(number: int) -> None:
        database.write(lambda db: settings.put(db, f"n{number}", number))
        answered.append(number)

    first = threading.Thread(target=database.write, args=(hold,))
    first.start()
    assert begun.wait(10)
    others = [threading.Thread(target=one, args=(number,)) for number in range(30)]
    for thread in others:
        thread.start()
    while database._queue.qsize() < len(others):
        time.sleep(0.001)
    before = count(database)
    go_on.set()
    for thread in (first, *others):
        thread.join()
    assert commits == [0, 0], "the one that was held, and one for all that waited meanwhile"
    assert len(answered) == 30
    assert count(database) == before + 30


def test_a_locked_database_says_busy_and_takes_up_again(
    new_database: Callable[..., Database], database: Database
) -> None:
    if not database.sqlite:
        pytest.skip("PostgreSQL locks rows, not the database")
    impatient = Database(database.url.render_as_string(hide_password=False), database.node, busy_timeout=0.2)
    other = sqlite3.connect(database.url.database or "", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable) as busy:
        impatient.write(lambda db: settings.put(db, "x", 1))
    assert busy.value.retry_after > 0
    other.execute("ROLLBACK")
    impatient.write(lambda db: settings.put(db, "x", 1))
    with impatient.reading() as db:
        assert settings.get(db, "x") == 1
    impatient.close()
    other.close()


@pytest.mark.parametrize("where", ["at once", "in a savepoint", "beside others"])
def test_t132_a_full_disk_says_busy_changes_nothing_and_takes_up_again(database: Database, where: str) -> None:
    """SQLite ends the whole transaction then, so that giving up the savepoints in it fails as well."""
    if not database.sqlite:
        pytest.skip("PostgreSQL has a disk of its own")
    before = count(database)

    def limit(pages: str) -> None:
        with database.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def large(db: Session) -> None:
        if where == "in a savepoint":
            with db.begin_nested():
                settings.put(db, "large", "x" * 500_000)
        else:
            settings.put(db, "large", "x" * 500_000)

    with database.reading() as db:
        limit(str(db.scalar(text("PRAGMA page_count"))))
    heard: list[str] = []

    def attempt(_: int) -> None:
        try:
            database.write(large)
        except Unavailable:
            heard.append("busy")

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(6 if where == "beside others" else 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == ["busy"] * len(threads)
    assert count(database) == before
    limit("1000000")
    database.write(large)
    assert count(database) == before + 1


def test_listeners_hear_after_the_commit_and_only_then(database: Database) -> None:
    heard: list[set[str]] = []
    database.listen(heard.append)

    def fails(db: object) -> None:
        wake(db, "jobs")  # type: ignore[arg-type]
        raise ValueError("never mind")

    with pytest.raises(ValueError, match="never mind"):
        database.write(fails)
    assert heard == []
    database.write(lambda db: wake(db, "jobs"))
    assert heard == [{"jobs"}]


def test_two_who_insert_the_same_key_make_one_row(database: Database) -> None:
    made = [
        database.write(
            lambda db: insert_unless_there(db, Job, id=new_id(), kind="x", payload={}, dedupe="same", attempts=0)
        )
        for _ in range(2)
    ]
    assert made == [True, False]
