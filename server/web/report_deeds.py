"""Deeds on a report: telling what happened since, answering as a co-author, and choosing good examples."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, co_authors, experience_cases, experiences, sharing
from models.actors import Actor
from models.composing import MAX_TEXT
from models.drafts import Wanted
from models.errors import DomainError, NotFound
from models.experiences import Experience, Outcome, Phase
from models.posts import Post
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.web import drafting
from server.web.rendering import post_path
from server.web.report_fields import chosen
from server.web.report_names import OUTCOME_NAMES, PHASE_NAMES, REMIND_NAMES
from server.web.visits import Visit, action, own_page


def _case(db: Session, me: Actor, post_id: int) -> tuple[Post, Experience]:
    post = access.access_post(db, me, post_id)
    row = experiences.get(db, post)
    if not post.local or row.is_follow_up or not experience_cases.may_follow_up(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post, row


@own_page
async def since_form(visit: Visit) -> Response:
    """`GET /posts/{id}/since`: what happened since?"""
    form = await drafting.begun(visit, Wanted.FOLLOW_UP)
    post, row = await visit.read(lambda db: _case(db, visit.me, visit.path("id")))
    form = form or Form.filled(phase=row.phase, outcome=row.outcome, remind="12")
    return await _since_page(visit, post, form)


async def _since_page(visit: Visit, post: Post, form: Form, status: int = 200, *, preview: bool = False) -> Response:
    return visit.page(
        "experience_since.html",
        status=status,
        post=post,
        form=form,
        phases=PHASE_NAMES,
        outcomes=OUTCOME_NAMES,
        reminders=REMIND_NAMES,
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
    )


@action
async def since(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/since`: tell it; with `do=preview` it is only shown, with `do=draft` only kept."""
    post, _ = await visit.read(lambda db: _case(db, visit.me, visit.path("id")))
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.FOLLOW_UP, f"/posts/{post.id}/since", parent=post.id)
    if drafting.wants(form) == "preview":
        return await _since_page(visit, post, form, preview=True)
    said = form.text("text", most=MAX_TEXT)
    phase, outcome = chosen(form, "phase", tuple(Phase)), chosen(form, "outcome", tuple(Outcome))
    months = int(form.choice("remind", tuple(REMIND_NAMES), "0"))
    if form.errors:
        await drafting.keep_refused(visit, form, Wanted.FOLLOW_UP, parent=post.id)
        return await _since_page(visit, post, form, 422)
    await resolve_mentions(visit, said)

    def write(db: Session, me: Actor) -> str:
        case, _ = _case(db, me, post.id)
        made = sharing.follow_up(db, me, case, said, phase=phase, outcome=outcome, remind_months=months)
        drafting.sent(db, me, form)
        return f"{post_path(case)}#p{made.id}"

    try:
        where = await visit.write(write)
    except DomainError as error:
        form.error("text", drafting.said_of(error))
        await drafting.keep_refused(visit, form, Wanted.FOLLOW_UP, parent=post.id)
        return await _since_page(visit, post, form, error.status)
    return visit.go(where, said="followed-up")


@action
async def co_author(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/co-author`, with `verdict` yes or no; the author with `actor`: asks or names him no longer."""
    yes = form.choice("verdict", ("yes", "no"), "no") == "yes"
    other = form.number("actor")

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        if other is not None:
            co_authors.withdraw(db, me, post, actors.get(db, other))
        else:
            co_authors.answer(db, me, post, yes=yes)
        return post_path(post)

    return visit.go(await visit.write(write), said="co-author" if yes else "no-co-author")


@action
async def not_me(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/not-me`: the visitor does not want to be named as somebody to ask."""

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        co_authors.take_off(db, me, post)
        return post_path(post)

    return visit.go(await visit.write(write), said="not-me")


@action
async def example(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/example`: a moderator shows it among the good examples, with `undo` no longer."""
    undo = form.flag("undo")

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        sharing.choose_example(db, me, post, chosen=not undo)
        return post_path(post)

    return visit.go(await visit.write(write), said="no-example" if undo else "example")
