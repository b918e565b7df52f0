"""Tries: how often somebody did something lately, counted for all processes of a node together.

>>> tries.spend(db, "sign-in/address", "203.0.113.7", times=25, seconds=300)
Spent(taken=1, left=24, resets=1795856400.0)

A moving window: what is older than its length counts no more. Whoever is counted stands here as a hash only: what people
type for their name may be their password.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, Text, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import turns
from models.base import Base, Id, UtcTime, new_id, now

SHARE = 8
"""Whoever takes several at once gets an eighth of what is left, so that others find some too."""


class Tries(Base):
    """Some tries of one moment."""

    __tablename__ = "tries"
    __table_args__ = (Index("ix_tries_key_at", "key", "at"), Index("ix_tries_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text)
    """A hash of the rule's name and of who is counted."""
    times: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


@dataclass(frozen=True)
class Spent:
    """What came of it: tries `taken` (0: there were none), those `left`, and when (seconds since 1970) the oldest comes
    free again."""

    taken: int
    left: int
    resets: float


def spend(db: Session, rule: str, key: str, *, times: int, seconds: int, wanted: int = 1) -> Spent:
    """Take one try of `times` in the last `seconds`; of several that are `wanted`, no more than an eighth of the rest.

    Counting and judging are one step, whichever process asks: not one too many is ever given.
    """
    present = now()
    hashed = hashlib.sha256(f"{rule}\n{key}".encode()).hexdigest()[:40]
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SET LOCAL synchronous_commit TO OFF"))  # a crash may forget tries; nobody waits for the disk
    turns.take(db, f"tries {hashed}")
    counted = select(func.coalesce(func.sum(Tries.times), 0), func.min(Tries.at))
    used, oldest = db.execute(counted.where(Tries.key == hashed, Tries.at > present - timedelta(seconds=seconds))).one()
    left = max(0, times - int(used))
    taken = min(left, wanted, max(1, left // SHARE))
    if taken:
        ends = present + timedelta(seconds=seconds)
        db.add(Tries(id=new_id(), key=hashed, times=taken, at=present, expires_at=ends))
        db.flush()
    return Spent(taken, left - taken, ((oldest or present) + timedelta(seconds=seconds)).timestamp())


def sweep(db: Session, limit: int) -> int:
    """Delete up to `limit` rows that count no more; how many."""
    old = select(Tries.id).where(Tries.expires_at <= now()).limit(limit)
    return int(getattr(db.execute(delete(Tries).where(Tries.id.in_(old))), "rowcount", 0))
