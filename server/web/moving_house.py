"""What is mine: a copy to take along, lists brought along, moving to another server, and going for good."""

import asyncio

from sqlalchemy.orm import Session
from starlette.responses import FileResponse, Response

from federation import importing
from federation import moving as fetching
from federation.crossing import reading
from federation.resolving import FetchFailed, OverBudget
from models import accounts, actors, csv_text, exports, imports, leaving, moving
from models.actors import Actor
from models.errors import DomainError, NotFound
from models.exports import Export
from models.imports import Import, ImportKind
from server import exporting, sessions
from server.elsewhere import UNREACHABLE, find_actor
from server.forms import Form
from server.i18n import later
from server.limits import SIGN_IN_BY_ACCOUNT
from server.media.parts import from_bucket
from server.web.visits import Visit, action, own_page

LISTS = {
    ImportKind.FOLLOWS: later("People I follow"),
    ImportKind.BLOCKS: later("People I have blocked"),
    ImportKind.MUTES: later("People I have muted"),
    ImportKind.LISTS: later("My lists"),
    ImportKind.BOOKMARKS: later("My bookmarks"),
    ImportKind.DOMAINS: later("Servers I have blocked"),
}
REASONS = {
    importing.UNKNOWN: later("Nobody with this address could be found."),
    importing.SILENT: later("The other server does not answer."),
    importing.NO_ADDRESS: later("This is not an address."),
    importing.NO_POST: later("There is no such post, or you may not see it."),
}
SECONDS = 12.0


@own_page
async def data(visit: Visit) -> Response:
    """`GET /settings/data`: a copy to take along, and lists to bring."""
    return await _data_page(visit, Form.filled(kind=str(ImportKind.FOLLOWS)))


async def _data_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Export | None, list[Import]]:
        return exports.newest(db, visit.me.id), imports.of(db, visit.me.id)

    copy, brought = await visit.read(look)
    return visit.page(
        "settings_data.html",
        status=status,
        form=form,
        tab="data",
        copy=copy,
        brought=brought,
        lists=LISTS,
        reasons=REASONS,
    )


@action
async def make_copy(visit: Visit, form: Form) -> Response:
    """`POST /settings/data/copy`: ask for a copy of everything."""
    try:
        await visit.write(lambda db, me: exports.request(db, me.id).id)
    except DomainError as error:
        if error.status != 409:
            raise
        form.error("copy", error.text)
        form.values["kind"] = [str(ImportKind.FOLLOWS)]
        return await _data_page(visit, form, 409)
    return visit.go("/settings/data", said="copy-asked")


@own_page
async def take_copy(visit: Visit) -> Response:
    """`GET /settings/data/copy/{id}`: the file, for its owner alone."""
    row = await visit.read(lambda db: exports.get_mine(db, visit.me.id, visit.path("id")))
    file, there = exporting.place(visit.settings, row.file), exporting.in_bucket(visit.settings, row.file)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    name = f"torv-{visit.me.username}-{row.created_at.date().isoformat()}.zip"
    if file is not None and file.is_file():
        return FileResponse(file, media_type="application/zip", filename=name, headers=headers)
    if there is None:
        raise NotFound("There is no such copy, or it has expired.")
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return await from_bucket(visit.request, *there, "application/zip", headers)


@action
async def bring(visit: Visit, form: Form) -> Response:
    """`POST /settings/data/lists`: take in a list from another server."""
    kind = form.choice("kind", [str(one) for one in ImportKind])
    sent = form.files.get("file")
    if sent is None:
        form.error("file", later("Choose a file."))
    elif (sent.size or 0) > csv_text.MAX_BYTES:
        form.error("file", later("The file is too large."))
    if sent is not None and not form.errors:
        content = await sent.read()
        try:
            rows = imports.read(kind, content)
            await visit.write(lambda db, me: imports.start(db, me.id, kind, rows).id)
        except DomainError as error:
            if error.status not in {409, 422}:
                raise
            form.error("file", error.text)
    if form.errors:
        return await _data_page(visit, form, 422)
    return visit.go("/settings/data", said="list-taken")


@own_page
async def move_form(visit: Visit) -> Response:
    """`GET /settings/move`: which other accounts are mine, and moving to one of them."""
    return await _move_page(visit, Form())


