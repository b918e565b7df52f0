"""Minutes: writing what came of a meeting, and beginning a question or a report from one of their paragraphs."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import drafts, minutes
from models.actors import Actor
from models.composing import MAX_TEXT, MAX_TITLE
from models.drafts import Wanted
from models.errors import DomainError, NotFound
from models.meetings import Meeting
from models.posts import Post, Visibility
from models.text import one_line
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES
from server.web import drafting
from server.web.meeting_deeds import meeting_of
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page


def _to_close(db: Session, me: Actor, post_id: int) -> tuple[Post, Meeting, Post | None]:
    post, row = meeting_of(db, me, post_id)
    if not minutes.may_write(db, me, post, row):
        raise NotFound("There is no such page.")
    return post, row, minutes.of(db, row)


@own_page
async def form_page(visit: Visit) -> Response:
    """`GET /posts/{id}/minutes`: what came of it?"""
    post, _, before = await visit.read(lambda db: _to_close(db, visit.me, visit.path("id")))
    text = minutes.plain(before.source) if before is not None else ""
    form = Form.filled(text=text, language=(before or post).language or visit.language)
    return await _page(visit, form)


async def _page(visit: Visit, form: Form, status: int = 200, *, preview: bool = False) -> Response:
    post, row, before = await visit.read(lambda db: _to_close(db, visit.me, visit.path("id")))
    shown = await drafting.preview(visit, form.raw("text")) if preview else None
    return visit.page(
        "meeting_minutes.html", status=status, post=post, row=row, before=before, form=form, preview=shown
    )


@action
async def write(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/minutes`: close the meeting; with `do=preview` it is only shown."""
    if drafting.wants(form) == "preview":
        return await _page(visit, form, preview=True)
    text = form.text("text", most=MAX_TEXT - 100)
    language = form.choice("language", LANGUAGES, visit.language)
    if form.errors:
        return await _page(visit, form, 422)
    await resolve_mentions(visit, text)

    def close(db: Session, me: Actor) -> str:
        post, _, _ = _to_close(db, me, visit.path("id"))
        minutes.write(db, me, post, text, language=language)
        return post_path(post)

    try:
        where = await visit.write(close)
    except DomainError as error:
        form.error("text", drafting.said_of(error))
        return await _page(visit, form, error.status)
    return visit.go(f"{where}#minutes", said="minutes-written")


@action
async def begin(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/minutes/{line}`, with `as` question or report: a draft that has the paragraph and the meeting in it,
    to be gone on with."""
    wanted = Wanted.EXPERIENCE if form.choice("as", ("question", "report"), "question") == "report" else Wanted.QUESTION

    def write(db: Session, me: Actor) -> int:
        post, _ = meeting_of(db, me, visit.path("id"))
        fields = _begun(post, minutes.line(db, post, visit.path("line")), wanted)
        return drafts.keep(db, me.id, wanted, fields | {"language": [post.language or visit.language]}).id

    draft_id = await visit.write(write)
    return visit.go(f"{drafting.WHERE[wanted]}?draft={draft_id}")


def _begun(post: Post, line: str, wanted: Wanted) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {
        "links": [post.uri],
        "community": [str(post.community_id or "")],
        "visibility": [str(Visibility.NODE if post.visibility == Visibility.NODE else Visibility.PUBLIC)],
    }
    if wanted == Wanted.EXPERIENCE:
        return {**fields, "wanted": [line], "remind": ["6"]}
    short = len(line) <= MAX_TITLE
    return {
        **fields,
        "title": [line if short else one_line(line, 80)],
        "text": ["" if short else line],
        "face": ["self"],
    }
