"""Calling for a meeting about a question, and saying that one would come."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, calls
from models.actors import Actor
from models.errors import NotFound
from models.meetings import Way
from models.posts import Post
from server.forms import Form
from server.web.rendering import post_path
from server.web.visits import Visit, action


@dataclass(frozen=True)
class CallShown:
    """A call for a meeting as its question shows it to one visitor."""

    coming: int
    places: list[tuple[str, int]]
    """From which municipalities, as far as they say."""
    mine: bool
    may_plan: bool
    """The visitor's meeting about it would be the one that was called for."""


def shown(db: Session, viewer: Actor | None, question: Post) -> CallShown | None:
    """The call that a question is; None for one that calls for nothing."""
    row = calls.find(db, question)
    if row is None:
        return None
    mine = viewer is not None and calls.mine(db, viewer, question) is not None
    may_plan = viewer is not None and calls.may_plan(db, viewer, question)
    return CallShown(row.coming, calls.places(db, question), mine, may_plan)


def _question(db: Session, me: Actor, post_id: int) -> Post:
    post = access.access_post(db, me, post_id)
    if post.thread_id != post.id:
        raise NotFound("There is no such question.")
    return post


@action
async def call(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/call`: make a question a call for a meeting; with `undo` a question like others again."""
    undo = form.flag("undo")

    def write(db: Session, me: Actor) -> str:
        question = _question(db, me, visit.path("id"))
        (calls.call_off if undo else calls.call)(db, me, question)
        return post_path(question)

    where = await visit.write(write)
    return visit.go(where if undo else f"{where}#call", said="called-off" if undo else "called")


@action
async def come(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/come`: the visitor would come; with `undo` he takes it back."""
    undo = form.flag("undo")

    def write(db: Session, me: Actor) -> str:
        question = _question(db, me, visit.path("id"))
        if undo:
            calls.stay_away(db, me, question)
        else:
            calls.come(db, me, question, Way.WEB)
        return post_path(question)

    where = await visit.write(write)
    return visit.go(f"{where}#call", said="stays-away" if undo else "would-come")
