"""The durable inbox: what others sent, stored before they hear 202, processed from here.

`Memory` holds facts with an expiry date that every process must share: signatures seen, keys that failed, deletions
that came before their object.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class Received(Base):
    """One activity as it came in. Unique on (id or actor, hash of the body): ids alone do not prove a repeat."""

    __tablename__ = "received"
    __table_args__ = (
        UniqueConstraint("sender_key", "body_sha256"),
        Index("ix_received_state_run_at", "state", "run_at"),
        Index("ix_received_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    sender_key: Mapped[str] = mapped_column(Text)
    """The activity's id, or its actor where it has none."""
    body_sha256: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text, default="")
    key_owner: Mapped[str] = mapped_column(Text)
    """The actor whose key signed it, verified."""
    proof: Mapped[str] = mapped_column(Text)
    """`signed` (key owner is the actor) or `forwarded` (body counts for nothing; fetch the object)."""
    host: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    """waiting, done, ignored, dead"""
    note: Mapped[str] = mapped_column(Text, default="")
    """Why it was ignored or failed; for the administrator."""
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    received_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Memory(Base):
    """A fact with an expiry date, shared by all processes."""

    __tablename__ = "memory"
    __table_args__ = (Index("ix_memory_expires_at", "expires_at"),)

    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
