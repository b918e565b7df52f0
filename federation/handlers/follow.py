"""Follow: somebody wants to hear from one of ours."""

from sqlalchemy.orm import Session

from federation import crossing
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, follows
from models.errors import Forbidden


async def follow(fed: Federation, verified: Verified) -> Effect:
    """Ask to follow one of ours: answered at once where the account is open, else by its owner."""
    activity = verified.activity
    if not verified.signed:
        raise Ignored("Only who follows can say so.")
    actor = await wraps.acting(fed, verified)
    target = await crossing.reading(fed.database, lambda db: actors.by_uri(db, activity.object_id))
    if target is None or not target.local or target.deleted_at is not None:
        raise Ignored("There is nobody of that id here.")

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        try:
            row = follows.request(db, actors.get(db, actor.id), actors.get(db, target.id), uri=activity.id)
        except Forbidden as error:
            raise Ignored("One of the two has blocked the other.") from error
        return f"{actor.uri} follows {target.uri}: {row.state}."

    return effect
