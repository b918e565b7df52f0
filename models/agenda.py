"""What meetings there are: between two times, narrowed by where they are and who holds them, for lists, calendar and map."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import whereabouts
from models.access import listed
from models.actors import Actor
from models.base import now
from models.feeds import findable
from models.meetings import Meeting
from models.posts import Post, Visibility
from models.whereabouts import Point

MOST = 1000
"""Meetings of one answer at most."""

Found = list[tuple[Post, Meeting]]


@dataclass(frozen=True)
class Choice:
    """Which meetings. Empty values ask for nothing."""

    community_id: int | None = None
    municipality: str = ""
    online: bool | None = None
    """Those one can join from afar, or those that have a place."""
    since: datetime | None = None
    """Not over by then."""
    until: datetime | None = None
    """Begun by then."""


EVERYTHING = Choice()


def find(
    db: Session,
    viewer: Actor | None,
    choice: Choice,
    *,
    after: tuple[datetime, int] | None = None,
    past: bool = False,
    over: bool = False,
    limit: int = MOST,
) -> Found:
    """Those that `viewer` may find, the first to come first; with `past` the last first. `over`: only those that have
    ended. `after`: beginning and number of the last one of the page before."""
    query = select(Post, Meeting).join(Meeting, Meeting.post_id == Post.id)
    query = query.where(listed(viewer), findable(), Post.removed_at.is_(None), *_wanted(choice))
    if viewer is None:
        query = query.where(Post.visibility == Visibility.PUBLIC)
    if over:
        query = query.where(Meeting.ends_at <= now())
    if after is not None:
        at, number = after
        beyond = Meeting.post_id < number if past else Meeting.post_id > number
        further = Meeting.starts_at < at if past else Meeting.starts_at > at
        query = query.where(further | ((Meeting.starts_at == at) & beyond))
    order = (Meeting.starts_at.desc(), Meeting.post_id.desc()) if past else (Meeting.starts_at, Meeting.post_id)
    return [(row[0], row[1]) for row in db.execute(query.order_by(*order).limit(limit))]


def _wanted(choice: Choice) -> Iterator[ColumnElement[bool]]:
    if choice.community_id is not None:
        yield Post.community_id == choice.community_id
    if choice.municipality:
        yield Meeting.municipality == choice.municipality
    if choice.online is True:
        yield Meeting.online_url != ""
    elif choice.online is False:
        yield (Meeting.place != "") | (Meeting.street != "") | (Meeting.town != "")
    if choice.since is not None:
        yield Meeting.ends_at > choice.since
    if choice.until is not None:
        yield Meeting.starts_at < choice.until


def nearest(found: Found, place: Point) -> list[tuple[Post, Meeting, float | None]]:
    """The same, those that are nearest first, with their distance in kilometres; what has no place comes last."""
    measured = [(post, row, _distance(row, place)) for post, row in found]
    return sorted(measured, key=lambda one: (one[2] is None, one[2] or 0.0, one[1].starts_at, one[0].id))


def _distance(row: Meeting, place: Point) -> float | None:
    where = whereabouts.point(row)
    return None if where is None else whereabouts.kilometres(where, place)
