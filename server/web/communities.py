"""Communities: the list of them, one with its threads, and what its moderators can do."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, figures, follows, listings, timelines
from models import communities as groups
from models.actors import Actor
from models.communities import Community
from models.errors import DomainError, Forbidden, NotFound
from models.follows import Follow
from models.listings import Listing
from models.posts import Post, get
from models.windows import Window
from server.elsewhere import find_actor
from server.forms import Form
from server.i18n import later
from server.web.showing import Shown, rules_of, show
from server.web.visits import Visit, action, own_page, page

PAGE = 30


@page
async def communities(visit: Visit) -> Response:
    """`GET /communities`: those of this node, and those elsewhere that somebody here follows."""

    def look(db: Session) -> tuple[list[Actor], list[Actor], dict[int, str], dict[int, int]]:
        here, elsewhere = groups.all_local(db), groups.known_remote(db)
        ids = [group.id for group in (*here, *elsewhere)]
        states = follows.states(db, visit.actor.id, ids) if visit.actor else {}
        counts = figures.many(db, ids)
        return here, elsewhere, states, {i: counts[i].followers if i in counts else 0 for i in ids}

    here, elsewhere, states, counts = await visit.read(look)
    return visit.page("communities.html", here_groups=here, elsewhere=elsewhere, states=states, counts=counts)


@dataclass
class CommunityPage:
    """A community with what its page shows."""

    group: Actor
    shown: Shown
    listings: list[tuple[Listing, Post]]
    rules: list[str]
    moderators: list[Actor]
    twins: list[Actor]
    followers: int
    following: str | None = None
    moderates: bool = False
    more: int | None = None
    unanswered: bool = False


def look(db: Session, viewer: Actor | None, group: Actor, *, unanswered: bool, before: int | None) -> CommunityPage:
    """Gather a community's page."""
    found = timelines.community(db, viewer, group, Window(before, limit=PAGE + 1), unanswered=unanswered)
    more = found[PAGE - 1][0].id if len(found) > PAGE else None
    found = found[:PAGE]
    shown = show(db, viewer, [post for _, post in found], also=[listing.through_id for listing, _ in found])
    return CommunityPage(
        group,
        shown,
        found,
        rules_of(db, group).rules,
        groups.moderators(db, group),
        groups.twins(db, group),
        follows.count_followers(db, group.id),
        following=follows.state(db, viewer.id, group.id) if viewer else None,
        moderates=viewer is not None and groups.is_moderator(db, viewer.id, group.id),
        more=more,
        unanswered=unanswered,
    )


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


@dataclass
class ManagePage:
    """What moderators of a community look after."""

    group: Actor
    moderators: list[Actor]
    twins: list[Actor]
    asking: list[tuple[Follow, Actor]]
    """Communities that ask to be twins."""
    asked: list[Actor]
    """Communities we have asked, and that have not answered."""
    hidden: list[tuple[Listing, Post]]
    removed: list[Post]
    people: dict[int, Actor]
    from_twins: list[tuple[Listing, Post]]
    """The newest threads that came through a twin."""
    settings: Community


def _managed(db: Session, me: Actor, name: str) -> Actor:
    group = _local(db, me, name)
    if not groups.is_moderator(db, me.id, group.id):
        raise NotFound("There is no such page.")
    return group


def look_at_managing(db: Session, me: Actor, name: str) -> ManagePage:
    """Gather the moderators' page; NotFound for everybody else."""
    group = _managed(db, me, name)
    asking = [(row, actor) for row, actor in follows.pending_for(db, group.id) if actor.is_community]
    recent = timelines.community(db, me, group, Window(limit=200), with_hidden=True)
    hidden = [(listing, post) for listing, post in recent if listing.hidden_at is not None]
    removed = [post for _, post in recent if post.removed_at is not None]
    return ManagePage(
        group,
        groups.moderators(db, group),
        groups.twins(db, group),
        asking,
        groups.twins_asked(db, group),
        hidden,
        removed,
        show(db, me, [*(post for _, post in hidden), *removed]).people,
        [(listing, post) for listing, post in recent if listing.through_id and listing.hidden_at is None][:10],
        rules_of(db, group),
    )


@own_page
async def manage(visit: Visit) -> Response:
    """`GET /c/{name}/manage`: moderators, twins and hidden threads."""
    return await _manage_page(visit, Form())


async def _manage_page(visit: Visit, form: Form, status: int = 200) -> Response:
    name = visit.request.path_params["name"]
    found = await visit.read(lambda db: look_at_managing(db, visit.me, name))
    chosen = found.settings
    preset = Form.filled(
        name=found.group.name,
        summary=found.group.summary_source,
        rules="\n".join(chosen.rules),
        **{name: "1" for name in ("allows_down", "holds_outside", "moderators_only") if getattr(chosen, name)},
    )
    return visit.page("manage.html", status=status, found=found, group=found.group, preset=preset, form=form)


