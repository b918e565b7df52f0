"""The list of dogmas: what is adopted, by community and for the network, and what is proposed."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, dogmas, endorsing
from models.actors import Actor
from models.dogmas import Dogma, Status
from models.endorsing import NOBODY, Count
from models.posts import Post
from server.web.visits import Visit, page


@dataclass(frozen=True)
class Line:
    """A dogma as a list shows it."""

    post: Post
    row: Dogma
    count: Count
    practised: int
    mine: bool
    """The visitor stands behind it."""


@dataclass
class Shelf:
    """The dogmas of one community, or (`group` None) of the network: `host` is the node where they were adopted."""

    group: Actor | None
    host: str
    lines: list[Line] = field(default_factory=list)


@dataclass
class Shelves:
    """The page."""

    adopted: list[Shelf]
    proposed: list[Shelf]
    over: list[Line]
    """Withdrawn ones."""
    group: Actor | None = None
    """The one community that is shown."""


def look(db: Session, viewer: Actor | None, community_id: int | None) -> Shelves:
    """Gather the page, in a fixed number of queries."""
    found = {
        status: dogmas.all_of(db, viewer, status, community_id=community_id)
        for status in (Status.ADOPTED, Status.PROPOSED, Status.WITHDRAWN)
    }
    everything = [pair for pairs in found.values() for pair in pairs]
    ids = [post.id for post, _ in everything]
    counts, practised = endorsing.counts(db, ids), dogmas.practised(db, ids)
    mine = endorsing.mine(db, viewer, ids) if viewer is not None else {}
    people = actors.many(db, [*(id for post, _ in everything for id in (post.community_id, post.author_id) if id)])

    def lines(status: Status) -> list[Line]:
        return [
            Line(post, row, _count(row, counts.get(post.id, NOBODY)), practised.get(post.id, 0), post.id in mine)
            for post, row in found[status]
            if status != Status.WITHDRAWN or row.number is not None
        ]

    group = actors.many(db, [community_id]).get(community_id) if community_id else None
    return Shelves(
        _shelves(lines(Status.ADOPTED), people),
        _shelves(lines(Status.PROPOSED), people),
        lines(Status.WITHDRAWN),
        group,
    )


def _count(row: Dogma, known: Count) -> Count:
    return Count(max(known.people, row.endorsed_elsewhere - known.organizations), known.organizations)


def _shelves(lines: list[Line], people: dict[int, Actor]) -> list[Shelf]:
    made: dict[tuple[int, str], Shelf] = {}
    for line in lines:
        group = people.get(line.post.community_id or 0)
        host = group.domain if group is not None else people[line.post.author_id].domain
        made.setdefault((group.id if group else 0, host), Shelf(group, host)).lines.append(line)

    def place(shelf: Shelf) -> tuple[bool, bool, str, str]:
        first = shelf.group
        here = all(line.post.local for line in shelf.lines)
        return first is not None, not here, first.display_name.casefold() if first else "", shelf.host

    return sorted(made.values(), key=place)


@page
async def index(visit: Visit) -> Response:
    """`GET /dogma?community=`: all of them, those of the network first, then by community."""
    found = await visit.read(lambda db: look(db, visit.actor, visit.cursor("community")))
    return visit.page("dogma_list.html", found=found, empty=not (found.adopted or found.proposed or found.over))
