"""Deeds at a meeting: signing up, staying away, deciding who comes, calling it off; and the list of those who come."""

import csv
import io
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, attendance, attending, composing, meetings, planning, series
from models.actors import Actor
from models.errors import Forbidden, NotFound
from models.meetings import Attendee, Meeting, State, Way
from models.posts import Post
from server.forms import Form
from server.web.meeting_names import STATE_NAMES, ways
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page

PAGE = 100
SAID = {
    State.GOING: "place-given",
    State.WAITING: "place-waiting",
    State.ASKED: "place-asked",
    State.DECLINED: "place-declined",
}
COLUMNS = ("number", "name", "handle", "state", "way", "signed_up", "checked_in")


def meeting_of(db: Session, viewer: Actor, post_id: int) -> tuple[Post, Meeting]:
    """A meeting that somebody may see. Raises NotFound."""
    post = access.access_post(db, viewer, post_id)
    row = meetings.find(db, post)
    if row is None:
        raise NotFound("There is no such meeting.")
    return post, row


@action
async def sign_up(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/sign-up`: ask for a place, here or at a meeting of another server."""

    def write(db: Session, me: Actor) -> tuple[str, State]:
        post, _ = meeting_of(db, me, visit.path("id"))
        own = attending.sign_up(db, me, post, Way.WEB)
        return post_path(post), State(own.state)

    where, state = await visit.write(write)
    return visit.go(f"{where}#sign-up", said=SAID[state])


@action
async def stay_away(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/stay-away`: give the place up, in whatever way it was asked for."""

    def write(db: Session, me: Actor) -> str:
        post, _ = meeting_of(db, me, visit.path("id"))
        attending.withdraw(db, me, post)
        return post_path(post)

    return visit.go(f"{await visit.write(write)}#sign-up", said="place-given-up")


@action
async def decide(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/attendees`, with `actor` and `verdict`: the organiser lets somebody come, or not (any more)."""
    other, yes = form.number("actor") or 0, form.choice("verdict", ("yes", "no")) == "yes"

    def write(db: Session, me: Actor) -> int:
        post, _ = meeting_of(db, me, visit.path("id"))
        attending.decide(db, me, post, actors.get(db, other), yes=yes)
        return post.id

    post_id = await visit.write(write)
    return visit.go(f"/posts/{post_id}/attendees", said="attendee-let-in" if yes else "attendee-declined")


def own_meeting(db: Session, me: Actor, post_id: int) -> tuple[Post, Meeting]:
    """A meeting that is somebody's own to change. Raises NotFound."""
    post, row = meeting_of(db, me, post_id)
    if not composing.may_edit(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post, row


@own_page
async def cancel_form(visit: Visit) -> Response:
    """`GET /posts/{id}/cancel`: is it to be called off? It says whom that tells."""
    return await _cancel_page(visit, Form.filled(scope=""))


async def _cancel_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Post, Meeting, int]:
        post, row = own_meeting(db, visit.me, visit.path("id"))
        return post, row, len(series.later(db, visit.me, row))

    post, row, later = await visit.read(look)
    return visit.page("meeting_cancel.html", status=status, post=post, row=row, later=later, form=form)


@action
async def cancel(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/cancel`: call it off."""
    why = form.line("why", most=planning.MAX_ACCESS, required=False)
    if form.errors:
        return await _cancel_page(visit, form, 422)

    def write(db: Session, me: Actor) -> str:
        post, _ = own_meeting(db, me, visit.path("id"))
        if form.raw("scope") == "later":
            series.cancel_later(db, me, post, why)
        else:
            planning.cancel(db, me, post, why)
        return post_path(post)

    return visit.go(await visit.write(write), said="meeting-cancelled")


# Who comes


@dataclass
class Listed:
    """A page of those who signed up."""

    post: Post
    row: Meeting
    people: list[tuple[Attendee, Actor]]
    decides: bool
    whole: bool
    """Whether those who wait, asked or were declined stand there as well."""
    following: int | None = None


def _listed(db: Session, me: Actor, post_id: int, after: int, limit: int) -> Listed:
    post, row = meeting_of(db, me, post_id)
    mine = attendance.standing(db, me, [post])
    if not mine.sees_attendees(post):
        raise Forbidden("Who comes is shown to the organiser, to moderators, and to those who come.", code="not_coming")
    whole = mine.sees_all(post)
    states = tuple(State) if whole else (State.GOING,)
    found = attendance.attendees(db, post, *states, after=after, limit=limit + 1)
    following = found[limit - 1][0].number if len(found) > limit else None
    return Listed(post, row, found[:limit], mine.organises(post), whole, following)


@own_page
async def attendees(visit: Visit) -> Response:
    """`GET /posts/{id}/attendees?after=`: who signed up, in the order they did."""
    after = visit.cursor("after") or 0
    found = await visit.read(lambda db: _listed(db, visit.me, visit.path("id"), after, PAGE))
    return visit.page("meeting_attendees.html", found=found, states=STATE_NAMES, in_ways=ways)


@own_page
async def attendees_csv(visit: Visit) -> Response:
    """`GET /posts/{id}/attendees.csv`: the same as a table, for the organiser."""

    def look(db: Session) -> Listed:
        found = _listed(db, visit.me, visit.path("id"), 0, planning.MAX_CAPACITY)
        if not found.decides:
            raise NotFound("There is no such page.")
        return found

    found = await visit.read(look)
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for number, (own, actor) in enumerate(found.people, 1):
        checked = own.checked_in_at.isoformat(timespec="seconds") if own.checked_in_at else ""
        said = ", ".join(visit.say(way) for way in ways(own.ways))
        at = own.created_at.isoformat(timespec="seconds")
        table.writerow([number, _cell(actor.display_name), _cell(f"@{actor.handle}"), own.state, said, at, checked])
    headers = {
        "Content-Disposition": f'attachment; filename="attendees-{found.post.id}.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(words: str) -> str:
    """Words that no spreadsheet takes for a formula."""
    return f"'{words}" if words[:1] in {"=", "+", "-", "@", "\t", "\r"} else words
