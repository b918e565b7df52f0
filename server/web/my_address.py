"""The e-mail address of one's own account: another one, and the link that confirms it."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import accounts, email_links
from models.accounts import Account
from models.actors import Actor
from models.email_links import Purpose
from models.errors import DomainError, NotFound
from server.forms import Form
from server.limits import MAILS_BY_ACCOUNT
from server.web.settings import account_page, check_own_password
from server.web.visits import Visit, action


@action
async def change(visit: Visit, form: Form) -> Response:
    """`POST /settings/email`: another address. It holds once the link sent to it was opened; at once where the node
    sends no mail, but then nothing is shown of it."""
    email = form.line("email", most=300)
    password = form.secret("password")
    by_mail = visit.site.policy.by_mail
    if not form.errors:
        await check_own_password(visit, form, password, "password")

    def write(db: Session, me: Actor) -> None:
        account = db.get_one(Account, me.id)
        if by_mail:
            new = accounts.require_free_address(db, email, account.id)
            email_links.promise(db, account, Purpose.CONFIRM, email=new)
        else:
            accounts.change_email(db, account, email)

    if not form.errors:
        await visit.limits.count(MAILS_BY_ACCOUNT, str(visit.me.id))
        try:
            await visit.write(write)
        except DomainError as error:
            if error.status not in {409, 422}:
                raise
            form.error("email", error.text)
    if form.errors:
        return await account_page(visit, form, 422)
    return visit.go("/settings/account", said="email-sent" if by_mail else "email-changed")


@action
async def confirm_again(visit: Visit, form: Form) -> Response:
    """`POST /settings/email/again`: the link once more, to the new address or to one that is not confirmed yet."""
    if not visit.site.policy.by_mail:
        raise NotFound("There is no such page.")
    await visit.limits.count(MAILS_BY_ACCOUNT, str(visit.me.id))

    def write(db: Session, me: Actor) -> None:
        account = db.get_one(Account, me.id)
        email_links.promise(db, account, Purpose.CONFIRM, email=email_links.on_the_way(db, account))

    await visit.write(write)
    return visit.go("/settings/account", said="email-again")
