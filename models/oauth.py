"""OAuth 2: the codes somebody gets an app (`oauth_apps`), and the access tokens it acts with.

Secrets, codes and tokens are random and kept as hashes; whoever reads the database cannot act with what stands in it.
What may be done with a token is decided anew with every request, so revoking it works at once and everywhere.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, delete, exists, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import oauth_apps, scopes
from models.accounts import Account, hash_token
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.database import wake
from models.errors import NotFound
from models.oauth_apps import App, OAuthError
from models.redirects import OUT_OF_BAND

CODE_MINUTES = 10
REFRESH_DAYS = 180
EXPIRES_WITH_REFRESH = timedelta(hours=12)
"""Tokens of apps that can refresh them; the others hold until they are revoked, as clients of this API expect."""

MAX_OWN_TOKENS = 20
"""Tokens an app has for itself at once; the oldest ends when one more is made."""


class Grant(Base):
    """An authorization code: once, within ten minutes."""

    __tablename__ = "oauth_grants"

    code_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("oauth_apps.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    redirect_uri: Mapped[str] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    challenge: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    token_id: Mapped[int | None] = mapped_column(Id)
    """What it was exchanged for; set once."""


class AccessToken(Base):
    """What an app acts with: for somebody, or (client credentials) for itself."""

    __tablename__ = "oauth_tokens"
    __table_args__ = (Index("ix_oauth_tokens_account_id_app_id", "account_id", "app_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    refresh_hash: Mapped[str | None] = mapped_column(Text, unique=True)
    app_id: Mapped[int] = mapped_column(ForeignKey("oauth_apps.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    family_id: Mapped[int] = mapped_column(Id, index=True)
    """The first token of a chain of refreshed ones: if one of them is used twice, all end."""
    confidential: Mapped[bool] = mapped_column(default=True)
    """Whether the app had to show its secret to get it, and has to again to refresh it."""
    scopes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


@dataclass(frozen=True)
class Known:
    """Who is behind a token; account and actor are None for an app that acts for itself."""

    token: AccessToken
    app: App
    account: Account | None
    actor: Actor | None


@dataclass(frozen=True)
class Issued:
    """A token as it is told once, to the app."""

    row: AccessToken
    secret: str
    refresh: str | None = None


def grant(db: Session, account: Account, app: App, *, redirect_uri: str, wanted: str, challenge: str = "") -> str:
    """Somebody says yes: a code for the app. The caller has checked place and challenge method."""
    code = secrets.token_urlsafe(32)
    db.add(
        Grant(
            code_hash=hash_token(code),
            app_id=app.id,
            account_id=account.id,
            redirect_uri=redirect_uri,
            scopes=oauth_apps.asked_scopes(app, wanted),
            challenge=challenge,
            expires_at=now() + timedelta(minutes=CODE_MINUTES),
        )
    )
    db.flush()
    return code


def challenge_of(verifier: str) -> str:
    """PKCE's S256 (RFC 7636)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Reused:
    """A code or refresh token came a second time: what was given for it is revoked, and nothing given now."""


def exchange(db: Session, app: App, *, code: str, redirect_uri: str, verifier: str, proven: bool) -> Issued | Reused:
    """A token for a code. Raises OAuthError `invalid_grant`, or `invalid_client` for an app that proves itself by neither.

    A second use revokes what the first one got (somebody else may have had the code), and returns Reused, so that the
    caller commits before he refuses.
    """
    wrong = OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the "
        "authorization request, or was issued to another client.",
    )
    row = db.scalar(select(Grant).where(Grant.code_hash == hash_token(code)).with_for_update())
    if row is None or row.app_id != app.id:
        raise wrong
    if row.token_id is not None:
        _revoke(db, AccessToken.family_id == row.token_id)
        return Reused()
    if row.expires_at <= now() or row.redirect_uri != redirect_uri:
        raise wrong
    if bool(row.challenge) != bool(verifier):
        raise wrong
    if row.challenge and not hmac.compare_digest(row.challenge, challenge_of(verifier)):
        raise wrong
    if not proven and not row.challenge:
        raise OAuthError("invalid_client", "The client has neither a secret nor a code verifier.", status=401)
    account = db.get(Account, row.account_id)
    if account is None or account.suspended_at is not None:
        raise wrong
    issued = issue(db, app, account.id, row.scopes, confidential=proven)
    row.token_id = issued.row.id
    db.flush()
    return issued


def for_itself(db: Session, app: App, wanted: str) -> Issued:
    """A token for an app that acts for nobody (client credentials)."""
    granted = oauth_apps.asked_scopes(app, wanted)
    own = (AccessToken.app_id == app.id) & AccessToken.account_id.is_(None)
    query = select(AccessToken.id).where(own, _holds()).order_by(AccessToken.id.desc()).offset(MAX_OWN_TOKENS - 1)
    if too_many := list(db.scalars(query)):
        _revoke(db, AccessToken.id.in_(too_many))
    return issue(db, app, None, granted)


def issue_for(db: Session, account: Account, wanted: str, *, app_name: str = "torv") -> str:
    """A token somebody makes for a script of his own; returns the secret."""
    app, _ = oauth_apps.register(db, name=app_name, redirect_uris=[OUT_OF_BAND], wanted=wanted)
    return issue(db, app, account.id, app.scopes).secret


