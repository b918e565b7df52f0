"""How well a community of this node answers: a handful of figures, all read from one index and no row (`Post.__table_args__`)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.base import first_id, now, stretch
from models.posts import Kind, Post

PERIOD = timedelta(days=90)
DAY = 24 * 3600
WEEKS = 12
_THERE = (Post.held_for == "", Post.removed_at.is_(None), Post.deleted_at.is_(None))
ASKED = (Post.kind == Kind.QUESTION, Post.duplicate_of_id.is_(None), *_THERE)
ANSWERED = (Post.kind == Kind.ANSWER, *_THERE)


@dataclass(frozen=True)
class Statistics:
    """What was asked in the community itself and not before, at its twins or elsewhere; all but `unanswered` of the last 90 days."""

    unanswered: int
    """Questions that have no answer now, however old."""
    due: int
    """Questions that are a day old, or were answered sooner."""
    within_a_day: int
    """Those of them that were answered within a day."""
    median: int | None
    """Seconds to the first answer for half of the answered ones; None where none was answered."""
    answerers: int
    """How many wrote answers."""
    weeks: list[tuple[datetime, int]]
    """(Monday, UTC; new questions) for each of twelve weeks, the present one last."""

    @property
    def share(self) -> int | None:
        """Percent answered within a day, rounded; None where nothing was due."""
        return round(100 * self.within_a_day / self.due) if self.due else None

    @property
    def busiest(self) -> int:
        """The most questions of one week, at least 1."""
        return max(1, *(number for _, number in self.weeks))


def of(db: Session, community_id: int) -> Statistics:
    """The figures of a community, in five queries."""
    asked = (Post.community_id == community_id, *ASKED)
    recent = (*asked, Post.id >= first_id(now() - PERIOD))
    soon = Post.answered_after <= DAY
    unanswered = _count(db, *asked, Post.answered_after.is_(None))
    due, within, answered = db.execute(
        select(
            func.count().filter(or_(Post.id < first_id(now() - timedelta(days=1)), soon)),
            func.count().filter(soon),
            func.count(Post.answered_after),
        ).where(*recent)
    ).one()
    middle = select(Post.answered_after).where(*recent, Post.answered_after.is_not(None))
    median = db.scalar(middle.order_by(Post.answered_after).limit(1).offset((answered - 1) // 2)) if answered else None
    answerers = db.scalar(
        select(func.count(Post.author_id.distinct())).where(
            Post.community_id == community_id, *ANSWERED, Post.id >= first_id(now() - PERIOD)
        )
    )
    return Statistics(unanswered, due, within, median, answerers or 0, _weeks(db, *asked))


def unanswered(db: Session, community_ids: list[int]) -> dict[int, int]:
    """How many questions have no answer now in each of several communities; those with none have no entry."""
    query = (
        select(Post.community_id, func.count())
        .where(Post.community_id.in_(community_ids), *ASKED, Post.answered_after.is_(None))
        .group_by(Post.community_id)
    )
    return {row[0] or 0: row[1] for row in db.execute(query)} if community_ids else {}


def _count(db: Session, *conditions: Any) -> int:
    return db.scalar(select(func.count()).select_from(Post).where(*conditions)) or 0


def _weeks(db: Session, *asked: Any) -> list[tuple[datetime, int]]:
    present = now().astimezone(UTC)
    monday = present.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=present.weekday())
    begun = [monday - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    week = stretch(Post.id, begun).label("week")
    query = select(week, func.count()).where(*asked, Post.id >= first_id(begun[0])).group_by(week)
    found = {row[0]: row[1] for row in db.execute(query)}
    return [(start, found.get(number, 0)) for number, start in enumerate(begun)]
