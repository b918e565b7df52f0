"""Planning a meeting, and changing it: one page, with what is wrong beside its field."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    admission,
    calls,
    composing,
    links,
    meeting_text,
    meetings,
    municipalities,
    planning,
    series,
    zones,
)
from models.actors import Actor
from models.admission import MAX_DISCLOSURE
from models.composing import MAX_TITLE
from models.drafts import Wanted
from models.errors import DomainError, NotFound
from models.meetings import Joining, Meeting, Plan
from models.planning import MAX_ACCESS, MAX_LINE, MAX_PART, Around
from models.posts import Post, Visibility
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, ties
from server.web.attaching import attached
from server.web.meeting_names import JOINING_HINTS, JOINING_NAMES, REMIND_NAMES
from server.web.rendering import post_path
from server.web.showing import to_report_in
from server.web.visits import Visit, action, own_page

TYPED = "%Y-%m-%dT%H:%M"
"""What browsers put into a field for date and time."""


@own_page
async def form_page(visit: Visit) -> Response:
    """`GET /meeting/new?draft=&community=&from=<post>`: an empty form, or as it was left.

    `from`: what it is to be about, such as a question that calls for a meeting.
    """
    origin_id = visit.cursor("from")
    origin = await visit.read(lambda db: access.access_post(db, visit.actor, origin_id)) if origin_id else None
    form = await drafting.begun(visit, Wanted.MEETING) or Form.filled(
        community=visit.query("community") or _home(origin),
        title=origin.title if origin is not None else "",
        links=origin.uri if origin is not None else "",
        timezone=visit.settings.time_zone,
        visibility=Visibility.PUBLIC.value,
        language=visit.language,
        joining=Joining.FREE.value,
        by_reply="1",
        remind_hours="24",
    )
    return await _page(visit, form)


def _home(origin: Post | None) -> str:
    return str(origin.community_id) if origin is not None and origin.community_id else ""


def _would_come(db: Session, me: Actor, about: Sequence[Post]) -> int:
    """How many are told of this meeting because they said that they would come to one."""
    found = [row.coming for one in about if one.local and (row := calls.find(db, one)) is not None
             and calls.may_plan(db, me, one)]  # fmt: skip
    return sum(found)


async def _page(
    visit: Visit, form: Form, status: int = 200, *, post: Post | None = None, preview: bool = False
) -> Response:
    groups, supplier = await visit.read(lambda db: (to_report_in(db, visit.me), admission.is_supplier(db, visit.me)))
    tied = await ties.shown(visit, form)
    shown = None
    if preview:
        shown = await drafting.preview(visit, meeting_text.markdown(read(visit, Form(form.values))))
    return visit.page(
        "meeting_form.html",
        status=status,
        form=form,
        post=post,
        groups=groups,
        supplier=supplier,
        joinings=JOINING_NAMES,
        joining_hints=JOINING_HINTS,
        reminders=REMIND_NAMES,
        zones=zones.names(),
        tied=tied,
        later=await visit.read(lambda db: _later(db, visit.me, post)),
        municipalities=municipalities.known(),
        would_come=await visit.read(lambda db: _would_come(db, visit.me, tied.chosen)) if post is None else 0,
        preview=shown,
    )


def _later(db: Session, me: Actor, post: Post | None) -> int:
    """How many of the same series come after it."""
    row = meetings.find(db, post) if post is not None else None
    return len(series.later(db, me, row)) if row is not None else 0


def read(visit: Visit, form: Form) -> Plan:
    """What stands in the form; faults are noted on it."""
    title = form.line("title", most=MAX_TITLE)
    if title and len(title) < planning.MIN_TITLE:
        form.error("title", later("Write a title of at least five letters."))
    latitude, longitude = _degrees(form, "latitude"), _degrees(form, "longitude")
    return Plan(
        title,
        form.text("theme", most=MAX_PART),
        form.text("agenda", most=MAX_PART, required=False),
        read_time(form, "starts", required=True),
        read_time(form, "ends", required=False),
        form.line("timezone", most=100) or zones.HOME,
        place=form.line("place", most=MAX_LINE, required=False),
        street=form.line("street", most=MAX_LINE, required=False),
        postal_code=form.line("postal_code", most=MAX_LINE, required=False),
        town=form.line("town", most=MAX_LINE, required=False),
        accessibility=form.text("accessibility", most=MAX_ACCESS, required=False),
        latitude=latitude,
        longitude=longitude,
        municipality=form.choice("municipality", ("", *municipalities.known())),
        online_url=form.line("online_url", most=2000, required=False),
        online_hidden=form.flag("online_hidden"),
        joining=form.choice("joining", tuple(JOINING_NAMES), Joining.FREE),
        join_url=form.line("join_url", most=2000, required=False),
        capacity=_capacity(form),
        by_like=form.flag("by_like"),
        by_reply=form.flag("by_reply"),
        tentative=form.flag("tentative"),
        remind_hours=int(form.choice("remind_hours", tuple(REMIND_NAMES), "24")),
        language=form.choice("language", LANGUAGES, visit.language),
    )


def read_time(form: Form, name: str, *, required: bool) -> datetime | None:
    """A time as clocks show it; without a zone, which has a field of its own."""
    written = form.raw(name).strip()
    if not written:
        if required:
            form.error(name, later("Say when it begins."))
        return None
    found: datetime | None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or not 1970 <= found.year <= 9000:
        form.error(name, later("Write the date and the time, such as 2026-12-01 16:00."))
        return None
    return found


def _capacity(form: Form) -> int | None:
    written = form.raw("capacity").strip()
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) <= 7):
        form.error("capacity", later("Write a whole number, or nothing."))
        return None
    return int(written)


def _degrees(form: Form, name: str) -> float | None:
    written = form.raw(name).strip().replace(",", ".")
    if not written:
        return None
    try:
        found = float(written)
    except ValueError:
        found = float("nan")
    if not -180 <= found <= 180:
        form.error(name, later("Write a number, such as 56.15."))
        return None
    return found


async def _around(visit: Visit, form: Form, *, editing: bool) -> Around:
    community_id = None if editing else form.number("community")
    group = await visit.read(lambda db: db.get(Actor, community_id)) if community_id else None
    if community_id and group is None:
        form.error("community", later("Choose one of these."))
    disclosed = "disclosure" in form.values
    return Around(
        community=group,
        visibility=form.choice("visibility", (Visibility.PUBLIC, Visibility.NODE), Visibility.PUBLIC),
        disclosure=form.line("disclosure", most=MAX_DISCLOSURE, required=False) if disclosed else None,
        linked=await ties.read(visit, form),
    )


@action
async def plan(visit: Visit, form: Form) -> Response:
    """`POST /meeting/new`: publish it; with `do=preview` it is only shown, with `do=draft` only kept."""
    if drafting.wants(form) == "draft":
        return await drafting.kept(visit, form, Wanted.MEETING, "/meeting/new")
    if drafting.wants(form) == "preview":
        return await _page(visit, form, preview=True)
    wanted, around = read(visit, form), await _around(visit, form, editing=False)
    files = await attached(visit, form)
    if form.errors:
        return await _refused(visit, form, 422)
    await resolve_mentions(visit, meeting_text.markdown(wanted))

    def write(db: Session, me: Actor) -> Post:
        post = planning.publish(db, me, wanted, Around(**{**vars(around), "media": files}))
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        _note(form, error)
        return await _refused(visit, form, error.status)
    return visit.go(post_path(post), said="held" if post.held_for else "meeting-planned")


async def _refused(visit: Visit, form: Form, status: int) -> Response:
    await drafting.keep_refused(visit, form, Wanted.MEETING)
    return await _page(visit, form, status)


def _note(form: Form, error: DomainError) -> None:
    fields = (*drafting.FIELDS[Wanted.MEETING], "community")
    form.error(next((name for name in fields if error.code.startswith(name)), "community"), drafting.said_of(error))


# Changing it


def _own(db: Session, me: Actor, post_id: int) -> tuple[Post, Meeting]:
    post = access.access_post(db, me, post_id)
    row = meetings.find(db, post)
    if row is None or not composing.may_edit(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post, row


@own_page
async def edit_page(visit: Visit) -> Response:
    """`GET /posts/{id}/meeting`: one's own meeting, to be changed."""

    def look(db: Session) -> tuple[Post, Form]:
        post, row = _own(db, visit.me, visit.path("id"))
        form = filled(post, row)
        form.values["links"] = links.named(db, post)
        return post, form

    post, form = await visit.read(look)
    return await _page(visit, form, post=post)


