"""Small deeds on a post: vote, pass on, accept, keep, turn, pin."""

from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, asking, communities, pins, reactions, threads
from models.actors import Actor
from models.errors import Conflict, NotFound
from models.posts import Kind, Post
from server.forms import Form
from server.i18n import later
from server.security import local_path
from server.web.posts import place
from server.web.rendering import post_path
from server.web.showing import Shown, show
from server.web.visits import Visit, action

VOTED = {
    "1": later("Your vote is counted."),
    "-1": later("Your vote is counted."),
    "0": later("Your vote is taken back."),
}


async def _deed(visit: Visit, form: Form, deed: Callable[[Session, Actor, Post], str]) -> Response:
    """Do something to the post in the address and go back to where it stood; `deed` returns what to say."""

    def write(db: Session, me: Actor) -> tuple[str, Post, str]:
        post = access.access_post(db, me, visit.path("id"))
        said = deed(db, me, post)
        return said, post, place(db, me, post) if threads.question_of(db, post) else post_path(post)

    said, post, where = await visit.write(write)
    where, _, anchor = where.partition("#")
    response = visit.back(form, where, said=said)
    response.headers["Location"] += f"#{anchor or f'p{post.id}'}"
    return response


@action
async def vote(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/vote`, `value` 1, -1 or 0 (take it back)."""
    value = form.choice("value", ("1", "-1", "0"))

    def deed(db: Session, me: Actor, post: Post) -> str:
        if value == "0":
            reactions.withdraw_vote(db, me, post)
        else:
            reactions.vote(db, me, post, -1 if value == "-1" else 1)
        return ""

    if form.errors:
        raise Conflict("A vote is up, down, or taken back.")
    if visit.request.headers.get("torv-part") == "votes":
        return await _votes(visit, form, deed, VOTED[value])
    return await _deed(visit, form, deed)


async def _votes(visit: Visit, form: Form, deed: Callable[[Session, Actor, Post], str], said: str) -> Response:
    """The new form alone, for the script that puts it in place of the old one; `next` is the page it stands on."""

    def write(db: Session, me: Actor) -> tuple[Post, Shown, bool]:
        post = access.access_post(db, me, visit.path("id"))
        deed(db, me, post)
        return post, show(db, me, [post], doings=True), communities.allows_down(db, post.community_id)

    post, shown, allows_down = await visit.write(write)
    here = local_path(form.raw("next"), post_path(post))
    return visit.part("votes.html", post=post, shown=shown, allows_down=allows_down, said_of_vote=said, here=here)


@action
async def boost(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/boost`, with `undo` to take it back."""
    undo = form.flag("undo")

    def deed(db: Session, me: Actor, post: Post) -> str:
        if undo:
            reactions.unboost(db, me, post)
            return "unboosted"
        reactions.boost(db, me, post)
        return "boosted"

    return await _deed(visit, form, deed)


def _question(db: Session, post: Post) -> Post:
    question = threads.question_of(db, post)
    if question is None:
        raise NotFound("There is no such question.")
    return question


@action
async def accept(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/accept`: this answer is the accepted one."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        threads.accept(db, me, _question(db, post), post)
        return "accepted"

    return await _deed(visit, form, deed)


@action
async def withdraw(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/withdraw`: no answer of this question is accepted any more."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        threads.withdraw(db, me, _question(db, post))
        return "withdrawn"

    return await _deed(visit, form, deed)


@action
async def keep(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/keep`: take an answer from outside in."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        threads.keep(db, me, post)
        return "kept"

    return await _deed(visit, form, deed)


@action
async def turn(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/turn`: an answer becomes a comment, a direct comment on a question an answer."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        threads.turn(db, me, post, Kind.COMMENT if post.kind == Kind.ANSWER else Kind.ANSWER)
        return "turned"

    return await _deed(visit, form, deed)


@action
async def make_question(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/make-question`: a note in a community is a question, and its first line the title."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        asking.make_question(db, me, post)
        return "made-question"

    return await _deed(visit, form, deed)


@action
async def make_note(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/make-note`: a question is a note after all."""

    def deed(db: Session, me: Actor, post: Post) -> str:
        asking.make_note(db, me, post)
        return "made-note"

    return await _deed(visit, form, deed)


@action
async def pin(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/pin`, with `undo` to take it back: one's own post first on the profile."""
    undo = form.flag("undo")

    def deed(db: Session, me: Actor, post: Post) -> str:
        (pins.unpin if undo else pins.pin)(db, me, post)
        return "unpinned" if undo else "pinned"

    return await _deed(visit, form, deed)
