"""Hashtags somebody shows on his profile, with how often and when he last used each."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import text
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Invalid, NotFound
from models.posts import Post, PostTag, Visibility
from models.tags import checked

MAX_FEATURED = 10
SUGGESTED = 10
OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


class FeaturedTag(Base):
    """One tag on one profile. `name` as `text.tag_key` writes it; `shown` as its owner wrote it."""

    __tablename__ = "featured_tags"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)
    shown: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Use:
    """How often somebody used a tag in posts anybody may read, and on which day last; None for never."""

    count: int = 0
    last: date | None = None


def of(db: Session, account_id: int) -> list[tuple[FeaturedTag, Use]]:
    """The tags on a profile with their use, oldest first. Two queries."""
    rows = list(db.scalars(select(FeaturedTag).where(FeaturedTag.account_id == account_id).order_by(FeaturedTag.id)))
    used = uses(db, account_id, [row.name for row in rows]) if rows else {}
    return [(row, used.get(row.name, Use())) for row in rows]


def uses(db: Session, account_id: int, names: list[str]) -> dict[str, Use]:
    """How somebody used these tags."""
    query = (
        select(PostTag.name, func.count(), func.max(Post.published))
        .join(Post, PostTag.post_id == Post.id)
        .where(
            Post.author_id == account_id,
            PostTag.name.in_(names),
            Post.visibility.in_(OPEN),
            Post.deleted_at.is_(None),
        )
        .group_by(PostTag.name)
    )
    return {name: Use(count, last.date()) for name, count, last in db.execute(query)}


def add(db: Session, account_id: int, tag: str) -> FeaturedTag:
    """Show a tag on one's profile. Raises Invalid for what is no tag or shown already, and for the eleventh."""
    try:
        tag = checked(tag)
    except NotFound:
        raise Invalid("Validation failed: Name is invalid") from None
    name = text.tag_key(tag)
    shown = [row.name for row, _ in of(db, account_id)]
    if name in shown:
        raise Invalid("Validation failed: Name has already been taken")
    if len(shown) >= MAX_FEATURED:
        raise Invalid("Validation failed: You have already featured the maximum number of hashtags")
    row = FeaturedTag(id=new_id(), account_id=account_id, name=name, shown=tag)
    db.add(row)
    db.flush()
    return row


def get(db: Session, account_id: int, row_id: int) -> FeaturedTag:
    """One of an account's own featured tags; NotFound also for those of others."""
    query = select(FeaturedTag).where(FeaturedTag.id == row_id, FeaturedTag.account_id == account_id)
    if (row := db.scalar(query)) is None:
        raise NotFound("Record not found")
    return row


def by_name(db: Session, account_id: int, tag: str) -> FeaturedTag | None:
    """The featured tag with this name, if there is one."""
    query = select(FeaturedTag).where(FeaturedTag.account_id == account_id, FeaturedTag.name == text.tag_key(tag))
    return db.scalar(query)


def featured(db: Session, account_id: int, names: list[str]) -> set[str]:
    """Which of these tags are on a profile."""
    query = select(FeaturedTag.name).where(FeaturedTag.account_id == account_id, FeaturedTag.name.in_(names))
    return set(db.scalars(query))


def remove(db: Session, row: FeaturedTag) -> None:
    """Take a tag off one's profile."""
    db.delete(row)
    db.flush()


def suggestions(db: Session, account_id: int) -> list[str]:
    """The tags somebody uses most and does not feature, as they were written."""
    shown = select(FeaturedTag.name).where(FeaturedTag.account_id == account_id)
    query = (
        select(func.max(PostTag.shown))
        .join(Post, PostTag.post_id == Post.id)
        .where(
            Post.author_id == account_id,
            Post.visibility.in_(OPEN),
            Post.deleted_at.is_(None),
            PostTag.name.not_in(shown),
        )
        .group_by(PostTag.name)
        .order_by(func.count().desc(), PostTag.name)
        .limit(SUGGESTED)
    )
    return list(db.scalars(query))
