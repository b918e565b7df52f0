"""One's own meetings, and the private address by which a calendar program shows them."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import attendance, calendar_links
from models.accounts import Account
from models.actors import Actor
from models.meetings import Attendee, Meeting
from models.posts import Post
from server.forms import Form
from server.web.meeting_lists import subscribing
from server.web.showing import Shown, show
from server.web.visits import Visit, action, own_page

Mine = list[tuple[Post, Meeting, Attendee | None]]


@own_page
async def index(visit: Visit) -> Response:
    """`GET /meetings/mine`: what I go to and what I hold, to come and held."""

    def look(db: Session) -> tuple[Mine, Mine, Shown, str]:
        ahead, held = attendance.mine(db, visit.me), attendance.mine(db, visit.me, past=True, limit=50)
        shown = show(db, visit.me, [post for post, _, _ in (*ahead, *held)])
        return ahead, held, shown, calendar_links.token(db, db.get_one(Account, visit.me.id))

    ahead, held, shown, token = await visit.read(look)
    return visit.page(
        "my_meetings.html",
        ahead=ahead,
        held=held,
        shown=shown,
        tab="mine",
        own=f"{visit.node.origin}/meetings/mine/{token}.ics",
        **subscribing(visit, f"/meetings/mine/{token}.ics"),
    )


@action
async def renew(visit: Visit, form: Form) -> Response:
    """`POST /meetings/mine/renew`: another address; the one before leads nowhere."""

    def write(db: Session, me: Actor) -> None:
        calendar_links.renew(db, db.get_one(Account, me.id))

    await visit.write(write)
    return visit.go("/meetings/mine#calendar", said="calendar-renewed")
