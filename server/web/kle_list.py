"""The list of service areas (KLE): what this server knows of it, and bringing another."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import kle, moderation
from models.accounts import Role
from models.actors import Actor
from models.errors import DomainError
from server.forms import Form
from server.i18n import later
from server.web.visits import Visit, action, own_page


@own_page
async def index(visit: Visit) -> Response:
    """`GET /admin/kle`: how many lines there are, and a file to bring."""
    visit.require(Role.ADMIN)
    return await _page(visit, Form())


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    def look(db: Session) -> tuple[int, list[kle.KleEntry]]:
        return kle.count(db), kle.main_groups(db)

    count, groups = await visit.read(look)
    return visit.page("admin_kle.html", status=status, form=form, count=count, groups=groups, tab="kle")


@action
async def bring(visit: Visit, form: Form) -> Response:
    """`POST /admin/kle`, with `file`: the list from now on."""
    visit.require(Role.ADMIN)
    sent = form.files.get("file")
    if sent is None:
        form.error("file", later("Choose a file."))
        return await _page(visit, form, 422)
    try:
        entries = kle.read(await sent.read(kle.MAX_BYTES + 1))
    except DomainError as error:
        if error.status != 422:
            raise
        form.error("file", error.text)
        return await _page(visit, form, 422)

    def write(db: Session, me: Actor) -> None:
        kle.replace(db, entries)
        moderation.audit(db, me.id, "kle.import", "", lines=len(entries))

    await visit.write(write)
    return visit.go("/admin/kle", said="kle-read")
