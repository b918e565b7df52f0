"""Which actors a caller may see and act upon."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import actors, blocks
from models.actors import Actor
from models.errors import NotFound
from server.api import show_accounts
from server.api.entities.accounts import Account
from server.api.paging import Page


def shown(db: Session, actor_id: int) -> Actor:
    """An actor that can be shown. Raises NotFound, the same for those that never were, are deleted, or suspended."""
    actor = db.get(Actor, actor_id)
    if actor is None or not actor.active:
        raise NotFound("Record not found")
    return actor


def known(db: Session, actor_id: int) -> Actor:
    """An actor that something can be taken back from, suspended or not. Raises NotFound."""
    actor = actors.get(db, actor_id)
    if actor.deleted_at is not None:
        raise NotFound("Record not found")
    return actor


def page(db: Session, viewer: Actor | None, found: Sequence[tuple[int, Actor]]) -> Page[Account]:
    """A page of people, without those nobody is shown and those the viewer and they keep apart."""
    people = [actor for _, actor in found]
    apart = blocks.kept_apart(db, viewer.id, [actor.id for actor in people]) if viewer is not None and people else set()
    seen = [actor for actor in people if actor.active and actor.id not in apart]
    return Page.of(show_accounts.accounts(db, seen), [cursor for cursor, _ in found])
