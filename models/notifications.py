"""Notifications: what happened that concerns somebody who has an account here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcTime, now


class NotificationKind(StrEnum):
    """Why somebody is told."""

    MENTION = "mention"
    ANSWER = "answer"
    COMMENT = "comment"
    ACCEPTED = "accepted"
    VOTE = "vote"
    BOOST = "boost"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    FOLLOW_ACCEPTED = "follow_accepted"
    TWIN_REQUEST = "twin_request"
    REPORT = "report"
    REMOVED = "removed"


class Notification(Base):
    """One event for one account; the same event never twice."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "from_id", "subject"),
        Index("ix_notifications_account_id_id", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(Text)
    from_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    subject: Mapped[str] = mapped_column(Text, default="")
    """What makes it one event: the post's or the other thing's id."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
