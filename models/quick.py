"""Statements of the busiest ways, put into words once and then given to the driver as they are.

SQLAlchemy puts together anew at every run what it has kept of a statement, which for small ones takes longer than the
database does. Here that is done once. Who calls gives the same values, and gets the same rows, as with
`Session.execute`. For statements about tables that live as long as the process, and nothing that the session holds.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.schema import ColumnDefault
from sqlalchemy.sql.compiler import SQLCompiler

KEPT = 500
"""Statements that are kept, each for some numbers of values."""

AT_ONCE = 128
"""Rows in one such statement."""

Turn = Callable[[Any], Any] | None
"""Makes of a value what the driver takes, or of what it gives a value; None: it stays as it is."""


def rows(db: Session, question: Any, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a SELECT finds. A list among `values`, for an expanding parameter, must not be empty."""
    connection = db.connection()
    sizes = tuple(_size(value) for value in values.values())
    ready = _question(question, connection.dialect, tuple(values), sizes)
    found = _found(connection, ready.text, ready.given(values))
    if not ready.turns:
        return found
    return [tuple(turn(one) if turn else one for turn, one in zip(ready.turns, row, strict=True)) for row in found]


def insert(db: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert all rows, which have the same columns: all but those whose default is a plain value."""
    connection = db.connection()
    ready = _insert(statement, connection.dialect, tuple(rows[0]))
    given = [ready.given(row) for row in rows]
    if connection.dialect.name == "sqlite":
        with _errors(connection, ready.text):
            _driver(connection).executemany(ready.text, given)
    else:
        connection.exec_driver_sql(ready.text, given)


def insert_new(db: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Insert all rows but those that are there already, over which the statement passes; what it returns of each."""
    connection = db.connection()
    fresh: set[Any] = set()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        size = _size(some)
        ready = _insert_several(statement, connection.dialect, tuple(some[0]), size)
        several = (*some, *[some[-1]] * (size - len(some)))  # one that comes again is there already
        given = {f"{name}__{place}": value for place, row in enumerate(several) for name, value in row.items()}
        fresh.update(row[0] for row in _found(connection, ready.text, ready.given(given)))
    return fresh


def _found(connection: Connection, text: str, given: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement. SQLite is in this process, so what SQLAlchemy does around it is most of what it costs."""
    if connection.dialect.name != "sqlite":
        return [tuple(row) for row in connection.exec_driver_sql(text, given)]
    with _errors(connection, text):
        return _driver(connection).execute(text, given).fetchall()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


class _errors:
    """Gives the driver's errors the form in which SQLAlchemy raises them."""

    def __init__(self, connection: Connection, text: str) -> None:
        self._connection, self._text = connection, text

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            dialect = self._connection.dialect
            raise DBAPIError.instance(self._text, None, error, sqlite3.Error, dialect=dialect) from error


Key = str | tuple[str, int]
"""The caller's name for a value, or the statement's own; with the place of one in a list."""


@dataclass(frozen=True)
class _Ready:
    """A statement in the words of a database."""

    text: str
    names: Sequence[str] | None
    """What the driver calls the values; None where it counts them."""
    keys: Sequence[Key]
    """Where each is from."""
    own: Mapping[str, Any]
    """The statement's own values."""
    asked: Mapping[str, Callable[[], Any]]
    """Those of them that are another each time, and how they are had."""
    lists: Mapping[str, int]
    """How many the caller's lists have to have."""
    changed: Sequence[tuple[int, Callable[[Any], Any]]]
    """Of which values, by place, the driver takes something else, and what that is made with."""
    turns: Sequence[Turn] = ()

    def given(self, values: Mapping[str, Any]) -> Any:
        """What the driver gets."""
        known: dict[Any, Any] = {**self.own, **values}
        for name, ask in self.asked.items():
            known[name] = ask()
        for name, size in self.lists.items():  # the last one again and again where there are fewer
            several = values[name]
            known.update(((name, place), several[min(place, len(several) - 1)]) for place in range(size))
        found = [known[key] for key in self.keys]
        for place, turn in self.changed:
            found[place] = turn(found[place])
        return tuple(found) if self.names is None else dict(zip(self.names, found, strict=True))


def _size(value: Any) -> int:
    """For how many a list is worded: the next power of two, so that there are few wordings."""
    return 1 << (len(value) - 1).bit_length() if isinstance(value, list | tuple) else 0


@lru_cache(KEPT)
def _question(question: Any, dialect: Dialect, names: Sequence[str], sizes: Sequence[int]) -> _Ready:
    compiled: SQLCompiler = question.compile(dialect=dialect)
    lists = {name: [None] * size if size else None for name, size in zip(names, sizes, strict=True)}
    turns = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in question.selected_columns]
    return _ready(compiled, dialect, lists, turns if any(turns) else ())


@lru_cache(KEPT)
def _insert(statement: Any, dialect: Dialect, names: Sequence[str]) -> _Ready:
    compiled: SQLCompiler = statement.inline().compile(dialect=dialect, column_keys=list(names))
    return _ready(compiled, dialect, dict.fromkeys(names), defaults=_defaults(compiled))


@lru_cache(KEPT)
def _insert_several(statement: Any, dialect: Dialect, names: Sequence[str], size: int) -> _Ready:
    columns = statement.table.c
    wanted = [
        {name: bindparam(f"{name}__{place}", type_=columns[name].type) for name in names} for place in range(size)
    ]
    compiled: SQLCompiler = statement.inline().values(wanted).compile(dialect=dialect)
    assert not compiled.insert_prefetch, f"no value for {compiled.insert_prefetch}"
    return _ready(compiled, dialect, {bound.key: None for row in wanted for bound in row.values()})


def _defaults(compiled: SQLCompiler) -> dict[str, Any]:
    defaults = {}
    for column in compiled.insert_prefetch:
        assert isinstance(column.default, ColumnDefault), f"no value for {column}"
        assert column.default.is_scalar, f"no value for {column}"
        defaults[column.key] = column.default.arg
    return defaults


def _ready(
    compiled: SQLCompiler,
    dialect: Dialect,
    lists: Mapping[str, Any],
    turns: Sequence[Turn] = (),
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> _Ready:
    worded = compiled.construct_expanded_state(lists)
    places = {
        one: (name, place) for name, several in worded.parameter_expansion.items() for place, one in enumerate(several)
    }
    keys: list[Key] = []
    own: dict[str, Any] = {}
    asked: dict[str, Callable[[], Any]] = {}
    changed = []
    for at, name in enumerate(worded.positiontup or worded.parameters):
        key = places.get(name, name)
        whole = name if isinstance(key, str) else key[0]
        bound = compiled.binds[whole]
        if whole in lists:
            pass
        elif bound.callable is not None:
            asked[whole] = bound.callable
        else:
            own[whole] = defaults.get(whole, bound.value)
        turn = bound.type.dialect_impl(dialect).bind_processor(dialect)
        keys.append(key)
        changed += [(at, turn)] if turn else []
    names = None if worded.positiontup is not None else tuple(worded.parameters)
    sizes = {name: len(several) for name, several in lists.items() if several}
    return _Ready(worded.statement, names, keys, own, asked, sizes, changed, turns)