def filled(post: Post, row: Meeting) -> Form:
    """The form of a meeting as it is now."""
    now = meetings.plan_of(post, row)
    values: dict[str, str] = {}
    for name, value in vars(now).items():
        if isinstance(value, datetime):
            values[name] = value.strftime(TYPED)
        elif isinstance(value, bool):
            values[name] = "1" if value else ""
        else:
            values[name] = "" if value is None else str(value)
    disclosure = str((post.extra or {}).get("disclosure", ""))
    return Form.filled(**values, visibility=post.visibility, **({"disclosure": disclosure} if disclosure else {}))


@action
async def edit(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/meeting`: save a new edition; those who come are told of another time, place or link."""
    post, _ = await visit.read(lambda db: _own(db, visit.me, visit.path("id")))
    if drafting.wants(form) == "preview":
        return await _page(visit, form, post=post, preview=True)
    wanted, around = read(visit, form), await _around(visit, form, editing=True)
    if form.errors:
        return await _page(visit, form, 422, post=post)
    await resolve_mentions(visit, meeting_text.markdown(wanted))
    kept = {"visibility": post.visibility}

    def write(db: Session, me: Actor) -> Post:
        mine, row = _own(db, me, post.id)
        before = meetings.plan_of(mine, row)
        edited = planning.edit(db, me, mine, wanted, Around(**{**vars(around), **kept}))
        if form.raw("scope") == "later":
            series.edit_later(db, me, mine, before, meetings.plan_of(mine, row))
        return edited

    try:
        saved = await visit.write(write)
    except DomainError as error:
        if error.status not in {403, 409, 422}:
            raise
        _note(form, error)
        return await _page(visit, form, error.status, post=post)
    return visit.go(post_path(saved), said="held" if saved.held_for else "meeting-changed")
