"""Follows between actors, blocks and mutes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcTime, now


class FollowState(StrEnum):
    """`pending` until the target accepts; a pending follow opens nothing."""

    PENDING = "pending"
    ACCEPTED = "accepted"


class Follow(Base):
    """One actor follows another; a Group that follows a Group is a twinning."""

    __tablename__ = "follows"
    __table_args__ = (
        UniqueConstraint("follower_id", "target_id"),
        Index("ix_follows_target_id_state", "target_id", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    """The Follow activity's id, which Accept, Reject and Undo name."""
    follower_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Block(Base):
    """`actor` wants nothing to do with `target`; both stop seeing each other."""

    __tablename__ = "blocks"
    __table_args__ = (UniqueConstraint("actor_id", "target_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Mute(Base):
    """`actor` does not want to see `target`; the target never learns of it."""

    __tablename__ = "mutes"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
