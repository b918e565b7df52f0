"""Profiles, following, and keeping people at a distance."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    actors,
    affiliations,
    blocks,
    contributions,
    endorsing,
    follows,
    moderation,
    municipalities,
    pins,
    timelines,
)
from models.actors import Actor, ActorType
from models.affiliations import Row
from models.contributions import Contributions
from models.dogmas import Dogma
from models.errors import DomainError, NotFound
from models.follows import Follow
from models.organizations import Organization
from models.posts import Post
from models.windows import Window
from server.elsewhere import find
from server.forms import Form
from server.web.communities import show_community
from server.web.rendering import post_path, profile_path
from server.web.showing import TAG_NAMES, Shown, show
from server.web.visits import Visit, action, own_page, page

PAGE = 20


@dataclass
class Profile:
    """A person with what the profile shows."""

    actor: Actor
    items: list[timelines.Item]
    pinned: list[Post]
    shown: Shown
    followers: int
    following_count: int
    state: str | None = None
    """Whether the visitor follows: accepted, pending or None."""
    follows_me: bool = False
    blocked: bool = False
    muted: bool = False
    moved_to: Actor | None = None
    given: Contributions = field(default_factory=Contributions)
    belongs: list[Row] = field(default_factory=list)
    """The confirmed affiliations, the one at the name first."""
    organization: Organization | None = None
    """Of an organisation of this node: which body it is."""
    members: int = 0
    behind: list[tuple[Post, Dogma]] = field(default_factory=list)
    """The dogmas it stands behind."""
    edits: bool = False
    """The visitor looks after this organisation."""


def look(db: Session, viewer: Actor | None, actor: Actor, *, replies: bool, before: int | None) -> Profile:
    """Gather a profile."""
    items = timelines.of_actor(db, viewer, actor, Window(before, limit=PAGE), replies=replies)
    pinned = [post for post in pins.pinned(db, actor.id) if access.may_see(db, viewer, post)] if before is None else []
    shown = show(db, viewer, [*(item.post for item in items), *pinned], doings=True)
    found = Profile(
        actor,
        items,
        pinned,
        shown,
        follows.count_followers(db, actor.id),
        follows.count_following(db, actor.id),
        moved_to=actors.by_uri(db, actor.moved_to) if actor.moved_to else None,
    )
    found.behind = endorsing.by_actor(db, viewer, actor)
    if actor.type == ActorType.ORGANIZATION and actor.local:
        found.organization = db.get(Organization, actor.id)
        found.members = affiliations.count_members(db, actor.id)
        found.edits = viewer is not None and affiliations.may_decide(db, viewer, actor)
    else:
        found.given = contributions.of(db, actor.id)
        found.belongs = affiliations.confirmed(db, actor.id) if actor.affiliation else []
    if viewer is not None:
        found.state = follows.state(db, viewer.id, actor.id)
        found.follows_me = follows.state(db, actor.id, viewer.id) == "accepted"
        found.blocked = blocks.has_blocked(db, viewer.id, actor.id)
        found.muted = blocks.has_muted(db, viewer.id, actor.id)
    return found


@page
async def person(visit: Visit) -> Response:
    """`GET /u/{name}` and `GET /org/{name}`: somebody of this node."""
    name = visit.request.path_params["name"]
    actor = await visit.read(lambda db: access.access_actor(db, visit.actor, name))
    if profile_path(actor) != visit.request.url.path:
        return visit.go(profile_path(actor))
    return await _show(visit, actor)


@page
async def handle(visit: Visit) -> Response:
    """`GET /@{handle}`: somebody by handle; those of this node have a shorter address."""
    name, _, domain = visit.request.path_params["handle"].partition("@")
    actor = await visit.read(lambda db: access.access_actor(db, visit.actor, name, domain or None))
    if actor.local:
        return visit.go(profile_path(actor))
    if actor.is_community:
        return await show_community(visit, actor)
    return await _show(visit, actor)


async def _show(visit: Visit, actor: Actor) -> Response:
    replies = bool(visit.query("replies"))
    found = await visit.read(lambda db: look(db, visit.actor, actor, replies=replies, before=visit.cursor()))
    return visit.page(
        "profile.html",
        found=found,
        shown=found.shown,
        actor=actor,
        replies=replies,
        page_size=PAGE,
        tag_names=TAG_NAMES,
        alternate=actor.uri,
        municipality=municipalities.name(
            found.organization.municipality_code if found.organization else actor.municipality
        ),
        feed=f"/feeds/person/{actor.username}" if actor.local and actor.indexable else "",
    )


@page
async def followers(visit: Visit) -> Response:
    """`GET /actors/{id}/followers`: who follows somebody of this node, unless he hides it."""
    return await _list(visit, follows.followers, "followers")


@page
async def following(visit: Visit) -> Response:
    """`GET /actors/{id}/following`: whom somebody of this node follows, unless he hides it."""
    return await _list(visit, follows.following, "following")


async def _list(visit: Visit, find_page: Callable[..., list[tuple[int, Actor]]], which: str) -> Response:
    def find_people(db: Session) -> tuple[Actor, list[tuple[int, Actor]]]:
        actor = actors.get(db, visit.path("id"))
        mine = visit.actor is not None and visit.actor.id == actor.id
        if not actor.local or not actor.active or (actor.hides_followers and not mine):
            raise NotFound("There is no such page.")
        return actor, find_page(db, actor.id, Window(visit.cursor(), limit=40))

    actor, found = await visit.read(find_people)
    return visit.page("people.html", actor=actor, found=found, which=which)


@own_page
async def lookup_form(visit: Visit) -> Response:
    """`GET /follow?uri=`: find somebody by handle or address."""
    return visit.page("follow.html", form=Form.filled(uri=visit.query("uri")))


@action
async def lookup(visit: Visit, form: Form) -> Response:
    """`POST /follow`: ask the other server, then show whom or what we found."""
    wanted = form.line("uri", most=2000)
    if form.errors:
        return visit.page("follow.html", status=422, form=form)
    try:
        found = await find(visit, wanted)
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("uri", error.text)
        return visit.page("follow.html", status=error.status, form=form)
    return visit.go(profile_path(found) if isinstance(found, Actor) else post_path(found))


async def _deed(visit: Visit, form: Form, deed: Callable[[Session, Actor, Actor], str]) -> Response:
    """Do something about the actor in the address and go back; `deed` returns what to say."""

    def write(db: Session, me: Actor) -> tuple[str, Actor]:
        target = actors.get(db, visit.path("id"))
        if not target.active:
            raise NotFound("There is no such account.")
        return deed(db, me, target), target

    said, target = await visit.write(write)
    return visit.back(form, profile_path(target), said=said)


@action
async def follow(visit: Visit, form: Form) -> Response:
    """`POST /actors/{id}/follow`, with `undo` to stop."""
    undo = form.flag("undo")

    def deed(db: Session, me: Actor, target: Actor) -> str:
        if undo:
            follows.undo(db, me, target)
            return "unfollowed"
        return "followed" if follows.request(db, me, target).state == "accepted" else "follow-asked"

    return await _deed(visit, form, deed)


@action
async def block(visit: Visit, form: Form) -> Response:
    """`POST /actors/{id}/block`, with `undo` to lift it."""
    undo = form.flag("undo")

    def deed(db: Session, me: Actor, target: Actor) -> str:
        if undo:
            blocks.unblock(db, me, target)
            return "unblocked"
        blocks.block(db, me, target)
        return "blocked"

    return await _deed(visit, form, deed)


@action
async def mute(visit: Visit, form: Form) -> Response:
    """`POST /actors/{id}/mute`, with `undo` to lift it."""
    undo = form.flag("undo")

    def deed(db: Session, me: Actor, target: Actor) -> str:
        if undo:
            blocks.unmute(db, me, target)
            return "unmuted"
        blocks.mute(db, me, target)
        return "muted"

    return await _deed(visit, form, deed)


@own_page
async def report_form(visit: Visit) -> Response:
    """`GET /actors/{id}/report`: tell the moderators of somebody."""
    actor = await visit.read(lambda db: actors.get(db, visit.path("id")))
    return visit.page("report_actor.html", form=Form(), actor=actor)


@action
async def report(visit: Visit, form: Form) -> Response:
    """`POST /actors/{id}/report`: tell the moderators, with `forward` those of the other server too."""
    comment, forward = form.text("comment", most=5000), form.flag("forward")
    if form.errors:
        actor = await visit.read(lambda db: actors.get(db, visit.path("id")))
        return visit.page("report_actor.html", status=422, form=form, actor=actor)

    def deed(db: Session, me: Actor, target: Actor) -> str:
        moderation.report(db, me, target=target, post_uris=[], comment=comment, forward=forward)
        return "reported"

    return await _deed(visit, form, deed)


@own_page
async def requests(visit: Visit) -> Response:
    """`GET /requests`: who asks to follow me."""
    waiting = await visit.read(lambda db: follows.pending_for(db, visit.me.id))
    return visit.page("requests.html", waiting=waiting)


@action
async def answer_request(visit: Visit, form: Form) -> Response:
    """`POST /requests/{id}`, `verdict` accept or reject: answer a request to follow me."""
    verdict = form.choice("verdict", ("accept", "reject"))

    def write(db: Session, me: Actor) -> None:
        row = db.get(Follow, visit.path("id"))
        if row is None or row.target_id != me.id or form.errors:
            raise NotFound("There is no such request.")
        (follows.accept if verdict == "accept" else follows.reject)(db, row)

    await visit.write(write)
    return visit.back(form, "/requests", said=f"follow-{verdict}ed")
