"""Who the node says it is: name, who runs it, mark and colour, as its administrators chose them on the pages.

What nobody has chosen comes from the settings of the process, as `defaults`.
"""

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy.orm import Session

from models import jobs, media, settings, text
from models.database import node_of
from models.errors import Invalid
from models.media import Made

NAME = "identity"
"""Under which the choices are kept among the facts of the node."""

MAX_NAME = 60
MAX_DESCRIPTION = 500
MAX_ADDRESS = 500

COLOUR = re.compile(r"#[0-9a-f]{6}")
ADDRESS = re.compile(r"https://[^\s<>\"']+")
EMAIL = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+")


@dataclass(frozen=True)
class Identity:
    """What pages, apps and other servers are told; an empty text is one that there is none of."""

    name: str = ""
    description: str = ""
    run_by: str = ""
    """The public body that runs it: `Vesterlund Kommune`."""
    contact_email: str = ""
    accessibility_url: str = ""
    """Where the body keeps the accessibility statement that the law asks of it."""
    accent: str = ""
    """One colour, `#rrggbb`; empty for Torv's own."""
    logo: str = ""
    """Name of the picture's file; empty for Torv's mark."""

    def logo_address(self, origin: str) -> str:
        """Where the picture is; empty if there is none."""
        return media.address(origin, self.logo) if self.logo else ""


CHOICES = tuple(field.name for field in fields(Identity) if field.name != "logo")


def of(db: Session, defaults: Identity) -> Identity:
    """What holds now."""
    chosen: dict[str, str] = settings.get(db, NAME, {})
    known = {field.name for field in fields(Identity)}
    return replace(defaults, **{name: value for name, value in chosen.items() if value and name in known})


def choose(db: Session, **choices: str) -> None:
    """Choose anew what is named; an empty text goes back to the default. Raises Invalid, and then nothing is changed."""
    clean = {name: _checked(name, value) for name, value in choices.items()}
    settings.put(db, NAME, {**settings.get(db, NAME, {}), **clean})


def _checked(name: str, value: str) -> str:
    value = value.strip()
    if name in {"name", "run_by"}:
        value = text.one_line(value, MAX_NAME + 1)
        if len(value) > MAX_NAME:
            raise Invalid(f"A name has at most {MAX_NAME} characters.", code=f"{name}_long")
    elif name == "description" and len(value) > MAX_DESCRIPTION:
        raise Invalid(f"At most {MAX_DESCRIPTION} characters.", code="description_long")
    elif name == "accent":
        value = value.lower()
        if value and not COLOUR.fullmatch(value):
            raise Invalid("A colour is written as # and six digits or letters, such as #0b5d5e.", code="accent_unclear")
    elif name == "accessibility_url" and value and (len(value) > MAX_ADDRESS or not ADDRESS.fullmatch(value)):
        raise Invalid("An address begins with https://.", code="accessibility_url_unclear")
    elif name == "contact_email" and value and (len(value) > MAX_ADDRESS or not EMAIL.fullmatch(value)):
        raise Invalid("This is not an e-mail address.", code="contact_email_unclear")
    return value


def set_logo(db: Session, made: Made | None) -> str:
    """Show this picture instead of the one before, or Torv's own mark; returns its address, empty for none."""
    chosen: dict[str, Any] = settings.get(db, NAME, {})
    before = chosen.get("logo", "")
    now = made.file if made is not None else ""
    settings.put(db, NAME, {**chosen, "logo": now})
    if before and before != now:
        jobs.enqueue(db, "media_gone", {"files": [before], "uploads": []})
    return Identity(logo=now).logo_address(node_of(db).origin)


def as_form(identity: Identity) -> dict[str, str]:
    """The choices as a form shows them."""
    return {name: value for name, value in asdict(identity).items() if name in CHOICES}
