"""Founding a community, and choosing how one works: name, text, picture, rules, who may do what, and its end."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import communities as groups
from models.accounts import Role
from models.actors import Actor
from models.communities import CLASSES, MAX_COUNT, MAX_RULE, MAX_RULES, Ways
from models.errors import DomainError, NotFound
from models.media import Purpose
from server.forms import Form
from server.i18n import LANGUAGES, NAMES, later
from server.media import uploading
from server.web.attaching import pictures
from server.web.showing import CLASS_NAMES
from server.web.visits import Visit, action, own_page

TICKS = ("allows_down", "holds_outside", "moderators_only", "questions_only", "wants_disclosure")
FIELDS = (
    "name",
    "username",
    "node_only",
    "askers",
    "answerers",
    "max_links",
    "own_links_a_week",
    "held_words",
    "language",
)
"""Those that errors of the models speak of."""

OPEN, HERE = "open", "node"


@own_page
async def new(visit: Visit) -> Response:
    """`GET /communities/new`: an empty community."""
    await _require_founder(visit)
    return await _new_page(visit, _filled(Ways()))


async def _require_founder(visit: Visit) -> None:
    if not await visit.read(lambda db: groups.may_found(db, visit.me)):
        raise NotFound("There is no such page.")


async def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    founders = await visit.read(groups.founders)
    return _page(visit, "community_new.html", form, status, founders=founders)


def _page(visit: Visit, template: str, form: Form, status: int, **more: Any) -> Response:
    return visit.page(
        template, status=status, form=form, classes=CLASS_NAMES, known_languages=[(c, NAMES[c]) for c in LANGUAGES], **more
    )  # fmt: skip


def _filled(ways: Ways, **more: str) -> Form:
    """The form as it is shown first."""
    ticked = {name: "1" for name in TICKS if getattr(ways, name)}
    numbers = {name: "" if (n := getattr(ways, name)) is None else str(n) for name in ("max_links", "own_links_a_week")}
    return Form.filled(
        where=HERE if ways.node_only else OPEN,
        language=ways.language,
        askers=ways.askers or CLASSES,
        answerers=ways.answerers or CLASSES,
        held_words="\n".join(ways.held_words),
        **ticked,
        **numbers,
        **more,
    )


def _ways(form: Form) -> Ways:
    """What is chosen in the form; faults are noted on it."""
    return Ways(
        **{name: form.flag(name) for name in TICKS},
        node_only=form.choice("where", (OPEN, HERE), OPEN) == HERE,
        language=form.choice("language", LANGUAGES, LANGUAGES[0]),
        askers=_among(form, "askers"),
        answerers=_among(form, "answerers"),
        max_links=_count(form, "max_links"),
        own_links_a_week=_count(form, "own_links_a_week"),
        held_words=tuple(form.text("held_words", most=10_000, required=False).split("\n")),
    )


def _among(form: Form, name: str) -> tuple[str, ...]:
    chosen = form.choices(name, CLASSES)
    if not chosen:
        form.error(name, later("Somebody has to be let in: tick at least one."))
    return chosen


def _count(form: Form, name: str) -> int | None:
    written = form.line(name, most=10, required=False)
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and int(written) <= MAX_COUNT):
        form.error(name, later("Write a whole number from 0 to 50."))
        return None
    return int(written)


def _said(form: Form) -> tuple[str, str, list[str]]:
    """Name, text and rules."""
    name, summary = form.line("name", most=100), form.text("summary", most=5000, required=False)
    rules = [line.strip() for line in form.text("rules", most=20_000, required=False).split("\n") if line.strip()]
    if len(rules) > MAX_RULES or any(len(rule) > MAX_RULE for rule in rules):
        form.error("rules", later("At most 50 rules, each of at most 300 characters."))
    return name, summary, rules


async def _saved(visit: Visit, form: Form, save: Callable[[Session, Actor, str | None], Actor]) -> Actor | None:
    """Do it with the picture that came along; None if the form has faults, which are noted on it."""
    sent = await pictures(visit, form, (Purpose.AVATAR,))
    if form.errors:
        return None
    made = [one for _, one in sent.values()]
    icon = made[0].file if made else "" if form.flag("no-avatar") else None
    try:
        return await visit.write(lambda db, me: save(db, me, icon))
    except BaseException as error:
        for one in made:
            await uploading.discard(visit.settings, one)
        if not isinstance(error, DomainError) or error.status not in {409, 422}:
            raise
        field = next((name for name in FIELDS if error.code.startswith(name)), "name")
        form.error("where" if field == "node_only" else field, error.text)
        return None


@action
async def create(visit: Visit, form: Form) -> Response:
    """`POST /communities/new`: found it, and go to its page."""
    await _require_founder(visit)
    username = form.line("username", most=30).lower().lstrip("@")
    (name, summary, rules), ways = _said(form), _ways(form)

    def save(db: Session, me: Actor, icon: str | None) -> Actor:
        group = groups.found(db, me, username, name, summary=summary, rules=rules, ways=ways)
        if icon:
            groups.change(db, me, group, name=name, summary=summary, rules=rules, ways=ways, icon=icon)
        return group

    group = await _saved(visit, form, save)
    return await _new_page(visit, form, 422) if group is None else visit.go(f"/c/{group.username}", said="founded")


@action
async def let_found(visit: Visit, form: Form) -> Response:
    """`POST /admin/communities`: who may found communities, `founders` admin or member."""
    visit.require(Role.ADMIN)
    role = form.choice("founders", (Role.ADMIN, Role.MEMBER))
    if form.errors:
        return await _new_page(visit, form, 422)
    await visit.write(lambda db, _me: groups.let_found(db, Role(role)))
    return visit.go("/communities/new", said="saved")


def managed(db: Session, me: Actor, name: str) -> Actor:
    """The community of this node with this name, if `me` moderates it; everybody else hears NotFound."""
    from models import access

    group = access.access_actor(db, me, name)
    if not group.is_community or not groups.is_moderator(db, me.id, group.id):
        raise NotFound("There is no such page.")
    return group


@own_page
async def change_form(visit: Visit) -> Response:
    """`GET /c/{name}/settings`: how it is now."""
    name = visit.request.path_params["name"]

    def find(db: Session) -> tuple[Actor, Form, bool]:
        group = managed(db, visit.me, name)
        row = groups.known(db, group)
        form = _filled(Ways.of(row), name=group.name, summary=group.summary_source, rules="\n".join(row.rules))
        return group, form, row.closed_at is not None

    group, form, closed = await visit.read(find)
    return _page(visit, "community_settings.html", form, 200, group=group, closed=closed)


@action
async def change(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/settings`: save it."""
    handle = visit.request.path_params["name"]
    group = await visit.read(lambda db: managed(db, visit.me, handle))
    (name, summary, rules), ways = _said(form), _ways(form)

    def save(db: Session, me: Actor, icon: str | None) -> Actor:
        found = managed(db, me, handle)
        groups.change(db, me, found, name=name, summary=summary, rules=rules, ways=ways, icon=icon)
        return found

    if await _saved(visit, form, save) is None:
        closed = await visit.read(lambda db: groups.known(db, group).closed_at is not None)
        return _page(visit, "community_settings.html", form, 422, group=group, closed=closed)
    return visit.go(f"/c/{group.username}/settings", said="saved")


@own_page
async def close_form(visit: Visit) -> Response:
    """`GET /c/{name}/close`: what will happen, before it does."""
    name = visit.request.path_params["name"]

    def find(db: Session) -> tuple[Actor, bool]:
        group = managed(db, visit.me, name)
        return group, groups.known(db, group).closed_at is not None

    group, closed = await visit.read(find)
    return visit.page("community_close.html", group=group, closed=closed)


@action
async def close(visit: Visit, form: Form) -> Response:
    """`POST /c/{name}/close`, with `undo`: take no new threads any more, or again."""
    name, undo = visit.request.path_params["name"], form.flag("undo")
    await visit.write(lambda db, me: groups.close(db, me, managed(db, me, name), closed=not undo))
    return visit.go(f"/c/{name}", said="community-opened" if undo else "community-closed")
