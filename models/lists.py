"""Lists: some of those somebody follows, under a name of his own, with a timeline of their own."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, Text, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import follows
from models.actors import Actor
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now
from models.errors import Invalid, NotFound
from models.follows import Follow
from models.windows import Window

MAX_LISTS = 50
MAX_TITLE = 200
MOST = Window(limit=40)


class RepliesPolicy(StrEnum):
    """Which replies of its members a list shows: to anybody one follows, to other members, or none."""

    FOLLOWED = "followed"
    LIST = "list"
    NONE = "none"


class List(Base):
    """A list of one account."""

    __tablename__ = "lists"
    __table_args__ = (Index("ix_lists_account_id_id", "account_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    title: Mapped[str] = mapped_column(Text)
    replies_policy: Mapped[str] = mapped_column(Text, default=RepliesPolicy.LIST)
    exclusive: Mapped[bool] = mapped_column(default=False)
    """What its members write is kept out of the home timeline."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Member(Base):
    """Somebody on a list. When the follow it rests on ends, the database takes the row away with it."""

    __tablename__ = "list_members"
    __table_args__ = (UniqueConstraint("list_id", "actor_id"), Index("ix_list_members_follow_id", "follow_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    follow_id: Mapped[int | None] = mapped_column(ForeignKey("follows.id", ondelete="CASCADE"))
    """None only for oneself, whom one may have on a list without following."""


def mine(db: Session, account_id: int) -> list[List]:
    """An account's lists, oldest first."""
    return list(db.scalars(select(List).where(List.account_id == account_id).order_by(List.id)))


def get(db: Session, account_id: int, list_id: int) -> List:
    """One of an account's own lists; NotFound also for those of others."""
    row = db.scalar(select(List).where(List.id == list_id, List.account_id == account_id))
    if row is None:
        raise NotFound("Record not found")
    return row


def create(
    db: Session, account_id: int, title: str, *, replies_policy: str = RepliesPolicy.LIST, exclusive: bool = False
) -> List:
    """A new, empty list. Raises Invalid for a title or policy that will not do, or when there are too many."""
    held = db.scalar(select(func.count()).select_from(List).where(List.account_id == account_id)) or 0
    if held >= MAX_LISTS:
        raise Invalid(f"Validation failed: You have reached the maximum number of lists ({MAX_LISTS})")
    row = List(id=new_id(), account_id=account_id)
    change(db, row, title=title, replies_policy=replies_policy, exclusive=exclusive)
    db.add(row)
    db.flush()
    return row


def change(
    db: Session,
    row: List,
    *,
    title: str | None = None,
    replies_policy: str | None = None,
    exclusive: bool | None = None,
) -> None:
    """Change what is not None. Raises Invalid."""
    if title is not None:
        if not title.strip():
            raise Invalid("Validation failed: Title can't be blank")
        if len(title) > MAX_TITLE:
            raise Invalid(f"Validation failed: Title is too long (maximum is {MAX_TITLE} characters)")
        row.title = title.strip()
    if replies_policy is not None:
        if replies_policy not in set(RepliesPolicy):
            raise Invalid("Validation failed: Replies policy is not included in the list")
        row.replies_policy = replies_policy
    if exclusive is not None:
        row.exclusive = exclusive
    if row in db:
        db.flush()


def remove(db: Session, row: List) -> None:
    """Delete a list; nobody on it is told or unfollowed."""
    db.delete(row)
    db.flush()


def members(db: Session, row: List, window: Window = MOST) -> list[tuple[int, Actor]]:
    """Who is on a list, with cursors, last added first."""
    query = (
        select(Member.id, Actor)
        .join(Actor, Member.actor_id == Actor.id)
        .where(Member.list_id == row.id, Actor.deleted_at.is_(None))
    )
    return [(found[0], found[1]) for found in window.rows(db, query, Member.id)]


def all_members(db: Session, row: List, limit: int = 5_000) -> list[Actor]:
    """Everybody on a list, for clients that ask for all at once."""
    return [actor for _, actor in members(db, row, Window(limit=limit))]


def add(db: Session, row: List, actor_ids: Iterable[int]) -> None:
    """Put people on a list whom its owner follows or has asked to follow (or himself).

    Raises NotFound for those he does not follow, and Invalid for somebody who is on it; nobody is added then.
    """
    for actor_id in dict.fromkeys(actor_ids):
        follow = follows.find(db, row.account_id, actor_id)
        if follow is None and actor_id != row.account_id:
            raise NotFound("Record not found")
        values = {"list_id": row.id, "actor_id": actor_id, "follow_id": follow.id if follow else None}
        if not insert_unless_there(db, Member, id=new_id(), **values):
            raise Invalid("Validation failed: Account has already been taken")


def drop(db: Session, row: List, actor_ids: Iterable[int]) -> None:
    """Take people off a list; those who are not on it are passed over."""
    wanted = set(actor_ids)
    if wanted:
        db.execute(delete(Member).where(Member.list_id == row.id, Member.actor_id.in_(wanted)))


def containing(db: Session, account_id: int, actor_id: int) -> list[List]:
    """Which of an account's lists somebody is on, oldest first."""
    query = (
        select(List)
        .join(Member, Member.list_id == List.id)
        .where(List.account_id == account_id, Member.actor_id == actor_id)
    )
    return list(db.scalars(query.order_by(List.id)))


def member_ids(row: List) -> Select[*tuple[Any, ...]]:
    """A query for the actor ids of those on a list whose follow was accepted (and of oneself)."""
    return (
        select(Member.actor_id)
        .outerjoin(Follow, Member.follow_id == Follow.id)
        .where(Member.list_id == row.id, func.coalesce(Follow.state, "accepted") == "accepted")
    )


def kept_from_home(account_id: int) -> Select[*tuple[Any, ...]]:
    """A query for the actor ids of those on exclusive lists of an account."""
    return (
        select(Member.actor_id)
        .join(List, Member.list_id == List.id)
        .where(List.account_id == account_id, List.exclusive.is_(True))
    )
