"""The rows of several owners that are nearest to a place in a list: the posts of all whom somebody follows, and the like.

Each owner's own are read from an index, so many as could be needed, and the best of them kept. So a stretch of such a
list costs what it shows and how many owners there are, and not how much they have written: the databases by themselves
would gather all of it and sort it, or look through what all others have written meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, and_, select, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Session, aliased

from models.base import IDS
from models.windows import Window

FIRST_LOOK = 3
"""So many times what is wanted is looked at first: most of it may be shown to whoever asks."""

WIDER = 8
MOST = 3000
"""With more than so many the databases do better by themselves."""

Owners = Select[*tuple[Any, ...]]
"""A query for one column."""


NOBODY: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Way:
    """One way into a list: whose rows are looked through, and which of them are shown.

    `query` has to ask for the owners too: how many of the nearest it shows is not known before. `at` is the column of
    its cursor. Putting the statements together takes longer than running them; so a way that is kept keeps them.
    """

    query: Select[*tuple[Any, ...]]
    at: Any
    owners: Owners
    by: tuple[Any, Any]
    """Of an indexed table, the columns of the owner and of the cursor."""
    which: str = ""
    """If only part of the table is looked through: the condition of its index, in the same words."""
    among: Select[*tuple[Any, ...]] | None = None
    """The query as it is asked among ids, where it is worded otherwise for that."""
    _made: dict[Any, Select[*tuple[Any, ...]]] = field(default_factory=dict, init=False, repr=False)

    def rows(self, db: Session, window: Window, values: Mapping[str, Any] = NOBODY) -> list[Any]:
        """The stretch that `window` cuts out of what is shown, newest first. `values`: of the names in the queries."""
        most = FIRST_LOOK * window.limit
        while most <= MOST:
            ids = self.ids(db, replace(window, limit=most), values)
            found = self._shown(db, window, ids, values) if ids else []
            if len(found) == window.limit or len(ids) < most:
                return found
            most *= WIDER
        statement = self._statement(("all", window.kind), lambda: Window.named(window.kind).cut(self.query, self.at))
        return window.run(db, statement, values)

    def ids(self, db: Session, window: Window, values: Mapping[str, Any] = NOBODY) -> list[int]:
        """What stands in the second column of `by` for any of the owners, the nearest first, each once."""
        sqlite = db.get_bind().dialect.name == "sqlite"
        statement = self._statement(
            ("ids", sqlite, window.kind), lambda: self._nearest(Window.named(window.kind), sqlite)
        )
        return list(db.scalars(statement, {**values, **window.values}))

    def _shown(self, db: Session, window: Window, ids: list[int], values: Mapping[str, Any]) -> list[Any]:
        def make() -> Select[*tuple[Any, ...]]:
            query = self.query if self.among is None else self.among
            return Window.named(window.kind).cut(query.where(self.at.in_(IDS)), self.at)

        return window.run(db, self._statement(("shown", window.kind), make), {**values, IDS.key: ids})

    def _statement(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _nearest(self, window: Window, sqlite: bool) -> Select[*tuple[Any, ...]]:
        of, inner, outer = self.owners.subquery(), aliased(self.by[0].class_), aliased(self.by[0].class_)
        owner, key = (getattr(inner, column.key) for column in self.by)
        which = sql(self.which) if self.which else true()
        each = window.cut(select(key.label("key")).where(owner == of.c[0], which), key).correlate(of)
        if sqlite:
            column = getattr(outer, self.by[1].key)
            theirs = getattr(outer, self.by[0].key)
            # `+ 0`: each id by itself, and not the part of the table once more, which is in another index too.
            same = and_((theirs + 0 if self.which else theirs) == of.c[0], column.in_(each))
            query = select(column).select_from(of).join(outer, same)
        else:
            part = each.lateral()
            column = part.c.key
            query = select(column).select_from(of).join(part, true())
        # `+ 0`: else SQLite goes through all of an owner up to a bound, and not to the few ids one by one.
        return window.cut(query.distinct(), column + 0 if sqlite else column)
