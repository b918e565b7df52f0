"""OAuth 2: apps. Anybody may register one; what it proves itself with is kept as a hash."""

import hmac
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import scopes
from models.accounts import hash_token
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.errors import DomainError, Invalid
from models.redirects import redirect_fits, website_fits

MAX_REDIRECTS = 20


class OAuthError(DomainError):
    """An error in OAuth's own words (RFC 6749, 5.2): `code` is `invalid_grant` and the like."""

    status = 400

    def __init__(self, code: str, text: str, *, status: int = 400) -> None:
        super().__init__(text, code=code)
        self.status = status


class App(Base):
    """A registered client. A confidential one has a secret; a public one proves itself with PKCE."""

    __tablename__ = "oauth_apps"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    client_id: Mapped[str] = mapped_column(Text, unique=True)
    secret_hash: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    website: Mapped[str] = mapped_column(Text, default="")
    redirect_uris: Mapped[Any] = mapped_column(Json, default=list)
    scopes: Mapped[str] = mapped_column(Text)
    """Separated by spaces: the most it may ever ask for."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def register(
    db: Session, *, name: str, redirect_uris: list[str], wanted: str = "", website: str = ""
) -> tuple[App, str]:
    """A new app and its secret. Raises Invalid: no name, a place to come back to that cannot be, an unknown scope."""
    name = " ".join(name.split())
    if not name or len(name) > 100:
        raise Invalid("client_name: an app has a name of at most 100 characters.", code="name_unfit")
    places = list(dict.fromkeys(redirect_uris))
    if not places or len(places) > MAX_REDIRECTS:
        raise Invalid(
            f"redirect_uris: an app has one to {MAX_REDIRECTS} places to come back to.", code="redirect_unfit"
        )
    if unfit := [uri for uri in places if not redirect_fits(uri)]:
        raise Invalid(f"redirect_uris: {unfit[0][:200]!r} cannot be redirected to.", code="redirect_unfit")
    asked = scopes.parse(wanted) or ["read"]
    if not scopes.known(asked):
        raise Invalid("scopes: there is a scope among them that this server does not know.", code="scope_unknown")
    if website and not website_fits(website):
        raise Invalid("website: expected an address that begins with https://.", code="website_unfit")
    secret = secrets.token_urlsafe(32)
    app = App(
        id=new_id(),
        client_id=secrets.token_urlsafe(32),
        secret_hash=hash_token(secret),
        name=name,
        website=website,
        redirect_uris=places,
        scopes=" ".join(asked),
    )
    db.add(app)
    db.flush()
    return app, secret


def app_by_client_id(db: Session, client_id: str) -> App | None:
    """The app with this public name."""
    return db.scalar(select(App).where(App.client_id == client_id)) if client_id else None


def proven(db: Session, client_id: str, secret: str) -> App:
    """The app, if this is its secret. Raises OAuthError `invalid_client` (401) alike for an unknown app and a wrong one."""
    app = app_by_client_id(db, client_id)
    expected = app.secret_hash if app is not None else hash_token("")
    if not hmac.compare_digest(expected, hash_token(secret)) or app is None or not secret:
        raise OAuthError(
            "invalid_client",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported "
            "authentication method.",
            status=401,
        )
    return app


def asked_scopes(app: App, wanted: str) -> str:
    """The scopes of a request: `read` if it names none. Raises OAuthError `invalid_scope`."""
    names = scopes.parse(wanted) or ["read"]
    if not scopes.known(names) or not scopes.within(names, app.scopes):
        raise OAuthError("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    return " ".join(names)
