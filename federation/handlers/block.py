"""Block: an actor elsewhere wants nothing to do with one of ours."""

from sqlalchemy.orm import Session

from federation import crossing
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, blocks


async def block(fed: Federation, verified: Verified) -> Effect:
    """Hide the two from each other, without a notice. A ban from a community elsewhere is that community's business."""
    activity = verified.activity
    if not verified.signed or activity.target:
        raise Ignored("A ban from a community elsewhere changes nothing here.")
    actor = await wraps.acting(fed, verified)
    target = await crossing.reading(fed.database, lambda db: actors.by_uri(db, activity.object_id))
    if target is None or not target.local:
        raise Ignored("There is nobody of that id here.")

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        blocks.block(db, actors.get(db, actor.id), actors.get(db, target.id), uri=activity.id)
        return f"{actor.uri} has blocked {target.uri}."

    return effect
