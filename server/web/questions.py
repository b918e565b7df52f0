"""Asking a question."""

import re
from dataclasses import replace

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, admission, anonymity, municipalities, threads
from models.actors import Actor, ActorType
from models.admission import MAX_DISCLOSURE
from models.composing import BARRIERS, MAX_TEXT, MAX_TITLE
from models.drafts import Wanted
from models.errors import DomainError
from models.posts import Draft, Post, Visibility
from models.text import HASHTAG, is_tag, tag_key
from server.elsewhere import find_actor, resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, similar, ties
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.showing import BARRIER_NAMES, to_ask_in
from server.web.visits import Visit, action, own_page

MAX_ASKED = 5
"""Persons to whom one question can be put."""

MAX_TAGS = 10
FACES = ("self", "anonymous")
"""As whom somebody asks."""


@own_page
async def ask_form(visit: Visit) -> Response:
    """`GET /ask?community=<id>&to=<handle>&title=&about=<post>`: an empty question, or with `draft` one that was begun.

    `about`: a meeting, a dogma or a report that it is to stand at.
    """
    about = visit.cursor("about")
    post = await visit.read(lambda db: access.access_post(db, visit.actor, about)) if about else None
    community = str(post.community_id) if post is not None and post.community_id else ""
    form = await drafting.begun(visit, Wanted.QUESTION) or Form.filled(
        community=visit.query("community") or community,
        links=post.uri if post is not None else "",
        to=visit.query("to"),
        title=visit.query("title")[:MAX_TITLE],
        visibility=Visibility.PUBLIC.value,
        language=visit.language,
        face="self",
    )
    return await _ask_page(visit, form)


@action
async def ask(visit: Visit, form: Form) -> Response:
    """`POST /ask`: ask, and go to the new thread; or show the form again with what is wrong.

    With `do=preview` it is only shown as it would look, with `do=draft` only kept.
    """
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.QUESTION, "/ask")
    if drafting.wants(form) == "preview":
        return await _ask_page(visit, form, preview=True)
    draft, community = _read(visit, form)
    if community is None:
        form.error("community", later("Choose where to ask."))
    handles = await _asked(visit, form)
    linked = await ties.read(visit, form)
    text = _whole(draft.text, handles, _tags(form))
    draft = replace(draft, text=text, linked=linked, media=await attached(visit, form))
    if form.errors:
        return await _refused(visit, form, 422)
    await resolve_mentions(visit, text)

    def write(db: Session, me: Actor) -> Post:
        post = threads.ask(db, me, actors.get(db, community or 0), draft)
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        form.error(_field_of(error), drafting.said_of(error))
        return await _refused(visit, form, error.status)
    return visit.go(post_path(post), said="held" if post.held_for else "asked")


def _read(visit: Visit, form: Form) -> tuple[Draft, int | None]:
    """What stands in the form, and the community; faults are noted on the form."""
    draft = Draft(
        form.text("text", most=MAX_TEXT, required=False),
        form.line("title", most=MAX_TITLE),
        visibility=form.choice("visibility", (Visibility.PUBLIC, Visibility.NODE), Visibility.PUBLIC),
        language=form.choice("language", LANGUAGES, visit.language),
        barriers=form.choices("barriers", BARRIERS),
        municipality=form.choice("municipality", ("", *municipalities.known())),
        anonymous=form.choice("face", FACES, "self") == "anonymous",
        disclosure=form.line("disclosure", most=MAX_DISCLOSURE, required=False),
    )
    return draft, form.number("community")


def _field_of(error: DomainError) -> str:
    """The field that an error of the models speaks of."""
    for beginning, field in (
        ("title", "title"),
        ("text", "text"),
        ("anonymity", "face"),
        ("municipality",) * 2,
        ("disclosure",) * 2,
    ):
        if error.code.startswith(beginning):
            return field
    return "community"


async def _asked(visit: Visit, form: Form) -> list[str]:
    """The handles of those to whom the question is put, as a text names them; whom nobody finds is a fault."""
    named = [one for one in re.split(r"[\s,;]+", form.line("to", most=500, required=False)) if one]
    if len(named) > MAX_ASKED:
        form.error("to", later("Name at most five people."))
    if form.errors:
        return []
    handles = []
    for one in named:
        try:
            found = await find_actor(visit, one)
        except DomainError as error:
            form.error("to", drafting.said_of(error))
            return []
        if found.is_community or found.type == ActorType.APPLICATION or not found.active:
            form.error("to", later("Write the handle of a person here. Where to ask is chosen below."))
            return []
        handles.append(f"@{found.username}" if found.local else f"@{found.handle}")
    return list(dict.fromkeys(handles))


def _tags(form: Form) -> list[str]:
    """The hashtags written in a field of their own, without `#`."""
    words = [one.lstrip("#") for one in re.split(r"[\s,;]+", form.line("tags", most=500, required=False))]
    words = [one for one in words if one]
    if len(words) > MAX_TAGS:
        form.error("tags", later("Write at most ten tags."))
    if not all(HASHTAG.fullmatch(f"#{one}") and is_tag(one) for one in words):
        form.error("tags", later("A tag is one word of letters and digits."))
    return list({tag_key(one): one for one in words}.values())


def _whole(text: str, handles: list[str], tags: list[str]) -> str:
    """The text as it is published: first to whom it is put, last those tags that it does not have already."""
    written = {tag_key(tag) for tag in HASHTAG.findall(text)}
    closing = " ".join(f"#{tag}" for tag in tags if tag_key(tag) not in written)
    return "\n\n".join(part for part in (" ".join(handles), text, closing) if part)


async def _refused(visit: Visit, form: Form, status: int) -> Response:
    await drafting.keep_refused(visit, form, Wanted.QUESTION)
    return await _ask_page(visit, form, status=status)


async def _ask_page(visit: Visit, form: Form, status: int = 200, *, preview: bool = False) -> Response:
    wanted = form.number("community")

    def find(db: Session) -> tuple[list[Actor], bool, Actor | None]:
        groups = to_ask_in(db, visit.me)
        unfit = wanted is not None and all(group.id != wanted for group in groups)
        return groups, admission.is_supplier(db, visit.me), db.get(Actor, wanted) if unfit else None

    groups, supplier, elsewhere = await visit.read(find)
    return visit.page(
        "ask.html",
        status=status,
        form=form,
        groups=groups,
        supplier=supplier,
        elsewhere=elsewhere if elsewhere is not None and elsewhere.is_community else None,
        anonymous_in=[group.display_name for group in groups if anonymity.offered(group)],
        barriers=BARRIER_NAMES,
        municipalities=municipalities.known(),
        preview=await drafting.preview(visit, form.raw("text")) if preview else None,
        similar=await similar.like(visit, form.raw("title")),
        tied=await ties.shown(visit, form),
    )
