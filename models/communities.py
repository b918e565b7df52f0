"""Communities: settings, moderators, and the list of threads each of them shows."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class Community(Base):
    """What this node knows of a community beyond its actor. Local ones all have a row; remote ones once listed."""

    __tablename__ = "communities"

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    """The Group actor's id."""
    rules: Mapped[Any] = mapped_column(Json, default=list)
    """Rules as plain text, one a line."""
    allows_down: Mapped[bool] = mapped_column(default=False)
    """Down votes count here."""
    holds_outside: Mapped[bool] = mapped_column(default=False)
    """Answers from non-members stay hidden until kept."""
    node_only: Mapped[bool] = mapped_column(default=False)
    """Its threads never leave this node."""
    moderators_only: Mapped[bool] = mapped_column(default=False)
    """Only moderators may ask here."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Moderator(Base):
    """An actor who moderates a community, here or (as listed by its origin) elsewhere."""

    __tablename__ = "moderators"

    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Listing(Base):
    """A thread in a community's list: its own threads, and those a twinned community announced."""

    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_community_id_id", "community_id", "id"), UniqueConstraint("community_id", "post_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    through_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """The twin that announced it; null for the home's own."""
    announce_uri: Mapped[str] = mapped_column(Text, default="")
    """Our plain Announce of it (so that a Delete can undo it), or the one received."""
    hidden_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Hidden here by a moderator of this node."""