def issue(
    db: Session,
    app: App,
    account_id: int | None,
    granted: str,
    *,
    family: int | None = None,
    confidential: bool = True,
) -> Issued:
    """A token with these scopes, which the caller has checked; for `account_id`, or for the app itself."""
    secret, id = secrets.token_urlsafe(32), new_id()
    refreshable = account_id is not None and scopes.covers(granted, "offline_access")
    refresh = secrets.token_urlsafe(32) if refreshable else None
    row = AccessToken(
        id=id,
        token_hash=hash_token(secret),
        refresh_hash=hash_token(refresh) if refresh else None,
        app_id=app.id,
        account_id=account_id,
        family_id=family or id,
        confidential=confidential,
        scopes=granted,
        used_at=now(),
        expires_at=now() + EXPIRES_WITH_REFRESH if refresh else None,
    )
    db.add(row)
    db.flush()
    return Issued(row, secret, refresh)


def refresh(db: Session, app: App, token: str, wanted: str = "", *, proven: bool) -> Issued | Reused:
    """A new pair for a refresh token, which holds once. Raises OAuthError `invalid_grant` or `invalid_scope`, and
    `invalid_client` for an app that showed its secret before and does not now.

    One that was used before ends the whole chain: either its thief or its owner is using it now. Returns Reused then.
    """
    wrong = OAuthError(
        "invalid_grant", "The refresh token is invalid, expired, revoked, or was issued to another client."
    )
    query = select(AccessToken).where(AccessToken.refresh_hash == hash_token(token)).with_for_update()
    row = db.scalar(query) if token else None
    if row is None or row.app_id != app.id or row.account_id is None:
        raise wrong
    if row.confidential and not proven:
        raise OAuthError("invalid_client", "This client has to show its secret.", status=401)
    if row.refreshed_at is not None:
        _revoke(db, AccessToken.family_id == row.family_id)
        return Reused()
    account = db.get(Account, row.account_id)
    if row.revoked_at is not None or account is None or account.suspended_at is not None:
        raise wrong
    if row.created_at < now() - timedelta(days=REFRESH_DAYS):
        raise wrong
    names = scopes.parse(wanted) or scopes.parse(row.scopes)
    if not scopes.within(names, row.scopes):
        raise OAuthError("invalid_scope", "The requested scope goes beyond what was granted.")
    row.refreshed_at = row.revoked_at = now()
    wake(db, "tokens")
    return issue(db, app, row.account_id, " ".join(names), family=row.family_id, confidential=row.confidential)


def who(db: Session, token: str) -> Known | None:
    """Who is behind a token that holds; None for anything else, a suspended account's included. One query.

    Whoever waits to be let in is known all the same: the caller has to look at `Account.waits_for`.
    """
    found = db.execute(
        select(AccessToken, App, Account, Actor)
        .join(App, App.id == AccessToken.app_id)
        .outerjoin(Account, Account.id == AccessToken.account_id)
        .outerjoin(Actor, Actor.id == AccessToken.account_id)
        .where(AccessToken.token_hash == hash_token(token), _holds())
    ).first()
    if found is None:
        return None
    row, app, account, actor = found
    if row.account_id is None:
        return Known(row, app, None, None)
    if account is None or actor is None or account.suspended_at is not None:
        return None
    if not actor.active and not account.waits_for:
        return None
    return Known(row, app, account, actor)


def _holds() -> Any:
    return AccessToken.revoked_at.is_(None) & or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now())


def still_hold(db: Session, token_ids: list[int]) -> set[int]:
    """Which of these tokens still hold, for streams that were opened with them."""
    suspended = exists().where(Account.id == AccessToken.account_id, Account.suspended_at.is_not(None))
    gone = exists().where(
        Actor.id == AccessToken.account_id, or_(Actor.suspended_at.is_not(None), Actor.deleted_at.is_not(None))
    )
    query = select(AccessToken.id).where(AccessToken.id.in_(token_ids), _holds(), ~suspended, ~gone)
    return set(db.scalars(query)) if token_ids else set()


def _revoke(db: Session, condition: Any) -> None:
    db.execute(
        update(AccessToken)
        .where(condition, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now())
        .execution_options(synchronize_session=False)
    )
    db.expire_all()
    wake(db, "tokens")


def revoke(db: Session, app: App, token: str) -> None:
    """Revoke an access or refresh token of this app. Unknown ones are no error (RFC 7009); raises Forbidden's 403 for
    another app's."""
    hashed = hash_token(token)
    row = db.scalar(
        select(AccessToken).where(or_(AccessToken.token_hash == hashed, AccessToken.refresh_hash == hashed))
    )
    if row is None:
        return
    if row.app_id != app.id:
        raise OAuthError("unauthorized_client", "You are not authorized to revoke this token", status=403)
    _revoke(db, AccessToken.family_id == row.family_id)


def apps_of(db: Session, account: Account) -> list[tuple[App, list[AccessToken]]]:
    """The apps somebody lets act for him, with their tokens, the latest first."""
    found: dict[int, tuple[App, list[AccessToken]]] = {}
    query = (
        select(App, AccessToken)
        .join(AccessToken, AccessToken.app_id == App.id)
        .where(AccessToken.account_id == account.id, _holds())
        .order_by(AccessToken.id.desc())
    )
    for app, token in db.execute(query):
        found.setdefault(app.id, (app, []))[1].append(token)
    return list(found.values())


def revoke_app(db: Session, account: Account, app_id: int) -> None:
    """Take all rights back from an app. Raises NotFound if it has none."""
    there = exists().where(AccessToken.account_id == account.id, AccessToken.app_id == app_id, _holds())
    if not db.scalar(select(there)):
        raise NotFound("This app has no access.")
    db.execute(delete(Grant).where(Grant.account_id == account.id, Grant.app_id == app_id))
    _revoke(db, (AccessToken.account_id == account.id) & (AccessToken.app_id == app_id))


def revoke_all(db: Session, account_id: int) -> None:
    """Take all rights back from all apps: the password was changed, or the account suspended."""
    db.execute(delete(Grant).where(Grant.account_id == account_id))
    _revoke(db, AccessToken.account_id == account_id)
