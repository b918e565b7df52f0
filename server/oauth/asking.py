"""What an app asks somebody for: the parameters of `/oauth/authorize`, judged in the order that keeps people safe.

As long as it is not certain that the app is known and named the place to come back to when it was registered, nothing
is sent there: the visitor reads what is wrong, on a page of ours. From then on errors go to the app (RFC 6749, 4.1.2.1).
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from models import oauth_apps
from models.errors import DomainError
from models.oauth_apps import App, OAuthError
from models.redirects import OUT_OF_BAND
from server.i18n import later

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""A SHA-256 in base64url: what S256 makes."""

ONCE = ("response_type", "response_mode", "scope", "state", "code_challenge", "code_challenge_method")


class Untrusted(DomainError):
    """The link is not one of a registered app, so its visitor is sent nowhere (HTTP 400)."""

    status = 400
    code = "untrusted"


class Refused(Exception):
    """An error the app hears of, in its own place to come back to."""

    def __init__(self, place: "Place", error: OAuthError) -> None:
        super().__init__(error.code)
        self.place = place
        self.error = error


@dataclass(frozen=True)
class Place:
    """Where the app wants its visitor back, and what it wants to be told again."""

    redirect_uri: str
    state: str | None

    @property
    def is_page(self) -> bool:
        """Whether there is no such place, and the visitor carries the code there himself."""
        return self.redirect_uri == OUT_OF_BAND

    def with_answer(self, **values: str) -> str:
        """The address to send the visitor to. What was registered stays as it is, to the letter."""
        told = values | ({"state": self.state} if self.state is not None else {})
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(told)}"


@dataclass(frozen=True)
class Asked:
    """A request that somebody can say yes or no to."""

    app: App
    place: Place
    scopes: str
    challenge: str


def read(db: Session, query: QueryParams) -> Asked:
    """The request in a query. Raises Untrusted or Refused."""
    app = oauth_apps.app_by_client_id(db, _only(query, "client_id"))
    if app is None:
        raise Untrusted(later("The app that sent you here is not known on this server. Start again from the app."))
    redirect_uri = _only(query, "redirect_uri")
    if redirect_uri not in app.redirect_uris:
        raise Untrusted(
            later("The app wants you back at an address that it has not registered here, so you are sent nowhere.")
        )
    place = Place(redirect_uri, query.get("state"))
    try:
        return Asked(app, place, *_judged(app, query))
    except OAuthError as error:
        raise Refused(place, error) from None


def _only(query: QueryParams, name: str) -> str:
    values = query.getlist(name)
    if len(values) > 1:
        raise Untrusted(later("The link says two things at once. Start again from the app."))
    return values[0] if values else ""


def _judged(app: App, query: QueryParams) -> tuple[str, str]:
    """The scopes and the challenge."""
    if twice := [name for name in ONCE if len(query.getlist(name)) > 1]:
        raise OAuthError("invalid_request", f"The parameter {twice[0]} stands there twice.")
    if query.get("response_type") != "code":
        code = "unsupported_response_type" if query.get("response_type") else "invalid_request"
        raise OAuthError(code, "The only response_type here is code.")
    if query.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "The only response_mode here is query.")
    challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "")
    if (challenge or method) and method != "S256":
        raise OAuthError("invalid_request", "The only code_challenge_method here is S256.")
    if method and not CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "The code_challenge is not what S256 makes.")
    return oauth_apps.asked_scopes(app, query.get("scope", "")), challenge
