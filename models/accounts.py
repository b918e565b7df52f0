"""Accounts: the people who sign in on this node, with roles, sessions and invitations."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class Role(StrEnum):
    """What an account may do on the node; each role includes those before it."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Account(Base):
    """A login. The public side is the actor of the same id."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    """The actor's id: an account and its actor are one person."""
    email: Mapped[str] = mapped_column(Text, unique=True)
    """In lower case; one address, one account."""
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text, default=Role.MEMBER)
    language: Mapped[str] = mapped_column(Text, default="da")
    settings: Mapped[Any] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Login(Base):
    """A browser that is signed in. The cookie holds a random secret, the row its hash."""

    __tablename__ = "logins"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    user_agent: Mapped[str] = mapped_column(Text, default="")


class Invitation(Base):
    """A link that lets somebody make an account."""

    __tablename__ = "invitations"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text, default=Role.MEMBER)
    email: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_by: Mapped[int | None] = mapped_column(Id)