def _manage_path(visit: Visit) -> str:
    return f"/c/{visit.request.path_params['name']}/manage"


@action
async def add_moderator(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/moderators`: make somebody a moderator."""
    await visit.read(lambda db: _managed(db, visit.me, visit.request.path_params["name"]))
    handle = form.line("handle", most=300)
    try:
        if form.errors:
            return await _manage_page(visit, form, 422)
        person = await find_actor(visit, handle)
        if person.is_community:
            raise NotFound("Only a person can moderate.")
        await visit.write(
            lambda db, me: groups.add_moderator(
                db, me, _managed(db, me, visit.request.path_params["name"]), actors.get(db, person.id)
            )
        )
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("handle", error.text)
        return await _manage_page(visit, form, error.status)
    return visit.go(_manage_path(visit), said="moderator-added")


@action
async def remove_moderator(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/moderators/remove`: end it; the last one stays."""
    actor_id = form.number("actor") or 0
    await visit.write(
        lambda db, me: groups.remove_moderator(
            db, me, _managed(db, me, visit.request.path_params["name"]), actors.get(db, actor_id)
        )
    )
    return visit.go(_manage_path(visit), said="moderator-removed")


@action
async def change_rules(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/rules`: the community's description, rules and settings."""
    name = form.line("name", most=100)
    summary = form.text("summary", most=5000, required=False)
    rules = [line.strip() for line in form.text("rules", most=10_000, required=False).split("\n") if line.strip()]
    if len(rules) > 50 or any(len(rule) > 300 for rule in rules):
        form.error("rules", later("At most 50 rules, each of at most 300 characters."))
    if form.errors:
        return await _manage_page(visit, form, 422)
    await visit.write(
        lambda db, me: groups.change(
            db,
            me,
            _managed(db, me, visit.request.path_params["name"]),
            name=name,
            summary=summary,
            rules=rules,
            allows_down=form.flag("allows_down"),
            holds_outside=form.flag("holds_outside"),
            moderators_only=form.flag("moderators_only"),
        )
    )
    return visit.go(_manage_path(visit), said="saved")


@action
async def start_twinning(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins`: ask a community elsewhere to be a twin."""
    await visit.read(lambda db: _managed(db, visit.me, visit.request.path_params["name"]))
    wanted = form.line("twin", most=2000)
    if form.errors:
        return await _manage_page(visit, form, 422)
    try:
        other = await find_actor(visit, wanted)
        await visit.write(
            lambda db, me: groups.twin(
                db, me, _managed(db, me, visit.request.path_params["name"]), actors.get(db, other.id)
            )
        )
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("twin", error.text)
        return await _manage_page(visit, form, error.status)
    return visit.go(_manage_path(visit), said="twin-asked")


@action
async def answer_twin(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins/answer`, `verdict` accept or reject; accepting may ask back (`back`)."""
    actor_id, accept = form.number("actor") or 0, form.choice("verdict", ("accept", "reject")) == "accept"

    def write(db: Session, me: Actor) -> None:
        group, other = _managed(db, me, visit.request.path_params["name"]), actors.get(db, actor_id)
        groups.answer_twin(db, me, group, other, accept=accept)
        if accept and form.flag("back"):
            groups.twin(db, me, group, other)

    if form.errors:
        raise Forbidden("A request is accepted or rejected.")
    await visit.write(write)
    return visit.go(_manage_path(visit), said="follow-accepted" if accept else "follow-rejected")


@action
async def end_twinning(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/twins/end`: no new threads either way."""
    actor_id = form.number("actor") or 0
    await visit.write(
        lambda db, me: groups.untwin(
            db, me, _managed(db, me, visit.request.path_params["name"]), actors.get(db, actor_id)
        )
    )
    return visit.go(_manage_path(visit), said="twin-ended")


@action
async def hide(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/hide`, with `undo`: hide a thread from this community's list here."""
    post_id, undo = form.number("post") or 0, form.flag("undo")
    await visit.write(
        lambda db, me: listings.hide(
            db, me, _managed(db, me, visit.request.path_params["name"]), get(db, post_id), hidden=not undo
        )
    )
    return visit.back(form, _path(visit), said="unhidden" if undo else "hidden")


@action
async def remove(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/remove`, with `undo`: take a post out of the community; it stays with its author, who is told."""
    post_id, undo = form.number("post") or 0, form.flag("undo")
    reason = form.line("reason", most=500, required=False)

    def write(db: Session, me: Actor) -> None:
        _managed(db, me, visit.request.path_params["name"])
        post = access.access_post(db, me, post_id)
        if undo:
            listings.restore_post(db, me, post)
        else:
            listings.remove_post(db, me, post, reason)

    await visit.write(write)
    return visit.back(form, _path(visit), said="restored" if undo else "removed")


def _path(visit: Visit) -> str:
    return f"/c/{visit.request.path_params['name']}"
