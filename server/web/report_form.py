"""Writing a report, one thing at a time: five steps, each kept as a draft when it is left, and the whole on one page
where a report is changed."""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import (
    access,
    admission,
    communities,
    composing,
    drafts,
    experience_people,
    experiences,
    kle,
    links,
    municipalities,
    sharing,
)
from models.actors import Actor, ActorType
from models.admission import MAX_DISCLOSURE
from models.composing import BARRIERS, MAX_TITLE
from models.drafts import KeptDraft, Wanted
from models.errors import DomainError, NotFound
from models.experience_people import MAX_PEOPLE, As
from models.experience_text import markdown
from models.experiences import MAX_PART, Outcome, Part, Phase, Report
from models.posts import Kind, Post, Visibility
from models.sharing import MAX_ABSTRACT, Around
from server.elsewhere import find_actor, is_address, resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES, later
from server.web import drafting, ties
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.report_names import OUTCOME_NAMES, PART_HINTS, PART_NAMES, PHASE_NAMES, REMIND_NAMES
from server.web.showing import BARRIER_NAMES, to_ask_in
from server.web.visits import Visit, action, own_page

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
KEPT = (*FIELDS, "adapted_from")


@own_page
async def form_page(visit: Visit) -> Response:
    """`GET /experience/new?draft=&step=&community=`: a step of the form, as far as it was filled."""
    form = await drafting.begun(visit, Wanted.EXPERIENCE) or Form.filled(
        community=visit.query("community"),
        municipality=visit.me.municipality or "",
        visibility=Visibility.PUBLIC.value,
        language=visit.language,
        phase="",
        outcome="",
        remind="6",
    )
    return await _page(visit, form, min(max(visit.cursor("step") or 1, 1), len(STEPS)))


