"""`POST /oauth/token` and `POST /oauth/revoke` (RFC 6749, 7636, 7009)."""

import msgspec
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import writing
from models import oauth
from models.base import now
from models.database import Database
from models.oauth import Issued, Reused
from models.oauth_apps import OAuthError
from server.oauth.answering import program, told
from server.oauth.clients import Client, Credentials, client_of, read

GRANTS = ("authorization_code", "client_credentials", "refresh_token")


class TokenArgs(Credentials, kw_only=True):
    """What an app sends for a token."""

    grant_type: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    refresh_token: str = ""
    scope: str = ""


class TokenAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Mastodon's Token. What can be refreshed says how, and when it ends."""

    access_token: str
    token_type: str
    scope: str
    created_at: int
    expires_in: int | None = None
    refresh_token: str | None = None


class RevokeArgs(Credentials, kw_only=True):
    """What an app sends to give its rights back."""

    token: str = ""


@program
async def token(request: Request) -> Response:
    """`POST /oauth/token`: a token for a code, for a refresh token, or for the app itself."""
    args: TokenArgs = await read(request, TokenArgs)
    client = client_of(request, args)
    if not args.grant_type:
        raise OAuthError("invalid_request", "Missing required parameter: grant_type.")
    if args.grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", "This kind of grant is not supported.")
    database: Database = request.app.state.database
    issued = await writing(database, lambda db: _issue(db, client, args))
    if isinstance(issued, Reused):
        # said only now, so that the tokens of the first use are revoked for good
        raise OAuthError("invalid_grant", "This was used before; what it gave is revoked.")
    return told(answer(issued))


def _issue(db: Session, client: Client, args: TokenArgs) -> Issued | Reused:
    app, proven = client.found(db)
    if args.grant_type == "authorization_code":
        return oauth.exchange(
            db,
            app,
            code=args.code,
            redirect_uri=args.redirect_uri,
            verifier=args.code_verifier,
            proven=proven,
        )
    if args.grant_type == "refresh_token":
        return oauth.refresh(db, app, args.refresh_token, args.scope, proven=proven)
    if not proven:
        raise OAuthError("invalid_client", "An app that acts for itself has to show its secret.", status=401)
    return oauth.for_itself(db, app, args.scope)


def answer(issued: Issued) -> TokenAnswer:
    """A new token as its app hears of it, this once."""
    row = issued.row
    return TokenAnswer(
        access_token=issued.secret,
        token_type="Bearer",  # noqa: S106 - the name of a kind
        scope=row.scopes,
        created_at=int(row.created_at.timestamp()),
        expires_in=max(0, int((row.expires_at - now()).total_seconds())) if row.expires_at else None,
        refresh_token=issued.refresh,
    )


@program
async def revoke(request: Request) -> Response:
    """`POST /oauth/revoke`: a token, and all that were refreshed from it, end at once. Unknown ones are no error."""
    args: RevokeArgs = await read(request, RevokeArgs)
    client = client_of(request, args)
    if not client.id:
        raise OAuthError("unauthorized_client", "You are not authorized to revoke this token", status=403)
    if not args.token:
        raise OAuthError("invalid_request", "Missing required parameter: token.")
    database: Database = request.app.state.database

    def work(db: Session) -> None:
        # whoever holds the token of an app may give it back, so its secret is not asked for, but a wrong one is refused
        app, _ = client.found(db)
        oauth.revoke(db, app, args.token)

    await writing(database, work)
    return told({})
