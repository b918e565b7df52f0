"""Reports: what waits for a moderator, what it is about, and how it ended."""

from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import accounts, actors, cases, sanctions
from models.accounts import Role
from models.actors import Actor
from models.cases import Case, Listed, Outcome
from models.errors import DomainError
from models.sanctions import Sanction, SanctionKind
from server.forms import Form
from server.i18n import later
from server.web.auditing import ACTIONS, OUTCOMES
from server.web.sanctions import DONE
from server.web.showing import Shown, show
from server.web.visits import Visit, action, own_page

PAGE = 20
CATEGORIES = {
    "spam": later("Spam"),
    "legal": later("Against the law"),
    "violation": later("Breaks the rules"),
}
"""What apps let people choose; "other" says nothing."""


@own_page
async def index(visit: Visit) -> Response:
    """`GET /admin/reports?state=`: what waits, oldest first (`after`), all or what the visitor has taken on (`mine`); or
    what is done (`closed`), newest first (`before`)."""
    visit.require(Role.MODERATOR)
    state = visit.query("state") if visit.query("state") in {"mine", "closed"} else ""

    def look(db: Session) -> list[Listed]:
        if state == "closed":
            return cases.closed(db, before=visit.cursor(), limit=PAGE + 1)
        mine = visit.me.id if state == "mine" else None
        return cases.waiting(db, taken_by=mine, after=visit.cursor("after"), limit=PAGE + 1)

    found = await visit.read(look)
    following = found[PAGE - 1].report.id if len(found) > PAGE else None
    return visit.page(
        "admin_reports.html",
        reports=found[:PAGE],
        following=following,
        state=state,
        outcomes=OUTCOMES,
        tab="reports",
    )


@own_page
async def report(visit: Visit) -> Response:
    """`GET /admin/reports/{id}`: what is reported, by whom, and what was before."""
    visit.require(Role.MODERATOR)
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Case, Shown, dict[int, Actor], list[Sanction], list[SanctionKind], list[Actor]]:
        case = cases.read(db, visit.path("id"))
        decided = sanctions.of(db, case.target.id) if case.target is not None else []
        may = sanctions.possible(db, case.target, by=visit.me) if case.target is not None else []
        staff = [actor for _, actor in accounts.staff(db)]
        return case, show(db, visit.me, case.posts), cases.behind(db, case, visit.me), decided, may, staff

    case, shown, behind, decided, may, staff = await visit.read(look)
    return visit.page(
        "admin_report.html",
        status=status,
        form=form,
        case=case,
        shown=shown,
        behind=behind,
        decided=decided,
        may=may,
        staff=staff,
        deeds=ACTIONS,
        outcomes=OUTCOMES,
        categories=CATEGORIES,
        done=DONE,
        tab="reports",
    )


@action
async def add_note(visit: Visit, form: Form) -> Response:
    """`POST /admin/reports/{id}/notes`: tell the other moderators something."""
    visit.require(Role.MODERATOR)
    said = form.text("note", most=cases.MAX_NOTE)
    if form.errors:
        return await _page(visit, form, 422)
    await visit.write(lambda db, me: cases.add_note(db, visit.path("id"), said, by=me))
    return visit.go(f"/admin/reports/{visit.path('id')}", said="note-added")


@action
async def close(visit: Visit, form: Form) -> Response:
    """`POST /admin/reports/{id}/close`, `outcome`: how it ended. Whoever reported from here is told."""
    visit.require(Role.MODERATOR)
    outcome = form.choice("outcome", tuple(Outcome))
    if form.errors:
        return await _page(visit, form, 422)
    return await _do(
        visit, form, "outcome", lambda db, me: cases.close(db, visit.path("id"), outcome, by=me),
        said="report-closed", path="/admin/reports",
    )  # fmt: skip


@action
async def assign(visit: Visit, form: Form) -> Response:
    """`POST /admin/reports/{id}/assign`, `to`: a moderator's id, one's own to take it on; without it, let go of it."""
    visit.require(Role.MODERATOR)
    to = form.number("to")
    if form.errors:
        return await _page(visit, form, 422)
    if to is None:
        return await _do(
            visit, form, "to", lambda db, me: cases.let_go(db, visit.path("id"), by=me), said="report-let-go"
        )
    return await _do(
        visit, form, "to", lambda db, me: cases.assign(db, visit.path("id"), actors.get(db, to), by=me),
        said="report-taken" if to == visit.me.id else "report-given",
    )  # fmt: skip


@action
async def forward(visit: Visit, form: Form) -> Response:
    """`POST /admin/reports/{id}/forward`: tell the server of the one reported."""
    visit.require(Role.MODERATOR)
    return await _do(
        visit, form, "forward", lambda db, me: cases.forward(db, visit.path("id"), by=me), said="report-forwarded"
    )


@action
async def reopen(visit: Visit, form: Form) -> Response:
    """`POST /admin/reports/{id}/reopen`: look at a closed one again."""
    visit.require(Role.MODERATOR)
    return await _do(
        visit, form, "reopen", lambda db, me: cases.reopen(db, visit.path("id"), by=me), said="report-reopened"
    )


async def _do(
    visit: Visit, form: Form, field: str, work: Callable[[Session, Actor], object], *, said: str, path: str = ""
) -> Response:
    """Do it and go on; what another moderator was faster with is said at the `field`, on the report's page."""
    try:
        await visit.write(work)
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error(field, error.text)
        return await _page(visit, form, error.status)
    return visit.go(path or f"/admin/reports/{visit.path('id')}", said=said)
