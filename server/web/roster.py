"""The people who have an account here: found, looked at, given another role, signed out."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import roster, sanctions
from models.accounts import Account, Role
from models.actors import Actor
from models.errors import Conflict
from models.roster import Wish
from server.forms import Form
from server.i18n import later
from server.web.sanctions import DONE
from server.web.visits import Visit, action, own_page

PAGE = 50

ROLES = {
    Role.MEMBER: later("Member"),
    Role.MODERATOR: later("Moderator"),
    Role.ADMIN: later("Administrator"),
}
MAY = {
    Role.MEMBER: later("Reads, asks and answers."),
    Role.MODERATOR: later("Also deals with reports, and lets people in."),
    Role.ADMIN: later("Also decides about roles, other servers and the server itself."),
}


@own_page
async def people(visit: Visit) -> Response:
    """`GET /admin/people?q=&role=&suspended=&before=`: who has an account, newest first."""
    visit.require(Role.MODERATOR)
    role = visit.query("role") if visit.query("role") in list(Role) else ""
    wish = Wish(visit.query("q"), role, bool(visit.query("suspended")))
    found = await visit.read(lambda db: roster.find(db, wish, before=visit.cursor(), limit=PAGE + 1))
    return visit.page(
        "admin_people.html",
        found=found[:PAGE],
        next=found[PAGE - 1][1].id if len(found) > PAGE else None,
        wish=wish,
        roles=ROLES,
        tab="people",
    )


@own_page
async def person(visit: Visit) -> Response:
    """`GET /admin/people/{id}`: one account, and what can be done about it."""
    visit.require(Role.MODERATOR)
    account, actor = await visit.read(lambda db: roster.get(db, visit.path("id")))
    return await _person_page(visit, account, actor, Form.filled(role=account.role))


async def _person_page(visit: Visit, account: Account, actor: Actor, form: Form, status: int = 200) -> Response:
    decided = await visit.read(lambda db: sanctions.of(db, actor.id))
    return visit.page(
        "admin_person.html",
        status=status,
        person=account,
        actor=actor,
        form=form,
        roles=ROLES,
        may=MAY,
        decided=decided,
        done=DONE,
        tab="people",
    )


@action
async def change_role(visit: Visit, form: Form) -> Response:
    """`POST /admin/people/{id}/role`: first a question whether it is meant; with `sure` it holds."""
    visit.require(Role.ADMIN)
    account, actor = await visit.read(lambda db: roster.get(db, visit.path("id")))
    role = form.choice("role", list(Role))
    if form.errors:
        return await _person_page(visit, account, actor, form, 422)
    if not form.flag("sure") and role != account.role:
        return visit.page("admin_role.html", person=account, actor=actor, role=role, roles=ROLES, may=MAY, tab="people")

    def write(db: Session, me: Actor) -> None:
        roster.set_role(db, roster.get(db, actor.id)[0], role, by=me)

    try:
        await visit.write(write)
    except Conflict as error:
        form.error("role", error.text)
        return await _person_page(visit, account, actor, form, 409)
    still = actor.id != visit.me.id or role != Role.MEMBER
    return visit.go(f"/admin/people/{actor.id}" if still else "/", said="role-changed")


@action
async def sign_out(visit: Visit, form: Form) -> Response:
    """`POST /admin/people/{id}/sign-out`: out of every browser and app."""
    visit.require(Role.ADMIN)

    def write(db: Session, me: Actor) -> None:
        roster.sign_out(db, roster.get(db, visit.path("id"))[0], by=me)

    await visit.write(write)
    return visit.go(f"/admin/people/{visit.path('id')}", said="person-signed-out")
