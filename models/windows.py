"""A stretch of a list that is ordered by id, newest first: how every list here is cut into pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Integer, Select, bindparam
from sqlalchemy.orm import Session

from models.base import Id

BEFORE: Any = bindparam("before", type_=Id)
BOUND: Any = bindparam("bound", type_=Id)
LIMIT: Any = bindparam("limit", type_=Integer())

S = TypeVar("S", bound=Select[*tuple[Any, ...]])
R = TypeVar("R")

Kind = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Window:
    """At most `limit` rows.

    `before`: those just below an id. `since`: none at or below an id, starting from the newest. `after`: those just
    above an id. Rows come newest first whichever of them is set; `before` goes together with either of the others.
    """

    before: int | None = None
    since: int | None = None
    after: int | None = None
    limit: int = 20

    @property
    def upwards(self) -> bool:
        """Whether the rows nearest to the lower end are wanted."""
        return self.after is not None

    @property
    def bound(self) -> int | None:
        """The id above which all rows are."""
        return max((value for value in (self.since, self.after) if value is not None), default=None)

    @property
    def kind(self) -> Kind:
        """What windows have in common whose statements differ in numbers only."""
        return self.before is not None, self.bound is not None, self.upwards

    @classmethod
    def named(cls, kind: Kind) -> "Window":
        """One of a kind with names for its numbers: what it cuts is a statement for all windows of this kind, which is
        run with the `values` of one."""
        before, bound, upwards = kind
        return cls(
            before=BEFORE if before else None,
            since=BOUND if bound and not upwards else None,
            after=BOUND if upwards else None,
            limit=LIMIT,
        )

    @property
    def values(self) -> dict[str, Any]:
        """The numbers, under those names."""
        numbers = {BEFORE.key: self.before, BOUND.key: self.bound, LIMIT.key: self.limit}
        return {name: value for name, value in numbers.items() if value is not None}

    def cut(self, query: S, column: Any) -> S:
        """The query for this stretch; its rows come in the order in which they are found, so `arrange` them."""
        if self.before is not None:
            query = query.where(column < self.before)
        if self.since is not None or self.after is not None:
            query = query.where(column > self.bound)
        return query.order_by(column.asc() if self.upwards else column.desc()).limit(self.limit)

    def arrange(self, rows: Sequence[R]) -> list[R]:
        """Rows found by `cut`, newest first."""
        return list(reversed(rows)) if self.upwards else list(rows)

    def rows(self, db: Session, query: Select[*tuple[Any, ...]], column: Any) -> list[Any]:
        """This stretch of a query over several columns or tables, newest first."""
        return self.arrange(db.execute(self.cut(query, column)).all())

    def scalars(self, db: Session, query: Select[*tuple[Any, ...]], column: Any) -> list[Any]:
        """This stretch of a query over one table, newest first."""
        return self.arrange(db.scalars(self.cut(query, column)).all())

    def run(self, db: Session, statement: Any, values: Mapping[str, Any]) -> list[Any]:
        """What a statement finds that was cut by a window of this kind, newest first. `values`: of its other names."""
        return self.arrange(db.execute(statement, {**values, **self.values}).all())

    def best(self, found: Sequence[R], at: Any) -> list[R]:
        """The rows of this stretch among those of several queries that were each cut by it; `at(row)` is a row's id."""
        ordered = sorted(found, key=at, reverse=not self.upwards)[: self.limit]
        return self.arrange(ordered)
