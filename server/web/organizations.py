"""The organisations of this node: the list of them, their people, and what those who look after one can do."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, affiliations, invitations, municipalities, organizations
from models.accounts import Role
from models.actors import Actor
from models.affiliations import Affiliation
from models.errors import DomainError, NotFound
from models.organizations import KINDS, Facts, Organization
from models.windows import Window
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page, page

PAGE = 40


@page
async def index(visit: Visit) -> Response:
    """`GET /organizations`: those of this node, with how many they confirm."""

    def look(db: Session) -> tuple[list[tuple[Organization, Actor]], dict[int, int]]:
        found = organizations.all_local(db)
        return found, affiliations.counts(db, [row.id for row, _ in found])

    found, counts = await visit.read(look)
    return visit.page("organizations.html", found=found, counts=counts, municipalities=municipalities.known())


@page
async def members(visit: Visit) -> Response:
    """`GET /org/{name}/members`: who belongs to an organisation."""
    name = visit.request.path_params["name"]

    def look(db: Session) -> tuple[Actor, list[tuple[int, Actor, Affiliation]], bool]:
        actor = organizations.by_name(db, name)
        found = affiliations.members(db, actor, Window(visit.cursor(), limit=PAGE))
        return actor, found, visit.actor is not None and affiliations.may_decide(db, visit.actor, actor)

    actor, found, decides = await visit.read(look)
    return visit.page("organization_members.html", actor=actor, found=found, page_size=PAGE, decides=decides)


@dataclass
class Managed:
    """What those who look after an organisation see."""

    actor: Actor
    row: Organization
    facts: Facts
    editors: list[Actor]
    waiting: list[tuple[Affiliation, Actor, Actor]]
    members: int


def _look(db: Session, me: Actor, name: str) -> Managed:
    actor = organizations.by_name(db, name)
    if not affiliations.may_decide(db, me, actor):
        raise NotFound("There is no such page.")
    return Managed(
        actor,
        organizations.get(db, actor),
        organizations.facts_of(db, actor),
        organizations.editors(db, actor),
        affiliations.waiting(db, actor.id),
        affiliations.count_members(db, actor.id),
    )


def _form_of(facts: Facts) -> Form:
    return Form.filled(
        name=facts.name,
        kind=str(facts.kind),
        summary=facts.summary,
        website=facts.website,
        municipality_code=facts.municipality_code,
        cvr=facts.cvr,
        email_domains="\n".join(facts.email_domains),
    )


def _facts(form: Form) -> Facts:
    return Facts(
        form.line("name", most=100),
        form.choice("kind", [str(kind) for kind in KINDS], KINDS[0]),
        form.text("summary", most=5000, required=False),
        form.line("website", most=500, required=False),
        form.line("municipality_code", most=4, required=False),
        form.line("cvr", most=20, required=False).replace(" ", ""),
        tuple(form.text("email_domains", most=6000, required=False).split("\n")),
    )


@own_page
async def manage(visit: Visit) -> Response:
    """`GET /org/{name}/manage`: everything those who look after it can do."""
    return await _manage_page(visit, None)


async def _manage_page(visit: Visit, form: Form | None, status: int = 200, link: str = "") -> Response:
    name = visit.request.path_params["name"]
    found = await visit.read(lambda db: _look(db, visit.me, name))
    preset = _form_of(found.facts)
    return visit.page(
        "organization_manage.html",
        status=status,
        found=found,
        form=form or Form(),
        preset=preset if form is None or ("kind" not in form.values and "summary" not in form.values) else form,
        link=link,
        municipalities=municipalities.known(),
        kinds=KINDS,
    )


@action
async def change(visit: Visit, form: Form) -> Response:
    """`POST /org/{name}/manage`: what the organisation says of itself."""
    name = visit.request.path_params["name"]
    found = await visit.read(lambda db: _look(db, visit.me, name))
    if not visit.is_at_least(Role.ADMIN):  # the fields are not in the form
        form.values["kind"] = [found.row.kind]
    facts = _facts(form)
    if not form.errors:
        try:
            await visit.write(lambda db, me: organizations.change(db, me, actors.get(db, found.actor.id), facts))
        except DomainError as error:
            _blame(form, error)
    return await _manage_page(visit, form, 422) if form.errors else visit.go(f"/org/{name}/manage", said="saved")


def _blame(form: Form, error: DomainError) -> None:
    """Put an error beside the field it is about."""
    if error.status not in {409, 422}:
        raise error
    for field in ("name", "kind", "website", "municipality_code", "cvr", "email_domains", "username"):
        if error.code.startswith(field):
            form.error(field, error.text)
            return
    raise error


@action
async def add_editor(visit: Visit, form: Form) -> Response:
    """`POST /org/{name}/editors`: one more who looks after it."""
    name, username = visit.request.path_params["name"], form.line("editor", most=100)

    def write(db: Session, me: Actor) -> None:
        actor = _look(db, me, name).actor
        person = actors.by_handle(db, username.lstrip("@"))
        if person is None:
            form.error("editor", later("There is nobody by that name here."))
            return
        organizations.add_editor(db, me, actor, person)

    if not form.errors:
        try:
            await visit.write(write)
        except DomainError as error:
            if error.status != 422:
                raise
            form.error("editor", error.text)
    if form.errors:
        return await _manage_page(visit, form, 422)
    return visit.go(f"/org/{name}/manage", said="editor-added")


@action
async def remove_editor(visit: Visit, form: Form) -> Response:
    """`POST /org/{name}/editors/remove`: one less."""
    name, number = visit.request.path_params["name"], form.number("person") or 0
    await visit.write(lambda db, me: organizations.remove_editor(db, me, _look(db, me, name).actor, number))
    return visit.go(f"/org/{name}/manage", said="editor-removed")


@action
async def answer(visit: Visit, form: Form) -> Response:
    """`POST /affiliations/{id}`: `verdict` confirm, refuse or end; the latter two say why."""
    verdict = form.choice("verdict", ("confirm", "refuse", "end"))
    reason = form.line("reason", most=affiliations.MAX_NOTE, required=False)
    if form.errors:
        raise NotFound("There is no such request.")

    def write(db: Session, me: Actor) -> None:
        if verdict == "end":
            affiliations.end(db, me, visit.path("id"), reason)
        else:
            affiliations.answer(db, me, visit.path("id"), accept=verdict == "confirm", reason=reason)

    await visit.write(write)
    return visit.back(form, "/admin/organizations", said=f"affiliation-{verdict}")


@action
async def invite(visit: Visit, form: Form) -> Response:
    """`POST /org/{name}/invitations`: a link with which somebody makes an account that is confirmed from the start. For
    those who may let people in: moderators and administrators."""
    visit.require(Role.MODERATOR)
    name, kind, email = (
        visit.request.path_params["name"],
        form.raw("class"),
        form.line("email", most=300, required=False),
    )

    def write(db: Session, me: Actor) -> str:
        actor = organizations.by_name(db, name)
        if kind not in organizations.classes(organizations.get(db, actor)):
            form.error("class", later("Choose one of these."))
            return ""
        return invitations.invite(db, email=email, organization_id=actor.id, affiliation_class=kind)

    token = await visit.write(write)
    if form.errors:
        return await _manage_page(visit, form, 422)
    return await _manage_page(visit, None, link=f"{visit.node.origin}/invitations/{token}")


@own_page
async def administer(visit: Visit) -> Response:
    """`GET /admin/organizations`: who asks to belong where, and the organisations; administrators make new ones."""
    visit.require(Role.MODERATOR)
    return await _admin_page(visit, Form.filled(kind=str(KINDS[0])))


async def _admin_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[list[tuple[Affiliation, Actor, Actor]], list[tuple[Organization, Actor]]]:
        return affiliations.waiting(db), organizations.all_local(db)

    waiting, found = await visit.read(look)
    return visit.page(
        "admin_organizations.html", status=status, form=form, tab="organizations", waiting=waiting, found=found,
        municipalities=municipalities.known(), kinds=KINDS,
    )  # fmt: skip


@action
async def create(visit: Visit, form: Form) -> Response:
    """`POST /admin/organizations`: a new organisation of this node."""
    visit.require(Role.ADMIN)
    username, facts = form.line("username", most=30), _facts(form)
    if not form.errors:
        try:
            await visit.write(lambda db, me: organizations.create(db, me, username, facts).id)
        except DomainError as error:
            _blame(form, error)
    if form.errors:
        return await _admin_page(visit, form, 422)
    return visit.go(f"/org/{username.lower()}/manage", said="organization-made")
