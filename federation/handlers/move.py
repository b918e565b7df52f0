"""Move: an actor goes on under another id."""

from sqlalchemy.orm import Session

from federation import crossing, resolving, urls
from federation.context import Federation
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, leaving
from models.actors import Actor


async def move(fed: Federation, verified: Verified) -> Effect:
    """Local followers follow the new account, if that one, read this moment, says that it was the old one.

    Once in seven days, and not onto an account that has itself moved on: no chains and no circles.
    """
    activity = verified.activity
    if not verified.signed or activity.object_id != verified.actor:
        raise Ignored("Only actors move, each for itself.")
    if not activity.target or activity.target == verified.actor:
        raise Ignored("It does not say where to.")
    target = await _target(fed, activity.target, verified)
    if verified.actor not in (target.also_known_as or []):
        raise Ignored("The new account does not say that it was the old one.")
    if target.moved_to:
        raise Ignored("The new account has moved on itself.")

    def effect(db: Session) -> str:
        actor = actors.by_uri(db, verified.actor)
        if actor is None or actor.local:
            raise Ignored("We do not know this actor.")
        leaving.moved(db, actor, actors.get(db, target.id))
        return f"{actor.uri} has moved to {target.uri}."

    return effect


async def _target(fed: Federation, uri: str, verified: Verified) -> Actor:
    if not urls.same_origin(uri, fed.node.origin):
        return await resolving.actor(fed, uri, verified.budget, fresh=True)
    found = await crossing.reading(fed.database, lambda db: actors.by_uri(db, uri))
    if found is None or not found.active:
        raise Ignored("There is nobody of that id here.")
    return found
