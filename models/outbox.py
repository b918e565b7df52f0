"""The outbox: what local actors did, to be told to others. Committed together with the deed itself.

A row says what happened and to whom it is addressed; federation renders the body once, stores it here, and writes one
delivery per inbox.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class Activity(Base):
    """One activity of a local actor, `<origin>/activities/<id>`."""

    __tablename__ = "activities"
    __table_args__ = (
        Index("ix_activities_actor_id_id", "actor_id", "id"),
        Index("ix_activities_post_id", "post_id"),
        Index("ix_activities_object_uri", "object_uri"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """The post concerned, where there is one."""
    object_uri: Mapped[str] = mapped_column(Text, default="")
    """Id of the object (of the embedded activity, for Undo, Accept, Reject and wraps)."""
    data: Mapped[Any] = mapped_column(Json, default=dict)
    """What rendering needs and rows may no longer hold: `object` (embedded JSON), `inner` (id of an own activity that
    is undone or wrapped), `target`, `audience`, `formerType`."""
    to: Mapped[Any] = mapped_column(Json, default=list)
    cc: Mapped[Any] = mapped_column(Json, default=list)
    public: Mapped[bool] = mapped_column(default=False)
    """Readable by anybody: stands in the outbox collection and at its address."""
    body: Mapped[str] = mapped_column(Text, default="")
    """The rendered JSON, written once by the publisher; deliveries send these bytes."""
    published: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Delivery(Base):
    """One activity for one inbox. `object_key` keeps what concerns one object in order, per host."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_run_at", "run_at"),
        Index("ix_deliveries_host_run_at", "host", "run_at"),
        Index("ix_deliveries_host_object_key", "host", "object_key"),
        Index("ix_deliveries_activity_id_inbox", "activity_id", "inbox", unique=True),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activities.id"))
    inbox: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    object_key: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool] = mapped_column(default=False)
    """Tried once in spite of a parked host: Delete, Move, Update of an actor."""
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    status: Mapped[int | None]
    """The last answer's status code."""
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    dead_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Given up; kept for the administrator."""
