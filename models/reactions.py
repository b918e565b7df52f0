"""Votes and boosts: one of each per actor and post."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcTime, now


class Vote(Base):
    """`value` 1 or -1; `emoji` where the sender's server lets people choose one (it counts as 1)."""

    __tablename__ = "votes"
    __table_args__ = (UniqueConstraint("actor_id", "post_id"), Index("ix_votes_post_id", "post_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    value: Mapped[int]
    emoji: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Boost(Base):
    """An actor shows a post to his followers."""

    __tablename__ = "boosts"
    __table_args__ = (
        UniqueConstraint("actor_id", "post_id"),
        Index("ix_boosts_post_id", "post_id"),
        Index("ix_boosts_actor_id_id", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    visibility: Mapped[str] = mapped_column(Text, default="public")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