async def _move_page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[Actor, list[tuple[str, Actor | None]], Actor | None]:
        me = actors.get(db, visit.me.id)
        known = {one.uri: one for one in actors.by_uris(db, [*(me.also_known_as or []), me.moved_to])}
        return me, [(uri, known.get(uri)) for uri in me.also_known_as or []], known.get(me.moved_to)

    me, aliases, moved_to = await visit.read(look)
    return visit.page(
        "settings_move.html", status=status, form=form, tab="data", mine=me, aliases=aliases, moved_to=moved_to
    )


async def _meant(visit: Visit, form: Form, field: str) -> Actor | None:
    """The account somebody typed, as its own server has it now; None with the reason beside the field."""
    wanted = form.line(field, most=500)
    if form.errors:
        return None
    try:
        found = await find_actor(visit, wanted)
        async with asyncio.timeout(SECONDS):
            return await fetching.fresh(visit.fed, found)
    except (FetchFailed, OverBudget, TimeoutError):
        form.error(field, UNREACHABLE)
    except DomainError as error:
        if error.status in {401, 429}:
            raise
        form.error(field, error.text)
    return None


@action
async def add_alias(visit: Visit, form: Form) -> Response:
    """`POST /settings/move/aliases`: this other account is mine."""
    found = await _meant(visit, form, "alias")
    if found is not None:
        try:
            await visit.write(lambda db, me: moving.add_alias(db, me, actors.get(db, found.id)))
        except DomainError as error:
            _blame(form, "alias", error)
    return await _move_page(visit, form, 422) if form.errors else visit.go("/settings/move", said="alias-added")


@action
async def remove_alias(visit: Visit, form: Form) -> Response:
    """`POST /settings/move/aliases/remove`: it is mine no longer."""
    uri = form.line("uri", most=2000)
    await visit.write(lambda db, me: moving.remove_alias(db, me, uri))
    return visit.go("/settings/move", said="alias-removed")


@action
async def move_away(visit: Visit, form: Form) -> Response:
    """`POST /settings/move`: go on under another account. Asks for the password."""
    if await _password_holds(visit, form):
        found = await _meant(visit, form, "target")
        if found is not None:
            try:
                await visit.write(lambda db, me: moving.away(db, me, actors.get(db, found.id)))
            except DomainError as error:
                _blame(form, "target", error)
    return await _move_page(visit, form, 422) if form.errors else visit.go("/settings/move", said="moved")


@action
async def move_back(visit: Visit, form: Form) -> Response:
    """`POST /settings/move/back`: live here again."""
    await visit.write(lambda db, me: moving.back(db, me))
    return visit.go("/settings/move", said="moved-back")


def _blame(form: Form, field: str, error: DomainError) -> None:
    if error.status not in {409, 422}:
        raise error
    form.error(field, error.text)


async def _password_holds(visit: Visit, form: Form) -> bool:
    """Whether the visitor's own password was typed; if not, the form says so."""
    typed = form.secret("password")
    if form.errors:
        return False
    await visit.limits.count(SIGN_IN_BY_ACCOUNT, visit.me.username)
    try:
        await reading(visit.database, lambda db: accounts.check_password(db, visit.me.username, typed))
    except DomainError as error:
        if error.status != 401:
            raise
        form.error("password", later("This is not your password."))
        return False
    return True


@own_page
async def delete_form(visit: Visit) -> Response:
    """`GET /settings/delete`: what going for good does, and what it cannot reach."""
    return visit.page("settings_delete.html", form=Form(), tab="data")


@action
async def delete(visit: Visit, form: Form) -> Response:
    """`POST /settings/delete`: delete the account. Asks for the user name and the password."""
    if form.line("username", most=100).lstrip("@").lower() != visit.me.username and not form.errors:
        form.error("username", later("This is not your user name."))
    if not form.errors and await _password_holds(visit, form):
        try:
            await visit.write(lambda db, me: leaving.delete_local(db, me))
        except DomainError as error:
            _blame(form, "username", error)
    if form.errors:
        return visit.page("settings_delete.html", status=422, form=form, tab="data")
    response = visit.go("/", said="account-deleted")
    sessions.drop(response, visit.node, sessions.SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
