"""Writing letters: what each says, in its reader's language, as plain text and as simple HTML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import writing
from federation.working import GiveUp, Run
from models import actors, email_links, identity, invitations
from models.accounts import Account
from models.database import node_of
from models.email_links import Purpose
from models.registrations import Application
from server import i18n, mail
from server.i18n import later
from server.mail import Letter
from server.settings import Settings
from server.site import defaults

FOLDER = Path(__file__).parent / "templates" / "mail"
_templates = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True)
class Entry:
    """One line of a list: what it is, where it leads, and a quiet word on it."""

    title: str
    address: str
    note: str = ""


@dataclass(frozen=True)
class Chapter:
    """A heading and its list."""

    heading: str
    entries: list[Entry]


@dataclass
class Sheet:
    """A letter before it is laid out. Texts are in the reader's language."""

    subject: str
    paragraphs: list[str]
    action: tuple[str, str] | None = None
    """The one thing to do: its words and its address."""
    chapters: list[Chapter] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    """Small print, after the signature."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Desk:
    """What whoever writes a letter has before him."""

    db: Session
    settings: Settings
    place: str
    """Name of the node."""
    language: str
    reader: Account | None = None
    """None for somebody who has no account here yet."""

    @property
    def account(self) -> Account:
        """The reader's account, of letters that only people with one get."""
        if self.reader is None:
            raise GiveUp("the letter is for somebody with an account")
        return self.reader

    @property
    def origin(self) -> str:
        """Every address in a letter begins with it, whatever host a request named."""
        return node_of(self.db).origin

    def say(self, text: str, **values: Any) -> str:
        """A text in the reader's language, with its values."""
        said = i18n.translator(self.language)(text)
        return said % values if values else said


Write = Callable[[Desk, Mapping[str, Any]], Sheet | None]


def lay_out(desk: Desk, sheet: Sheet, to: str) -> Letter:
    """The letter as text and as HTML."""
    greeting = desk.say(later("Hello"))
    if desk.reader is not None:
        greeting = desk.say(later("Hello %(name)s"), name=actors.get(desk.db, desk.reader.id).display_name)
    values = {
        "language": desk.language,
        "greeting": greeting,
        "sheet": sheet,
        "place": desk.place,
        "origin": desk.origin,
    }
    text = _templates.get_template("letter.txt").render(values)
    html = _templates.get_template("letter.html").render(values)
    return Letter(to, sheet.subject, text, html, sheet.headers)


def confirm(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """Is this your address?"""
    to = address(desk, job)
    token = email_links.make(desk.db, desk.account, Purpose.CONFIRM, to)
    return Sheet(
        desk.say(later("Confirm your e-mail address")),
        [desk.say(later("Somebody, you we hope, has given this address at %(place)s. Confirm that it is yours."), place=desk.place)],
        (desk.say(later("Confirm the address")), f"{desk.origin}/confirm/{token}"),
        closing=[desk.say(later("The link holds for three days. If it was not you, do nothing."))],
    )  # fmt: skip


def password(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You have lost your password."""
    token = email_links.make(desk.db, desk.account, Purpose.PASSWORD, address(desk, job))
    return Sheet(
        desk.say(later("Choose a new password")),
        [desk.say(later("Somebody, you we hope, has asked for a new password at %(place)s."), place=desk.place)],
        (desk.say(later("Choose a new password")), f"{desk.origin}/password/{token}"),
        closing=[
            desk.say(later("The link holds for two hours and works once. If it was not you, do nothing: your password stays as it is."))
        ],
    )  # fmt: skip


def moved(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """To the address that was yours: your account has another now."""
    return Sheet(
        desk.say(later("Your account has another e-mail address")),
        [desk.say(later("The e-mail address of your account at %(place)s was changed. We write to this one for the last time."), place=desk.place)],
        closing=[desk.say(later("If it was not you, write to the administrator at once: %(address)s"), address=f"{desk.origin}/contact")],
    )  # fmt: skip


def invitation(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """Somebody invites you."""
    renewed = invitations.renew(desk.db, int(job["invitation"]))
    if renewed is None:
        return None
    row, token = renewed
    inviter = actors.get(desk.db, row.invited_by).display_name if row.invited_by is not None else desk.place
    return Sheet(
        desk.say(later("%(name)s invites you to %(place)s"), name=inviter, place=desk.place),
        [
            desk.say(later("%(name)s thinks you should be part of %(place)s."), name=inviter, place=desk.place),
            desk.say(later("Here people in the public sector ask one another how things are done.")),
        ],
        (desk.say(later("Make your account")), f"{desk.origin}/invitations/{token}"),
        closing=[desk.say(later("The invitation is for you alone and works once, for seven days. We write no more if you do not use it."))],
    )  # fmt: skip


def approved(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You are let in."""
    return Sheet(
        desk.say(later("Welcome to %(place)s"), place=desk.place),
        [desk.say(later("A moderator has said yes: your account is open."))],
        (desk.say(later("Sign in")), f"{desk.origin}/sign-in?next=/start"),
    )


def refused(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You are not let in, and why."""
    application = desk.db.get(Application, desk.account.id)
    if application is None or application.refused_at is None:
        return None
    return Sheet(
        desk.say(later("About your account at %(place)s"), place=desk.place),
        [desk.say(later("A moderator has read what you wrote, and does not let you in:")), application.refusal],
        closing=[desk.say(later("Everything we know of you is deleted within a month.")), f"{desk.origin}/contact"],
    )


def address(desk: Desk, job: Mapping[str, Any]) -> str:
    """Where the letter goes."""
    return str(job.get("email") or desk.account.email)


LETTERS: dict[str, Write] = {
    "confirm": confirm,
    "password": password,
    "address": moved,
    "invitation": invitation,
    "approved": approved,
    "refused": refused,
}


def sending(settings: Settings) -> Run:
    """The job `mail`: writes the letter that was promised and hands it to the mail server.

    Without a mail server the letter is let go: nobody was told that one would come.
    """

    async def send(fed: Federation, job: dict[str, Any]) -> None:
        write = LETTERS.get(str(job["letter"]))
        if write is None:
            raise GiveUp(f"Nobody knows how to write {job['letter']!r}.")
        if not mail.is_set_up(settings):
            return

        def compose(db: Session) -> tuple[Letter, str] | None:
            place = identity.of(db, defaults(settings)).name
            if "account" in job:
                account = db.get(Account, int(job["account"]))
                if account is None or account.suspended_at is not None:
                    return None
                desk = Desk(db, settings, place, account.language, account)
            else:
                desk = Desk(db, settings, place, str(job["language"]))
            sheet = write(desk, job)
            return (lay_out(desk, sheet, address(desk, job)), place) if sheet is not None else None

        composed = await writing(fed.database, compose)
        if composed is not None:
            await mail.send(settings, composed[0], name=composed[1])

    return send
