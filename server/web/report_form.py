"""Writing a report, one thing at a time: five steps, each kept as a draft when it is left."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import drafts, sharing
from models.actors import Actor
from models.drafts import KeptDraft, Wanted
from models.errors import DomainError, NotFound
from models.experience_text import markdown
from models.experiences import Outcome, Phase, Report
from models.posts import Post, Visibility
from models.sharing import Around
from server.elsewhere import resolve_mentions
from server.forms import Form
from server.i18n import LANGUAGES
from server.web import drafting, report_fields
from server.web.attaching import attached
from server.web.rendering import post_path
from server.web.report_fields import FIELDS, STEPS
from server.web.visits import Visit, action, own_page

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
    return await report_fields.page(visit, form, min(max(visit.cursor("step") or 1, 1), len(STEPS)))


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
        return await report_fields.page(visit, whole, number, preview=True)
    last = number == len(STEPS)
    report = report_fields.report(visit, whole)
    if last:
        around = await report_fields.around(visit, whole)
    await report_fields.check_kle(visit, whole)
    wrong = _first_wrong(whole, number if not last else len(STEPS))
    if wrong is not None:
        return await report_fields.page(visit, whole, wrong, 422)
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


async def _publish(visit: Visit, form: Form, report: Report, around: Around) -> Response:
    files = await attached(visit, form)
    if form.errors:
        return await report_fields.page(visit, form, len(STEPS), 422)
    await resolve_mentions(visit, markdown(report))

    def write(db: Session, me: Actor) -> Post:
        post = sharing.publish(db, me, report, Around(**{**vars(around), "media": files}))
        drafting.sent(db, me, form)
        return post

    try:
        post = await visit.write(write)
    except DomainError as error:
        return await report_fields.refused(visit, form, error)
    return visit.go(post_path(post), said="held" if post.held_for else "reported-experience")


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
