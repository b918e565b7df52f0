"""Lists of everybody's questions: newest, unanswered, most voted, accepted; narrowed by what they are about."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, communities, hashtags, municipalities, timelines
from models.actors import Actor
from models.composing import BARRIERS
from models.errors import NotFound
from models.posts import Kind, Post
from models.search import finding
from models.search.asked import Asked
from models.search.finding import Filters
from models.windows import Window
from server.i18n import later
from server.web.showing import BARRIER_NAMES, Shown, show
from server.web.visits import Visit, page

ORDERS = {
    "new": later("Newest"),
    "unanswered": later("Unanswered"),
    "top": later("Most votes"),
    "accepted": later("Answer accepted"),
}
PAGE = 30
LAST_OFFSET = 3000
"""How deep one may leaf in a list ordered by votes: every page there costs what lies before it."""


@dataclass
class Choice:
    """Which list, and what narrows it; every value is one we offer."""

    order: str = "new"
    community: int | None = None
    barrier: str = ""
    municipality: str = ""
    mine: bool = False
    """Only with tags under which the visitor has answered before."""

    @classmethod
    def of(cls, visit: Visit) -> "Choice":
        """Read the query. Raises NotFound for a list there is not."""
        order = visit.query("order") or "new"
        if order not in ORDERS:
            raise NotFound("There is no such list.")
        barrier, place = visit.query("barrier"), visit.query("municipality")
        return cls(
            order,
            visit.cursor("community"),
            barrier if barrier in BARRIERS else "",
            place if place in municipalities.known() else "",
            visit.query("mine") == "1" and visit.actor is not None,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(self.community or self.barrier or self.municipality or self.mine)

    def address(self, **other: Any) -> str:
        """The address of this list with something changed."""
        values = {
            "order": "" if self.order == "new" else self.order,
            "community": self.community,
            "barrier": self.barrier,
            "municipality": self.municipality,
            "mine": "1" if self.mine else "",
            **other,
        }
        query = urlencode({name: value for name, value in values.items() if value not in {"", None}})
        return f"/questions?{query}" if query else "/questions"


@dataclass
class Listed:
    """A page of a list."""

    shown: Shown
    following: str = ""
    groups: list[Actor] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    """Under which the visitor has answered before."""


@page
async def questions(visit: Visit) -> Response:
    """`GET /questions?order=new|unanswered|top|accepted&community=&barrier=&municipality=&mine=1`."""
    choice = Choice.of(visit)
    offset = min(visit.cursor("from") or 0, LAST_OFFSET) if choice.order == "top" else 0
    found = await visit.read(lambda db: _look(db, visit, choice, offset))
    return visit.page(
        "questions.html",
        found=found,
        shown=found.shown,
        choice=choice,
        order=choice.order,
        orders=ORDERS,
        barriers=BARRIER_NAMES,
        groups=[(group.id, _named(group)) for group in found.groups],
        municipalities=[(one.code, one.name) for one in municipalities.known().values()],
        feed="/feeds/unanswered" if choice.order == "unanswered" else "/feeds/questions",
    )


def _look(db: Session, visit: Visit, choice: Choice, offset: int) -> Listed:
    window = Window(visit.cursor(), limit=PAGE + 1)
    tags = hashtags.answered_under(db, visit.actor.id) if visit.actor is not None else []
    if choice.narrowed:
        posts = _narrowed(db, visit.actor, choice, tags, window, offset)
    else:
        posts = timelines.questions(db, visit.actor, window, order=choice.order, offset=offset)
    listed = Listed(show(db, visit.actor, posts[:PAGE]), groups=to_choose(db, choice.community), tags=tags)
    if len(posts) > PAGE:
        place = {"from": offset + PAGE} if choice.order == "top" else {"before": posts[PAGE - 1].id}
        listed.following = choice.address(**place)
    return listed


def _narrowed(
    db: Session, viewer: Actor | None, choice: Choice, tags: list[str], window: Window, offset: int
) -> list[Post]:
    if choice.mine and not tags:
        return []
    filters = Filters(
        kinds=(Kind.QUESTION,),
        community_id=choice.community,
        barrier=choice.barrier,
        municipality=choice.municipality,
        tags=tuple(tags) if choice.mine else (),
        unanswered=choice.order == "unanswered",
        accepted=choice.order == "accepted",
        listed=True,
    )
    if choice.order == "top":
        return finding.most_voted(db, viewer, filters, offset=offset, limit=window.limit)
    return finding.newest(db, viewer, Asked(), filters, before=window.before, limit=window.limit)


def to_choose(db: Session, chosen: int | None) -> list[Actor]:
    """The communities a list can be narrowed to: those here, those elsewhere known here, and the chosen one."""
    groups = [*communities.all_local(db), *communities.known_remote(db)]
    if chosen is not None and chosen not in {group.id for group in groups}:
        groups += [group for group in actors.many(db, [chosen]).values() if group.is_community and group.active]
    return groups


def _named(group: Actor) -> str:
    return group.display_name if group.local else f"{group.display_name} ({group.domain})"
