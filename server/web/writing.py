"""Writing posts that answer nothing, changing and deleting one's own, and reporting others'."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    actors,
    admission,
    anonymity,
    asking,
    composing,
    links,
    moderation,
    municipalities,
    polls,
    removing,
)
from models.actors import Actor
from models.admission import MAX_DISCLOSURE
from models.composing import BARRIERS, MAX_TEXT, MAX_TITLE
from models.drafts import Wanted
from models.errors import DomainError, NotFound
from models.posts import Draft, Kind, Post, Visibility
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, poll_form, ties
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.showing import BARRIER_NAMES, Shown, show, to_report_in
from server.web.visits import Visit, action, own_page

VISIBILITIES = {
    Visibility.PUBLIC: (later("Everybody"), later("Shown on your profile, and to anybody anywhere.")),
    Visibility.UNLISTED: (
        later("Everybody, but in no lists"),
        later("Anybody can read it, but it is in no public list."),
    ),
    Visibility.FOLLOWERS: (
        later("Those who follow you"),
        later("Only those who follow you, and those you name."),
    ),
    Visibility.DIRECT: (
        later("Those you name"),
        later("Only those whose handles you write. The servers' administrators can read it too."),
    ),
    Visibility.NODE: (
        later("This server only"),
        later("Only people with an account here. It is never sent to other servers."),
    ),
}


COMMUNITY_FAULTS = {
    "class_asks",
    "questions_only",
    "moderators_only",
    "community_closed",
    "banned",
}


@own_page
async def note_form(visit: Visit) -> Response:
    """`GET /post?to=name@domain&community=<id>`: an empty post, begun with whom it is for, or where it is to stand."""
    to = visit.query("to")
    form = await drafting.begun(visit, Wanted.NOTE) or Form.filled(
        community=visit.query("community"),
        open_for=poll_form.USUAL,
        text=f"@{to} " if to else "",
        visibility=(Visibility.DIRECT if to else Visibility.PUBLIC).value,
        language=visit.language,
    )
    return await _note_page(visit, form)


@action
async def note(visit: Visit, form: Form) -> Response:
    """`POST /post`: publish a post. With `do=preview` it is only shown as it would look, with `do=draft` only kept."""
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.NOTE, "/post")
    if drafting.wants(form) == "preview":
        return await _note_page(visit, form, preview=True)
    text = form.text("text", most=MAX_TEXT, required=not form.files)
    warning = form.line("summary", most=500, required=False)
    draft = Draft(
        text,
        visibility=form.choice("visibility", tuple(VISIBILITIES), Visibility.PUBLIC),
        language=form.choice("language", LANGUAGES, visit.language),
        summary=warning,
        disclosure=form.line("disclosure", most=MAX_DISCLOSURE, required=False),
        poll=poll_form.read(form),
        media=await attached(visit, form),
    )
    community = form.number("community")
    if form.errors:
        await drafting.keep_refused(visit, form, Wanted.NOTE)
        return await _note_page(visit, form, status=422)
    await resolve_mentions(visit, text)

    def write(db: Session, me: Actor) -> Post:
        group = actors.get(db, community) if community is not None else None
        post = composing.note(db, me, draft) if group is None else asking.say(db, me, group, draft)
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        if error.status not in {403, 422}:
            raise
        form.error(_field_of(error), error.text)
        await drafting.keep_refused(visit, form, Wanted.NOTE)
        return await _note_page(visit, form, status=error.status)
    return visit.go(post_path(post), said="held" if post.held_for else "posted")


def _field_of(error: DomainError) -> str:
    """The field that an error of the models speaks of."""
    if error.code in COMMUNITY_FAULTS:
        return "community"
    if name := next((one for one in ("visibility", "disclosure") if error.code.startswith(one)), ""):
        return name
    return poll_form.field_of(error.code) or "text"


async def _note_page(visit: Visit, form: Form, status: int = 200, *, preview: bool = False) -> Response:
    def find(db: Session) -> tuple[list[Actor], bool]:
        return to_report_in(db, visit.me), admission.is_supplier(db, visit.me)

    groups, supplier = await visit.read(find)
    return visit.page(
        "note.html",
        status=status,
        form=form,
        visibilities=VISIBILITIES,
        groups=groups,
        supplier=supplier,
        durations=poll_form.DURATIONS,
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
    )


def _own(db: Session, me: Actor, post_id: int) -> Post:
    post = access.access_post(db, me, post_id)
    if not anonymity.wrote(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post


@own_page
async def edit_form(visit: Visit) -> Response:
    """`GET /posts/{id}/edit`: one's own post, to be changed."""

    def find(db: Session) -> tuple[Post, bool, list[str], dict[str, str]]:
        post = _own(db, visit.me, visit.path("id"))
        tied = links.named(db, post)
        return post, admission.is_supplier(db, visit.me), tied, poll_form.filled(db, post)

    post, supplier, tied, poll = await visit.read(find)
    if post.kind == Kind.EXPERIENCE:
        return visit.go(f"/posts/{post.id}/experience")
    if post.kind == Kind.EVENT:
        return visit.go(f"/posts/{post.id}/meeting")
    if post.kind == Kind.DOGMA:
        return visit.go(f"/posts/{post.id}/version")
    disclosure = str((post.extra or {}).get("disclosure", ""))
    form = Form.filled(
        title=post.title,
        text=post.source,
        summary=post.summary,
        language=post.language or visit.language,
        barriers=[str(barrier) for barrier in (post.extra or {}).get("barriers", [])],
        municipality=str((post.extra or {}).get("municipality", "")),
        **({"links": tied} if post.kind == Kind.QUESTION else {}),
        **poll,
        **({"disclosure": disclosure} if disclosure or (supplier and post.community_id) else {}),
    )
    return await _edit_page(visit, form, post)


