"""Signing in and out, and making an account: with an invitation or, where the node is open, without."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from federation.crossing import reading, writing
from models import accounts, invitations, registrations
from models.accounts import Account
from models.errors import DomainError, NotFound
from models.invitations import Invitation
from models.registrations import MAX_REASON, Mode
from server import sessions
from server.forms import Form
from server.i18n import LANGUAGES
from server.limits import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS, sign_ups
from server.security import local_path
from server.web.appeals import shut_out
from server.web.visits import Visit, action, open_action, page


@page
async def sign_in_form(visit: Visit) -> Response:
    """`GET /sign-in?next=/path`: the form; whoever is signed in already goes on at once, but with `again=1`, which lets
    him become somebody else. `lang` is the language an app wants the form in."""
    going_to = local_path(visit.request.query_params.get("next", ""))
    visit.speak(visit.query("lang"))
    if visit.actor is not None and not visit.query("again"):
        return visit.go(going_to)
    return visit.page("sign_in.html", form=Form.filled(next=going_to, lang=visit.query("lang")))


@open_action
async def sign_in(visit: Visit, form: Form) -> Response:
    """`POST /sign-in`: a user name or e-mail address, and a password."""
    visit.speak(form.raw("lang"))
    login, password = form.line("login", most=300), form.secret("password")
    if form.errors:
        return visit.page("sign_in.html", status=422, form=form)
    await visit.limits.count(SIGN_IN_BY_ADDRESS, visit.client)
    await visit.limits.count(SIGN_IN_BY_ACCOUNT, login.lower().lstrip("@"))
    try:
        account = await reading(visit.database, lambda db: accounts.with_password(db, login, password))
    except DomainError as error:
        if error.status != 401:
            raise
        form.error("password", error.text)
        return visit.page("sign_in.html", status=401, form=form)
    if account.suspended_at is not None:
        return await shut_out(visit, account)
    return await _signed_in(visit, account, local_path(form.raw("next")))


async def _signed_in(visit: Visit, account: Account, going_to: str, said: str = "") -> Response:
    agent = visit.request.headers.get("user-agent", "")
    before = sessions.read(visit.request, visit.node, sessions.SESSION)

    def start(db: Session) -> str:
        row = db.get(Account, account.id)
        if row is None or row.suspended_at is not None:
            raise NotFound("There is no such account.")
        if before:
            accounts.end_login(db, before)
        return accounts.start_login(db, row, agent)

    token = await writing(visit.database, start)
    response = visit.go("/waiting") if account.waits_for else visit.go(going_to, said=said)
    # A fresh secret for every login: whatever was in this browser before is worth nothing now.
    sessions.put(response, visit.node, sessions.SESSION, token, seconds=sessions.SESSION_SECONDS)
    sessions.drop(response, visit.node, sessions.FORM)
    return response


@action
async def sign_out(visit: Visit, form: Form) -> Response:
    """`POST /sign-out`: end this browser's session."""
    token = sessions.read(visit.request, visit.node, sessions.SESSION)
    await writing(visit.database, lambda db: accounts.end_login(db, token))
    response = visit.go("/", said="signed-out")
    sessions.drop(response, visit.node, sessions.SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _holds(visit: Visit) -> str:
    if visit.site.policy.mode == Mode.CLOSED:
        raise NotFound("There is no such page.")
    token: str = visit.request.path_params["token"]
    return token


@page
async def invitation_form(visit: Visit) -> Response:
    """`GET /invitations/{token}`: make the account that an invitation promises."""
    token = _holds(visit)
    invited = await visit.read(lambda db: invitations.find(db, token))
    form = Form.filled(email=invited.email, language=visit.language)
    return visit.page("invitation.html", form=form, invited=invited)


@open_action
async def use_invitation(visit: Visit, form: Form) -> Response:
    """`POST /invitations/{token}`: the account is made and signed in."""
    token = _holds(visit)
    invited = await visit.read(lambda db: invitations.find(db, token))
    await visit.limits.count(SIGN_IN_BY_ADDRESS, visit.client)

    def create(db: Session, new: New) -> Account:
        return invitations.use(db, token, by_mail=visit.site.policy.by_mail, **asdict(new))

    return await _make(visit, form, create, invited)


@page
async def sign_up_form(visit: Visit) -> Response:
    """`GET /sign-up`: make an account, where anybody may."""
    _anybody(visit)
    return visit.page("invitation.html", form=Form.filled(language=visit.language), invited=None)


@open_action
async def sign_up(visit: Visit, form: Form) -> Response:
    """`POST /sign-up`: the account is made, and signed in or told what it waits for."""
    _anybody(visit)
    reason = form.text("reason", most=MAX_REASON, required=visit.site.policy.mode == Mode.APPROVAL)

    def create(db: Session, new: New) -> Account:
        return registrations.sign_up(db, visit.site.look_at_policy(db), reason=reason, **asdict(new))

    return await _make(visit, form, create, None)


def _anybody(visit: Visit) -> None:
    if visit.site.policy.mode == Mode.CLOSED:
        raise NotFound("No accounts are made here at the moment.", code="closed")
    if not visit.site.policy.open:
        raise NotFound("Accounts here are by invitation. Ask the administrators for one.", code="invited_only")


@dataclass(frozen=True)
class New:
    """What somebody says of the account to be made."""

    username: str
    name: str
    email: str
    password: str
    language: str


async def _make(
    visit: Visit, form: Form, create: Callable[[Session, New], Account], invited: Invitation | None
) -> Response:
    new = New(
        form.line("username", most=30),
        form.line("name", most=100, required=False),
        form.line("email", most=300),
        form.secret("password"),
        form.choice("language", LANGUAGES, visit.language),
    )
    if form.errors:
        return visit.page("invitation.html", status=422, form=form, invited=invited)
    if invited is None:
        await visit.limits.count(sign_ups(visit.settings), visit.client)
    try:
        account = await writing(visit.database, lambda db: create(db, new))
    except DomainError as error:
        if error.status not in {403, 409, 422}:
            raise
        form.error(_field(error), error.text)
        return visit.page("invitation.html", status=error.status, form=form, invited=invited)
    return await _signed_in(visit, account, "/start", said="welcome")


def _field(error: DomainError) -> str:
    for name in ("password", "email", "reason"):
        if error.code.startswith(name):
            return name
    return "username"


async def old_sign_in(request: object) -> Response:
    """`GET /login`: where people look for it by habit."""
    return RedirectResponse("/sign-in", status_code=303)
