"""Lists of meetings: what is to come, and what has been."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import meetings
from models.meetings import Meeting
from server.web.showing import Shown, show
from server.web.visits import Visit, page

PAGE = 30


@dataclass
class Listed:
    """A page of a list."""

    shown: Shown
    rows: dict[int, Meeting]
    states: dict[int, str] = field(default_factory=dict)
    """What the visitor is to each."""
    following: str = ""


@page
async def index(visit: Visit) -> Response:
    """`GET /meetings?show=past&after=`: the next first; with `past` the last first."""
    past = visit.query("show") == "past"

    def look(db: Session) -> Listed:
        found = meetings.upcoming(db, visit.actor, past=past, after=_after(visit.query("after")), limit=PAGE + 1)
        kept = found[:PAGE]
        listed = Listed(show(db, visit.actor, [post for post, _ in kept]), {row.post_id: row for _, row in kept})
        if visit.actor is not None:
            listed.states = meetings.states_of(db, visit.actor, listed.rows)
        if len(found) > PAGE:
            last = kept[-1][1]
            query = f"after={last.starts_at.timestamp():.0f}-{last.post_id}"
            listed.following = f"/meetings?{'show=past&' if past else ''}{query}"
        return listed

    found = await visit.read(look)
    return visit.page("meetings.html", found=found, shown=found.shown, past=past)


def _after(said: str) -> tuple[datetime, int] | None:
    """The start and number of the last one of the page before."""
    at, _, number = said.partition("-")
    if not (at.isascii() and at.isdigit() and number.isascii() and number.isdigit() and len(number) < 20):
        return None
    if len(at) > 11 or int(number) >= 2**63:
        return None
    return datetime.fromtimestamp(int(at), UTC), int(number)
