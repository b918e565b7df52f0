"""Which app is asking: by HTTP Basic, by secret in the body, or, for one that keeps no secret, by its name alone."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from sqlalchemy.orm import Session
from starlette.requests import Request

from models import oauth_apps
from models.oauth_apps import App, OAuthError
from server.api import arguments

SECRET_ARGUMENTS = {"client_secret", "code", "code_verifier", "refresh_token", "token", "password"}


class Credentials(msgspec.Struct, kw_only=True):
    """What stands in the body of every request of an app."""

    client_id: str = ""
    client_secret: str = ""


@dataclass(frozen=True)
class Client:
    """Who an app says it is, and the secret it shows for it; empty if it shows none."""

    id: str
    secret: str

    def found(self, db: Session) -> tuple[App, bool]:
        """The app, and whether it has proven itself. Raises OAuthError `invalid_client`: unknown, or a wrong secret."""
        app = None if self.secret else oauth_apps.app_by_client_id(db, self.id)
        return (app, False) if app is not None else (oauth_apps.proven(db, self.id, self.secret), True)


async def read(request: Request, form: type[Any]) -> Any:
    """The arguments of a request as `form`. Secrets in the address are refused: addresses end up in logs."""
    if SECRET_ARGUMENTS & set(request.query_params):
        raise OAuthError("invalid_request", "Secrets, codes and tokens belong into the body of the request.")
    args, _ = await arguments.read(request, form)
    return args


def client_of(request: Request, args: Credentials) -> Client:
    """Who sends this. Raises OAuthError for a header that is none, or that contradicts the body."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return Client(args.client_id, args.client_secret)
    try:
        text = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "The Authorization header could not be read.", status=401) from None
    id, _, secret = text.partition(":")
    client = Client(unquote_plus(id), unquote_plus(secret))
    if not client.id.isprintable():
        raise OAuthError("invalid_client", "The Authorization header could not be read.", status=401)
    if args.client_id and args.client_id != client.id:
        raise OAuthError("invalid_request", "The header and the body name two clients.")
    return client
