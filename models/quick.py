"""Statements of the busiest ways, put into words once and then given to the driver as they are.

SQLAlchemy puts together anew at every run what it has kept of a statement, which for small ones takes longer than the
database does. Here that is done once. Who calls gives the same values, and gets the same rows, as with
`Session.execute`. For statements about tables that live as long as the process, and nothing that the session holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.schema import ColumnDefault
from sqlalchemy.sql.compiler import SQLCompiler

KEPT = 500
"""Statements that are kept, each for some numbers of values."""

Turn = Callable[[Any], Any] | None
"""Makes of a value what the driver takes, or of what it gives a value; None: it stays as it is."""


def rows(db: Session, question: Any, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a SELECT finds. A list among `values`, for an expanding parameter, must not be empty."""
    connection = db.connection()
    sizes = tuple(_size(value) for value in values.values())
    ready = _question(question, connection.dialect, tuple(values), sizes)
    found = connection.exec_driver_sql(ready.text, ready.given(values)).fetchall()
    if not ready.turns:
        return [tuple(row) for row in found]
    return [tuple(turn(one) if turn else one for turn, one in zip(ready.turns, row, strict=True)) for row in found]


def insert(db: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert all rows, which have the same columns: all but those whose default is a plain value."""
    connection = db.connection()
    ready = _insert(statement, connection.dialect, tuple(rows[0]))
    connection.exec_driver_sql(ready.text, [ready.given(row) for row in rows])


@dataclass(frozen=True)
class _Ready:
    """A statement in the words of a database."""

    text: str
    names: Sequence[str] | None
    """What the driver calls the values; None where it counts them."""
    values: Sequence[tuple[str | None, int | None, Callable[[], Any], Turn]]
    """Where each is from: the caller's name for it (None: it is the statement's own), its place if that is a list, how
    the statement's own is had, and what is made of it."""
    turns: Sequence[Turn] = ()

    def given(self, values: Mapping[str, Any]) -> Any:
        """What the driver gets."""
        found = []
        for name, place, own, turn in self.values:
            if name is None:
                value = own()
            elif place is None:
                value = values[name]
            else:  # the last one again and again where there are fewer
                several = values[name]
                value = several[place] if place < len(several) else several[-1]
            found.append(turn(value) if turn else value)
        return tuple(found) if self.names is None else dict(zip(self.names, found, strict=True))


def _size(value: Any) -> int:
    """For how many a list is worded: the next power of two, so that there are few wordings."""
    return 1 << (len(value) - 1).bit_length() if isinstance(value, list) else 0


@lru_cache(KEPT)
def _question(question: Any, dialect: Dialect, names: Sequence[str], sizes: Sequence[int]) -> _Ready:
    compiled: SQLCompiler = question.compile(dialect=dialect)
    lists = {name: [None] * size if size else None for name, size in zip(names, sizes, strict=True)}
    turns = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in question.selected_columns]
    return _ready(compiled, dialect, lists, turns if any(turns) else ())


@lru_cache(KEPT)
def _insert(statement: Any, dialect: Dialect, names: Sequence[str]) -> _Ready:
    compiled: SQLCompiler = statement.inline().compile(dialect=dialect, column_keys=list(names))
    defaults = {}
    for column in compiled.insert_prefetch:
        assert isinstance(column.default, ColumnDefault), f"no value for {column}"
        assert column.default.is_scalar, f"no value for {column}"
        defaults[column.key] = column.default.arg
    return _ready(compiled, dialect, dict.fromkeys(names), defaults=defaults)


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
    values = []
    for name in worded.positiontup or worded.parameters:
        whole, place = places.get(name, (name, None))
        bound = compiled.binds[whole]
        own = partial(defaults.get, whole) if whole in defaults else partial(getattr, bound, "effective_value")
        turn = bound.type.dialect_impl(dialect).bind_processor(dialect)
        values.append((whole if whole in lists else None, place, own, turn))
    names = None if worded.positiontup is not None else tuple(worded.parameters)
    return _Ready(worded.statement, names, values, turns)
