"""The first minute: which communities to hear from, whom to follow, and something to do at once."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, communities, digests, directory, follows, timelines
from models.actors import Actor
from models.digests import Every
from models.errors import DomainError
from server.forms import Form
from server.web.choosing_notices import EVERY
from server.web.showing import Shown, show
from server.web.visits import Visit, action, own_page

MOST = 100
"""Most choices of one form."""

PEOPLE = 8


@dataclass
class Offered:
    """What a new member can choose."""

    groups: list[Actor]
    elsewhere: list[Actor]
    people: list[Actor]
    states: dict[int, str]
    waiting: Shown
    every: Every | None
    """How often the letter with what is new comes; None where that was not asked yet."""


@own_page
async def start_form(visit: Visit) -> Response:
    """`GET /start`: communities, people, and questions that wait for an answer."""
    me = visit.me

    def look(db: Session) -> Offered:
        groups = communities.all_local(db)
        closed = {id for id, row in communities.rows_of(db, groups).items() if row.closed_at is not None}
        groups = [group for group in groups if group.id not in closed]
        elsewhere = [group for group in communities.known_remote(db, 8) if group.discoverable]
        suggested = [one.actor for one in directory.suggestions(db, me, limit=3 * PEOPLE)]
        people = [actor for actor in suggested if not actor.is_community][:PEOPLE]
        states = follows.states(db, me.id, [actor.id for actor in (*groups, *elsewhere, *people)])
        return Offered(
            groups, elsewhere, people, states, show(db, me, timelines.waiting(db, me)), digests.of(db, me.id)
        )

    return visit.page("start.html", found=await visit.read(look), intervals=EVERY)


@action
async def start(visit: Visit, form: Form) -> Response:
    """`POST /start`: follow all that was ticked; what is followed already stays so."""
    wanted = form.numbers("follow")[:MOST]
    every = form.raw("digest") if visit.site.policy.by_mail and form.raw("digest") in list(Every) else ""

    def write(db: Session, me: Actor) -> int:
        found = actors.many(db, wanted)
        known = follows.states(db, me.id, list(found))
        done = 0
        for id, target in found.items():
            if id in known or not target.active or id == me.id:
                continue
            with suppress(DomainError):  # out of reach since the page was made: the others are followed all the same
                follows.request(db, me, target)
                done += 1
        if every:
            digests.choose(db, me.id, every)
        return done

    done = await visit.write(write)
    return visit.go("/", said="started" if done else "")
