"""Which hashtags mean the same: moderators of the node say so. Barriers' tags are always main names."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import moderation, text
from models.actors import Actor
from models.base import now
from models.composing import BARRIER_TAGS, BARRIERS
from models.errors import Conflict, Invalid, NotFound
from models.tags import TagSynonym, checked, mains

MAX_SYNONYMS = 1000


def all_of_them(db: Session) -> list[TagSynonym]:
    """Every synonym, by main name."""
    return list(db.scalars(select(TagSynonym).order_by(TagSynonym.main, TagSynonym.name)))


def add(db: Session, name: str, main: str, *, by: Actor | None) -> None:
    """Let `name` mean `main`; what meant `name` means `main` then too. Twice is once.

    Raises NotFound for what is no tag, Invalid for a tag that means itself, Conflict for a barrier's tag.
    """
    name, main = text.tag_key(checked(name)), text.tag_key(checked(main))
    main = mains(db, [main]).get(main, main)
    if name == main:
        raise Invalid("A tag cannot mean itself.", code="same_tag")
    if name in {text.tag_key(BARRIER_TAGS.get(barrier, barrier)) for barrier in BARRIERS}:
        raise Conflict("This is the tag of a barrier, and stays a name of its own.")
    if len(all_of_them(db)) >= MAX_SYNONYMS:
        raise Conflict(f"There are {MAX_SYNONYMS} synonyms already.")
    for earlier in db.scalars(select(TagSynonym).where(TagSynonym.main == name)):
        earlier.main = main
    db.merge(TagSynonym(name=name, main=main, made_by_id=by.id if by else None, created_at=now()))
    db.flush()
    moderation.audit(db, by.id if by else None, "tag.synonym", name, main=main)


def remove(db: Session, name: str, *, by: Actor | None) -> None:
    """Let `name` stand for itself again. Raises NotFound."""
    row = db.get(TagSynonym, text.tag_key(name))
    if row is None:
        raise NotFound("There is no such synonym.")
    db.delete(row)
    db.flush()
    moderation.audit(db, by.id if by else None, "tag.synonym.drop", row.name, main=row.main)
