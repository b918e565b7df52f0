"""Which apps act for me: what each may do, since when, when it last did, and taking it back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import oauth
from models.accounts import Account
from models.oauth import AccessToken
from models.oauth_apps import App
from server.forms import Form
from server.oauth.words import rights
from server.web.visits import Visit, action, own_page


@dataclass(frozen=True)
class Shown:
    """An app as its user reads of it. With several tokens: the rights of all, the first day, the last use."""

    id: int
    name: str
    website: str
    rights: list[str]
    since: datetime
    used: datetime


def _shown(app: App, tokens: list[AccessToken]) -> Shown:
    return Shown(
        app.id,
        app.name,
        app.website,
        rights(" ".join(token.scopes for token in tokens)),
        min(token.created_at for token in tokens),
        max(token.used_at or token.created_at for token in tokens),
    )


@own_page
async def apps(visit: Visit) -> Response:
    """`GET /settings/apps`."""

    def look(db: Session) -> list[Shown]:
        return [_shown(app, tokens) for app, tokens in oauth.apps_of(db, visit.my_account)]

    return visit.page("settings_apps.html", tab="apps", apps=await visit.read(look))


@action
async def revoke(visit: Visit, _form: Form) -> Response:
    """`POST /settings/apps/{id}/revoke`: all the app's tokens end at once, and the streams opened with them."""
    app = visit.path("id")
    await visit.write(lambda db, me: oauth.revoke_app(db, db.get_one(Account, me.id), app))
    return visit.go("/settings/apps", said="app-revoked")
