"""Statements that are put into words once give what SQLAlchemy gives, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from models import quick
from models.base import insert_all_unless_there, table_of, when_asked
from models.database import Database
from models.inbox import Memory, Received

memory = table_of(Memory).c
NAMED = (
    select(memory.key, memory.value, memory.expires_at)
    .where(memory.purpose == "quick", memory.key.in_(bindparam("keys", expanding=True)))
    .order_by(memory.key)
)
LIVE = select(memory.key).where(memory.purpose == bindparam("why"), memory.expires_at > when_asked())
INSERT = insert(table_of(Memory))
LATE = datetime(2040, 5, 1, 12, 30, tzinfo=UTC)


def fill(db: Session, *keys: str) -> None:
    quick.insert(
        db, INSERT, [{"purpose": "quick", "key": key, "value": {"k": key}, "expires_at": LATE} for key in keys]
    )


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 8, 9, 33])
def test_as_many_are_found_as_are_asked_for(database: Database, number: int) -> None:
    keys = [f"æ{n:02}" for n in range(number)]
    database.write(lambda db: fill(db, *keys, "another"))
    with database.reading() as db:
        found = quick.rows(db, NAMED, {"keys": keys})
        assert found == [tuple(row) for row in db.execute(NAMED, {"keys": keys})]
        assert found == [(key, {"k": key}, LATE) for key in keys]


def test_who_asks_for_fewer_hears_of_no_others(database: Database) -> None:
    database.write(lambda db: fill(db, "a", "b", "c", "d"))
    with database.reading() as db:
        assert len(quick.rows(db, NAMED, {"keys": ["a", "b", "c", "d"]})) == 4
        assert [row[0] for row in quick.rows(db, NAMED, {"keys": ["d", "b", "x"]})] == ["b", "d"]


def test_the_present_is_that_of_each_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.base import clock

    database.write(lambda db: fill(db, "a"))
    with database.reading() as db:
        assert quick.rows(db, LIVE, {"why": "quick"}) == [("a",)]
        monkeypatch.setattr(clock, "offset", 20 * 365 * 86400.0)
        assert quick.rows(db, LIVE, {"why": "quick"}) == []


def test_what_is_not_committed_is_not_there(database: Database) -> None:
    def give_up(db: Session) -> None:
        fill(db, "a")
        assert quick.rows(db, NAMED, {"keys": ["a"]}) != []
        raise LookupError

    with pytest.raises(LookupError):
        database.write(give_up)
    with database.reading() as db:
        assert quick.rows(db, NAMED, {"keys": ["a"]}) == []


def test_a_row_that_lacks_a_value_is_not_guessed(database: Database) -> None:
    with pytest.raises(AssertionError, match="no value for"):
        database.write(lambda db: quick.insert(db, insert(table_of(Received)), [{"id": 1}]))


def test_what_the_database_refuses_is_raised_as_by_any_statement(database: Database) -> None:
    database.write(lambda db: fill(db, "a"))
    with pytest.raises(IntegrityError):
        database.write(lambda db: fill(db, "a"))
    database.write(lambda db: db.execute(text("DROP TABLE memory")))
    with database.reading() as db, pytest.raises(DBAPIError, match="memory"):
        quick.rows(db, NAMED, {"keys": ["a"]})


@pytest.mark.parametrize("number", [1, 2, 3, 5, 200])
def test_what_is_there_is_passed_over_and_the_new_ones_are_named(database: Database, number: int) -> None:
    rows = [{"purpose": "quick", "key": f"{n:03}", "value": n, "expires_at": LATE} for n in range(number)]
    new = database.write(lambda db: insert_all_unless_there(db, Memory, rows[::2], "key"))
    assert new == {row["key"] for row in rows[::2]}
    new = database.write(lambda db: insert_all_unless_there(db, Memory, [*rows, *rows], "key"))
    assert new == {row["key"] for row in rows[1::2]}
    with database.reading() as db:
        assert memory_rows(db) == [(f"{n:03}", n) for n in range(number)]


def memory_rows(db: Session) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in db.execute(select(memory.key, memory.value).order_by(memory.key))]
