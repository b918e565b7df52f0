"""The form of a report: its fields by step, showing them, and reading what stands in them."""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, admission, kle, municipalities, sharing
from models.actors import Actor, ActorType
from models.admission import MAX_DISCLOSURE
from models.composing import BARRIERS, MAX_TITLE
from models.errors import DomainError
from models.experience_people import MAX_PEOPLE
from models.experience_text import markdown
from models.experiences import MAX_PART, Outcome, Part, Phase, Report
from models.posts import Post, Visibility
from models.sharing import MAX_ABSTRACT, Around
from server.elsewhere import find_actor, is_address
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, ties
from server.web.report_names import OUTCOME_NAMES, PART_HINTS, PART_NAMES, PHASE_NAMES, REMIND_NAMES
from server.web.showing import BARRIER_NAMES, to_report_in
from server.web.visits import Visit

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (later("What it is about"), ("title", "abstract", "wanted", "municipality", "kle")),
    (later("What stood in the way"), ("barriers", *(f"obstacle_{barrier}" for barrier in BARRIERS))),
    (later("What you tried"), ("tried", "decided", "rule", "rule_url", "cost")),
    (
        later("What happened"),
        ("phase", "outcome", "happened", "value_citizens", "value_staff", "value_economy", "value_law", "remind"),
    ),
    (
        later("Who and where"),
        ("contacts", "co_authors", "links", "community", "visibility", "language", "disclosure"),
    ),
)
"""The steps, with the fields of each."""


FIELDS = tuple(name for _, names in STEPS for name in names)


async def page(
    visit: Visit, form: Form, step: int, status: int = 200, *, post: Post | None = None, preview: bool = False
) -> Response:
    """A step, or with `post` all of them, to change that."""
    origin_id = form.number("adapted_from")

    def look(db: Session) -> tuple[list[Actor], bool, bool, Post | None, list[kle.KleEntry]]:
        groups = to_report_in(db, visit.me)
        origin = access.several(db, visit.actor, [origin_id] if origin_id else []).get(origin_id or 0)
        near = kle.find(db, form.raw("kle")) if "kle" in form.errors else []
        return groups, admission.is_supplier(db, visit.me), kle.imported(db), origin, near

    groups, supplier, has_kle, origin, near = await visit.read(look)
    shown = None
    if preview:
        shown = await drafting.preview(visit, markdown(report(visit, Form(form.values))))
    return visit.page(
        "experience_form.html",
        status=status,
        form=form,
        step=step,
        steps=[name for name, _ in STEPS],
        post=post,
        origin=origin,
        groups=groups,
        supplier=supplier,
        has_kle=has_kle,
        near=near,
        barriers=BARRIER_NAMES,
        parts=PART_NAMES,
        hints=PART_HINTS,
        phases=PHASE_NAMES,
        outcomes=OUTCOME_NAMES,
        reminders=REMIND_NAMES,
        tied=await ties.shown(visit, form),
        municipalities=municipalities.known(),
        preview=shown,
    )


def report(visit: Visit, form: Form, *, follow_up: bool = False) -> Report:
    """What stands in the form; faults are noted on it."""
    barriers = form.choices("barriers", BARRIERS)
    parts = {
        part.value: form.text(part.value, most=MAX_PART, required=part == Part.WANTED and not follow_up)
        for part in Part
    }
    title = form.line("title", most=MAX_TITLE)
    if title and len(title) < sharing.MIN_TITLE:
        form.error("title", later("Write a title of at least five letters."))
    rule_url = form.line("rule_url", most=2000, required=False)
    if rule_url and not is_address(rule_url):
        form.error("rule_url", later("Write the whole address, with https:// in front."))
    return Report(
        title,
        form.line("abstract", most=MAX_ABSTRACT, required=not follow_up),
        {part: said for part, said in parts.items() if said},
        {one: form.text(f"obstacle_{one}", most=MAX_PART, required=False) for one in barriers},
        rule_url,
        chosen(form, "phase", tuple(Phase)),
        chosen(form, "outcome", tuple(Outcome)),
        form.choice("municipality", ("", *municipalities.known())),
        form.line("kle", most=20, required=False),
        form.choice("language", LANGUAGES, visit.language),
    )


def chosen(form: Form, name: str, among: Sequence[str]) -> str:
    """One of these; anything else is a fault, noted on the form."""
    value = form.raw(name)
    if value not in among:
        form.error(name, later("Choose one of these."))
        return among[0]
    return value


async def check_kle(visit: Visit, form: Form) -> None:
    """A service area that the list does not have is a fault."""
    written = form.raw("kle").strip()
    if not written or "kle" in form.errors:
        return
    try:
        await visit.read(lambda db: kle.checked(db, written))
    except DomainError as error:
        form.error("kle", error.text)


async def around(visit: Visit, form: Form, *, post: Post | None = None) -> Around:
    """What stands around the report: people and posts are looked up, here and on other servers."""
    contacts = await _people(visit, form, "contacts")
    invited = await _people(visit, form, "co_authors")
    linked = await ties.read(visit, form)
    community_id = form.number("community") if post is None else None
    origin_id = form.number("adapted_from") if post is None else None

    def look(db: Session) -> tuple[Actor | None, Post | None]:
        group = db.get(Actor, community_id) if community_id else None
        return group, access.several(db, visit.actor, [origin_id] if origin_id else []).get(origin_id or 0)

    group, origin = await visit.read(look)
    if community_id and group is None:
        form.error("community", later("Choose one of these."))
    remind = form.choice("remind", tuple(REMIND_NAMES), "0")
    return Around(
        community=group,
        visibility=form.choice("visibility", (Visibility.PUBLIC, Visibility.NODE), Visibility.PUBLIC),
        contacts=tuple(contacts),
        co_authors=tuple(invited),
        linked=linked,
        adapted_from=origin,
        remind_months=int(remind),
        disclosure=form.line("disclosure", most=MAX_DISCLOSURE, required=False)
        if "disclosure" in form.values
        else None,
    )


async def _people(visit: Visit, form: Form, name: str) -> list[Actor]:
    handles = [one for one in re.split(r"[\s,;]+", form.line(name, most=1000, required=False)) if one]
    if len(handles) > MAX_PEOPLE:
        form.error(name, later("Name at most ten people."))
        return []
    found: list[Actor] = []
    for handle in handles:
        try:
            one = await find_actor(visit, handle)
        except DomainError as error:
            form.error(name, drafting.said_of(error))
            return []
        if one.type != ActorType.PERSON or not one.active:
            form.error(name, later("Write the handles of people here."))
            return []
        found.append(one)
    return found


async def refused(visit: Visit, form: Form, error: DomainError, post: Post | None = None) -> Response:
    """The form again, with what was wrong at its field."""
    field = next((name for name in FIELDS if error.code.startswith(name)), "community")
    form.error(field, drafting.said_of(error))
    wrong = next((number for number, (_, names) in enumerate(STEPS, 1) if field in names), len(STEPS))
    return await page(visit, form, 0 if post is not None else wrong, error.status, post=post)
