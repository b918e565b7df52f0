"""Changing one's own profile: its texts, its lines of facts, and what others may do with it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models import actors, jobs, municipalities, plain_text, text
from models.accounts import Account
from models.actors import Actor
from models.database import node_of
from models.errors import Invalid

MAX_NAME = 100
MAX_NOTE = 5000
MAX_DESCRIPTION = 1500
"""Of a picture."""

MAX_FIELDS = 4
"""As many as every client has places for."""

MAX_FIELD_NAME = 255
MAX_FIELD_VALUE = 1000

MAX_ROLE = 100
MAX_TOPICS = 10
MAX_TOPIC = 50

FACTS = {"da": ("Rolle", "Kommune", "Spørg mig om"), "en": ("Role", "Municipality", "Ask me about")}
"""What other servers read before one's role, municipality and topics."""

ADDRESS = re.compile(r"https?://[^\s<>\"]{3,500}")


def field(name: str, value: str) -> dict[str, str]:
    """One line of a profile: the name as plain text, the value as HTML with addresses as links, and as it was written.

    The links carry `rel="me"`: only by that can the page they lead to, or another server, confirm that both are one
    person's.
    """
    name, value = text.one_line(name, MAX_FIELD_NAME), text.one_line(value, MAX_FIELD_VALUE)
    shown, end = "", 0
    for match in ADDRESS.finditer(value):
        address = match[0].rstrip(".,;:!?)")
        shown += text.escape(value[end : match.start()])
        bare = text.escape(address.split("://", 1)[1])
        shown += f'<a href="{text.escape(address)}" rel="me nofollow noopener noreferrer" translate="no">{bare}</a>'
        end = match.start() + len(address)
    return {"name": name, "value": shown + text.escape(value[end:]), "source": value}


def fields(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """The lines of a profile; empty ones are left out. Raises Invalid if there are too many or one is too long."""
    written = [(name.strip(), value.strip()) for name, value in pairs if name.strip() or value.strip()]
    if len(written) > MAX_FIELDS:
        raise Invalid(f"A profile has at most {MAX_FIELDS} fields.", code="fields_many")
    for name, value in written:
        if not name:
            raise Invalid("A field needs a name.", code="field_unnamed")
        if len(name) > MAX_FIELD_NAME or len(value) > MAX_FIELD_VALUE:
            raise Invalid("A field of the profile is too long.", code="field_long")
    return [field(name, value) for name, value in written]


def keep_verified(actor: Actor, new: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """New lines of a profile, with what was found out about those that stand there already, to the letter."""
    known = {field.get("source"): field["verified"] for field in actor.fields or [] if field.get("verified")}
    return [{**field, "verified": known[field["source"]]} if field["source"] in known else field for field in new]


def address_in(field: Mapping[str, str]) -> str:
    """The https address that a line of a profile consists of; empty where it is none, or more than that."""
    source = field.get("source", "").strip()
    return source if source.startswith("https://") and ADDRESS.fullmatch(source) else ""


def promise_verifying(db: Session, actor: Actor) -> None:
    """Ask the pages in a profile whether they are this person's, those that were not found to be before."""
    if any(address_in(field) and not field.get("verified") for field in actor.fields or []):
        jobs.enqueue(db, "verify_links", {"actor": actor.id}, dedupe=f"verify_links:{actor.id}")


def verify(db: Session, actor: Actor, source: str, at: datetime | None) -> None:
    """A page named the person as its own (`at`), or did not (None): the line with exactly this address is marked so."""
    fields = [
        {
            **{key: value for key, value in field.items() if key != "verified"},
            **({"verified": at.isoformat()} if at else {}),
        }
        if field.get("source", "").strip() == source
        else field
        for field in actor.fields or []
    ]
    if fields != actor.fields:
        actor.fields = fields
        db.flush()


def topics(written: str) -> list[str]:
    """What somebody can be asked about, from a text with commas or line breaks between. Raises Invalid."""
    found = list(dict.fromkeys(text.one_line(one.strip().lstrip("#"), 1000) for one in re.split(r"[,;\n]", written)))
    found = [one for one in found if one]
    if len(found) > MAX_TOPICS:
        raise Invalid(f"At most {MAX_TOPICS} things.", code="topics_many")
    if any(len(one) > MAX_TOPIC for one in found):
        raise Invalid(f"Each has at most {MAX_TOPIC} characters.", code="topics_long")
    return found


def facts(db: Session, actor: Actor) -> list[dict[str, str]]:
    """What a person of this node says of himself in fields of their own, as other servers and apps show it: lines of a
    profile in his own language."""
    if not (actor.local and (actor.role or actor.municipality or actor.topics)):
        return []
    account = db.get(Account, actor.id)
    names = FACTS[account.language if account is not None and account.language in FACTS else "da"]
    values = (actor.role, municipalities.name(actor.municipality), ", ".join(actor.topics or []))
    return [{"name": name, "value": text.escape(value)} for name, value in zip(names, values, strict=True) if value]


def change(db: Session, actor: Actor, *, automated: bool | None = None, **changes: Any) -> None:
    """Change a local person's profile and tell the followers, if anything is changed at all.

    Takes what `actors.update_profile` takes, `automated`, and what the two pictures show (`icon_name`, `image_name`;
    a new picture has no description but one that comes with it). What apps send as a text about oneself is plain text,
    and not Markdown as on the pages. Raises Invalid.
    """
    if len(changes.get("name", "")) > MAX_NAME:
        raise Invalid(f"A name has at most {MAX_NAME} characters.", code="name_long")
    if len(changes.get("summary_source", "")) > MAX_NOTE:
        raise Invalid(f"A description has at most {MAX_NOTE} characters.", code="text_long")
    extra: dict[str, Any] = dict(actor.extra or {})
    if automated is not None and automated != actor.automated:
        extra["automated"] = automated
    for picture in ("icon", "image"):
        described = changes.pop(f"{picture}_name", "" if f"{picture}_url" in changes else None)
        if described is None or described == extra.get(f"{picture}_name", ""):
            continue
        if len(described) > MAX_DESCRIPTION:
            raise Invalid(f"A description has at most {MAX_DESCRIPTION} characters.", code="text_long")
        extra[f"{picture}_name"] = text.one_line(described, MAX_DESCRIPTION)
    changes["extra"] = extra
    if "fields" in changes:
        changes["fields"] = keep_verified(actor, changes["fields"])
    changed = {name: value for name, value in changes.items() if getattr(actor, name) != value}
    if "summary_source" in changed:
        origin = node_of(db).origin
        written = plain_text.render(
            changed["summary_source"], resolve=lambda name: actors.find(db, name), origin=origin
        )
        changed["summary"] = written.html
    if changed:
        actors.update_profile(db, actor, **changed)
        promise_verifying(db, actor)