async def _page(
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
        shown = await drafting.preview(visit, markdown(_report(visit, Form(form.values))))
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


def to_report_in(db: Session, viewer: Actor) -> list[Actor]:
    """The communities a visitor may choose among: where he can begin a thread, and not only by a question."""
    rows = communities.rows_of(db, found := to_ask_in(db, viewer))
    return [group for group in found if not rows[group.id].questions_only]


@action
async def step(visit: Visit, form: Form) -> Response:
    """`POST /experience/new`, with `step` and `do`: keep the step and go on (or back), or publish at the end.

    What is wrong is said at its step; whatever was typed is kept.
    """
    number = min(max(form.number("step") or 1, 1), len(STEPS))
    form.errors.clear()
    row = await _keep(visit, form, number)
    pressed = form.raw("do")
    if pressed == "draft":
        return await _kept(visit, row, number)
    whole = Form({**row.fields, "draft": [str(row.id)]}, files=form.files)
    whole.values["token"] = form.values.get("token", [])
    if pressed.startswith("to-") and pressed[3:].isdigit():
        return visit.go(f"/experience/new?draft={row.id}&step={min(max(int(pressed[3:]), 1), len(STEPS))}")
    if pressed == "preview":
        return await _page(visit, whole, number, preview=True)
    last = number == len(STEPS)
    report = _report(visit, whole)
    if last:
        around = await _around(visit, whole)
    await _check_kle(visit, whole)
    wrong = _first_wrong(whole, number if not last else len(STEPS))
    if wrong is not None:
        return await _page(visit, whole, wrong, 422)
    if not last:
        return visit.go(f"/experience/new?draft={row.id}&step={number + 1}")
    return await _publish(visit, whole, report, around)


async def _keep(visit: Visit, form: Form, number: int) -> KeptDraft:
    """Put a step's fields among those that were kept of the others. Raises Conflict where there are too many drafts."""
    mine = {name: form.values.get(name, []) for name in STEPS[number - 1][1]}
    first = {name: form.values[name] for name in KEPT if name in form.values}
    draft_id = drafting.number(form)

    def write(db: Session, me: Actor) -> KeptDraft:
        before: dict[str, list[str]] = {}
        if draft_id is not None:
            try:
                before = dict(drafts.get(db, me.id, draft_id).fields)
            except NotFound:
                before = {}
        fields = {name: said for name, said in {**_begun(visit), **before, **first, **mine}.items() if said}
        return drafts.keep(db, me.id, Wanted.EXPERIENCE, fields, draft_id=draft_id)

    return await visit.write(write)


def _begun(visit: Visit) -> dict[str, list[str]]:
    return {"visibility": [Visibility.PUBLIC.value], "language": [visit.language], "remind": ["6"]}


async def _kept(visit: Visit, row: KeptDraft, number: int) -> Response:
    if "application/json" in visit.request.headers.get("accept", ""):
        return drafting.kept_as_json(row)
    return visit.go(f"/experience/new?draft={row.id}&step={number}", said="draft-kept")


def _first_wrong(form: Form, upto: int) -> int | None:
    """The first step up to this one that has a fault; the faults of later ones are not looked at yet."""
    for number, (_, names) in enumerate(STEPS, 1):
        if number <= upto and any(name in form.errors for name in names):
            form.errors = {name: said for name, said in form.errors.items() if name in names}
            return number
    if upto == len(STEPS) and form.errors:
        return len(STEPS)
    form.errors = {}
    return None


def _report(visit: Visit, form: Form, *, follow_up: bool = False) -> Report:
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
    value = form.raw(name)
    if value not in among:
        form.error(name, later("Choose one of these."))
        return among[0]
    return value


async def _check_kle(visit: Visit, form: Form) -> None:
    written = form.raw("kle").strip()
    if not written or "kle" in form.errors:
        return
    try:
        await visit.read(lambda db: kle.checked(db, written))
    except DomainError as error:
        form.error("kle", error.text)


async def _around(visit: Visit, form: Form, *, post: Post | None = None) -> Around:
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


async def _publish(visit: Visit, form: Form, report: Report, around: Around) -> Response:
    files = await attached(visit, form)
    if form.errors:
        return await _page(visit, form, len(STEPS), 422)
    await resolve_mentions(visit, markdown(report))

    def write(db: Session, me: Actor) -> Post:
        post = sharing.publish(db, me, report, Around(**{**vars(around), "media": files}))
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        return await _refused(visit, form, error)
    return visit.go(post_path(post), said="held" if post.held_for else "reported-experience")


async def _refused(visit: Visit, form: Form, error: DomainError, post: Post | None = None) -> Response:
    field = next((name for name in FIELDS if error.code.startswith(name)), "community")
    form.error(field, drafting.said_of(error))
    wrong = next((number for number, (_, names) in enumerate(STEPS, 1) if field in names), len(STEPS))
    return await _page(visit, form, 0 if post is not None else wrong, error.status, post=post)


# Changing a report


def _own(db: Session, me: Actor, post_id: int) -> Post:
    post = access.access_post(db, me, post_id)
    if post.kind != Kind.EXPERIENCE or not composing.may_edit(db, me, post):
        raise NotFound("There is no such post, or you may not see it.")
    return post


@own_page
async def edit_page(visit: Visit) -> Response:
    """`GET /posts/{id}/experience`: one's own report, or one that one is co-author of, whole on one page."""

    def look(db: Session) -> tuple[Post, Form]:
        post = _own(db, visit.me, visit.path("id"))
        return post, _filled(db, post)

    post, form = await visit.read(look)
    return await _page(visit, form, 0, post=post)


def _filled(db: Session, post: Post) -> Form:
    row = experiences.get(db, post)
    disclosure = str((post.extra or {}).get("disclosure", ""))
    return Form.filled(
        title=post.title,
        abstract=post.summary,
        municipality=row.municipality,
        kle=row.kle,
        barriers=list(row.obstacles or {}),
        rule_url=row.rule_url,
        phase=row.phase,
        outcome=row.outcome,
        language=post.language or "da",
        contacts=" ".join(actor.handle for actor in experience_people.people(db, post, As.CONTACT)),
        links="\n".join(links.named(db, post)),
        visibility=post.visibility,
        **{str(part): said for part, said in (row.parts or {}).items()},
        **{f"obstacle_{barrier}": said for barrier, said in (row.obstacles or {}).items()},
        **({"disclosure": disclosure} if disclosure else {}),
    )


@action
async def edit(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/experience`: save a new edition; with `do=preview` it is only shown as it would look."""

    def look(db: Session) -> tuple[Post, bool]:
        post = _own(db, visit.me, visit.path("id"))
        return post, experiences.get(db, post).is_follow_up

    post, later_report = await visit.read(look)
    if drafting.wants(form) == "preview":
        return await _page(visit, form, 0, post=post, preview=True)
    report = _report(visit, form, follow_up=later_report)
    around = await _around(visit, form, post=post)
    await _check_kle(visit, form)
    if form.errors:
        return await _page(visit, form, 0, 422, post=post)
    await resolve_mentions(visit, markdown(report))
    mine = post.author_id == visit.me.id
    kept = {"visibility": post.visibility, "remind_months": None, "co_authors": around.co_authors if mine else ()}

    def write(db: Session, me: Actor) -> Post:
        return sharing.edit(db, me, _own(db, me, post.id), report, Around(**{**vars(around), **kept}))

    try:
        saved = await visit.write(write)
    except DomainError as error:
        if error.status not in {403, 409, 422}:
            raise
        return await _refused(visit, form, error, post)
    return visit.go(post_path(saved), said="held" if saved.held_for else "edited")


# The same in another place


@action
async def replicate(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/replicate`: begin a report of one's own from this one, as a draft that is gone on with."""

    def write(db: Session, me: Actor) -> KeptDraft:
        post, report = sharing.begin_from(db, me, visit.path("id"))
        fields = {
            **_begun(visit),
            "adapted_from": [str(post.id)],
            "municipality": [me.municipality or ""],
            "title": [report.title],
            "kle": [report.kle],
            "rule_url": [report.rule_url],
            "language": [report.language if report.language in LANGUAGES else visit.language],
            "phase": [Phase.IDEA.value],
            "outcome": [Outcome.NOT_YET.value],
            "barriers": list(report.obstacles),
            **{part: [said] for part, said in report.parts.items()},
            **{f"obstacle_{barrier}": [said] for barrier, said in report.obstacles.items()},
        }
        for one in drafts.of(db, me.id):  # pressed twice is begun once
            if one.kind == Wanted.EXPERIENCE and one.fields.get("adapted_from") == [str(post.id)]:
                return one
        return drafts.keep(db, me.id, Wanted.EXPERIENCE, fields)

    row = await visit.write(write)
    return visit.go(f"/experience/new?draft={row.id}", said="begun-from")
