"""What was begun and is not sent: kept by a button, before every refusal, and by a script while one writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from models import access, actors, drafts, text
from models.actors import Actor
from models.drafts import KeptDraft, Wanted
from models.errors import Conflict, DomainError, NotFound
from models.posts import Post
from server.forms import Form
from server.web.visits import Visit, action, own_page

FIELDS = {
    Wanted.QUESTION: (
        *("title", "text", "to", "tags", "community", "barriers", "municipality"),
        *("visibility", "language", "face", "disclosure", "links"),
    ),
    Wanted.REPLY: ("text", "face", "as", "disclosure"),
    Wanted.NOTE: (
        "text",
        "summary",
        "visibility",
        "language",
        "community",
        "options",
        "multiple",
        "hidden",
        "open_for",
        "disclosure",
    ),
    Wanted.FOLLOW_UP: ("text", "phase", "outcome", "remind"),
    Wanted.MEETING: (
        "links",
        *("title", "theme", "agenda", "starts", "ends", "timezone", "tentative", "place", "street", "postal_code"),
        *(
            "town",
            "municipality",
            "accessibility",
            "latitude",
            "longitude",
            "online_url",
            "online_hidden",
            "joining",
            "join_url",
        ),
        *("capacity", "by_like", "by_reply", "remind_hours", "community", "visibility", "language", "disclosure"),
    ),
    Wanted.DOGMA: ("title", "text", "community", "language", "note", "links"),
}
"""What of each form is kept; files are not. A report's form has steps of its own (`report_fields`)."""

WHERE = {
    Wanted.QUESTION: "/ask",
    Wanted.NOTE: "/post",
    Wanted.EXPERIENCE: "/experience/new",
    Wanted.MEETING: "/meeting/new",
    Wanted.DOGMA: "/dogma/new",
}
OF_A_POST = {Wanted.EXPERIENCE: "edit", Wanted.FOLLOW_UP: "since", Wanted.DOGMA: "version"}
"""Where a draft is gone on with that is to change a post, or to go with one."""


@dataclass(frozen=True)
class Line:
    """A draft as the list shows it."""

    draft: KeptDraft
    words: str
    """How it begins."""
    parent: Post | None
    """What it answers, where its writer may still see that."""
    path: str
    """Where it is gone on with."""


async def begun(visit: Visit, kind: Wanted) -> Form | None:
    """The draft that the address names (`?draft=`), as it was left. Raises NotFound for one that is not the visitor's."""
    draft_id = visit.cursor("draft")
    if draft_id is None:
        return None
    row = await visit.read(lambda db: drafts.get(db, visit.me.id, draft_id))
    if row.kind != kind:
        raise NotFound("There is no such draft.")
    return as_form(row)


def as_form(row: KeptDraft) -> Form:
    """A draft as the form it was kept from."""
    return Form({**row.fields, "draft": [str(row.id)]})


async def keep(visit: Visit, form: Form, kind: Wanted, *, parent: int | None = None) -> KeptDraft | None:
    """Keep what was typed; the form knows from then on which draft it is. None where nothing was typed."""
    fields = {name: form.values[name] for name in FIELDS[kind] if name in form.values}
    if not any(value.strip() for name in ("title", "text", "theme") for value in fields.get(name, [])):
        return None
    draft_id = number(form)

    def write(db: Session, me: Actor) -> KeptDraft:
        if parent is not None:
            access.access_post(db, me, parent)
        return drafts.keep(db, me.id, kind, fields, draft_id=draft_id, parent_id=parent)

    row = await visit.write(write)
    form.values["draft"] = [str(row.id)]
    return row


async def keep_refused(visit: Visit, form: Form, kind: Wanted, *, parent: int | None = None) -> None:
    """`keep` where a form was not taken: whether there is room for a draft is not what its writer has to hear now."""
    try:
        await keep(visit, form, kind, parent=parent)
    except Conflict:
        return


async def kept(visit: Visit, form: Form, kind: Wanted, back: str, *, parent: int | None = None) -> Response:
    """The answer to the button *Save as a draft*, and to the script that presses it.

    `back`: the page of the form, to which people are sent. Raises Conflict where there are too many.
    """
    row = await keep(visit, form, kind, parent=parent)
    if "application/json" in visit.request.headers.get("accept", ""):
        return JSONResponse({"draft": str(row.id) if row is not None else None}, headers={"Cache-Control": "no-store"})
    query = f"?draft={row.id}" if row is not None else ""
    path, _, anchor = back.partition("#")
    return visit.go(f"{path}{query}{'#' + anchor if anchor else ''}", said="draft-kept" if row is not None else "")


def kept_as_json(row: KeptDraft) -> Response:
    """The answer to the script that keeps a form while one writes."""
    return JSONResponse({"draft": str(row.id)}, headers={"Cache-Control": "no-store"})


def number(form: Form) -> int | None:
    """The draft a form came from; None for none, and for what is no number."""
    raw = form.raw("draft")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 20 and int(raw) < 2**63 else None


def sent(db: Session, me: Actor, form: Form) -> None:
    """What came of it is published: the draft goes, in the same transaction."""
    if (draft_id := number(form)) is not None:
        drafts.drop(db, me.id, draft_id)


@own_page
async def index(visit: Visit) -> Response:
    """`GET /drafts`: what one began, the last changed first."""

    def look(db: Session) -> list[Line]:
        rows = drafts.of(db, visit.me.id)
        parents = access.several(db, visit.actor, [row.parent_id for row in rows if row.parent_id])
        return [_line(row, parents) for row in rows]

    return visit.page("drafts.html", lines=await visit.read(look))


def _line(row: KeptDraft, parents: Mapping[int, Post]) -> Line:
    words = next((value for name in ("title", "text") for value in row.fields.get(name, []) if value.strip()), "")
    parent = parents.get(row.parent_id or 0)
    where = WHERE.get(Wanted(row.kind), "")
    if row.parent_id is not None or not where:
        where = f"/posts/{row.parent_id}/{OF_A_POST.get(Wanted(row.kind), 'reply')}"
    return Line(row, text.one_line(words, 120), parent, f"{where}?draft={row.id}")


@action
async def drop(visit: Visit, form: Form) -> Response:
    """`POST /drafts/{id}/drop`: throw a draft away."""

    def write(db: Session, me: Actor) -> None:
        if not drafts.drop(db, me.id, visit.path("id")):
            raise NotFound("There is no such draft.")

    await visit.write(write)
    return visit.go("/drafts", said="draft-dropped")


async def preview(visit: Visit, source: str) -> str:
    """Markdown as readers will see it: clean HTML. People who are not known here yet are plain text in it."""

    def render(db: Session) -> str:
        made = text.render_markdown(source, resolve=lambda handle: actors.find(db, handle), origin=visit.node.origin)
        return made.html

    return await visit.read(render)


def wants(form: Form) -> str:
    """Which of a form's buttons was pressed: `preview`, `draft`, or the empty text for the one that sends it."""
    pressed = form.raw("do")
    return pressed if pressed in {"preview", "draft"} else ""


def said_of(error: DomainError) -> str:
    """The text of an error that a form shows; faults of ours are raised again."""
    if error.status >= 500 or error.status == 429:
        raise error
    return error.text
