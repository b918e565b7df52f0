"""The rows of several owners that are nearest to a place in a list: the posts of all whom somebody follows, and the like.

Each owner's own are read from an index, so many as could be needed, and the best of them kept. So a stretch of such a
list costs what it shows and how many owners there are, and not how much they have written: the databases by themselves
would gather all of it and sort it, or look through what all others have written meanwhile.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, select, true
from sqlalchemy.orm import Session, aliased

from models.windows import Window

FIRST_LOOK = 3
"""So many times what is wanted is looked at first: most of it may be shown to whoever asks."""

WIDER = 8
MOST = 3000
"""With more than so many the databases do better by themselves."""

Owners = Select[*tuple[Any, ...]]
"""A query for one column."""


def rows(
    db: Session,
    query: Select[*tuple[Any, ...]],
    at: Any,
    window: Window,
    owners: Owners,
    by: tuple[Any, Any],
) -> list[Any]:
    """The stretch of `query` that `window` cuts out of it, newest first; `at` is the column of its cursor.

    `by`: of an indexed table the column of the owner, and the one in which `at` stands. The query itself has to ask for
    the owners too: how many of the nearest it shows is not known before.
    """
    most = FIRST_LOOK * window.limit
    while most <= MOST:
        ids = nearest(db, owners, by, replace(window, limit=most))
        found = window.rows(db, query.where(at.in_(ids)), at) if ids else []
        if len(found) == window.limit or len(ids) < most:
            return found
        most *= WIDER
    return window.rows(db, query, at)


def nearest(
    db: Session,
    owners: Owners,
    by: tuple[Any, Any],
    window: Window,
) -> list[int]:
    """What stands in the second column of `by` for any of the owners, the nearest first, each once."""
    of, inner, outer = owners.subquery(), aliased(by[0].class_), aliased(by[0].class_)
    owner, key = (getattr(inner, column.key) for column in by)
    each = window.cut(select(key.label("key")).where(owner == of.c[0]), key).correlate(of)
    if db.get_bind().dialect.name == "sqlite":
        column = getattr(outer, by[1].key)
        same = and_(getattr(outer, by[0].key) == of.c[0], column.in_(each))
        query = select(column).select_from(of).join(outer, same)
    else:
        part = each.lateral()
        column = part.c.key
        query = select(column).select_from(of).join(part, true())
    return list(db.scalars(window.cut(query.distinct(), column)))
