"""Moving house: which accounts elsewhere are the same person, and going on under another one.

A move is believed only where both accounts say so (F22): the new one names the old one among its aliases, the old one
says where it has gone. Followers go along, posts do not.
"""

from sqlalchemy.orm import Session

from models import actors, leaving, outbox
from models.actors import Actor, ActorType
from models.errors import Conflict, Invalid, NotFound

MAX_ALIASES = 10


def add_alias(db: Session, actor: Actor, other: Actor) -> None:
    """Say that `other` is the same person's, so that it can move here. Raises Invalid or Conflict."""
    if other.id == actor.id:
        raise Invalid("That is this account itself.", code="alias_self")
    if other.type not in {ActorType.PERSON, ActorType.SERVICE} or not other.active:
        raise Invalid("That is no person's account.", code="alias_kind")
    known = list(actor.also_known_as or [])
    if other.uri in known:
        raise Conflict("It is on the list already.", code="alias_known")
    if len(known) >= MAX_ALIASES:
        raise Invalid(f"At most {MAX_ALIASES} accounts.", code="alias_many")
    actors.update_profile(db, actor, also_known_as=[*known, other.uri])


def remove_alias(db: Session, actor: Actor, uri: str) -> None:
    """It is no longer the same person's. Raises NotFound."""
    known = list(actor.also_known_as or [])
    if uri not in known:
        raise NotFound("It is not on the list.")
    actors.update_profile(db, actor, also_known_as=[one for one in known if one != uri])


def away(db: Session, actor: Actor, target: Actor) -> None:
    """A person of this node goes on as `target`: followers here follow that one, followers elsewhere are told.

    The caller has just read `target` from its own server. Raises Invalid if it does not name this account, has moved on
    itself, or is this very account; Conflict within seven days of the last move.
    """
    if target.id == actor.id:
        raise Invalid("That is this account itself.", code="target_self")
    if target.type not in {ActorType.PERSON, ActorType.SERVICE} or not target.active:
        raise Invalid("That is no person's account.", code="target_kind")
    if target.moved_to:
        raise Invalid("That account has moved on itself.", code="target_moved")
    if actor.uri not in (target.also_known_as or []):
        raise Invalid(
            "That account does not say that it is yours. Add this one to its aliases first.", code="target_silent"
        )
    if actor.moved_to:
        raise Conflict("This account has moved already.", code="target_already")
    leaving.moved(db, actor, target)
    actors.update_profile(db, actor)
    outbox.record(
        db, "Move", actor, object_uri=actor.uri, to=[actor.followers_uri], urgent=True, data={"target": target.uri}
    )


def back(db: Session, actor: Actor) -> None:
    """Live here again: the account no longer points elsewhere. Followers who went stay where they are. Raises Conflict."""
    if not actor.moved_to:
        raise Conflict("This account has not moved.")
    actors.update_profile(db, actor, moved_to="")
