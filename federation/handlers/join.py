"""Join: somebody elsewhere signs up for a meeting."""

from sqlalchemy.orm import Session

from federation import crossing, reading
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import access, actors, outbox, posts


async def join(fed: Federation, verified: Verified) -> Effect:
    """Say politely, from the author of the post, that nobody can sign up here, so that the sender is not left waiting."""
    activity = verified.activity
    if not verified.signed:
        raise Ignored("Only who signs up can say so.")
    actor = await wraps.acting(fed, verified)
    post = await crossing.reading(fed.database, lambda db: posts.by_uri(db, activity.object_id))
    if post is None or not post.local:
        raise Ignored("There is no meeting of that id here.")

    def effect(db: Session) -> str:
        row = posts.get(db, post.id)
        if not access.may_see(db, actors.get(db, actor.id), row):
            raise Ignored("There is no meeting of that id here.")
        embed = {"id": activity.id, "type": "Join", "actor": actor.uri, "object": row.uri}
        outbox.record(
            db, "Reject", actors.get(db, row.author_id), object_uri=activity.id, to=[actor.uri], data={"embed": embed}
        )
        return f"Declined: nobody can sign up for {row.uri}."

    return effect


async def leave(fed: Federation, verified: Verified) -> Effect:
    """Nobody is signed up, so nobody can leave."""
    raise Ignored(f"Nobody is signed up for {reading.one_id(verified.activity.object_id)[:200]}.")
