"""Hashtags somebody follows: public posts with them come into his home timeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, Text, UniqueConstraint, delete, func, select, union
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models import text
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now
from models.errors import Invalid
from models.tags import TagSynonym, checked
from models.windows import Window

MAX_FOLLOWED = 200
FIRST = Window(limit=100)


class TagFollow(Base):
    """One tag that one account follows. `name` as `text.tag_key` writes it."""

    __tablename__ = "tag_follows"
    __table_args__ = (UniqueConstraint("account_id", "name"), Index("ix_tag_follows_name", "name"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)
    shown: Mapped[str] = mapped_column(Text)
    """As it was written when it was followed."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def follow(db: Session, account_id: int, tag: str) -> None:
    """Follow a tag; twice is once. Raises NotFound for what is no tag, and Invalid when there are too many."""
    tag = checked(tag)
    held = db.scalar(select(func.count()).select_from(TagFollow).where(TagFollow.account_id == account_id)) or 0
    if held >= MAX_FOLLOWED:
        raise Invalid(f"Validation failed: At most {MAX_FOLLOWED} tags can be followed")
    values = {"account_id": account_id, "name": text.tag_key(tag), "shown": tag, "created_at": now()}
    insert_unless_there(db, TagFollow, id=new_id(), **values)


def unfollow(db: Session, account_id: int, tag: str) -> None:
    """End `follow`."""
    db.execute(delete(TagFollow).where(TagFollow.account_id == account_id, TagFollow.name == text.tag_key(tag)))


def page(db: Session, account_id: int, window: Window = FIRST) -> list[TagFollow]:
    """What an account follows, last followed first; the cursor is the row's id."""
    return window.scalars(db, select(TagFollow).where(TagFollow.account_id == account_id), TagFollow.id)


def followed(db: Session, account_id: int, names: Iterable[str]) -> set[str]:
    """Which of these tags (as `text.tag_key` writes them) an account follows."""
    wanted = set(names)
    if not wanted:
        return set()
    query = select(TagFollow.name).where(TagFollow.account_id == account_id, TagFollow.name.in_(wanted))
    return set(db.scalars(query))


def count(db: Session, names: Iterable[str]) -> int:
    """How many follow one of these tags."""
    accounts = func.count(func.distinct(TagFollow.account_id))
    return db.scalar(select(accounts).where(TagFollow.name.in_(list(names)))) or 0


def names(account_id: int) -> Select[*tuple[Any, ...]]:
    """A query for the names of the tags an account follows, and of those that mean the same."""
    # Without WITH: it would be lifted to the top of the query, where PostgreSQL knows no reader of an outer one.
    named = aliased(TagSynonym)
    main = func.coalesce(named.main, TagFollow.name)
    followed = (
        select(main.label("name"))
        .select_from(TagFollow)
        .outerjoin(named, named.name == TagFollow.name)
        .where(TagFollow.account_id == account_id)
    )
    alike = followed.with_only_columns(TagSynonym.name).join(TagSynonym, TagSynonym.main == main)
    return select(union(followed, alike).subquery().c[0])
