"""Administration: rules about other servers. Others than administrators find nothing here."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import domain_lists, domains, moderation, settings
from models.accounts import Role
from models.domain_lists import DomainList
from models.domains import DomainAction
from models.errors import DomainError
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page

ACTIONS = {
    DomainAction.BLOCK: later("Block: nothing in or out"),
    DomainAction.LIMIT: later("Limit: only those who follow somebody there see it"),
    DomainAction.ALLOW: later("Allow: for when only named servers are let in"),
}


@own_page
async def rules(visit: Visit) -> Response:
    """`GET /admin/domains`: rules about other servers."""
    visit.require(Role.ADMIN)
    return await rules_page(visit, Form.filled(action=DomainAction.BLOCK.value))


async def rules_page(visit: Visit, form: Form, status: int = 200) -> Response:
    """The page of rules, with a form as it was typed."""

    def look(db: Session) -> tuple[list[domains.DomainRule], bool, dict[int, DomainList]]:
        lists = {row.id: row for row, _ in domain_lists.everything(db)}
        return domains.rules(db), bool(settings.get(db, "allow_list", False)), lists

    found, allow_list, lists = await visit.read(look)
    return visit.page(
        "admin_domains.html",
        status=status,
        form=form,
        rules=found,
        actions=ACTIONS,
        allow_list=allow_list,
        lists=lists,
        tab="domains",
    )


@action
async def set_rule(visit: Visit, form: Form) -> Response:
    """`POST /admin/domains`: a rule about a domain and all below it."""
    visit.require(Role.ADMIN)
    domain = form.line("domain", most=300)
    verdict = form.choice("action", tuple(ACTIONS), DomainAction.BLOCK)
    reason = form.line("reason", most=500, required=False)
    if form.errors:
        return await rules_page(visit, form, 422)
    try:
        await visit.write(lambda db, me: moderation.set_rule(db, domain, verdict, reason, by=me))
    except DomainError as error:
        if error.status not in {409, 422}:
            raise
        form.error("domain", error.text)
        return await rules_page(visit, form, error.status)
    return visit.go("/admin/domains", said="rule-set")


@action
async def drop_rule(visit: Visit, form: Form) -> Response:
    """`POST /admin/domains/drop`: lift a rule."""
    visit.require(Role.ADMIN)
    domain = form.line("domain", most=300)
    await visit.write(lambda db, me: moderation.drop_rule(db, domain, by=me))
    return visit.go("/admin/domains", said="rule-dropped")


@action
async def use_allow_list(visit: Visit, form: Form) -> Response:
    """`POST /admin/allow-list`, with `on`: talk to named servers only, or to all that are not blocked."""
    visit.require(Role.ADMIN)
    await visit.write(lambda db, me: moderation.use_allow_list(db, form.flag("on"), by=me))
    return visit.go("/admin/domains", said="saved")
