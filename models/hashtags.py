"""Hashtags in numbers: how many posts and people used a tag on each of the last seven days."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import text
from models.access import listed
from models.base import first_id, now, stretch
from models.feeds import findable
from models.posts import Kind, Post, PostTag, Visibility

DAYS = 7


@dataclass(frozen=True)
class Day:
    """The posts with a tag on one day, and by how many people; `at` is midnight, UTC."""

    at: datetime
    uses: int = 0
    accounts: int = 0


def number(name: str) -> int:
    """A lasting number for a tag, as clients want an id for everything."""
    return int.from_bytes(hashlib.sha256(text.tag_key(name).encode()).digest()[:8], "big") >> 1


def oldest(days: int = DAYS) -> int:
    """Ids from here on belong to today and the days before it, `days` in all."""
    return first_id(_midnights(days)[0])


def _midnights(days: int) -> list[datetime]:
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight - timedelta(days=back) for back in range(days - 1, -1, -1)]


def _counted(*columns: Any) -> Select[*tuple[Any, ...]]:
    """Public posts of the last days that let themselves be found, with their tags."""
    return (
        select(*columns)
        .join(Post, PostTag.post_id == Post.id)
        .where(Post.id >= oldest(), Post.visibility == Visibility.PUBLIC, listed(None), findable())
    )


def history(db: Session, names: Iterable[str]) -> dict[str, list[Day]]:
    """What was posted with each of these tags (as `text.tag_key` writes them): seven days, today first. One query."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    days = _midnights(DAYS)
    day = stretch(Post.id, days).label("day")
    query = (
        _counted(PostTag.name, day, func.count(), func.count(func.distinct(Post.author_id)))
        .where(PostTag.name.in_(wanted))
        .group_by(PostTag.name, day)
    )
    found = {(name, number): (uses, people) for name, number, uses, people in db.execute(query)}
    newest_first = list(enumerate(days))[::-1]
    return {name: [Day(at, *found.get((name, number), (0, 0))) for number, at in newest_first] for name in wanted}


def popular(db: Session, limit: int = 10) -> list[str]:
    """The tags most people used in the last seven days, as they were written."""
    people = func.count(func.distinct(Post.author_id))
    query = (
        _counted(func.max(PostTag.shown))
        .group_by(PostTag.name)
        .order_by(people.desc(), func.count().desc(), PostTag.name)
    )
    return list(db.scalars(query.limit(limit)))


def beginning(db: Session, asked: str, *, offset: int = 0, limit: int = 20) -> list[tuple[str, str]]:
    """(key, as written) of hashtags on public posts that begin as asked: that very tag first, then the shortest."""
    wanted = text.tag_key(asked.strip().split(" ")[0])
    if not text.is_tag(wanted):
        return []
    query = (
        select(PostTag.name, func.max(PostTag.shown))
        .join(Post, PostTag.post_id == Post.id)
        .where(PostTag.name.startswith(wanted, autoescape=True), Post.visibility == Visibility.PUBLIC)
        .group_by(PostTag.name)
        .order_by(func.length(PostTag.name), PostTag.name)
        .offset(offset)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in db.execute(query)]


def answered_under(db: Session, actor_id: int, *, limit: int = 12) -> list[str]:
    """The tags of questions somebody answered, of the newest 200 answers; those he met most often first."""
    # Not "= 'answer'", else SQLite looks through the answers of everybody.
    answers = ~Post.kind.op("<>", is_comparison=True)(Kind.ANSWER)
    threads = select(Post.thread_id).where(Post.author_id == actor_id, answers, Post.deleted_at.is_(None))
    newest = threads.order_by(Post.id.desc()).limit(200).subquery()
    times = func.count()
    query = select(PostTag.name).where(PostTag.post_id.in_(select(newest.c.thread_id))).group_by(PostTag.name)
    return list(db.scalars(query.order_by(times.desc(), PostTag.name).limit(limit)))


def written(db: Session, name: str) -> str:
    """A tag as it was last written here; as it was asked for where nobody wrote it."""
    query = select(PostTag.shown).where(PostTag.name == text.tag_key(name)).order_by(PostTag.post_id.desc()).limit(1)
    return db.scalar(query) or name
