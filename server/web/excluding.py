"""Whom a community shuts out: its moderators find him, see what will happen, say why, and let him in again."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, exclusions, sanctions
from models.actors import Actor
from models.bans import Ban
from models.errors import DomainError
from models.sanctions import Sanction
from server.elsewhere import find_actor
from server.forms import Form
from server.i18n import later
from server.web.founding import managed
from server.web.showing import rules_of
from server.web.visits import Visit, action, own_page

DAYS = {
    1: later("A day"),
    7: later("A week"),
    30: later("30 days"),
    90: later("90 days"),
    365: later("A year"),
}


@dataclass
class Excluded:
    """A community with whom it has shut out."""

    group: Actor
    found: list[tuple[Ban, Actor, Sanction | None]]


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


def _path(visit: Visit) -> str:
    return f"/c/{_name(visit)}/bans"


@own_page
async def index(visit: Visit) -> Response:
    """`GET /c/{name}/bans`: who is shut out, and a form to find somebody."""
    return await _index_page(visit, Form())


async def _index_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> Excluded:
        group = managed(db, visit.me, _name(visit))
        return Excluded(group, exclusions.of_community(db, group))

    shown = await visit.read(look)
    return visit.page("community_bans.html", status=status, form=form, group=shown.group, found=shown.found)


@action
async def find(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/bans/find`: look somebody up by handle; nothing is done yet."""
    await visit.read(lambda db: managed(db, visit.me, _name(visit)))
    handle = form.line("handle", most=300)
    try:
        if form.errors:
            return await _index_page(visit, form, 422)
        person = await find_actor(visit, handle)
        await visit.read(lambda db: _possible(db, visit, person.id))
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("handle", error.text)
        return await _index_page(visit, form, error.status)
    return visit.go(f"{_path(visit)}/new?actor={person.id}")


def _possible(db: Session, visit: Visit, actor_id: int) -> tuple[Actor, Actor, list[str]]:
    group = managed(db, visit.me, _name(visit))
    target = actors.get(db, actor_id)
    exclusions.require_possible(db, visit.me, group, target)
    return group, target, list(rules_of(db, group).rules)


@own_page
async def form_page(visit: Visit) -> Response:
    """`GET /c/{name}/bans/new?actor=`: what will happen, and why it should."""
    return await _form_page(visit, Form.filled(actor=visit.query("actor")))


async def _form_page(visit: Visit, form: Form, status: int = 200) -> Response:
    actor_id = form.number("actor") or 0
    group, target, rules = await visit.read(lambda db: _possible(db, visit, actor_id))
    return visit.page(
        "community_ban.html", status=status, form=form, group=group, target=target, rules=rules, days=DAYS
    )


@action
async def shut_out(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/bans`: do it, with a reason that the person reads."""
    actor_id, rule_number = form.number("actor") or 0, form.number("rule")
    reason = form.text("reason", most=sanctions.MAX_REASON)
    summary = form.line("summary", most=200, required=False)
    days = form.choice("days", ("", *map(str, exclusions.DAYS)))
    if form.errors:
        return await _form_page(visit, form, 422)

    def write(db: Session, me: Actor) -> None:
        group, target, rules = _possible(db, visit, actor_id)
        rule = rules[rule_number - 1] if rule_number and rule_number <= len(rules) else ""
        exclusions.shut_out(
            db, me, group, target, reason=reason, rule=rule, summary=summary, days=int(days) if days else None
        )

    await visit.write(write)
    return visit.go(_path(visit), said="shut-out")


@action
async def let_in(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/bans/lift`: let somebody in again."""
    actor_id = form.number("actor") or 0

    def write(db: Session, me: Actor) -> None:
        exclusions.let_in(db, me, managed(db, me, _name(visit)), actors.get(db, actor_id))

    await visit.write(write)
    return visit.go(_path(visit), said="let-in-again")
