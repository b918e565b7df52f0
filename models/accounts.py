"""Accounts: the people who sign in on this node, with roles and sessions."""

import hashlib
import re
import secrets
import threading
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import ForeignKey, Index, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors
from models.actors import Actor, ActorType
from models.base import Base, Bytewise, Json, UtcTime, now
from models.errors import Conflict, Invalid, NotFound, Unauthenticated

LOGIN_DAYS = 60
MIN_PASSWORD = 10
ROLES = ("member", "moderator", "admin")
LANGUAGES = ("da", "en")
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*(?<!.{65})", re.ASCII)
MAIL_DOMAIN = re.compile(r"(?=.{4,250}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)


class Role(StrEnum):
    """What an account may do on the node; each role includes those before it."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Wait(StrEnum):
    """What a new account waits for."""

    NOTHING = ""
    CONFIRMATION = "confirmation"
    """That its holder opens the link sent to its address."""
    APPROVAL = "approval"
    """That a moderator says yes."""
    REFUSAL = "refused"
    """Nothing any more: a moderator said no. It is deleted in a while."""


class Account(Base):
    """A login. The public side is the actor of the same id."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("ix_accounts_role_id", "role", "id"),
        Index("ix_accounts_suspended_at", "suspended_at"),
    )

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    """The actor's id: an account and its actor are one person."""
    email: Mapped[str] = mapped_column(Bytewise, unique=True)
    """In lower case, its domain as DNS has it."""
    mailbox: Mapped[str] = mapped_column(Text, unique=True)
    """Where its mail ends up: `email` without what follows a +. One mailbox, one account."""
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text, default=Role.MEMBER)
    language: Mapped[str] = mapped_column(Text, default="da")
    settings: Mapped[Any] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    email_confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it was shown that the address is this person's; null while he only says so."""
    suspended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    waits_for: Mapped[str] = mapped_column(Text, default="")
    """What has to happen before it is let in (`Wait`). Until then its actor is suspended: nobody sees it."""


class Login(Base):
    """A browser that is signed in. The cookie holds a random secret, the row its hash."""

    __tablename__ = "logins"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    user_agent: Mapped[str] = mapped_column(Text, default="")


# OWASP's setting; a semaphore keeps a wave of logins from taking 19 MiB each at once.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_hashing = threading.Semaphore(2)


def hash_password(password: str) -> str:
    """An argon2id hash. Raises Invalid for a password that is too short or absurdly long."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.", code="password_short")
    if len(password) > 1000:
        raise Invalid("That password is too long.", code="password_long")
    with _hashing:
        return _hasher.hash(password)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex(16))


def _matches(hashed: str, password: str) -> bool:
    try:
        with _hashing:
            return _hasher.verify(hashed, password[:1000])
    except (Argon2Error, InvalidHashError):
        return False


def create(
    db: Session,
    *,
    username: str,
    email: str,
    password: str,
    name: str = "",
    role: str = Role.MEMBER,
    language: str = "da",
) -> Account:
    """A new account and its Person. Raises Invalid or Conflict, with a code per field."""
    email = address(email)
    require_free_address(db, email)
    if role not in ROLES:
        raise Invalid("Unknown role.", code="role_unknown")
    if language not in LANGUAGES:
        raise Invalid("Unknown language.", code="language_unknown")
    hashed = hash_password(password)
    actor = actors.create_local(db, username, ActorType.PERSON, name=name)
    account = Account(id=actor.id, email=email, password_hash=hashed, role=role, language=language, settings={})
    account.mailbox = _mailbox(email)
    db.add(account)
    db.flush()
    return account


def require_free_address(db: Session, email: str, account_id: int | None = None) -> str:
    """The address as we keep it. Raises Invalid for what is none, Conflict where another account has that mailbox."""
    email = address(email)
    other = db.scalar(select(Account.id).where(Account.mailbox == _mailbox(email), Account.id != (account_id or 0)))
    if other is not None:
        raise Conflict("There is an account with this e-mail address.", code="email_taken")
    return email


def by_email(db: Session, email: str) -> Account | None:
    """Whose address that is; None also for what is no address."""
    try:
        return db.scalar(select(Account).where(Account.email == address(email)))
    except Invalid:
        return None


def change_email(db: Session, account: Account, email: str) -> None:
    """The account has another address, of which nothing is shown yet. Raises Invalid or Conflict."""
    email = require_free_address(db, email, account.id)
    account.email, account.mailbox, account.email_confirmed_at = email, _mailbox(email), None
    db.flush()


def confirm_email(db: Session, account: Account) -> None:
    """It is shown that the address is this person's: he wrote from it, opened a link sent to it, or somebody who knows
    him says so."""
    from models import affiliations, registrations  # know accounts themselves

    account.email_confirmed_at = now()
    db.flush()
    if account.waits_for:
        registrations.on_confirmed_email(db, account)
    else:
        affiliations.on_confirmed_email(db, account)


def by_username(db: Session, username: str) -> Account:
    """The account of a local user name; raises NotFound."""
    actor = actors.by_handle(db, username.strip().lstrip("@"))
    account = db.get(Account, actor.id) if actor is not None else None
    if account is None:
        raise NotFound("There is no such account on this server.")
    return account


def check_password(db: Session, login: str, password: str) -> Account:
    """The account for a user name or e-mail address and its password.

    Unknown name, wrong password and suspended account look alike and take the same time; raises Unauthenticated.
    """
    account = with_password(db, login, password)
    if account.suspended_at is not None:
        raise Unauthenticated("The name or the password is wrong.", code="wrong_login")
    return account


def with_password(db: Session, login: str, password: str) -> Account:
    """`check_password` also for accounts that are suspended: they are told why, and get no session."""
    login = login.strip().lower()
    if "@" in login.lstrip("@"):
        account = by_email(db, login)
    else:
        actor = actors.by_handle(db, login.lstrip("@"))
        account = db.get(Account, actor.id) if actor is not None else None
    right = _matches(account.password_hash if account else _nobodys_hash(), password)
    if account is None or not right:
        raise Unauthenticated("The name or the password is wrong.", code="wrong_login")
    return account


def set_password(db: Session, account: Account, password: str) -> None:
    """Change the password; every browser has to sign in again."""
    account.password_hash = hash_password(password)
    end_all_logins(db, account)


def set_role(db: Session, account: Account, role: str) -> None:
    """Make somebody member, moderator or admin. The last administrator stays one."""
    if role not in ROLES:
        raise Invalid("A role is member, moderator or admin.", code="role_unknown")
    if account.role == Role.ADMIN and role != Role.ADMIN:
        others = db.scalar(
            select(Account.id)
            .where(Account.role == Role.ADMIN, Account.id != account.id, Account.suspended_at.is_(None))
            .limit(1)
        )
        if others is None:
            raise Conflict("A server needs an administrator.")
    account.role = role
    db.flush()


def set_language(db: Session, account: Account, language: str) -> None:
    """Choose the language pages speak."""
    if language not in LANGUAGES:
        raise Invalid("Unknown language.", code="language_unknown")
    account.language = language
    db.flush()


def hash_token(token: str) -> str:
    """What the database keeps of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()


