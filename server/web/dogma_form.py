"""Proposing a dogma, and writing a new version of one."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, dogmas, links, proposing
from models.actors import Actor
from models.composing import MAX_TEXT
from models.dogmas import MAX_CHANGED, MAX_STATEMENT, OPEN, Dogma, Status
from models.drafts import Wanted
from models.errors import DomainError, NotFound
from models.posts import Post
from models.proposing import Principle
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, ties
from server.web.rendering import post_path
from server.web.showing import to_report_in
from server.web.visits import Visit, action, own_page


@dataclass(frozen=True)
class Changed:
    """The dogma that is given a new version."""

    post: Post
    row: Dogma

    @property
    def holds(self) -> bool:
        """It is adopted, and others have endorsed what it says."""
        return self.row.status == Status.ADOPTED


def to_propose_in(db: Session, viewer: Actor) -> list[Actor]:
    """The communities a visitor may choose among: those of this node, which decide here."""
    return [group for group in to_report_in(db, viewer) if group.local]


@own_page
async def new(visit: Visit) -> Response:
    """`GET /dogma/new?community=&draft=`: propose a dogma."""
    form = await drafting.begun(visit, Wanted.DOGMA)
    return await _page(visit, form or Form.filled(community=visit.query("community"), language=visit.language))


@action
async def propose(visit: Visit, form: Form) -> Response:
    """`POST /dogma/new`; with `do=preview` it is only shown, with `do=draft` only kept."""
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.DOGMA, "/dogma/new")
    if drafting.wants(form) == "preview":
        return await _page(visit, form, preview=True)
    principle, community_id = _read(visit, form), form.number("community")
    linked = await ties.read(visit, form) or ()
    if form.errors:
        return await _refused(visit, form, 422)
    await resolve_mentions(visit, principle.text)

    def write(db: Session, me: Actor) -> Post:
        group = db.get(Actor, community_id) if community_id else None
        if community_id and group is None:
            raise NotFound("There is no such community.")
        post = proposing.propose(db, me, principle, group, linked=linked)
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        form.error(_field_of(error), drafting.said_of(error))
        return await _refused(visit, form, error.status)
    return visit.go(post_path(post), said="held" if post.held_for else "dogma-proposed")


def _read(visit: Visit, form: Form) -> Principle:
    """What stands in the form; faults are noted on it."""
    title = form.line("title", most=MAX_STATEMENT)
    if title and len(title) < proposing.MIN_STATEMENT:
        form.error("title", later("Write a line of at least five letters."))
    text = form.text("text", most=MAX_TEXT)
    return Principle(title, text, form.choice("language", LANGUAGES, visit.language))


def _field_of(error: DomainError) -> str:
    for field in ("title", "text", "note", "links"):
        if error.code.startswith(field):
            return field
    return "community"


async def _refused(visit: Visit, form: Form, status: int, changed: Changed | None = None) -> Response:
    parent = changed.post.id if changed is not None else None
    await drafting.keep_refused(visit, form, Wanted.DOGMA, parent=parent)
    return await _page(visit, form, status, changed=changed)


async def _page(
    visit: Visit, form: Form, status: int = 200, *, changed: Changed | None = None, preview: bool = False
) -> Response:
    groups = await visit.read(lambda db: to_propose_in(db, visit.me)) if changed is None else []
    return visit.page(
        "dogma_form.html",
        status=status,
        form=form,
        changed=changed,
        groups=groups,
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
        may_have=MAX_STATEMENT,
        tied=await ties.shown(visit, form),
    )


# A new version


def _changed(db: Session, me: Actor, post_id: int) -> Changed:
    post = access.access_post(db, me, post_id)
    row = dogmas.get(db, post)
    if not dogmas.may_edit(db, me, post) or row.status not in OPEN:
        raise NotFound("There is no such post, or you may not see it.")
    return Changed(post, row)


@own_page
async def version_form(visit: Visit) -> Response:
    """`GET /posts/{id}/version`: a new version of a dogma."""
    form = await drafting.begun(visit, Wanted.DOGMA)

    def look(db: Session) -> tuple[Changed, list[str]]:
        changed = _changed(db, visit.me, visit.path("id"))
        return changed, links.named(db, changed.post)

    changed, named = await visit.read(look)
    post = changed.post
    form = form or Form.filled(
        title=changed.row.title,
        text=post.source,
        language=post.language or visit.language,
        links="\n".join(named),
    )
    return await _page(visit, form, changed=changed)


@action
async def version(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/version`: publish it; with `do=preview` it is only shown, with `do=draft` only kept."""
    changed = await visit.read(lambda db: _changed(db, visit.me, visit.path("id")))
    post_id = changed.post.id
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.DOGMA, f"/posts/{post_id}/version", parent=post_id)
    if drafting.wants(form) == "preview":
        return await _page(visit, form, changed=changed, preview=True)
    principle = _read(visit, form)
    note = form.line("note", most=MAX_CHANGED, required=False)
    linked = await ties.read(visit, form)
    if form.errors:
        return await _refused(visit, form, 422, changed)
    await resolve_mentions(visit, principle.text)

    def write(db: Session, me: Actor) -> Post:
        post = proposing.change(db, me, _changed(db, me, post_id).post, principle, note, linked=linked)
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        form.error("text" if _field_of(error) == "community" else _field_of(error), drafting.said_of(error))
        return await _refused(visit, form, error.status, changed)
    return visit.go(post_path(post), said="held" if post.held_for else "dogma-changed")
