"""What every table shares: the declarative base, time-ordered ids, UTC time, and insert-unless-there."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Index,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    case,
    event,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

from models import quick

ID_RANDOM_BITS = 22
LATER_RANDOM_BITS = 19
"""From `TURN` on: with 22 bits ids would outgrow the 63 that databases have in September 2039, with these in June 2107.
Fewer clash eight times as often, which is still rare and harms nothing: the primary key refuses, and `Database.write`
does the work again with new ids where several processes write; within one, new ids never clash."""

TURN = datetime(2030, 1, 1, tzinfo=UTC)
"""Far enough ahead that no node runs a version by then that does not know of it."""

_TURN_MS = int(TURN.timestamp() * 1000)
_TURN_ID = _TURN_MS << ID_RANDOM_BITS


class Base(DeclarativeBase):
    """All tables. Constraint names are fixed by a convention, so that migrations can name them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC in Python; refuses naive values instead of guessing their zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """On SQLite the text is made in one step: that the usual way has several is most of what it costs."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """And read in one."""
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value.astimezone(UTC).isoformat(" ", "microseconds")[: len("2026-11-28 18:24:19.000000")]


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value + "+00:00")


class Json(TypeDecorator[Any]):
    """A JSON value kept as text: the same on both databases, written by msgspec."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)


Id = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

Bytewise = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared byte by byte, so that a beginning is a range of the index on both databases."""

_lock = threading.Lock()
_last = 0


class Clock:
    """Where the time comes from. `offset` (seconds) lets a test, or an operator who hunts a clock fault, shift it."""

    offset = 0.0

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset


clock = Clock()


def now() -> datetime:
    """The present, in UTC. Everything that asks for the time asks here, so that a test can hold the clock."""
    return datetime.fromtimestamp(clock.time(), UTC)


IDS = bindparam("ids", expanding=True, type_=Id)
"""Ids in a statement that is put together once, which takes longer than to run it: `db.execute(STATEMENT, {"ids": ids})`."""


def when_asked() -> BindParameter[datetime]:
    """The present, in a statement that may be run later, and again: that of each time."""
    return bindparam(None, callable_=now, type_=UtcTime(), unique=True)


def new_id(at: datetime | None = None) -> int:
    """A fresh 64-bit id whose order is the order of time: its millisecond (`_first_of`), and random bits.

    `at` dates the id back (never ahead), so that a post fetched late takes its place among its contemporaries.
    Ids are not guessable in practice and never reused, also not after a restore.
    """
    global _last
    present = int(clock.time() * 1000)
    if at is not None and (stamp := int(at.timestamp() * 1000)) < present:
        return _some_of(max(stamp, 1))
    fresh = _some_of(present)
    with _lock:
        if fresh <= _last:
            fresh = _last + 1
        _last = fresh
    return fresh


def _some_of(ms: int) -> int:
    return _first_of(ms) | secrets.randbits(ID_RANDOM_BITS if ms < _TURN_MS else LATER_RANDOM_BITS)


def _first_of(ms: int) -> int:
    """The smallest id of a millisecond since 1970. From `TURN` on a millisecond holds fewer ids, and the order stays."""
    return ms << ID_RANDOM_BITS if ms < _TURN_MS else _TURN_ID + (ms - _TURN_MS << LATER_RANDOM_BITS)


def first_id(at: datetime) -> int:
    """The smallest id of this moment: what is older has smaller ones. What asks for a stretch of time by ids asks here,
    for both its ends; how far ids lie apart says nothing."""
    return _first_of(int(at.timestamp() * 1000))


def made_at(id: int) -> datetime:
    """The moment an id tells, to the millisecond."""
    ms = id >> ID_RANDOM_BITS if id < _TURN_ID else _TURN_MS + (id - _TURN_ID >> LATER_RANDOM_BITS)
    return datetime.fromtimestamp(ms / 1000, UTC)


def id_before(column: InstrumentedAttribute[int], span: timedelta) -> ColumnElement[int]:
    """The id so much earlier than that in a column, in SQL. In the first `span` after `TURN` it is up to twice as early."""
    far, near = (int(span.total_seconds() * 1000) << bits for bits in (ID_RANDOM_BITS, LATER_RANDOM_BITS))
    return case((column < _TURN_ID + near, column - far), else_=column - near)


def stretch(column: InstrumentedAttribute[int], bounds: Sequence[datetime]) -> ColumnElement[int]:
    """In which of the stretches of time that begin at `bounds`, from 0, the id in a column lies, in SQL."""
    return case(*((column < first_id(end), place) for place, end in enumerate(bounds[1:])), else_=len(bounds) - 1)


def table_of(mapped: type[Base]) -> Table:
    """The table of a mapped class, for statements about rows that pass the session by."""
    assert isinstance(mapped.__table__, Table)
    return mapped.__table__


def dialect_of(db: Session) -> str:
    """`sqlite` or `postgresql`."""
    return db.get_bind().dialect.name


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index over the rows of a table that fit. PostgreSQL hears the condition when the index is made there: said
    beside the other, it would load its dialect on SQLite too."""
    made = Index(name, *columns, sqlite_where=sql(where))

    def say(index: Index, connection: Connection, **_: Any) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_options["postgresql"]["where"] = sql(where)

    event.listen(made, "before_create", say)
    return made


def insert_into(db: Session, table: type[Base]) -> Any:
    """An INSERT in the words of this database, which can say what to do about a conflict."""
    return insert_in(dialect_of(db), table)


@cache
def insert_in(dialect: str, table: type[Base]) -> Any:
    """`insert_into` where only the dialect is known."""
    rows: Any = table.__table__
    if dialect == "sqlite":
        return sqlite.insert(rows)
    from sqlalchemy.dialects import postgresql  # here, because a node on SQLite need not load it

    return postgresql.insert(rows)


@cache
def _insert_unless_there(dialect: str, table: type[Base], key: str) -> Any:
    # Made once: putting a statement together costs more than what it does.
    insert = insert_in(dialect, table).on_conflict_do_nothing()
    return insert.returning(table.__table__.c[key]) if key else insert


def insert_unless_there(db: Session, table: type[Base], **values: Any) -> bool:
    """Insert one row; False if a unique key already holds it. Safe against a second process doing the same."""
    db.flush()
    key = next(iter(table.__table__.primary_key)).name
    return db.execute(_insert_unless_there(dialect_of(db), table, key), values).first() is not None


def insert_all_unless_there(
    db: Session, table: type[Base], rows: Sequence[Mapping[str, Any]], key: str = ""
) -> set[Any]:
    """`insert_unless_there` for many rows, which have the same columns: the values of the column `key` of those that are
    new. Without `key` it does not tell which.
    """
    if not rows:
        return set()
    db.flush()
    insert = _insert_unless_there(dialect_of(db), table, key)
    if not key:
        quick.insert(db, insert, rows)
        return set()
    return quick.insert_new(db, insert, rows)
