"""Sheets: a letter before it is laid out, and its layout as plain text and as simple HTML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from federation.working import GiveUp
from models import actors, identity
from models.accounts import Account
from models.database import node_of
from models.identity import Identity
from server import i18n
from server.i18n import later
from server.mail import Letter
from server.settings import Settings
from server.web import colours

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
    when_sent: Callable[[Session], None] | None = None
    """What to write down once the mail server has taken it."""
    when_not_sent: Callable[[Session], None] | None = None
    """What to write down where it certainly has not."""


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
        "tone": colours.tones(identity.of(desk.db, Identity()).accent or colours.OURS)[0],
    }
    text = _templates.get_template("letter.txt").render(values)
    html = _templates.get_template("letter.html").render(values)
    return Letter(to, sheet.subject, text, html, sheet.headers)


def address(desk: Desk, job: Mapping[str, Any]) -> str:
    """Where the letter goes."""
    return str(job.get("email") or desk.account.email)
