"""Who really came: a code to be shown at the door, the page it leads to, and the organiser's own ticks."""

from io import BytesIO

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, attendance, checking_in, meetings
from models.actors import Actor
from models.errors import NotFound
from models.meetings import Attendee, Meeting, State
from models.posts import Post
from server.forms import Form
from server.web.meeting_deeds import meeting_of
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page


def qr_code(address: str) -> Markup:
    """An address as a picture that phones read: one path, no style, so that every policy lets it stand in a page."""
    import segno  # only organisers see one

    out = BytesIO()
    segno.make(address, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        border=3,
        svgclass="qr",
        lineclass=None,
        light="#fff",
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - made of squares


def _at_door(db: Session, me: Actor, post_id: int) -> tuple[Post, Meeting]:
    post, row = meeting_of(db, me, post_id)
    if not attendance.organises(db, me, post):
        raise NotFound("There is no such page.")
    return post, row


@own_page
async def door(visit: Visit) -> Response:
    """`GET /posts/{id}/door`: the code to print or to show, and who is there."""

    def look(db: Session) -> tuple[Post, Meeting, str, list[tuple[Attendee, Actor]], int]:
        post, row = _at_door(db, visit.me, visit.path("id"))
        people = attendance.attendees(db, post, State.GOING)
        return post, row, checking_in.code(db, post), people, checking_in.count(db, post)

    post, row, code, people, count = await visit.read(look)
    address = f"{visit.node.origin}/posts/{post.id}/check-in/{code}"
    return visit.page(
        "meeting_door.html",
        post=post,
        row=row,
        address=address,
        picture_of=qr_code(address),
        people_here=people,
        count=count,
        is_open=checking_in.is_open(row),
    )


@own_page
async def check_in_form(visit: Visit) -> Response:
    """`GET /posts/{id}/check-in/{code}`: what the code leads to, for who is signed in."""

    def look(db: Session) -> tuple[Post, Meeting, Attendee | None]:
        post = access.access_post(db, visit.me, visit.path("id"))
        row = meetings.find(db, post)
        if row is None or not checking_in.fits(db, post, visit.request.path_params["code"]):
            raise NotFound("This code is not whole. Scan it again.", code="code_unknown")
        return post, row, attendance.attendee(db, post, visit.me)

    post, row, own = await visit.read(look)
    return visit.page("meeting_check_in.html", post=post, row=row, own=own, is_open=checking_in.is_open(row))


@action
async def check_in(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/check-in/{code}`: the visitor is there."""

    def write(db: Session, me: Actor) -> str:
        post, _ = meeting_of(db, me, visit.path("id"))
        checking_in.check_in(db, me, post, visit.request.path_params["code"])
        return post_path(post)

    return visit.go(await visit.write(write), said="checked-in")


@action
async def tick(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/door`, with `actor` and `there` (empty for not): the organiser notes it."""
    other, there = form.number("actor") or 0, form.flag("there")

    def write(db: Session, me: Actor) -> int:
        post, _ = _at_door(db, me, visit.path("id"))
        checking_in.tick(db, me, post, actors.get(db, other), there=there)
        return post.id

    post_id = await visit.write(write)
    return visit.go(f"/posts/{post_id}/door#who", said="ticked" if there else "unticked")
