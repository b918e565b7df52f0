"""Making an account from an app, where the node is open."""

from typing import Literal

from msgspec import Struct
from sqlalchemy.orm import Session

from federation.crossing import writing
from models import accounts, oauth
from models.accounts import LANGUAGES
from models.errors import Conflict, Forbidden, Invalid, Unauthenticated
from models.oauth import Issued
from server.api.calls import Call, endpoint
from server.limits import sign_ups


class SignUp(Struct, kw_only=True):
    """What an app sends to make an account."""

    username: str = ""
    email: str = ""
    password: str = ""
    agreement: bool = False
    locale: str = ""
    reason: str = ""


class Token(Struct, kw_only=True):
    """Mastodon's Token: what the app acts with from now on."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of RFC 6750
    scope: str
    created_at: int


@endpoint("write:accounts", SignUp, Token, who="app")
async def sign_up(call: Call, args: SignUp) -> Token:
    """`POST /api/v1/accounts`: a new account, and a token for the app that made it.

    403 where accounts are made from invitations only. The token must be the app's own, not somebody's.
    """
    if call.settings.registrations != "open":
        raise Forbidden(
            "This server does not take sign-ups from apps: accounts are made from invitations", code="closed"
        )
    if call.app is None or call.token is None or call.actor is not None:
        raise Unauthenticated("This method requires the token of an app", code="app_required")
    if not args.agreement:
        raise Invalid("Validation failed: Agreement must be accepted", code="agreement_missing")
    call.limits.count(sign_ups(call.settings), call.client)
    app, scopes = call.app, call.token.scopes
    language = args.locale.split("-")[0].lower()

    def make(db: Session) -> Issued:
        account = accounts.create(
            db,
            username=args.username,
            email=args.email,
            password=args.password,
            language=language if language in LANGUAGES else call.settings.default_language,
        )
        return oauth.issue(db, app, account.id, scopes)

    try:
        issued = await writing(call.database, make)
    except Conflict as taken:
        raise Invalid(f"Validation failed: {taken.text}", code=taken.code) from None
    return Token(access_token=issued.secret, scope=scopes, created_at=int(issued.row.created_at.timestamp()))
