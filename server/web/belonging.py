"""What the visitor is to organisations: asking to be confirmed, taking up an offer, leaving."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import affiliations, organizations
from models.actors import Actor
from models.affiliations import Row
from models.errors import DomainError
from models.organizations import AffiliationClass, Organization
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page

SAYS = {
    AffiliationClass.PUBLIC_BODY: later("I work there"),
    AffiliationClass.SUPPLIER: later("I work there"),
    AffiliationClass.ASSOCIATION: later("I take part in it"),
    AffiliationClass.CITIZEN: later("I am a citizen there"),
}
"""What somebody says of himself when he chooses a class."""


@own_page
async def affiliations_form(visit: Visit) -> Response:
    """`GET /settings/affiliations`: what I am to organisations, and a new one."""
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[list[Row], list[tuple[Organization, Actor]], list[Actor]]:
        return (
            affiliations.of(db, visit.me.id),
            organizations.all_local(db),
            organizations.edited_by(db, visit.me.id),
        )

    mine, all_of_them, edited = await visit.read(look)
    taken = {row.organization_id for row, _ in mine if row.state in {"confirmed", "requested", "offered"}}
    free = [(row, actor) for row, actor in all_of_them if row.id not in taken]
    return visit.page(
        "settings_affiliations.html", status=status, form=form, tab="affiliations", mine=mine, free=free, edited=edited,
        choices=[(f"{actor.id} {kind}", actor, kind) for row, actor in free for kind in organizations.classes(row)],
        says=SAYS,
    )  # fmt: skip


@action
async def ask(visit: Visit, form: Form) -> Response:
    """`POST /settings/affiliations`: say what I am to an organisation."""
    chosen, note = form.line("choice", most=60), form.line("note", most=affiliations.MAX_NOTE, required=False)
    number, _, kind = chosen.partition(" ")
    if not form.errors and not (number.isascii() and number.isdigit() and len(number) < 20):
        form.error("choice", later("Choose one of these."))
    if form.errors:
        return await _page(visit, form, 422)

    def write(db: Session, me: Actor) -> str:
        return affiliations.request(db, me, organizations.by_id(db, int(number)), kind, note).state

    try:
        state = await visit.write(write)
    except DomainError as error:
        if error.status not in {404, 409, 422}:
            raise
        form.error("note" if error.code == "note_long" else "choice", error.text)
        return await _page(visit, form, error.status)
    return visit.go("/settings/affiliations", said=f"affiliation-{state}")


@action
async def accept(visit: Visit, form: Form) -> Response:
    """`POST /settings/affiliations/{id}/accept`: say yes to an offer."""
    await visit.write(lambda db, me: affiliations.accept_offer(db, me, visit.path("id")))
    return visit.back(form, "/settings/affiliations", said="affiliation-confirmed")


@action
async def leave(visit: Visit, form: Form) -> Response:
    """`POST /settings/affiliations/{id}/leave`: no longer, or never mind."""
    await visit.write(lambda db, me: affiliations.leave(db, me, visit.path("id")))
    return visit.go("/settings/affiliations", said="affiliation-left")
