"""Cookies: the one that says who is signed in, and the small ones a visitor needs without an account.

The session cookie holds a random secret and nothing else; the row that gives it meaning can be listed and ended, and is
asked for anew with every request, so a session that is ended anywhere is dead everywhere at once.
"""

import hashlib
import hmac
import re
import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response

from models.database import Node

SESSION = "torv"
FORM = "torv-form"
LANGUAGE = "torv-language"
SAID = "torv-said"

SESSION_SECONDS = 60 * 60 * 24 * 90
LANGUAGE_SECONDS = 60 * 60 * 24 * 365
VALUE = re.compile(r"[A-Za-z0-9_-]{1,128}")


def cookie_name(node: Node, name: str) -> str:
    """`__Host-torv` where the node is on https: such a cookie can be set by this very host only."""
    return f"__Host-{name}" if node.federates else name


def read(connection: HTTPConnection, node: Node, name: str) -> str:
    """A cookie's value; empty if there is none, or none that we could have set."""
    value = connection.cookies.get(cookie_name(node, name), "")
    return value if VALUE.fullmatch(value) else ""


def put(response: Response, node: Node, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        cookie_name(node, name),
        value,
        max_age=seconds,
        path="/",
        secure=node.federates,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, node: Node, name: str) -> None:
    """Make the browser forget a cookie."""
    response.delete_cookie(cookie_name(node, name), path="/", secure=node.federates, httponly=True, samesite="lax")


def new_secret() -> str:
    """A fresh value for a cookie."""
    return secrets.token_urlsafe(32)


def form_token(secret: str) -> str:
    """The token that forms carry to prove that we made them for the holder of this cookie."""
    return hmac.new(secret.encode(), b"torv form", hashlib.sha256).hexdigest()


def form_token_holds(secret: str, token: str) -> bool:
    """True if `token` was made for `secret`."""
    return bool(secret) and hmac.compare_digest(form_token(secret).encode(), token.encode(errors="replace"))
