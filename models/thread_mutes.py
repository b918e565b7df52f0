"""Conversations somebody no longer wants to be told of: what happens in such a thread makes no notices for him."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, UniqueConstraint, bindparam, delete, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import IDS, Base, Id, UtcTime, insert_unless_there, new_id, now, table_of


class ThreadMute(Base):
    """`account` hears nothing more of the thread whose first post is `thread_id`."""

    __tablename__ = "thread_mutes"
    __table_args__ = (UniqueConstraint("account_id", "thread_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    thread_id: Mapped[int] = mapped_column(Id, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def mute(db: Session, account_id: int, thread_id: int) -> None:
    """Hear nothing more of a thread; twice is once."""
    insert_unless_there(db, ThreadMute, id=new_id(), account_id=account_id, thread_id=thread_id, created_at=now())


def unmute(db: Session, account_id: int, thread_id: int) -> None:
    """End `mute`."""
    db.execute(delete(ThreadMute).where(ThreadMute.account_id == account_id, ThreadMute.thread_id == thread_id))


def muted(db: Session, account_id: int, thread_ids: Iterable[int]) -> set[int]:
    """Which of these threads an account has muted."""
    wanted = set(thread_ids)
    if not wanted:
        return set()
    return set(db.scalars(_MUTED, {"account": account_id, "ids": list(wanted)}))


def muting(account: BindParameter[int], thread: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that an account has muted a thread."""
    return exists().where(_mutes.account_id == account, _mutes.thread_id == thread)


_mutes = table_of(ThreadMute).c
_MUTED = select(_mutes.thread_id).where(_mutes.account_id == bindparam("account"), _mutes.thread_id.in_(IDS))
