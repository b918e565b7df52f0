"""Pages that links in mail lead to: an address confirmed, a new password chosen. Opening one changes nothing yet, because
mail programs open links by themselves."""

from starlette.responses import Response

from federation.crossing import reading, writing
from models import email_links
from models.email_links import Purpose
from models.errors import DomainError, NotFound
from server import mail, sessions
from server.forms import Form
from server.limits import MAILS_BY_ACCOUNT, MAILS_BY_ADDRESS, SIGN_IN_BY_ADDRESS
from server.web.visits import Visit, open_action, page


def _token(visit: Visit) -> str:
    token: str = visit.request.path_params["token"]
    return token


@page
async def confirm_form(visit: Visit) -> Response:
    """`GET /confirm/{token}`: is this your address? 404 for a link that is used or too old."""
    link, _ = await visit.read(lambda db: email_links.look(db, _token(visit), Purpose.CONFIRM))
    return visit.page("confirm.html", email=link.email)


@open_action
async def confirm(visit: Visit, form: Form) -> Response:
    """`POST /confirm/{token}`: it is."""
    await visit.limits.count(SIGN_IN_BY_ADDRESS, visit.client)
    await writing(visit.database, lambda db: email_links.confirm(db, _token(visit)))
    return visit.go("/" if visit.actor is not None else "/sign-in", said="email-confirmed")


@page
async def forgotten_form(visit: Visit) -> Response:
    """`GET /password`: I have lost mine. 404 where the node sends no mail."""
    _sends(visit)
    return visit.page("forgotten.html", form=Form(), asked=False)


@open_action
async def forgotten(visit: Visit, form: Form) -> Response:
    """`POST /password`: a link is sent if there is an account with that address; the answer does not tell whether."""
    _sends(visit)
    email = form.line("email", most=300)
    if form.errors:
        return visit.page("forgotten.html", status=422, form=form, asked=False)
    await visit.limits.count(MAILS_BY_ADDRESS, visit.client)
    await visit.limits.count(MAILS_BY_ACCOUNT, email.lower())
    await writing(visit.database, lambda db: email_links.forgotten(db, email))
    return visit.page("forgotten.html", form=form, asked=True)


def _sends(visit: Visit) -> None:
    if not mail.is_set_up(visit.settings):
        raise NotFound("There is no such page.")


@page
async def password_form(visit: Visit) -> Response:
    """`GET /password/{token}`: choose a new one. 404 for a link that is used or too old."""
    _, account = await visit.read(lambda db: email_links.look(db, _token(visit), Purpose.PASSWORD))
    visit.speak(account.language)
    return visit.page("new_password.html", form=Form())


@open_action
async def password(visit: Visit, form: Form) -> Response:
    """`POST /password/{token}`: it is changed, and every browser and app is signed out, this one too."""
    await visit.limits.count(SIGN_IN_BY_ADDRESS, visit.client)
    token = _token(visit)
    await reading(visit.database, lambda db: email_links.look(db, token, Purpose.PASSWORD))
    new = form.secret("new")
    if not form.errors:
        try:
            await writing(visit.database, lambda db: email_links.choose_password(db, token, new))
        except DomainError as error:
            if error.status != 422:
                raise
            form.error("new", error.text)
    if form.errors:
        return visit.page("new_password.html", status=422, form=form)
    response = visit.go("/sign-in", said="password-chosen")
    sessions.drop(response, visit.node, sessions.SESSION)
    return response
