"""Announcements: what the administrators want everybody with an account to know."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, case, delete, exists, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, events, text
from models.base import Base, Id, Json, UtcTime, insert_unless_there, new_id, now
from models.database import node_of
from models.errors import Invalid, NotFound

MAX_TEXT = 5000
MAX_REACTIONS = 8
"""Different emojis below one announcement."""

SHOWN = 50
SHOWN_FOR = timedelta(days=90)
"""So long an announcement without an end is shown."""


class Announcement(Base):
    """One announcement; it is shown until `ends_at`."""

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    """Markdown."""
    content: Mapped[str] = mapped_column(Text)
    """Clean HTML."""
    mentions: Mapped[Any] = mapped_column(Json, default=list)
    """The ids of the actors it names."""
    tags: Mapped[Any] = mapped_column(Json, default=list)
    starts_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Of what is announced, for people to read; it has no other effect."""
    ends_at: Mapped[datetime | None] = mapped_column(UtcTime)
    all_day: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)

    @property
    def last(self) -> datetime | None:
        """The last moment before it ends, which falls on its last day."""
        return self.ends_at - timedelta(seconds=1) if self.ends_at else None


class Dismissal(Base):
    """An account has read an announcement."""

    __tablename__ = "announcement_dismissals"

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)


class Reaction(Base):
    """An account's emoji below an announcement."""

    __tablename__ = "announcement_reactions"
    __table_args__ = (
        UniqueConstraint("announcement_id", "account_id", "name"),
        Index("ix_announcement_reactions_account_id", "account_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Tally:
    """How many reacted with an emoji, and whether the asker is one of them."""

    name: str
    count: int
    me: bool


def announce(
    db: Session,
    source: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    all_day: bool = False,
) -> Announcement:
    """Say something to everybody with an account, at once. Raises Invalid."""
    row = Announcement(id=new_id(), published_at=now(), updated_at=now(), all_day=all_day)
    _fill(db, row, source, starts_at, ends_at)
    db.add(row)
    db.flush()
    events.announced(db, row.id)
    return row


def change(
    db: Session, row: Announcement, source: str, *, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> None:
    """Say it differently; those who dismissed it are not asked to read it again. Raises Invalid."""
    _fill(db, row, source, starts_at, ends_at)
    row.updated_at = max(now(), row.updated_at + timedelta(milliseconds=1))
    db.flush()
    events.announced(db, row.id)


def _fill(db: Session, row: Announcement, source: str, starts_at: datetime | None, ends_at: datetime | None) -> None:
    if not source.strip():
        raise Invalid("There is nothing in it yet.", code="text_missing")
    if len(source) > MAX_TEXT:
        raise Invalid(f"At most {MAX_TEXT} characters.", code="text_long")
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise Invalid("It cannot end before it begins.", code="ends_early")
    node = node_of(db)
    rendered = text.render_markdown(source, resolve=lambda handle: actors.find(db, handle), origin=node.origin)
    row.source, row.content, row.starts_at, row.ends_at = source, rendered.html, starts_at, ends_at
    row.mentions, row.tags = [actor.id for actor in rendered.mentions], list(rendered.tags)


def withdraw(db: Session, row: Announcement) -> None:
    """Take an announcement back for good."""
    events.announcement_gone(db, row.id)
    db.delete(row)
    db.flush()


def everything(db: Session) -> list[Announcement]:
    """All that are kept, newest first, for those who look after the node."""
    return list(db.scalars(select(Announcement).order_by(Announcement.id.desc()).limit(SHOWN)))


def current(db: Session, account_id: int, *, with_dismissed: bool = False) -> list[Announcement]:
    """What an account should know now, oldest first."""
    recent = or_(Announcement.ends_at > now(), Announcement.ends_at.is_(None))
    query = select(Announcement).where(recent, Announcement.published_at > now() - SHOWN_FOR)
    if not with_dismissed:
        done = exists().where(Dismissal.announcement_id == Announcement.id, Dismissal.account_id == account_id)
        query = query.where(~done)
    return list(reversed(db.scalars(query.order_by(Announcement.id.desc()).limit(SHOWN)).all()))


def get(db: Session, announcement_id: int) -> Announcement:
    """One announcement; raises NotFound."""
    if (row := db.get(Announcement, announcement_id)) is None:
        raise NotFound("Record not found")
    return row


def dismiss(db: Session, account_id: int, row: Announcement) -> None:
    """The account has read it; twice is once."""
    insert_unless_there(db, Dismissal, announcement_id=row.id, account_id=account_id)


def dismissed(db: Session, account_id: int, ids: Iterable[int]) -> set[int]:
    """Which of these an account has read."""
    query = select(Dismissal.announcement_id).where(
        Dismissal.account_id == account_id, Dismissal.announcement_id.in_(list(ids))
    )
    return set(db.scalars(query))


def react(db: Session, account_id: int, row: Announcement, name: str) -> None:
    """Put an emoji below an announcement; twice is once.

    Raises Invalid for what is no emoji, and for one more sort of emoji than there is room for.
    """
    if not is_emoji(name):
        raise Invalid("Validation failed: Name is not a recognized emoji")
    there = [tally.name for tally in tallies(db, account_id, [row.id]).get(row.id, [])]
    if name not in there and len(there) >= MAX_REACTIONS:
        raise Invalid("Validation failed: Limit of different reactions reached")
    values = {"announcement_id": row.id, "account_id": account_id, "name": name}
    if insert_unless_there(db, Reaction, id=new_id(), **values):
        _tell(db, row, name)


def unreact(db: Session, account_id: int, row: Announcement, name: str) -> None:
    """Take an emoji back. Raises NotFound where there is none."""
    mine = (Reaction.announcement_id == row.id, Reaction.account_id == account_id, Reaction.name == name)
    if db.execute(delete(Reaction).where(*mine).returning(Reaction.id)).first() is None:
        raise NotFound("Record not found")
    _tell(db, row, name)


def _tell(db: Session, row: Announcement, name: str) -> None:
    same = select(func.count()).select_from(Reaction)
    count = db.scalar(same.where(Reaction.announcement_id == row.id, Reaction.name == name)) or 0
    events.announcement_reacted(db, row.id, name, count)


def tallies(db: Session, account_id: int | None, ids: Iterable[int]) -> dict[int, list[Tally]]:
    """The emojis below several announcements, in the order in which they first came."""
    mine = func.max(case((Reaction.account_id == account_id, 1), else_=0))
    query = (
        select(Reaction.announcement_id, Reaction.name, func.count(), mine)
        .where(Reaction.announcement_id.in_(list(ids)))
        .group_by(Reaction.announcement_id, Reaction.name)
        .order_by(func.min(Reaction.id))
    )
    found: dict[int, list[Tally]] = {}
    for announcement_id, name, count, me in db.execute(query):
        found.setdefault(announcement_id, []).append(Tally(name, count, bool(me)))
    return found


def is_emoji(name: str) -> bool:
    """Whether this is one emoji (or two: nobody is harmed), and nothing else: no letters, no text, no blanks."""
    if not 0 < len(name) <= 20:
        return False
    if "\u20e3" in name:  # a digit in a box
        return len(name) <= 3 and name[0] in "0123456789#*" and set(name[1:]) <= {"\ufe0f", "\u20e3"}
    pictures = [c for c in name if unicodedata.category(c) == "So" or c in "‼⁉↔↩↪〰〽"]
    joined = {"\u200d", "\ufe0f"}
    others = [c for c in name if c not in pictures and c not in joined]
    small = all("\U0001f3fb" <= c <= "\U0001f3ff" or "\U000e0020" <= c <= "\U000e007f" for c in others)
    return bool(pictures) and small and all(ord(c) > 0x203B or c in "©®‼" for c in pictures)
