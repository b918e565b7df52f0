"""Appeals: asking for a decision to be looked at again, also from outside a locked door, and answering."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation.crossing import reading, writing
from models import appeals, sanctions
from models.accounts import Account, Role
from models.errors import DomainError
from models.sanctions import Sanction
from server.forms import Form
from server.limits import SIGN_IN_BY_ADDRESS
from server.web.sanctions import DONE, decision_page, look
from server.web.visits import Visit, action, open_action, own_page

PAGE = 20


@own_page
async def index(visit: Visit) -> Response:
    """`GET /admin/appeals?after=`: appeals that wait."""
    visit.require(Role.MODERATOR)
    found = await visit.read(lambda db: appeals.waiting(db, after=visit.cursor("after"), limit=PAGE + 1))
    following = found[PAGE - 1][0].id if len(found) > PAGE else None
    return visit.page("admin_appeals.html", found=found[:PAGE], following=following, done=DONE, tab="appeals")


@action
async def appeal(visit: Visit, form: Form) -> Response:
    """`POST /sanctions/{id}/appeal`: ask once for it to be looked at again."""
    await visit.read(lambda db: look(db, visit))
    said = form.text("appeal", most=appeals.MAX_APPEAL)
    if form.errors:
        return await decision_page(visit, form, 422)
    try:
        await visit.write(
            lambda db, me: appeals.appeal(db, sanctions.get(db, visit.path("id")), said, account_id=me.id)
        )
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("appeal", error.text)
        return await decision_page(visit, form, error.status)
    return visit.go(f"/sanctions/{visit.path('id')}", said="appealed")


@action
async def decide(visit: Visit, form: Form) -> Response:
    """`POST /sanctions/{id}/decide`, `verdict` uphold or overturn, with an answer that the person reads."""
    visit.require(Role.MODERATOR)
    overturn = form.choice("verdict", ("uphold", "overturn")) == "overturn"
    answer = form.text("answer", most=sanctions.MAX_REASON)
    if form.errors:
        return await decision_page(visit, form, 422)
    try:
        await visit.write(
            lambda db, me: appeals.decide(
                db, sanctions.get(db, visit.path("id")), by=me, overturn=overturn, answer=answer
            )
        )
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("answer", error.text)
        return await decision_page(visit, form, error.status)
    return visit.go("/admin/appeals", said="appeal-decided")


async def shut_out(visit: Visit, account: Account) -> Response:
    """What somebody reads who is suspended and signs in with the right password: why, and how to appeal. No session."""

    def read(db: Session) -> tuple[Sanction | None, str]:
        row = sanctions.suspension(db, account)
        return row, appeals.token(db, row) if row is not None and not row.appeal_state else ""

    row, token = await reading(visit.database, read)
    return visit.page("shut_out.html", status=403, form=Form.filled(proof=token), row=row, sent=False)


@open_action
async def appeal_shut_out(visit: Visit, form: Form) -> Response:
    """`POST /appeal`: the appeal of somebody who cannot sign in. `proof` is what his password was worth."""
    await visit.limits.count(SIGN_IN_BY_ADDRESS, visit.client)
    proof = form.raw("proof")
    row = await reading(visit.database, lambda db: appeals.by_token(db, proof))
    said = form.text("appeal", most=appeals.MAX_APPEAL)
    if form.errors:
        return visit.page("shut_out.html", status=422, form=form, row=row, sent=False)

    def write(db: Session) -> Sanction:
        held = appeals.by_token(db, proof)
        appeals.appeal(db, held, said, account_id=held.target_id)
        return held

    held = await writing(visit.database, write)
    return visit.page("shut_out.html", form=Form(), row=held, sent=True)
