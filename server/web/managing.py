"""What the moderators of a community look after: who moderates, what waits, what is hidden and taken out."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, admission, follows, holding, listings, timelines, twinning
from models import communities as groups
from models.actors import Actor
from models.communities import Community
from models.errors import DomainError, Forbidden, NotFound
from models.follows import Follow
from models.listings import Listing
from models.posts import Post, get
from models.twinning import Twinning
from models.windows import Window
from server.elsewhere import find_actor
from server.forms import Form
from server.web.founding import managed
from server.web.showing import Shown, rules_of, show
from server.web.visits import Visit, action, own_page


@dataclass
class ManagePage:
    """What moderators of a community look after."""

    group: Actor
    row: Community
    moderators: list[Actor]
    twins: list[Twinning]
    asking: list[tuple[Follow, Actor]]
    """Communities that ask to be twins."""
    asked: list[Actor]
    """Communities we have asked, and that have not answered."""
    waiting: list[tuple[Post, str]]
    """Posts that wait to be let in, each with the listed word in it, if that is why."""
    hidden: list[tuple[Listing, Post]]
    removed: list[Post]
    shown: Shown
    from_twins: list[tuple[Listing, Post]]
    """The newest threads that came through a twin."""


def look(db: Session, me: Actor, name: str) -> ManagePage:
    """Gather the moderators' page; NotFound for everybody else."""
    group = managed(db, me, name)
    row = rules_of(db, group)
    recent = timelines.community(db, me, group, Window(limit=200), with_hidden=True)
    hidden = [(listing, post) for listing, post in recent if listing.hidden_at is not None]
    removed = [post for _, post in recent if post.removed_at is not None]
    waiting = holding.waiting(db, group)
    return ManagePage(
        group,
        row,
        groups.moderators(db, group),
        twinning.of(db, group),
        [(follow, actor) for follow, actor in follows.pending_for(db, group.id) if actor.is_community],
        groups.twins_asked(db, group),
        [(post, admission.word_in(row, admission.recorded(post))) for post in waiting],
        hidden,
        removed,
        show(db, me, [*(post for _, post in hidden), *removed, *waiting]),
        [(listing, post) for listing, post in recent if listing.through_id and listing.hidden_at is None][:10],
    )


@own_page
async def manage(visit: Visit) -> Response:
    """`GET /c/{name}/manage`: moderators, what waits, twins and hidden threads."""
    return await manage_page(visit, Form())


async def manage_page(visit: Visit, form: Form, status: int = 200) -> Response:
    """The page, with what was typed if it has to be typed again."""
    name = visit.request.path_params["name"]
    found = await visit.read(lambda db: look(db, visit.me, name))
    return visit.page("manage.html", status=status, found=found, group=found.group, shown=found.shown, form=form)


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


def manage_path(visit: Visit) -> str:
    """Where the page is."""
    return f"/c/{_name(visit)}/manage"


@action
async def add_moderator(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/moderators`: make somebody a moderator."""
    await visit.read(lambda db: managed(db, visit.me, _name(visit)))
    handle = form.line("handle", most=300)
    try:
        if form.errors:
            return await manage_page(visit, form, 422)
        person = await find_actor(visit, handle)
        if person.is_community:
            raise NotFound("Only a person can moderate.")
        await visit.write(
            lambda db, me: groups.add_moderator(db, me, managed(db, me, _name(visit)), actors.get(db, person.id))
        )
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error("handle", error.text)
        return await manage_page(visit, form, error.status)
    return visit.go(manage_path(visit), said="moderator-added")


@action
async def remove_moderator(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/moderators/remove`: end it; the last one stays."""
    actor_id = form.number("actor") or 0
    await visit.write(
        lambda db, me: groups.remove_moderator(db, me, managed(db, me, _name(visit)), actors.get(db, actor_id))
    )
    return visit.go(manage_path(visit), said="moderator-removed")


@action
async def decide(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/held`: let a post in that waits, or keep it out (`verdict` in or out)."""
    post_id, inside = form.number("post") or 0, form.choice("verdict", ("in", "out")) == "in"
    if form.errors:
        raise Forbidden("A post is let in or kept out.")

    def write(db: Session, me: Actor) -> None:
        group, post = managed(db, me, _name(visit)), get(db, post_id)
        if post.community_id != group.id:
            raise NotFound("There is nothing that waits.")
        (holding.let_in if inside else holding.keep_out)(db, me, post)

    await visit.write(write)
    return visit.go(manage_path(visit), said="post-let-in" if inside else "kept-out")


@action
async def hide(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/hide`, with `undo`: hide a thread from this community's list here."""
    post_id, undo = form.number("post") or 0, form.flag("undo")
    await visit.write(
        lambda db, me: listings.hide(db, me, managed(db, me, _name(visit)), get(db, post_id), hidden=not undo)
    )
    return visit.back(form, f"/c/{_name(visit)}", said="unhidden" if undo else "hidden")


@action
async def remove(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/remove`, with `undo`: take a post out of the community; it stays with its author, who is told."""
    post_id, undo = form.number("post") or 0, form.flag("undo")
    reason = form.line("reason", most=500, required=False)

    def write(db: Session, me: Actor) -> None:
        managed(db, me, _name(visit))
        post = access.access_post(db, me, post_id)
        if undo:
            listings.restore_post(db, me, post)
        else:
            listings.remove_post(db, me, post, reason)

    await visit.write(write)
    return visit.back(form, f"/c/{_name(visit)}", said="restored" if undo else "removed")