async def _edit_page(visit: Visit, form: Form, post: Post, status: int = 200, *, preview: bool = False) -> Response:
    return visit.page(
        "edit.html",
        status=status,
        form=form,
        post=post,
        barriers=BARRIER_NAMES,
        municipalities=municipalities.known(),
        tied=await ties.shown(visit, form),
        durations=poll_form.DURATIONS,
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
    )


@action
async def edit(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/edit`: save a new edition; with `do=preview` it is only shown as it would look."""
    post = await visit.read(lambda db: _own(db, visit.me, visit.path("id")))
    if drafting.wants(form) == "preview":
        return await _edit_page(visit, form, post, preview=True)
    question = post.kind == Kind.QUESTION
    draft = Draft(
        form.text("text", most=MAX_TEXT, required=not question),
        form.line("title", most=MAX_TITLE) if question else "",
        summary=form.line("summary", most=500, required=False),
        language=form.choice("language", LANGUAGES, visit.language),
        barriers=form.choices("barriers", BARRIERS),
        municipality=form.choice("municipality", ("", *municipalities.known())) if question else None,
        disclosure=form.line("disclosure", most=MAX_DISCLOSURE, required=False)
        if "disclosure" in form.values
        else None,
        linked=await ties.read(visit, form) if question else None,
        poll=poll_form.read(form, edited=True) if post.object_type == polls.OBJECT_TYPE else None,
    )
    if form.errors:
        return await _edit_page(visit, form, post, 422)
    await resolve_mentions(visit, draft.text)

    def write(db: Session, me: Actor) -> Post:
        return composing.edit(db, me, _own(db, me, post.id), draft)

    try:
        saved = await visit.write(write)
    except DomainError as error:
        if error.status != 422:
            raise
        named = next((name for name in ("title", "disclosure") if error.code.startswith(name)), "")
        form.error(named or poll_form.field_of(error.code) or "text", error.text)
        return await _edit_page(visit, form, post, 422)
    return visit.go(post_path(saved), said="held" if saved.held_for else "edited")


@own_page
async def delete_form(visit: Visit) -> Response:
    """`GET /posts/{id}/delete`: are you sure?"""
    post = await visit.read(lambda db: _own(db, visit.me, visit.path("id")))
    return visit.page("delete.html", post=post)


@action
async def delete(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/delete`: delete one's own post."""

    def write(db: Session, me: Actor) -> str:
        post = _own(db, me, visit.path("id"))
        root = db.get(Post, post.thread_id)
        removing.delete_post(db, me, post)
        return post_path(root) if root is not None and root.id != post.id else "/"

    return visit.go(await visit.write(write), said="deleted")


@own_page
async def report_form(visit: Visit) -> Response:
    """`GET /posts/{id}/report`: tell the moderators of a post."""
    return await _report_page(visit, Form())


async def _report_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def find(db: Session) -> tuple[Post, Shown]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        return post, show(db, visit.actor, [post])

    post, shown = await visit.read(find)
    return visit.page("report.html", status=status, form=form, post=post, shown=shown)


@action
async def report(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/report`: tell the moderators, with `forward` those of the author's server too."""
    comment, forward = form.text("comment", most=5000), form.flag("forward")
    if form.errors:
        return await _report_page(visit, form, 422)

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        author = actors.get(db, post.author_id)
        moderation.report(db, me, target=author, post_uris=[post.uri], comment=comment, forward=forward)
        return post_path(post)

    return visit.go(await visit.write(write), said="reported")
