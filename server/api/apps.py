"""Registering an app, and an app asking about itself. Anybody may register one: it can do nothing before somebody
has given it access."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from federation.crossing import writing
from models import oauth_apps, push, scopes
from models.errors import Unauthenticated
from models.oauth_apps import App
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.apps import Application, CredentialApplication
from server.limits import APPS_BY_ADDRESS


class NewApp(msgspec.Struct, kw_only=True):
    """What an app says of itself. `redirect_uris` may be a list, or one text with an address a line."""

    client_name: str = ""
    redirect_uris: Annotated[list[str], Meta(max_length=100)] = []
    scopes: str = "read"
    website: str = ""


@endpoint(None, NewApp, CredentialApplication, who="anybody")
async def register(call: Call, args: NewApp) -> CredentialApplication:
    """`POST /api/v1/apps`: the name and the secret with which the app asks people for access."""
    await call.limits.count(APPS_BY_ADDRESS, call.client)
    places = [place for text in args.redirect_uris for place in text.split()]

    def make(db: Session) -> CredentialApplication:
        app, secret = oauth_apps.register(
            db, name=args.client_name, redirect_uris=places, wanted=args.scopes, website=args.website.strip()
        )
        return CredentialApplication(
            **_values(app, push.vapid_public_key(db)), client_id=app.client_id, client_secret=secret
        )

    return await writing(call.database, make)


@endpoint(None, Nothing, Application, who="app")
async def verify_credentials(call: Call, _args: Nothing) -> Application:
    """`GET /api/v1/apps/verify_credentials`: the app whose token this is."""
    app = call.app
    if app is None:
        raise Unauthenticated("The access token is invalid", code="invalid_token")
    return await call.read(lambda db: Application(**_values(app, push.vapid_public_key(db))))


def _values(app: App, vapid_key: str) -> dict[str, Any]:
    return {
        "id": str(app.id),
        "name": app.name,
        "website": app.website or None,
        "scopes": scopes.parse(app.scopes),
        "redirect_uris": app.redirect_uris,
        "redirect_uri": "\n".join(app.redirect_uris),
        "vapid_key": vapid_key,
    }
