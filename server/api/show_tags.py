"""Hashtags as clients read them, a whole list at a time."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import featured_tags, hashtags, tag_follows, text
from models.actors import Actor
from models.database import node_of
from models.featured_tags import Use
from server.api.entities.tags import FeaturedTag, Tag, TagDay


def tags(db: Session, viewer: Actor | None, written: Sequence[str]) -> list[Tag]:
    """Tags (as they are to be shown) with their last seven days, in the order given. Three queries at most."""
    names = [text.tag_key(one) for one in written]
    days = hashtags.history(db, names)
    following = tag_follows.followed(db, viewer.id, names) if viewer is not None else set()
    featuring = featured_tags.featured(db, viewer.id, names) if viewer is not None else set()
    origin = node_of(db).origin
    found = []
    for name, shown in zip(names, written, strict=True):
        tag = Tag(
            id=str(hashtags.number(name)),
            name=shown,
            url=text.tag_url(origin, name),
            history=[_day(day) for day in days[name]],
        )
        if viewer is not None:
            tag.following, tag.featuring = name in following, name in featuring
        found.append(tag)
    return found


def _day(day: hashtags.Day) -> TagDay:
    return TagDay(day=str(int(day.at.timestamp())), uses=str(day.uses), accounts=str(day.accounts))


def featured(origin: str, row: featured_tags.FeaturedTag, use: Use) -> FeaturedTag:
    """A tag on somebody's profile."""
    return FeaturedTag(
        id=str(row.id),
        name=row.shown,
        url=text.tag_url(origin, row.name),
        statuses_count=str(use.count),
        last_status_at=use.last.isoformat() if use.last else None,
    )
