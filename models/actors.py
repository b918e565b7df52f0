"""Actors: persons, communities, organisations and services, of this node and of others, with their keys."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Json, UtcTime, new_id, now
from models.database import node_of
from models.errors import Conflict, Invalid, NotFound


class ActorType(StrEnum):
    """The ActivityStreams actor types."""

    PERSON = "Person"
    GROUP = "Group"
    ORGANIZATION = "Organization"
    APPLICATION = "Application"
    SERVICE = "Service"


class Actor(Base):
    """Whoever can act. `uri` is the ActivityPub id and never changes; compare ids to the letter."""

    __tablename__ = "actors"
    __table_args__ = (
        UniqueConstraint("username_key", "domain"),
        Index("ix_actors_domain", "domain"),
        Index("ix_actors_shared_inbox", "shared_inbox"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    local: Mapped[bool]
    username: Mapped[str] = mapped_column(Text)
    username_key: Mapped[str] = mapped_column(Text)
    """The user name in one letter case: look names up by this."""
    domain: Mapped[str] = mapped_column(Text)
    """The handle's domain, A-label form; for local actors the node's."""
    name: Mapped[str] = mapped_column(Text, default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    """Clean HTML, safe to show."""
    summary_source: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    inbox: Mapped[str] = mapped_column(Text, default="")
    shared_inbox: Mapped[str] = mapped_column(Text, default="")
    outbox: Mapped[str] = mapped_column(Text, default="")
    followers_uri: Mapped[str] = mapped_column(Text, default="")
    following_uri: Mapped[str] = mapped_column(Text, default="")
    featured_uri: Mapped[str] = mapped_column(Text, default="")
    moderators_uri: Mapped[str] = mapped_column(Text, default="")
    icon_url: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[Any] = mapped_column(Json, default=list)
    """Profile fields: [{"name": plain text, "value": clean HTML}]."""
    also_known_as: Mapped[Any] = mapped_column(Json, default=list)
    moved_to: Mapped[str] = mapped_column(Text, default="")
    moved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    locked: Mapped[bool] = mapped_column(default=False)
    """Follows wait for approval."""
    discoverable: Mapped[bool] = mapped_column(default=False)
    indexable: Mapped[bool] = mapped_column(default=False)
    hides_followers: Mapped[bool] = mapped_column(default=False)
    extra: Mapped[Any] = mapped_column(Json, default=dict)
    """`torv:` and other terms we keep and show but do not act on."""
    published: Mapped[datetime | None] = mapped_column(UtcTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When a remote actor was last read from its origin."""
    suspended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)

    @property
    def handle(self) -> str:
        """`name@domain`, without the leading @."""
        return f"{self.username}@{self.domain}"

    @property
    def display_name(self) -> str:
        """The name people see; the user name where there is none."""
        return self.name or self.username

    @property
    def is_community(self) -> bool:
        """A Group, here or elsewhere."""
        return self.type == ActorType.GROUP

    @property
    def active(self) -> bool:
        """Neither suspended nor deleted."""
        return self.suspended_at is None and self.deleted_at is None


class Key(Base):
    """A public key and whose it is; for local actors with the private half."""

    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    public_pem: Mapped[str] = mapped_column(Text)
    private_pem: Mapped[str] = mapped_column(Text, default="")
    fetched_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
