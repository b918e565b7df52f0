"""Communities: those there are, one with its threads and what holds there, and its members."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    admission,
    bans,
    community_statistics,
    dogmas,
    figures,
    follows,
    holding,
    text,
    timelines,
    twinning,
)
from models import communities as groups
from models.actors import Actor
from models.communities import Community, Ways
from models.community_statistics import Statistics
from models.dogmas import Dogma, Status
from models.errors import NotFound
from models.figures import ActorFigures
from models.listings import Listing
from models.posts import Kind, Post
from models.twinning import Twinning
from models.windows import Window
from server.i18n import later
from server.web.showing import Shown, rules_of, show
from server.web.visits import Visit, own_page, page

PAGE = 30
MEMBERS = 40
DOGMAS = 12
"""Dogmas that the page of a community names."""

ORDERS = {"name": later("By name"), "active": later("Latest activity"), "large": later("Most members")}


@dataclass
class Directory:
    """Communities with what the list of them shows."""

    here: list[Actor]
    elsewhere: list[Actor]
    rows: dict[int, Community]
    figures: dict[int, ActorFigures]
    unanswered: dict[int, int]
    states: dict[int, str]
    any_here: bool
    may_found: bool


@page
async def communities(visit: Visit) -> Response:
    """`GET /communities?q=&order=name|active|large&mine=1`: those of this node, and those elsewhere that somebody here
    follows."""
    wanted, order, mine = visit.query("q").strip()[:100], visit.query("order") or "name", bool(visit.query("mine"))
    if order not in ORDERS:
        raise NotFound("There is no such list.")
    found = await visit.read(
        lambda db: _directory(db, visit.actor, wanted, order, mine=mine and visit.actor is not None)
    )
    return visit.page("communities.html", found=found, wanted=wanted, order=order, orders=ORDERS, mine=mine)


def _directory(db: Session, viewer: Actor | None, wanted: str, order: str, *, mine: bool) -> Directory:
    here, elsewhere = groups.all_local(db), groups.known_remote(db)
    any_here = bool(here)
    ids = [group.id for group in (*here, *elsewhere)]
    states = follows.states(db, viewer.id, ids) if viewer else {}
    counts = figures.many(db, ids)
    word = wanted.casefold()

    def fits(group: Actor) -> bool:
        said = f"{group.name}\n{group.handle}\n{text.plain(group.summary)}".casefold()
        return word in said and (not mine or group.id in states)

    def place(group: Actor) -> tuple[float, str]:
        row = counts.get(group.id)
        if order == "large":
            return -(row.followers if row else 0), group.name.casefold()
        if order == "active":
            return -(row.last_post_at.timestamp() if row and row.last_post_at else 0), group.name.casefold()
        return 0, group.name.casefold()

    here, elsewhere = (sorted(filter(fits, found), key=place) for found in (here, elsewhere))
    return Directory(
        here,
        elsewhere,
        groups.rows_of(db, here),
        counts,
        community_statistics.unanswered(db, [group.id for group in here]),
        states,
        any_here,
        groups.may_found(db, viewer),
    )


@dataclass
class CommunityPage:
    """A community with what its page shows."""

    group: Actor
    shown: Shown
    listings: list[tuple[Listing, Post]]
    row: Community
    moderators: list[Actor]
    twins: list[Twinning]
    followers: int
    statistics: Statistics | None = None
    following: str | None = None
    since: datetime | None = None
    """Since when the visitor is a member."""
    moderates: bool = False
    may_ask: bool = True
    may_answer: bool = True
    banned: bool = False
    """The community has shut the visitor out."""
    more: int | None = None
    unanswered: bool = False
    waiting: int = 0
    """For its moderators: how many posts wait to be let in; 50 are counted."""
    dogmas: list[tuple[Post, Dogma]] = field(default_factory=list)
    """What it has adopted."""
    asked: list[Actor] = field(default_factory=list)
    """For its moderators: whom it has asked to be twins."""

    @property
    def ways(self) -> Ways:
        """How it works."""
        return Ways.of(self.row)


def look(db: Session, viewer: Actor | None, group: Actor, *, unanswered: bool, before: int | None) -> CommunityPage:
    """Gather a community's page."""
    found = timelines.community(db, viewer, group, Window(before, limit=PAGE + 1), unanswered=unanswered)
    more = found[PAGE - 1][0].id if len(found) > PAGE else None
    found = found[:PAGE]
    shown = show(db, viewer, [post for _, post in found], also=[listing.through_id for listing, _ in found])
    gathered = CommunityPage(
        group,
        shown,
        found,
        rules_of(db, group),
        groups.moderators(db, group),
        twinning.of(db, group),
        follows.count_followers(db, group.id),
        more=more,
        unanswered=unanswered,
    )
    gathered.dogmas = dogmas.all_of(db, viewer, Status.ADOPTED, community_id=group.id, limit=DOGMAS)
    if group.local:
        gathered.statistics = community_statistics.of(db, group.id)
    if viewer is not None:
        row = follows.find(db, viewer.id, group.id)
        gathered.following, gathered.since = (row.state, row.created_at) if row is not None else (None, None)
        gathered.moderates = groups.is_moderator(db, viewer.id, group.id)
        gathered.may_ask = admission.may(db, viewer, group, Kind.QUESTION)
        gathered.banned = bans.is_banned(db, viewer.id, group.id)
        gathered.may_answer = admission.may(db, viewer, group, Kind.ANSWER)
        if gathered.moderates and group.local:
            gathered.asked, gathered.waiting = groups.twins_asked(db, group), len(holding.waiting(db, group))
    return gathered


@page
async def community(visit: Visit) -> Response:
    """`GET /c/{name}?unanswered=1&before=`: a community of this node."""
    name = visit.request.path_params["name"]
    group = await visit.read(lambda db: _local(db, visit.actor, name))
    return await show_community(visit, group)


def _local(db: Session, viewer: Actor | None, name: str) -> Actor:
    group = access.access_actor(db, viewer, name)
    if not group.is_community:
        raise NotFound("There is no such community.")
    return group


async def show_community(visit: Visit, group: Actor) -> Response:
    """The page of a community, here or elsewhere."""
    unanswered = bool(visit.query("unanswered"))
    found = await visit.read(lambda db: look(db, visit.actor, group, unanswered=unanswered, before=visit.cursor()))
    feed = f"/feeds/community/{group.username}" if group.local else ""
    return visit.page("community.html", found=found, group=group, shown=found.shown, alternate=group.uri, feed=feed)


@own_page
async def members(visit: Visit) -> Response:
    """`GET /c/{name}/members?before=`: who belongs to a community of this node; for people with an account here."""
    name = visit.request.path_params["name"]

    def find(db: Session) -> tuple[Actor, list[tuple[int, Actor, datetime]], int, set[int]]:
        group = _local(db, visit.actor, name)
        found = groups.members(db, group, Window(visit.cursor(), limit=MEMBERS + 1))
        leading = {one.id for one in groups.moderators(db, group)}
        return group, found, follows.count_followers(db, group.id), leading

    group, found, total, leading = await visit.read(find)
    more = found[MEMBERS - 1][0] if len(found) > MEMBERS else None
    return visit.page("members.html", group=group, found=found[:MEMBERS], more=more, total=total, leading=leading)
