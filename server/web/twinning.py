"""Twinning a community with one elsewhere: looking it up, asking, answering, withdrawing and ending."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, figures, twinning
from models import communities as groups
from models.actors import Actor
from models.errors import DomainError, Forbidden, Invalid
from server.elsewhere import find_actor
from server.forms import Form
from server.web.founding import managed
from server.web.managing import manage_page, manage_path
from server.web.visits import Visit, action


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


@action
async def ask(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins`: look a community up by its handle (`twin`) and show it; with `actor`, ask that one."""
    await visit.read(lambda db: managed(db, visit.me, _name(visit)))
    wanted, chosen = form.line("twin", most=2000, required=not form.raw("actor")), form.number("actor")
    if form.errors:
        return await manage_page(visit, form, 422)
    try:
        if chosen is None:
            return await _preview(visit, (await find_actor(visit, wanted)).id)
        await visit.write(lambda db, me: twinning.ask(db, me, managed(db, me, _name(visit)), actors.get(db, chosen)).id)
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("twin", error.text)
        return await manage_page(visit, form, error.status)
    return visit.go(manage_path(visit), said="twin-asked")


async def _preview(visit: Visit, actor_id: int) -> Response:
    """The community that was found, before anybody is asked."""

    def find(db: Session) -> tuple[Actor, Actor, figures.ActorFigures, list[Actor]]:
        group, other = managed(db, visit.me, _name(visit)), actors.get(db, actor_id)
        twinning.require_possible(db, group, other)
        if any(one.id == other.id for one in (*groups.twins(db, group), *groups.twins_asked(db, group))):
            raise Invalid("This community is a twin already, or has been asked.", code="twin_known")
        return group, other, figures.of(db, other.id), groups.moderators(db, other)

    group, other, counted, moderators = await visit.read(find)
    return visit.page("twin.html", group=group, other=other, counted=counted, moderators=moderators)


@action
async def answer(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins/answer`, `verdict` accept or reject; accepting may ask back (`back`)."""
    actor_id, accept = form.number("actor") or 0, form.choice("verdict", ("accept", "reject")) == "accept"

    def write(db: Session, me: Actor) -> None:
        group, other = managed(db, me, _name(visit)), actors.get(db, actor_id)
        twinning.answer(db, me, group, other, accept=accept)
        if accept and form.flag("back"):
            twinning.ask(db, me, group, other)

    if form.errors:
        raise Forbidden("A request is accepted or rejected.")
    await visit.write(write)
    return visit.go(manage_path(visit), said="follow-accepted" if accept else "follow-rejected")


@action
async def end(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins/end`: no new threads either way; with `withdraw`, a request that is not answered."""
    actor_id = form.number("actor") or 0
    await visit.write(lambda db, me: twinning.end(db, me, managed(db, me, _name(visit)), actors.get(db, actor_id)))
    return visit.go(manage_path(visit), said="twin-withdrawn" if form.flag("withdraw") else "twin-ended")
