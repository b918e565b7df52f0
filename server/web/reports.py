"""Reports: what waits for a moderator, what it is about, and how it ended."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import cases, sanctions
from models.accounts import Role
from models.actors import Actor
from models.cases import Case, Outcome
from models.errors import DomainError
from models.moderation import Report
from models.sanctions import Sanction, SanctionKind
from server.forms import Form
from server.i18n import later
from server.web.sanctions import DONE
from server.web.showing import Shown, show
from server.web.visits import Visit, action, own_page

PAGE = 20
OUTCOMES = {
    Outcome.NOTHING_WRONG: later("Nothing was wrong"),
    Outcome.ACTED: later("Something was done"),
    Outcome.FORWARDED: later("Passed on to others"),
}
CATEGORIES = {
    "spam": later("Spam"),
    "legal": later("Against the law"),
    "violation": later("Breaks the rules"),
}
"""What apps let people choose; "other" says nothing."""


@own_page
async def index(visit: Visit) -> Response:
    """`GET /admin/reports?state=closed`: what waits, oldest first (`after`); or what is done, newest first (`before`)."""
    visit.require(Role.MODERATOR)
    done = visit.query("state") == "closed"

    def look(db: Session) -> list[tuple[Report, Actor, Actor | None]]:
        if done:
            return cases.closed(db, before=visit.cursor(), limit=PAGE + 1)
        return cases.waiting(db, after=visit.cursor("after"), limit=PAGE + 1)

    found = await visit.read(look)
    following = found[PAGE - 1][0].id if len(found) > PAGE else None
    return visit.page(
        "admin_reports.html",
        reports=found[:PAGE],
        following=following,
        done=done,
        outcomes=OUTCOMES,
        tab="reports",
    )


@own_page
async def report(visit: Visit) -> Response:
    """`GET /admin/reports/{id}`: what is reported, by whom, and what was before."""
    visit.require(Role.MODERATOR)
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Case, Shown, dict[int, Actor], list[Sanction], list[SanctionKind]]:
        case = cases.read(db, visit.path("id"))
        decided = sanctions.of(db, case.target.id) if case.target is not None else []
        may = sanctions.possible(db, case.target, by=visit.me) if case.target is not None else []
        return case, show(db, visit.me, case.posts), cases.behind(db, case, visit.me), decided, may

    case, shown, behind, decided, may = await visit.read(look)
    return visit.page(
        "admin_report.html",
        status=status,
        form=form,
        case=case,
        shown=shown,
        behind=behind,
        decided=decided,
        may=may,
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
    try:
        await visit.write(lambda db, me: cases.close(db, visit.path("id"), outcome, by=me))
    except DomainError as error:
        if error.status != 409:
            raise
        form.error("outcome", error.text)
        return await _page(visit, form, 409)
    return visit.go("/admin/reports", said="report-closed")
