"""How the node is doing: its queues, what was given up, the servers that do not answer, disk, database and clock."""

import platform
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.crossing import in_thread
from models import dead_letters, deliveries, queues, storage
from models.accounts import Role
from models.actors import Actor
from models.dead_letters import DeadLetter
from models.errors import NotFound
from models.peers import Peer, state
from models.queues import Queue
from server import health
from server.forms import Form
from server.i18n import later
from server.version import VERSION
from server.web.visits import Visit, action, own_page

LETTERS = 50
"""So many dead letters of each queue are shown; the rest shows when these are dealt with."""

QUEUES = {
    "jobs": later("Jobs"),
    "deliveries": later("To other servers"),
    "received": later("From other servers"),
}
STATES = {
    "ok": later("in good standing"),
    "failing": later("failing"),
    "open": later("held back for a while"),
    "parked": later("given up until it writes to us"),
}


@dataclass
class Machinery:
    """What the page shows, as one look into the database found it."""

    queues: list[Queue]
    kinds: list[Queue]
    letters: list[DeadLetter]
    hosts: list[Peer]
    waiting: dict[str, int]
    """Deliveries that wait, by host in trouble."""
    peers: dict[str, int]
    skew: float | None
    database: str
    size: int

    @property
    def dead(self) -> int:
        """How many letters there are in all."""
        return sum(queue.dead for queue in self.queues)


def look(db: Session) -> Machinery:
    """The same number of queries however much lies there."""
    hosts = queues.in_trouble(db)
    return Machinery(
        queues=queues.overview(db),
        kinds=queues.by_kind(db),
        letters=dead_letters.newest(db, LETTERS),
        hosts=hosts,
        waiting=deliveries.waiting_for(db, [peer.host for peer in hosts]),
        peers=queues.peer_states(db),
        skew=queues.clock_skew(db),
        database=storage.version(db),
        size=storage.size(db),
    )


@own_page
async def overview(visit: Visit) -> Response:
    """`GET /admin/health`: everything at a glance. Asks nobody outside and changes nothing."""
    visit.require(Role.ADMIN)
    found = await visit.read(look)
    return visit.page(
        "admin_health.html",
        found=found,
        disk=await in_thread(lambda: health.room(visit.settings)),
        worst_skew=health.WORST_SKEW,
        versions=(VERSION, platform.python_version()),
        names=QUEUES,
        states=STATES,
        state=state,
        tab="health",
    )


@action
async def retry(visit: Visit, form: Form) -> Response:
    """`POST /admin/letters/retry`, with `letter` or `all`: try what was given up again."""
    visit.require(Role.ADMIN)
    await _with_letters(visit, form, dead_letters.retry)
    return visit.go("/admin/health", said="letters-retried")


async def _with_letters(visit: Visit, form: Form, do: Callable[..., int]) -> None:
    letter = form.number("letter")
    if letter is None and not form.flag("all"):
        raise NotFound(later("This is not among what was given up any more."))

    def write(db: Session, me: Actor) -> None:
        if not do(db, None if letter is None else [letter], by=me) and letter is not None:
            raise NotFound(later("This is not among what was given up any more."))

    await visit.write(write)


@own_page
async def drop_form(visit: Visit) -> Response:
    """`GET /admin/letters/drop?letter=` or `?all=1`: whether it is meant."""
    visit.require(Role.ADMIN)
    letter = visit.cursor("letter")
    if letter is None and not visit.query("all"):
        raise NotFound("There is no such page.")
    return visit.page("admin_drop_letters.html", letter=letter, tab="health")


@action
async def drop(visit: Visit, form: Form) -> Response:
    """`POST /admin/letters/drop`, with `letter` or `all`: throw it away for good."""
    visit.require(Role.ADMIN)
    await _with_letters(visit, form, dead_letters.drop)
    return visit.go("/admin/health", said="letters-dropped")


@action
async def unpark(visit: Visit, form: Form) -> Response:
    """`POST /admin/peers/unpark`, with `host`: it is back, deliver to it now."""
    visit.require(Role.ADMIN)
    host = form.line("host", most=300)
    await visit.write(lambda db, me: queues.unpark(db, host, by=me))
    return visit.go("/admin/health", said="unparked")
