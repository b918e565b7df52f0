"""Links sent by mail, each for one purpose and to be used once: to confirm an address, or to choose a new password."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import accounts, jobs
from models.accounts import Account
from models.base import Base, UtcTime, now
from models.errors import NotFound


class Purpose(StrEnum):
    """What a link lets its holder do."""

    CONFIRM = "confirm"
    PASSWORD = "password"  # noqa: S105 - a purpose, no secret


LASTS = {Purpose.CONFIRM: timedelta(days=3), Purpose.PASSWORD: timedelta(hours=2)}


class EmailLink(Base):
    """A link that is on its way to somebody. The address holds a random secret, the row its hash."""

    __tablename__ = "email_links"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    """The address it goes to: only that one is confirmed by it."""
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


def promise(db: Session, account: Account, purpose: Purpose, *, email: str = "") -> None:
    """Promise to send such a link to `email`, or to the account's address.

    The secret is made when the mail is written: until then it is nowhere, and afterwards only in the mail.
    """
    jobs.enqueue(
        db,
        "mail",
        {"letter": purpose.value, "account": account.id, "email": email},
        dedupe=f"mail:{purpose.value}:{account.id}",
    )


def make(db: Session, account: Account, purpose: Purpose, email: str) -> str:
    """A fresh secret; links sent before for the same purpose lead nowhere any more."""
    db.execute(delete(EmailLink).where(EmailLink.account_id == account.id, EmailLink.purpose == purpose.value))
    token = secrets.token_urlsafe(32)
    expires = now() + LASTS[purpose]
    db.add(
        EmailLink(
            token_hash=accounts.hash_token(token),
            account_id=account.id,
            purpose=purpose.value,
            email=email,
            expires_at=expires,
        )
    )
    db.flush()
    return token


def look(db: Session, token: str, purpose: Purpose) -> tuple[EmailLink, Account]:
    """The link, and whose it is, without using it. Raises NotFound for what is unknown, used or too old, and for a
    password to an account whose address is another by now."""
    row = db.get(EmailLink, accounts.hash_token(token))
    account = db.get(Account, row.account_id) if row is not None else None
    if row is not None and account is not None and account.suspended_at is None:
        moved = purpose == Purpose.PASSWORD and row.email != account.email
        if row.purpose == purpose and row.expires_at > now() and not moved:
            return row, account
    raise NotFound("This link has been used, or is too old. Ask for a new one.", code="link_old")


def confirm(db: Session, token: str) -> Account:
    """The address is its holder's: it becomes the account's. Raises NotFound or Conflict.

    Where the account had another address, that one is told, and whoever can still read it cannot choose a password.
    """
    row, account = look(db, token, Purpose.CONFIRM)
    before = account.email
    if row.email != before:
        accounts.change_email(db, account, row.email)
        jobs.enqueue(db, "mail", {"letter": "address", "account": account.id, "email": before})
    forget(db, account.id)
    accounts.confirm_email(db, account)
    return account


def choose_password(db: Session, token: str, password: str) -> Account:
    """A new password for who holds the link: every browser and app is signed out. Raises NotFound or Invalid."""
    row, account = look(db, token, Purpose.PASSWORD)
    shown = row.email == account.email
    accounts.set_password(db, account, password)
    if shown and account.email_confirmed_at is None:
        accounts.confirm_email(db, account)
    return account


def forgotten(db: Session, email: str) -> None:
    """Somebody has lost his password: whoever has an account with this address is sent a link. Nobody is told whether."""
    account = accounts.by_email(db, email)
    if account is not None and account.suspended_at is None:
        promise(db, account, Purpose.PASSWORD)


def on_the_way(db: Session, account: Account) -> str:
    """The new address of an account that still has to be confirmed; empty if there is none."""
    query = select(EmailLink.email).where(
        EmailLink.account_id == account.id, EmailLink.purpose == Purpose.CONFIRM.value, EmailLink.expires_at > now()
    )
    return next((email for email in db.scalars(query) if email != account.email), "")


def forget(db: Session, account_id: int) -> None:
    """Links that are on their way to somebody lead nowhere any more."""
    db.execute(delete(EmailLink).where(EmailLink.account_id == account_id))


def sweep(db: Session, limit: int) -> int:
    """Throw away links whose time is over; how many."""
    old = list(db.scalars(select(EmailLink.token_hash).where(EmailLink.expires_at <= now()).limit(limit)))
    for start in range(0, len(old), 400):
        db.execute(delete(EmailLink).where(EmailLink.token_hash.in_(old[start : start + 400])))
    return len(old)
