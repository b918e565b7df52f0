"""The rules and texts of the node, as its administrators write them: what holds here, and what becomes of one's data."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from models import actors, settings, text
from models.base import now
from models.database import node_of
from models.errors import Invalid

MAX_RULES = 40
MAX_RULE = 300
MAX_TEXT = 100_000


class Page(StrEnum):
    """The texts there may be."""

    DESCRIPTION = "description"
    PRIVACY = "privacy"
    TERMS = "terms"


class Shown(StrEnum):
    """Who may read which servers this node keeps out."""

    ALL = "all"
    USERS = "users"
    NOBODY = "disabled"


@dataclass(frozen=True)
class Rule:
    """One rule. Its id stays while its words stay, so that a report can name it."""

    id: int
    text: str


@dataclass(frozen=True)
class HouseText:
    """A text as it was written (Markdown), as HTML, and since when it says so."""

    source: str
    html: str
    updated_at: datetime


def rules(db: Session) -> list[Rule]:
    """The rules, in their order."""
    return [Rule(row["id"], row["text"]) for row in settings.get(db, "rules", [])]


def set_rules(db: Session, lines: list[str]) -> None:
    """Replace the rules. Those whose words stay keep their ids; an id is never used for another rule. Raises Invalid."""
    wanted = list(dict.fromkeys(line for raw in lines if (line := text.one_line(raw, MAX_RULE + 1))))
    if len(wanted) > MAX_RULES:
        raise Invalid(f"At most {MAX_RULES} rules.", code="rules_many")
    if any(len(line) > MAX_RULE for line in wanted):
        raise Invalid(f"A rule has at most {MAX_RULE} characters.", code="rule_long")
    known = {rule.text: rule.id for rule in rules(db)}
    last = settings.get(db, "rules_last_id", 0)
    kept: list[dict[str, Any]] = []
    for line in wanted:
        if line not in known:
            last += 1
        kept.append({"id": known.get(line, last), "text": line})
    settings.put(db, "rules", kept)
    settings.put(db, "rules_last_id", last)


def page(db: Session, which: Page) -> HouseText | None:
    """A text; None while nobody has written it."""
    row = settings.get(db, f"text_{which}")
    if not row or not row["source"]:
        return None
    return HouseText(row["source"], row["html"], datetime.fromtimestamp(row["updated_at"], UTC))


def set_page(db: Session, which: Page, source: str) -> None:
    """Write a text; an empty one is none. The same words again change nothing, not even the date. Raises Invalid."""
    source = source.replace("\x00", "").strip()
    if len(source) > MAX_TEXT:
        raise Invalid(f"At most {MAX_TEXT} characters.", code="text_long")
    known = page(db, which)
    if source == (known.source if known else ""):
        return
    node = node_of(db)
    rendered = text.render_markdown(source, resolve=lambda handle: actors.find(db, handle), origin=node.origin)
    values = {"source": source, "html": rendered.html, "updated_at": int(now().timestamp())}
    settings.put(db, f"text_{which}", values)


def blocks_shown_to(db: Session) -> Shown:
    """Who may read the list of blocked and limited servers; nobody, until somebody decides."""
    return Shown(settings.get(db, "domain_blocks_shown", Shown.NOBODY))


def show_blocks_to(db: Session, whom: Shown) -> None:
    """Decide who may read it."""
    settings.put(db, "domain_blocks_shown", str(whom))
