"""Holding a meeting again: by a pattern, such as every first Tuesday, or in other towns."""

from datetime import date

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import series
from models.actors import Actor
from models.errors import DomainError
from models.meetings import Meeting
from models.planning import MAX_LINE
from models.posts import Post
from models.recurring import MOST, Every, Pattern
from models.series import Stop
from server.forms import Form
from server.i18n import later
from server.web import drafting
from server.web.meeting_deeds import own_meeting
from server.web.meeting_form import read_time
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page

EVERY_NAMES = {
    Every.WEEK: later("Every week"),
    Every.FORTNIGHT: later("Every second week"),
    Every.MONTH_WEEKDAY: later("Every month, on the same weekday (such as the first Tuesday)"),
    Every.MONTH_LAST: later("Every month, on the last such weekday"),
    Every.MONTH_DATE: later("Every month, on the same date"),
}
STOPS = 5
"""Places that one form has room for."""


@own_page
async def form_page(visit: Visit) -> Response:
    """`GET /posts/{id}/series`: how often, or where else?"""
    return await _page(visit, Form.filled(every=Every.MONTH_WEEKDAY.value, count="6"))


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Post, Meeting, list[tuple[Post, Meeting]]]:
        post, row = own_meeting(db, visit.me, visit.path("id"))
        return post, row, series.of(db, visit.me, row)

    post, row, others = await visit.read(look)
    return visit.page(
        "meeting_series.html",
        status=status,
        post=post,
        row=row,
        others=others,
        form=form,
        every=EVERY_NAMES,
        stops=STOPS,
    )


@action
async def make(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/series`, with `do` pattern or places: plan the others, each as a meeting of its own."""
    await visit.read(lambda db: own_meeting(db, visit.me, visit.path("id")))
    places = form.raw("do") == "places"
    pattern = None if places else _pattern(form)
    stops = _stops(form) if places else []
    if form.errors:
        return await _page(visit, form, 422)

    def write(db: Session, me: Actor) -> str:
        post, _ = own_meeting(db, me, visit.path("id"))
        if pattern is not None:
            series.repeat(db, me, post, pattern)
        else:
            series.tour(db, me, post, stops)
        return post_path(post)

    try:
        where = await visit.write(write)
    except DomainError as error:
        form.error("place1" if places else "every", drafting.said_of(error))
        return await _page(visit, form, error.status)
    return visit.go(f"{where}#series", said="series-made")


def _pattern(form: Form) -> Pattern | None:
    every = form.choice("every", tuple(EVERY_NAMES))
    count, until = form.number("count"), None
    if written := form.raw("until").strip():
        try:
            until = date.fromisoformat(written)
        except ValueError:
            form.error("until", later("Write a date, such as 2027-06-30."))
    if until is None and not count:
        form.error("count", later("Say how many times, or until when."))
    elif until is None and not 2 <= (count or 0) <= MOST:
        form.error("count", later("Write a number from 2 to 60."))
    return None if form.errors else Pattern(Every(every), 0 if until is not None else count or 0, until)


def _stops(form: Form) -> list[Stop]:
    found = []
    for at in range(1, STOPS + 1):
        names = [f"{name}{at}" for name in ("place", "street", "postal_code", "town")]
        place, street, postal_code, town = (form.line(name, most=MAX_LINE, required=False) for name in names)
        if not (place or town or form.raw(f"starts{at}").strip()):
            continue
        starts, ends = read_time(form, f"starts{at}", required=True), read_time(form, f"ends{at}", required=False)
        if starts is not None:
            found.append(Stop(starts, ends, place, town, street, postal_code))
    if not found and not form.errors:
        form.error("starts1", later("Write at least one more place."))
    return found
