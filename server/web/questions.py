"""Lists of questions, and asking one."""

from dataclasses import replace

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import actors, threads, timelines
from models.actors import Actor
from models.composing import BARRIERS, MAX_TEXT, MAX_TITLE
from models.errors import DomainError, NotFound
from models.posts import Draft, Post, Visibility
from models.windows import Window
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.showing import BARRIER_NAMES, Shown, show, to_ask_in
from server.web.visits import Visit, action, own_page, page

ORDERS = {
    "new": later("Newest"),
    "unanswered": later("Unanswered"),
    "top": later("Most votes"),
    "accepted": later("Answer accepted"),
}
PAGE = 30
LAST_OFFSET = 3000
"""How deep one may leaf in a list ordered by votes: every page there costs what lies before it."""


@page
async def questions(visit: Visit) -> Response:
    """`GET /questions?order=new|unanswered|top|accepted`: everybody's questions."""
    order = visit.query("order") or "new"
    if order not in ORDERS:
        raise NotFound("There is no such list.")
    offset = min(visit.cursor("from") or 0, LAST_OFFSET) if order == "top" else 0

    def look(db: Session) -> Shown:
        window = Window(visit.cursor(), limit=PAGE + 1)
        found = timelines.questions(db, visit.actor, window, order=order, offset=offset)
        return show(db, visit.actor, found)

    shown = await visit.read(look)
    following = ""
    if len(shown.posts) > PAGE:
        del shown.posts[PAGE:]
        place = f"from={offset + PAGE}" if order == "top" else f"before={shown.posts[-1].id}"
        following = f"/questions?order={order}&{place}"
    return visit.page("questions.html", shown=shown, order=order, orders=ORDERS, following=following)


@own_page
async def ask_form(visit: Visit) -> Response:
    """`GET /ask?community=<id>`: an empty question."""
    form = Form.filled(community=visit.query("community"), visibility=Visibility.PUBLIC.value, language=visit.language)
    return await _ask_page(visit, form)


@action
async def ask(visit: Visit, form: Form) -> Response:
    """`POST /ask`: ask, and go to the new thread; or show the form again with what is wrong."""
    title = form.line("title", most=MAX_TITLE)
    text = form.text("text", most=MAX_TEXT, required=False)
    community = form.number("community")
    draft = Draft(
        text,
        title,
        visibility=form.choice("visibility", (Visibility.PUBLIC, Visibility.NODE), Visibility.PUBLIC),
        language=form.choice("language", LANGUAGES, visit.language),
        barriers=form.choices("barriers", BARRIERS),
    )
    if community is None:
        form.error("community", later("Choose where to ask."))
    draft = replace(draft, media=await attached(visit, form))
    if form.errors:
        return await _ask_page(visit, form, status=422)
    await resolve_mentions(visit, text)

    def write(db: Session, me: Actor) -> Post:
        return threads.ask(db, me, actors.get(db, community or 0), draft)

    try:
        post = await visit.write(write)
    except DomainError as error:
        if error.status >= 500:
            raise
        form.error("title" if error.code.startswith("title") else "community", error.text)
        return await _ask_page(visit, form, status=error.status)
    return visit.go(post_path(post), said="asked")


async def _ask_page(visit: Visit, form: Form, status: int = 200) -> Response:
    groups = await visit.read(lambda db: to_ask_in(db, visit.me))
    return visit.page("ask.html", status=status, form=form, groups=groups, barriers=BARRIER_NAMES)
