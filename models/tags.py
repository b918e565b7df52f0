"""Hashtags as somebody names them, and which of them mean the same.

A tag with synonyms is shown, followed and searched under its main name. What people wrote stays as it is; only where it
leads changes.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import text
from models.base import Base, UtcTime, now
from models.errors import NotFound


class TagSynonym(Base):
    """One tag that means another. Both as `text.tag_key` writes them."""

    __tablename__ = "tag_synonyms"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    main: Mapped[str] = mapped_column(Text, index=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def checked(tag: str) -> str:
    """A hashtag without its #, as it was written. Raises NotFound for what can be none."""
    tag = tag.strip().removeprefix("#")
    if not tag or len(tag) > 100 or not text.is_tag(tag) or any(not (c.isalnum() or c == "_") for c in tag):
        raise NotFound("Record not found")
    return tag


def mains(db: Session, names: Iterable[str]) -> dict[str, str]:
    """The main names of those of these tags that have another."""
    wanted = set(names)
    if not wanted:
        return {}
    query = select(TagSynonym.name, TagSynonym.main).where(TagSynonym.name.in_(wanted))
    return {row[0]: row[1] for row in db.execute(query)}


def families(db: Session, names: Iterable[str]) -> dict[str, list[str]]:
    """For each of these tags all that mean the same: the main name first. Two queries."""
    wanted = list(dict.fromkeys(names))
    main = mains(db, wanted)
    found = {name: [main.get(name, name)] for name in wanted}
    query = select(TagSynonym.name, TagSynonym.main).where(TagSynonym.main.in_({one[0] for one in found.values()}))
    for synonym, meant in db.execute(query.order_by(TagSynonym.name)):
        for family in found.values():
            if family[0] == meant:
                family.append(synonym)
    return found