def start_login(db: Session, account: Account, user_agent: str = "") -> str:
    """Sign a browser in; returns the secret for its cookie."""
    token = secrets.token_urlsafe(32)
    expires = now() + timedelta(days=LOGIN_DAYS)
    db.add(Login(token_hash=hash_token(token), account_id=account.id, expires_at=expires, user_agent=user_agent[:200]))
    account.seen_at = now()
    db.flush()
    return token


def who(db: Session, token: str) -> tuple[Account, Actor] | None:
    """Who is behind a cookie; None if it is unknown, ended, or its account suspended or not let in yet."""
    found = behind(db, token)
    return found if found is not None and found[1].active and not found[0].waits_for else None


def behind(db: Session, token: str) -> tuple[Account, Actor] | None:
    """Whose cookie it is, also of somebody who waits to be let in (`Account.waits_for`) or whose actor is suspended."""
    row = db.execute(
        select(Account, Actor)
        .join(Login, Login.account_id == Account.id)
        .join(Actor, Actor.id == Account.id)
        .where(Login.token_hash == hash_token(token), Login.expires_at > now(), Account.suspended_at.is_(None))
    ).first()
    return None if row is None else (row[0], row[1])


def logins_of(db: Session, account: Account) -> list[Login]:
    """Where an account is signed in, newest first."""
    return list(
        db.scalars(
            select(Login)
            .where(Login.account_id == account.id, Login.expires_at > now())
            .order_by(Login.created_at.desc())
        )
    )


def end_login(db: Session, token: str) -> None:
    """Sign one browser out."""
    db.execute(delete(Login).where(Login.token_hash == hash_token(token)))


def end_login_by_hash(db: Session, account: Account, token_hash: str) -> None:
    """Sign another of one's own browsers out."""
    db.execute(delete(Login).where(Login.token_hash == token_hash, Login.account_id == account.id))


def end_all_logins(db: Session, account: Account) -> None:
    """Sign every browser of an account out, take all rights back from its apps, and let links in its mail lead nowhere:
    whoever had got into the account is out."""
    from models import email_links, oauth  # know accounts themselves

    db.execute(delete(Login).where(Login.account_id == account.id))
    email_links.forget(db, account.id)
    oauth.revoke_all(db, account.id)
    db.flush()


def suspend(db: Session, account: Account) -> None:
    """Lock somebody out at once and hide what he wrote. The last administrator cannot be suspended."""
    if account.role == Role.ADMIN:
        set_role(db, account, Role.MEMBER)
    account.suspended_at = account.suspended_at or now()
    end_all_logins(db, account)
    actors.suspend(db, actors.get(db, account.id))


def unsuspend(db: Session, account: Account) -> None:
    """Let somebody in again."""
    account.suspended_at = None
    if not account.waits_for:
        actors.unsuspend(db, actors.get(db, account.id))


def address(email: str) -> str:
    """The address as we keep and compare it. Raises Invalid for what is none, and for letters before the @ that look
    like others: mail servers disagree on them."""
    local, _, domain = email.strip().lower().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not (LOCAL_PART.fullmatch(local) and MAIL_DOMAIN.fullmatch(domain)):
        raise Invalid("This is not an e-mail address.", code="email_form")
    return f"{local}@{domain}"


def _mailbox(email: str) -> str:
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def staff(db: Session, limit: int = 50) -> list[tuple[Account, Actor]]:
    """The administrators and moderators of the node, in the order they came."""
    rows = db.execute(
        select(Account, Actor)
        .join(Actor, Actor.id == Account.id)
        .where(Account.role.in_([Role.MODERATOR, Role.ADMIN]), Account.suspended_at.is_(None))
        .order_by(Account.id)
        .limit(limit)
    )
    return [(account, actor) for account, actor in rows]
