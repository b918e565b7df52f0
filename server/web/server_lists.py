"""Rules about other servers in bulk: as a file in Mastodon's form, and from shared lists that are read daily."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from federation import urls
from models import csv_text, domain_csv, domain_lists, domains
from models.accounts import Role
from models.actors import Actor
from models.domain_csv import Table
from models.domain_lists import DomainList, Plan
from models.errors import DomainError
from server.forms import Form
from server.i18n import later
from server.web.admin import ACTIONS, rules_page
from server.web.visits import Visit, action, own_page

SHOWN = 200
"""So many of the rules that would come are shown one by one; of the rest the number."""

MAX_URL = 2000


@own_page
async def export(visit: Visit) -> Response:
    """`GET /admin/domains/export`: the blocks and limits in force, as Mastodon writes and reads them."""
    visit.require(Role.ADMIN)
    written = await visit.read(lambda db: domain_csv.write(domains.rules(db)))
    headers = {
        "Content-Disposition": f'attachment; filename="{visit.node.domain.replace(":", "-")}-domain-blocks.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response(written, media_type="text/csv", headers=headers)


@action
async def bring(visit: Visit, form: Form) -> Response:
    """`POST /admin/domains/import`, with `file`: read it, and show what would come of it."""
    visit.require(Role.ADMIN)
    sent = form.files.get("file")
    if sent is None:
        form.error("file", later("Choose a file."))
    else:
        try:
            table = domain_csv.read(await sent.read(csv_text.MAX_BYTES + 1))
            await visit.write(lambda db, me: domain_lists.keep_file(db, table))
        except DomainError as error:
            if error.status != 422:
                raise
            form.error("file", error.text)
    if form.errors:
        return await rules_page(visit, form, 422)
    return visit.go("/admin/domains/import")


@own_page
async def preview(visit: Visit) -> Response:
    """`GET /admin/domains/import`: what the file would change."""
    visit.require(Role.ADMIN)

    def look(db: Session) -> tuple[str, Table, Plan]:
        name, table = domain_lists.kept_file(db)
        return name, table, domain_lists.plan(db, table.rules, ours=True)

    name, table, plan = await visit.read(look)
    return visit.page(
        "admin_domain_file.html", name=name, table=table, plan=plan, actions=ACTIONS, most=SHOWN, tab="domains"
    )


@action
async def take_in(visit: Visit, form: Form) -> Response:
    """`POST /admin/domains/import/confirm`, with `seen`: the rules are ours from now on; with `drop`: nothing is."""
    visit.require(Role.ADMIN)
    if form.flag("drop"):
        await visit.write(lambda db, me: domain_lists.forget_file(db))
        return visit.go("/admin/domains")
    await visit.write(lambda db, me: domain_lists.take_in(db, form.raw("seen"), by=me))
    return visit.go("/admin/domains", said="rules-taken")


@own_page
async def lists(visit: Visit) -> Response:
    """`GET /admin/lists`: the shared lists this node reads."""
    visit.require(Role.ADMIN)
    return await _lists_page(visit, Form())


async def _lists_page(visit: Visit, form: Form, status: int = 200) -> Response:
    found = await visit.read(domain_lists.everything)
    return visit.page("admin_lists.html", status=status, form=form, found=found, tab="lists")


@action
async def subscribe(visit: Visit, form: Form) -> Response:
    """`POST /admin/lists`, with `url`: read a list; nothing of it holds yet."""
    visit.require(Role.ADMIN)
    url = form.line("url", most=MAX_URL)
    if not form.errors:
        try:
            address = urls.parse(url)
            if address.scheme != "https":
                raise urls.BadUrl("scheme", "not https")
            url = address.text
        except urls.BadUrl:
            form.error("url", later("Write the https address of a list."))
    if not form.errors:
        try:
            made: int = await visit.write(lambda db, me: domain_lists.subscribe(db, url, by=me).id)
        except DomainError as error:
            if error.status != 409:
                raise
            form.error("url", error.text)
            return await _lists_page(visit, form, 409)
    if form.errors:
        return await _lists_page(visit, form, 422)
    return visit.go(f"/admin/lists/{made}", said="list-added")


@own_page
async def one(visit: Visit) -> Response:
    """`GET /admin/lists/{id}`: how it stands with a list, and what it would change before it is confirmed."""
    visit.require(Role.ADMIN)

    def look(db: Session) -> tuple[DomainList, int, Plan | None]:
        row = domain_lists.get(db, visit.path("id"))
        wanted = domain_lists.wanted_by(db, row.id)
        return row, len(wanted), None if row.confirmed_at else domain_lists.plan(db, wanted)

    row, count, plan = await visit.read(look)
    return visit.page("admin_list.html", row=row, count=count, plan=plan, actions=ACTIONS, most=SHOWN, tab="lists")


@action
async def confirm(visit: Visit, form: Form) -> Response:
    """`POST /admin/lists/{id}/confirm`, with `seen`: its rules hold from now on."""
    visit.require(Role.ADMIN)
    await visit.write(lambda db, me: domain_lists.confirm(db, visit.path("id"), form.raw("seen"), by=me))
    return visit.go(f"/admin/lists/{visit.path('id')}", said="rules-taken")


@action
async def read_now(visit: Visit, form: Form) -> Response:
    """`POST /admin/lists/{id}/read`: read it again at once."""
    visit.require(Role.ADMIN)
    await visit.write(lambda db, me: domain_lists.read_now(db, visit.path("id"), by=me))
    return visit.go(f"/admin/lists/{visit.path('id')}", said="list-read")


@action
async def unsubscribe(visit: Visit, form: Form) -> Response:
    """`POST /admin/lists/{id}/remove`: be without it and its rules."""
    visit.require(Role.ADMIN)

    def write(db: Session, me: Actor) -> None:
        domain_lists.unsubscribe(db, visit.path("id"), by=me)

    await visit.write(write)
    return visit.go("/admin/lists", said="list-removed")
