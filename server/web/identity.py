"""Who the node says it is, chosen by its administrators, and the colours that follow from it."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from models import identity, moderation
from models.accounts import Role
from models.actors import Actor
from models.errors import DomainError, NotFound
from models.identity import CHOICES
from models.media import Purpose
from server.forms import Form
from server.media import uploading
from server.site import Site, style_version
from server.static_files import FOREVER
from server.web import colours
from server.web.attaching import pictures
from server.web.visits import Visit, action, own_page


async def style_sheet(request: Request) -> Response:
    """`GET /colours/{version}.css`: the tones of the node's colour; each colour has an address of its own."""
    site: Site = request.app.state.site
    known = await site.current()
    if not known.accent:
        raise NotFound("There is no such file.")
    caching = FOREVER if request.path_params["version"] == style_version(known) else "no-cache"
    return Response(colours.style_sheet(known.accent), media_type="text/css", headers={"Cache-Control": caching})


@own_page
async def identity_form(visit: Visit) -> Response:
    """`GET /admin/identity`: name, body, mark and colour as they are now."""
    visit.require(Role.ADMIN)
    chosen = identity.as_form(await visit.read(visit.site.look))
    return _page(visit, Form.filled(**chosen, **({} if chosen["accent"] else {"own-colour": "1"})))


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page("admin_identity.html", status=status, form=form, tab="identity")


@action
async def choose(visit: Visit, form: Form) -> Response:
    """`POST /admin/identity`: save it; every page shows it within seconds."""
    visit.require(Role.ADMIN)
    wanted = {name: form.text(name, most=1000, required=False) for name in CHOICES}
    if form.flag("own-colour"):
        wanted["accent"] = ""
    sent = await pictures(visit, form, (Purpose.LOGO,))
    if form.errors:
        return _page(visit, form, 422)
    made = [picture for _, picture in sent.values()]

    def write(db: Session, me: Actor) -> None:
        identity.choose(db, **wanted)
        moderation.audit(db, me.id, "identity.change", wanted["name"])
        if made or form.flag("no-logo"):
            identity.set_logo(db, made[0] if made else None)

    try:
        await visit.write(write)
    except BaseException as error:
        for picture in made:
            await uploading.discard(visit.settings, picture)
        if not isinstance(error, DomainError) or error.status != 422:
            raise
        form.error(next((name for name in CHOICES if error.code.startswith(name)), "name"), error.text)
        return _page(visit, form, 422)
    visit.site.forget()
    return visit.go("/admin/identity", said="saved")
