"""The letter with what is new, which somebody gets every day or every week if he wants to.

A row per account says when its next letter is due. Whoever finds it due moves it on and promises the letter in one
transaction, so that two workers never promise two. A letter is begun once: if nobody knows whether it arrived, what was
in it comes with the next one instead of twice.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import jobs
from models.accounts import Account
from models.base import Base, UtcTime, now
from models.errors import Invalid

HOUR = 5
"""When the first letters of a day go, by the clock of `ZONE`; the last go `SPREAD` later."""

SPREAD = 2 * 60 * 60
ZONE = ZoneInfo("Europe/Copenhagen")


class Every(StrEnum):
    """How often."""

    NEVER = "never"
    DAY = "daily"
    WEEK = "weekly"


LENGTH = {Every.DAY: timedelta(days=1), Every.WEEK: timedelta(days=7)}


class Digest(Base):
    """What one account chose. Nobody without a row has been asked."""

    __tablename__ = "digests"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    every: Mapped[str] = mapped_column(Text)
    next_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)
    """When the next letter is due; null for never."""
    covered_until: Mapped[datetime] = mapped_column(UtcTime)
    """Up to when its reader has heard of everything."""
    begun: Mapped[str] = mapped_column(Text, default="")
    """The letter that was begun last, by when it was due."""


def of(db: Session, account_id: int) -> Every | None:
    """What an account chose; None where it was not asked."""
    row = db.get(Digest, account_id)
    return None if row is None else Every(row.every)


def choose(db: Session, account_id: int, every: str) -> None:
    """Choose how often. Raises Invalid."""
    if every not in list(Every):
        raise Invalid("Choose one of these.", code="digest_unknown")
    row = db.get(Digest, account_id)
    if row is not None and row.every == every:
        return
    if row is None:
        row = Digest(account_id=account_id, covered_until=now(), begun="")
        db.add(row)
    elif row.next_at is None:
        row.covered_until = now()
    row.every = every
    row.next_at = next_time(account_id, Every(every), now())
    db.flush()


def next_time(account_id: int, every: Every, after: datetime) -> datetime | None:
    """The first time after `after` at which a letter is due: early in the morning, weekly ones on a Monday, each account
    at its own second, so that not all go at once."""
    if every == Every.NEVER:
        return None
    own = int.from_bytes(hashlib.sha256(str(account_id).encode()).digest()[:4], "big") % SPREAD
    day = after.astimezone(ZONE).replace(hour=HOUR, minute=0, second=0, microsecond=0, fold=0)
    if every == Every.WEEK:
        day -= timedelta(days=day.weekday())
    while (due := day.astimezone(ZONE) + timedelta(seconds=own)) <= after:
        day += LENGTH[every]
    return due


def promise_due(db: Session, limit: int) -> int:
    """Promise the letters that are due now; how many."""
    due = db.execute(
        select(Digest.account_id, Digest.every, Digest.next_at)
        .join(Account, Account.id == Digest.account_id)
        .where(Digest.next_at <= now(), Account.suspended_at.is_(None))
        .order_by(Digest.next_at)
        .limit(limit)
    ).all()
    for account_id, every, at in due:
        # a second worker that has read the same row changes nothing here, and promises nothing
        moved = db.execute(
            update(Digest)
            .where(Digest.account_id == account_id, Digest.next_at == at)
            .values(next_at=next_time(account_id, Every(every), now()))
        )
        if getattr(moved, "rowcount", 0):
            due_at = at.isoformat() if at is not None else ""
            jobs.enqueue(
                db,
                "mail",
                {"letter": "digest", "account": account_id, "due": due_at},
                dedupe=f"digest:{account_id}:{due_at}",
            )
    return len(due)


def begin(db: Session, account_id: int, due: str) -> datetime | None:
    """Begin a letter: from when on its reader has not heard. None if it was begun before, or is not wanted any more."""
    row = db.get(Digest, account_id, with_for_update=True)
    if row is None or row.every == Every.NEVER or row.begun >= due:
        return None
    row.begun = due
    db.flush()
    return row.covered_until


def arrived(db: Session, account_id: int, until: datetime) -> None:
    """The letter went out, or there was nothing to say: all before `until` is told."""
    db.execute(update(Digest).where(Digest.account_id == account_id).values(covered_until=until))


def not_sent(db: Session, account_id: int, due: str) -> None:
    """The letter certainly did not go: it may be begun again."""
    db.execute(update(Digest).where(Digest.account_id == account_id, Digest.begun == due).values(begun=""))
