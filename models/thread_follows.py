"""Threads somebody follows without having written in them: he is told of each new answer."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import thread_mutes
from models.access import visible
from models.actors import Actor
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now
from models.posts import Post
from models.windows import Window


class ThreadFollow(Base):
    """`account` wants to hear of new answers in the thread whose first post is `thread_id`."""

    __tablename__ = "thread_follows"
    __table_args__ = (UniqueConstraint("account_id", "thread_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    thread_id: Mapped[int] = mapped_column(Id, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def follow(db: Session, account_id: int, thread_id: int) -> None:
    """Hear of new answers; twice is once. Whoever had muted the thread hears of it again."""
    thread_mutes.unmute(db, account_id, thread_id)
    insert_unless_there(db, ThreadFollow, id=new_id(), account_id=account_id, thread_id=thread_id, created_at=now())


def unfollow(db: Session, account_id: int, thread_id: int) -> None:
    """End `follow`."""
    db.execute(delete(ThreadFollow).where(ThreadFollow.account_id == account_id, ThreadFollow.thread_id == thread_id))


def followed(db: Session, account_id: int, thread_ids: Iterable[int]) -> set[int]:
    """Which of these threads somebody follows."""
    query = select(ThreadFollow.thread_id).where(
        ThreadFollow.account_id == account_id, ThreadFollow.thread_id.in_(list(thread_ids))
    )
    return set(db.scalars(query))


def followers(db: Session, thread_id: int) -> list[int]:
    """The accounts that follow a thread, longest first."""
    query = select(ThreadFollow.account_id).where(ThreadFollow.thread_id == thread_id)
    return list(db.scalars(query.order_by(ThreadFollow.id)))


def of(db: Session, reader: Actor, window: Window) -> list[tuple[int, Post]]:
    """The first posts of the threads somebody follows and may still read, with cursors, the last followed first."""
    query = (
        select(ThreadFollow.id, Post)
        .join(Post, Post.id == ThreadFollow.thread_id)
        .where(ThreadFollow.account_id == reader.id, visible(reader))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, ThreadFollow.id)]
