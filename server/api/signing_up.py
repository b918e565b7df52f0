"""Making an account from an app, where anybody may, and having its address confirmed."""

from typing import Literal

from msgspec import Struct
from sqlalchemy.orm import Session

from federation.crossing import writing
from models import oauth, registrations
from models.accounts import LANGUAGES, Account, Wait
from models.errors import Conflict, Forbidden, Invalid, Unauthenticated, Unfit
from models.oauth import Issued
from models.registrations import Mode, Policy
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.limits import MAILS_BY_ACCOUNT, sign_ups


class SignUp(Struct, kw_only=True):
    """What an app sends to make an account."""

    username: str = ""
    email: str = ""
    password: str = ""
    agreement: bool = False
    locale: str = ""
    reason: str = ""


REASONS = {
    "username_form": ("username", "ERR_INVALID"),
    "username_reserved": ("username", "ERR_RESERVED"),
    "username_taken": ("username", "ERR_TAKEN"),
    "email_form": ("email", "ERR_INVALID"),
    "email_taken": ("email", "ERR_TAKEN"),
    "email_domain": ("email", "ERR_BLOCKED"),
    "reason_missing": ("reason", "ERR_BLANK"),
    "reason_long": ("reason", "ERR_TOO_LONG"),
    "password_short": ("password", "ERR_TOO_SHORT"),
    "password_long": ("password", "ERR_TOO_LONG"),
}
"""What Mastodon calls our reasons, and of which part of the form they speak."""


class Token(Struct, kw_only=True):
    """Mastodon's Token: what the app acts with from now on."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of RFC 6750
    scope: str
    created_at: int


@endpoint("write:accounts", SignUp, Token, who="app")
async def sign_up(call: Call, args: SignUp) -> Token:
    """`POST /api/v1/accounts`: a new account, and a token for the app that made it. Until the account is let in (its
    address confirmed, a moderator's yes) whatever is called with the token is answered 403.

    403 where accounts are made from invitations only. The token must be the app's own, not somebody's.
    """
    await call.site.current()
    policy = call.site.policy
    if not policy.open:
        raise Forbidden(
            "This server does not take sign-ups from apps: accounts are made from invitations", code="closed"
        )
    if call.app is None or call.token is None or call.actor is not None:
        raise Unauthenticated("This method requires the token of an app", code="app_required")
    _whole(args, policy)
    await call.limits.count(sign_ups(call.settings), call.client)
    app, scopes = call.app, call.token.scopes
    language = args.locale.split("-")[0].lower()

    def make(db: Session) -> Issued:
        account = registrations.sign_up(
            db,
            call.site.look_at_policy(db),
            username=args.username,
            email=args.email,
            password=args.password,
            reason=args.reason,
            language=language if language in LANGUAGES else call.settings.default_language,
        )
        return oauth.issue(db, app, account.id, scopes)

    try:
        issued = await writing(call.database, make)
    except (Conflict, Invalid) as error:
        part, reason = REASONS.get(error.code, ("base", "ERR_INVALID"))
        told = {part: [{"error": reason, "description": error.text}]}
        raise Unfit(f"Validation failed: {error.text}", told, code=error.code) from None
    return Token(access_token=issued.secret, scope=scopes, created_at=int(issued.row.created_at.timestamp()))


def _whole(args: SignUp, policy: Policy) -> None:
    """Raises Unfit, naming all that is not there at once."""
    sent = {"username": args.username, "email": args.email, "password": args.password}
    if policy.mode == Mode.APPROVAL:
        sent["reason"] = args.reason
    blank = {"error": "ERR_BLANK", "description": "can't be blank"}
    missing = {name: [blank] for name, value in sent.items() if not value.strip()}
    if not args.agreement:
        missing["agreement"] = [{"error": "ERR_ACCEPTED", "description": "must be accepted"}]
    if missing:
        said = ", ".join(f"{name.capitalize()} {why[0]['description']}" for name, why in missing.items())
        code = "agreement_missing" if list(missing) == ["agreement"] else "form_incomplete"
        raise Unfit(f"Validation failed: {said}", missing, code=code)


class Again(Struct, kw_only=True):
    """Another address, if the first was wrong."""

    email: str = ""


@endpoint("write:accounts", Again, Nothing, who="newcomer")
async def confirm_again(call: Call, args: Again) -> None:
    """`POST /api/v1/emails/confirmations`: send the link again. 403 where the address is confirmed."""
    account = call.my_account
    if account.waits_for != Wait.CONFIRMATION:
        raise Forbidden("This method is only available while the e-mail is awaiting confirmation", code="confirmed")
    await call.limits.count(MAILS_BY_ACCOUNT, str(account.id))

    def write(db: Session) -> None:
        row = db.get_one(Account, account.id)
        registrations.confirm_again(db, call.site.look_at_policy(db), row, args.email or row.email)

    await writing(call.database, write)


@endpoint("read:accounts", Nothing, bool, who="newcomer")
async def is_confirmed(call: Call, args: Nothing) -> bool:
    """`GET /api/v1/emails/check_confirmation`."""
    return call.my_account.waits_for != Wait.CONFIRMATION
