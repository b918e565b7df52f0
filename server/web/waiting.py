"""Where somebody stands who has made an account and is not let in yet."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.crossing import writing
from models import registrations
from models.accounts import Account
from models.errors import DomainError, NotFound
from models.registrations import Application
from server import sessions
from server.forms import Form
from server.limits import MAILS_BY_ACCOUNT, MAILS_BY_ADDRESS
from server.web.visits import Visit, open_action, page


@page
async def waiting_form(visit: Visit) -> Response:
    """`GET /waiting`: what the account waits for. Whoever is let in goes on, whoever has none is sent to sign in."""
    if visit.newcomer is None:
        return visit.go("/start" if visit.actor is not None else "/sign-in")
    return await _page(visit, visit.newcomer, Form.filled(email=visit.newcomer.email))


async def _page(visit: Visit, account: Account, form: Form, status: int = 200, *, sent: bool = False) -> Response:
    visit.speak(account.language)
    application = await visit.read(lambda db: db.get(Application, account.id))
    return visit.page("waiting.html", status=status, form=form, newcomer=account, application=application, sent=sent)


@open_action
async def send_again(visit: Visit, form: Form) -> Response:
    """`POST /waiting/mail`: the link again, to another address if the first was wrong."""
    account = _newcomer(visit)
    email = form.line("email", most=300)
    if not form.errors:
        await visit.limits.count(MAILS_BY_ADDRESS, visit.client)
        await visit.limits.count(MAILS_BY_ACCOUNT, str(account.id))

        def write(db: Session) -> None:
            policy = visit.site.look_at_policy(db)
            registrations.confirm_again(db, policy, db.get_one(Account, account.id), email)

        try:
            await writing(visit.database, write)
        except DomainError as error:
            if error.status not in {409, 422}:
                raise
            form.error("email", error.text)
    if form.errors:
        return await _page(visit, account, form, 422)
    return await _page(visit, account, form, sent=True)


@open_action
async def leave(visit: Visit, form: Form) -> Response:
    """`POST /waiting/leave`: this browser knows nothing more of it."""
    _newcomer(visit)
    response = visit.go("/")
    sessions.drop(response, visit.node, sessions.SESSION)
    return response


def _newcomer(visit: Visit) -> Account:
    if visit.newcomer is None:
        raise NotFound("There is no such page.")
    return visit.newcomer
