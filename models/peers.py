"""Peers: what this node knows of each other host, and whether it answers."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, UtcTime, now


class Peer(Base):
    """One host. A row appears when there is something to remember."""

    __tablename__ = "peers"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    software: Mapped[str] = mapped_column(Text, default="")
    software_version: Mapped[str] = mapped_column(Text, default="")
    nodeinfo_at: Mapped[datetime | None] = mapped_column(UtcTime)
    wraps: Mapped[bool] = mapped_column(default=False)
    """It has sent us an activity wrapped by a community (FEP-1b12), so it reads ours."""
    scheme: Mapped[str] = mapped_column(Text, default="")
    """`rfc9421` if only that signature scheme worked; believed until `scheme_until`."""
    scheme_until: Mapped[datetime | None] = mapped_column(UtcTime)
    failures: Mapped[int] = mapped_column(default=0)
    """In a row."""
    failing_days: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_error: Mapped[str] = mapped_column(Text, default="")
    open_until: Mapped[datetime | None] = mapped_column(UtcTime)
    """The circuit is open: no delivery before."""
    parked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Given up until it sends us something."""
    last_success_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Its last valid request to us."""
    clock_skew: Mapped[float | None]
    """Its `Date` minus our clock, in seconds, when last seen."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
