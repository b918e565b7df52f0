"""Pointing a question to the one that asked the same before, by moderators; and taking that back."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, duplicates
from models.actors import Actor
from models.errors import DomainError, NotFound
from models.posts import Kind, Post
from server import elsewhere
from server.forms import Form
from server.i18n import later
from server.web.drafting import said_of
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page


@dataclass(frozen=True)
class DuplicatePage:
    """A question, and what it points to now."""

    question: Post
    original: Post | None
    may_merge: bool


def _question(db: Session, me: Actor, post_id: int) -> Post:
    """The question, for who may mark it; for everybody else there is no such page."""
    post = access.access_post(db, me, post_id)
    if post.kind != Kind.QUESTION or not duplicates.may_mark(db, me, post):
        raise NotFound("There is no such page.")
    return post


@own_page
async def form(visit: Visit) -> Response:
    """`GET /posts/{id}/duplicate`: which question asked the same before?"""
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> DuplicatePage:
        question = _question(db, visit.me, visit.path("id"))
        original = duplicates.original_of(db, visit.actor, question)
        return DuplicatePage(question, original, duplicates.may_merge(db, visit.me, question))

    return visit.page("duplicate.html", status=status, form=form, found=await visit.read(look))


@action
async def mark(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/duplicate`: point to the question at `original` (its address), and with `merge` put the answers
    below it; with `undo` take it back."""
    question_id = visit.path("id")
    if form.flag("undo"):

        def unmark(db: Session, me: Actor) -> str:
            question = _question(db, me, question_id)
            duplicates.unmark(db, me, question)
            return post_path(question)

        return visit.go(await visit.write(unmark), said="duplicate-unmarked")
    address = form.line("original", most=2000)
    if form.errors:
        return await _page(visit, form, 422)
    await visit.read(lambda db: _question(db, visit.me, question_id))

    def write(db: Session, me: Actor) -> str:
        question = _question(db, me, question_id)
        duplicates.mark(db, me, question, access.access_post(db, me, original_id))
        if form.flag("merge"):
            duplicates.merge(db, me, question)
        return post_path(question)

    try:
        original_id = await _find(visit, address)
        where = await visit.write(write)
    except DomainError as error:
        form.error("original", said_of(error))
        return await _page(visit, form, error.status)
    return visit.go(where, said="merged" if form.flag("merge") else "duplicate-marked")


@action
async def merge(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/merge`: put the answers of a question below the earlier one it points to; with `undo` back."""
    undo = form.flag("undo")

    def write(db: Session, me: Actor) -> str:
        question = _question(db, me, visit.path("id"))
        (duplicates.take_apart if undo else duplicates.merge)(db, me, question)
        return post_path(question)

    return visit.go(await visit.write(write), said="apart" if undo else "merged")


async def _find(visit: Visit, address: str) -> int:
    """The number of the post at an address, here or elsewhere. Raises Invalid or NotFound."""
    local = address.removeprefix(visit.node.origin)
    if local.startswith("/p/"):
        number = local.removeprefix("/p/").partition("/")[0].partition("?")[0].partition("#")[0]
        if number.isascii() and number.isdigit() and len(number) < 20 and int(number) < 2**63:
            return int(number)
    found = await elsewhere.find(visit, address)
    if isinstance(found, Actor):
        raise NotFound(later("That is not a question."))
    return found.id
