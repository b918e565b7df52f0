"""The job `mail`: every letter that was promised is written when it is sent, and handed to the mail server."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import writing
from federation.working import GiveUp, Run
from models import identity
from models.accounts import Account
from server import letters, mail, news
from server.mail import Letter, MailFault
from server.settings import Settings
from server.sheets import Desk, Sheet, Write, address, lay_out
from server.site import defaults

LETTERS: Mapping[str, Write] = {
    "confirm": letters.confirm,
    "password": letters.password,
    "address": letters.moved,
    "invitation": letters.invitation,
    "approved": letters.approved,
    "refused": letters.refused,
    "moderation": letters.moderation,
    "notices": news.notices,
    "digest": news.digest,
}


def sending(settings: Settings) -> Run:
    """The job for a node with these settings.

    Without a mail server the letter is let go: nobody was told that one would come.
    """

    async def send(fed: Federation, job: dict[str, Any]) -> None:
        write = LETTERS.get(str(job["letter"]))
        if write is None:
            raise GiveUp(f"Nobody knows how to write {job['letter']!r}.")
        if not mail.is_set_up(settings):
            return
        composed = await writing(fed.database, lambda db: _compose(db, settings, write, job))
        if composed is None:
            return
        letter, place, sheet = composed
        try:
            await mail.send(settings, letter, name=place)
        except (MailFault, GiveUp) as fault:
            if sheet.when_not_sent is not None and not getattr(fault, "perhaps_taken", False):
                await writing(fed.database, sheet.when_not_sent)
            raise
        if sheet.when_sent is not None:
            await writing(fed.database, sheet.when_sent)

    return send


def _compose(db: Session, settings: Settings, write: Write, job: Mapping[str, Any]) -> tuple[Letter, str, Sheet] | None:
    place = identity.of(db, defaults(settings)).name
    if "account" in job:
        account = db.get(Account, int(job["account"]))
        if account is None or account.suspended_at is not None:
            return None
        desk = Desk(db, settings, place, account.language, account)
    else:
        desk = Desk(db, settings, place, str(job["language"]))
    sheet = write(desk, job)
    return (lay_out(desk, sheet, address(desk, job)), place, sheet) if sheet is not None else None
