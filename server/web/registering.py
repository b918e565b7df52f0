"""Who may make an account: the administrators' choice, and the queue of those who ask to be let in."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import registrations
from models.accounts import Role
from models.actors import Actor
from models.errors import DomainError
from models.registrations import MAX_REASON, Mode
from server.forms import Form
from server.i18n import later
from server.site import policy_defaults
from server.web.visits import Visit, action, own_page

MODES = {
    Mode.CLOSED: (later("Nobody"), later("Invitations that are out do not work either.")),
    Mode.INVITE: (later("Whoever is invited"), later("By an administrator, or by members if you let them.")),
    Mode.APPROVAL: (
        later("Whoever a moderator lets in"),
        later("Everybody may ask and say why; a moderator answers."),
    ),
    Mode.DOMAIN: (
        later("Whoever has an e-mail address at your domains"),
        later("The address is confirmed first. The server must be able to send mail."),
    ),
    Mode.OPEN: (later("Everybody"), later("Somebody has to look after it every day.")),
}
"""What an administrator chooses among, and what it means."""


@own_page
async def policy_form(visit: Visit) -> Response:
    """`GET /admin/registrations`: what holds now."""
    visit.require(Role.ADMIN)
    policy = await visit.read(visit.site.look_at_policy)
    form = Form.filled(
        mode=policy.mode.value, domains="\n".join(policy.domains), **({"members": "1"} if policy.members_invite else {})
    )
    return _policy_page(visit, form)


def _policy_page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page("admin_registrations.html", status=status, form=form, modes=MODES, tab="registrations")


@action
async def choose_policy(visit: Visit, form: Form) -> Response:
    """`POST /admin/registrations`: it holds at once."""
    visit.require(Role.ADMIN)
    mode = form.choice("mode", [mode.value for mode in Mode])
    domains = form.text("domains", most=20_000, required=False).replace(",", "\n").split("\n")
    if not form.errors:
        defaults = policy_defaults(visit.settings)
        try:
            await visit.write(
                lambda db, me: registrations.choose(
                    db, defaults, mode=mode, domains=domains, members_invite=form.flag("members"), by=me
                )
            )
        except DomainError as error:
            if error.status != 422:
                raise
            form.error("domains" if error.code.startswith("domains") else "mode", error.text)
    if form.errors:
        return _policy_page(visit, form, 422)
    visit.site.forget()
    return visit.go("/admin/registrations", said="saved")


@own_page
async def queue(visit: Visit) -> Response:
    """`GET /admin/sign-ups`: who asks to be let in, longest first."""
    visit.require(Role.MODERATOR)
    return await _queue_page(visit, Form())


async def _queue_page(visit: Visit, form: Form, status: int = 200) -> Response:
    found = await visit.read(registrations.queue)
    return visit.page("admin_sign_ups.html", status=status, form=form, found=found, tab="sign-ups")


@action
async def answer(visit: Visit, form: Form) -> Response:
    """`POST /admin/sign-ups/{id}`, with `verdict`: let in, or not and why."""
    visit.require(Role.MODERATOR)
    verdict = form.choice("verdict", ("approve", "refuse"))
    field = f"reason-{visit.path('id')}"
    reason = form.text(field, most=MAX_REASON, required=verdict == "refuse")

    def write(db: Session, me: Actor) -> None:
        if verdict == "approve":
            registrations.approve(db, visit.path("id"), by=me)
        else:
            registrations.refuse(db, visit.path("id"), reason, by=me)

    if form.errors:
        return await _queue_page(visit, form, 422)
    await visit.write(write)
    return visit.go("/admin/sign-ups", said="let-in" if verdict == "approve" else "not-let-in")
