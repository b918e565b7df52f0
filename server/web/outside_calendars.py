"""The calendars of others that a community shows, looked after by its moderators."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation import urls
from models import calendars
from models.actors import Actor
from models.calendars import OutsideCalendar
from models.errors import DomainError
from server.forms import Form
from server.i18n import later
from server.web.founding import managed
from server.web.visits import Visit, action, own_page

MAX_URL = 2000


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


@own_page
async def index(visit: Visit) -> Response:
    """`GET /c/{name}/calendars`: which are shown, and how it stands with each."""
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Actor, list[tuple[OutsideCalendar, int]]]:
        group = managed(db, visit.me, _name(visit))
        return group, calendars.of(db, group)

    group, found = await visit.read(look)
    return visit.page("community_calendars.html", status=status, group=group, found=found, form=form)


@action
async def add(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/calendars`, with `url` and `name`: show one more."""
    await visit.read(lambda db: managed(db, visit.me, _name(visit)))
    url, name = form.line("url", most=MAX_URL), form.line("name", most=100, required=False)
    if url.lower().startswith("webcal://"):
        url = f"https://{url[len('webcal://') :]}"
    if not form.errors:
        try:
            url = urls.parse(url).text
        except urls.BadUrl:
            form.error("url", later("Write the https address of a calendar."))
    if form.errors:
        return await _page(visit, form, 422)
    try:
        await visit.write(lambda db, me: calendars.add(db, me, managed(db, me, _name(visit)), url, name))
    except DomainError as error:
        if not error.code.startswith("url"):
            raise
        form.error("url", error.text)
        return await _page(visit, form, error.status)
    return visit.go(f"/c/{_name(visit)}/calendars", said="calendar-added")


@action
async def read_now(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/calendars/read`, with `calendar`: read it at once."""
    which = form.number("calendar") or 0
    await visit.write(lambda db, me: calendars.read_now(db, me, managed(db, me, _name(visit)), which))
    return visit.go(f"/c/{_name(visit)}/calendars", said="calendar-read")


@action
async def remove(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/calendars/remove`, with `calendar`: show it no longer."""
    which = form.number("calendar") or 0
    await visit.write(lambda db, me: calendars.remove(db, me, managed(db, me, _name(visit)), which))
    return visit.go(f"/c/{_name(visit)}/calendars", said="calendar-removed")
