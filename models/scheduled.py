"""Posts that wait for their time.

A row keeps the draft, and what its client sent, which clients want to see again. When its time has come it goes the way
of every post from an app (`asking.publish`), with the rights that its author has then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, asking, jobs, media
from models.accounts import Account
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.errors import DomainError, Invalid, NotFound
from models.polls import PollDraft
from models.posts import Draft, Post
from models.windows import Window

AHEAD = timedelta(minutes=5)
MAX_WAITING = 300
MAX_A_DAY = 25


class ScheduledPost(Base):
    """One post that waits."""

    __tablename__ = "scheduled_posts"
    __table_args__ = (Index("ix_scheduled_posts_account_id_scheduled_at", "account_id", "scheduled_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    scheduled_at: Mapped[datetime] = mapped_column(UtcTime)
    draft: Mapped[Any] = mapped_column(Json)
    """The fields of a `Draft`."""
    reply_to: Mapped[int | None] = mapped_column(Id)
    """The status it answers."""
    params: Mapped[Any] = mapped_column(Json)
    """What was sent, in the words of the client API."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def schedule(
    db: Session,
    account_id: int,
    at: datetime,
    draft: Draft,
    *,
    reply_to: int | None = None,
    params: Mapping[str, Any] | None = None,
) -> ScheduledPost:
    """Let a post wait until `at`. Raises Invalid if that is not 5 minutes away, or too many wait already, and whatever
    publishing the draft would raise now."""
    _check(db, account_id, at)
    _rehearse(db, account_id, draft, reply_to)
    row = ScheduledPost(
        id=new_id(),
        account_id=account_id,
        scheduled_at=at,
        draft=_kept(draft),
        reply_to=reply_to,
        params=dict(params or {}),
    )
    db.add(row)
    db.flush()
    _promise(db, row)
    return row


def _check(db: Session, account_id: int, at: datetime, moving: int | None = None) -> None:
    if at < now() + AHEAD:
        raise Invalid("The scheduled date must be at least 5 minutes in the future.", code="too_soon")
    # Whoever schedules twice at once waits for himself here, so that both are counted.
    db.scalar(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))
    mine = select(func.count()).select_from(ScheduledPost).where(ScheduledPost.account_id == account_id)
    if moving is None and (db.scalar(mine) or 0) >= MAX_WAITING:
        raise Invalid(f"You have exceeded the limit of {MAX_WAITING} scheduled posts.", code="too_many")
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = mine.where(ScheduledPost.scheduled_at >= day, ScheduledPost.scheduled_at < day + timedelta(days=1))
    if moving is not None:
        mine = mine.where(ScheduledPost.id != moving)
    if (db.scalar(mine) or 0) >= MAX_A_DAY:
        raise Invalid(
            f"You have exceeded the limit of {MAX_A_DAY} scheduled posts for that day.", code="too_many_a_day"
        )


def _promise(db: Session, row: ScheduledPost) -> None:
    media.hold(db, row.account_id, row.draft.get("media") or (), row.scheduled_at)
    key = f"scheduled:{row.id}:{int(row.scheduled_at.timestamp())}"
    jobs.enqueue(db, "publish_scheduled", {"scheduled": row.id}, dedupe=key, run_at=row.scheduled_at)


def page(db: Session, account_id: int, window: Window) -> list[ScheduledPost]:
    """What of an account waits, newest first."""
    mine = select(ScheduledPost).where(ScheduledPost.account_id == account_id)
    return window.scalars(db, mine, ScheduledPost.id)


def get(db: Session, account_id: int, id: int) -> ScheduledPost:
    """One of them. Raises NotFound, also for somebody else's."""
    row = db.get(ScheduledPost, id)
    if row is None or row.account_id != account_id:
        raise NotFound("Record not found")
    return row


def move(db: Session, account_id: int, id: int, at: datetime) -> ScheduledPost:
    """Let it wait for another time. Raises NotFound or Invalid."""
    row = get(db, account_id, id)
    _check(db, account_id, at, row.id)
    row.scheduled_at = at
    db.flush()
    media.hold(db, account_id, row.draft.get("media") or (), at)
    _promise(db, row)
    return row


def cancel(db: Session, account_id: int, id: int) -> None:
    """It will not be published. Raises NotFound."""
    db.delete(get(db, account_id, id))
    db.flush()


def publish(db: Session, id: int) -> Post | None:
    """Publish it if its time has come; None if it was moved, cancelled, or is published. What can no longer be (the post
    it answers is gone, the account is suspended) is dropped: nobody is there to be told."""
    row = db.scalar(select(ScheduledPost).where(ScheduledPost.id == id).with_for_update())
    if row is None or row.scheduled_at > now():
        return None
    author, draft, reply_to = actors.get(db, row.account_id), _restored(row.draft), row.reply_to
    db.delete(row)
    db.flush()
    try:
        with db.begin_nested():
            return asking.publish(db, author, draft, reply_to=reply_to)
    except DomainError:
        return None


def _rehearse(db: Session, account_id: int, draft: Draft, reply_to: int | None) -> None:
    """Publish it and take that back: what is wrong with it is said now, and not when nobody listens."""
    rehearsal = db.begin_nested()
    try:
        asking.publish(db, actors.get(db, account_id), draft, reply_to=reply_to)
    finally:
        rehearsal.rollback()


def _kept(draft: Draft) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(draft)
    return kept


def _restored(kept: dict[str, Any]) -> Draft:
    poll = kept.get("poll")
    lists = {name: tuple(kept[name]) for name in ("barriers", "to", "media") if kept.get(name) is not None}
    made = PollDraft(**{**poll, "options": tuple(poll["options"])}) if poll is not None else None
    return Draft(**{**kept, **lists, "poll": made})
