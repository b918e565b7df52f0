"""Moderation: rules about other domains, reports, and the audit log."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class DomainAction(StrEnum):
    """`block`: nothing in or out. `limit`: only those who follow see it. `allow`: named in allow-list mode."""

    BLOCK = "block"
    LIMIT = "limit"
    ALLOW = "allow"


class DomainRule(Base):
    """What holds for a domain and everything below it."""

    __tablename__ = "domain_rules"

    domain: Mapped[str] = mapped_column(Text, primary_key=True)
    """Lower case A-label form, no port, no trailing dot."""
    action: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Report(Base):
    """Somebody tells the moderators of something."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, default="", index=True)
    reporter_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    post_uris: Mapped[Any] = mapped_column(Json, default=list)
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class AuditEntry(Base):
    """Who did what to whom, for those who must account for it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Null: from the command line."""
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[Any] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
