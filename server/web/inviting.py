"""Inviting others: a link to hand on, or a letter to somebody's address."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import invitations
from models.accounts import Role
from models.actors import Actor
from models.errors import DomainError, NotFound
from server.forms import Form
from server.i18n import LANGUAGES
from server.limits import INVITATIONS_BY_ACCOUNT
from server.web.visits import Visit, action, own_page


@own_page
async def invitations_form(visit: Visit) -> Response:
    """`GET /invitations`: a new one, and those of one's own that are out. 404 for those who may not invite."""
    _may(visit)
    return await _page(visit, Form.filled(language=visit.language))


def _may(visit: Visit) -> None:
    if not visit.site.policy.may_invite(visit.my_account):
        raise NotFound("There is no such page.")


async def _page(visit: Visit, form: Form, status: int = 200, *, link: str = "") -> Response:
    found = await visit.read(lambda db: invitations.open_of(db, visit.me.id))
    return visit.page("invitations.html", status=status, form=form, found=found, link=link, tab="invitations")


@action
async def invite(visit: Visit, form: Form) -> Response:
    """`POST /invitations`: with an address a letter goes there, where the node sends mail; without, a link is shown."""
    _may(visit)
    email = form.line("email", most=300, required=False)
    language = form.choice("language", LANGUAGES, visit.language)
    staff = visit.is_at_least(Role.MODERATOR)
    if form.errors:
        return await _page(visit, form, 422)
    await visit.limits.count(INVITATIONS_BY_ACCOUNT, str(visit.me.id))
    by_mail = bool(email) and visit.site.policy.by_mail

    def write(db: Session, me: Actor) -> str:
        if not staff:
            invitations.require_room(db, me.id)
        if by_mail:
            invitations.send(db, email=email, by=me.id, language=language)
            return ""
        return invitations.invite(db, email=email, confirms=staff, by=me.id)

    try:
        token = await visit.write(write)
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("email", error.text)
        return await _page(visit, form, error.status)
    if by_mail:
        return visit.go("/invitations", said="invited")
    return await _page(visit, Form.filled(language=language), link=f"{visit.node.origin}/invitations/{token}")


@action
async def withdraw(visit: Visit, form: Form) -> Response:
    """`POST /invitations/withdraw`: take one of one's own back."""
    number = form.number("number") or 0
    await visit.write(lambda db, me: invitations.withdraw(db, me.id, number))
    return visit.go("/invitations", said="invitation-withdrawn")
