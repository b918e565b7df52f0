"""Accept: the answer to a Follow of ours."""

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.handlers.effects import Effect, Ignored
from federation.reading import ActivityIn, Unreadable
from federation.reading import activity as read_activity
from federation.verified import Verified
from models import actors, follows
from models.follows import Follow


async def accept(fed: Federation, verified: Verified) -> Effect:
    """The target of a Follow of ours agrees."""
    return await answer(verified, accepted=True)


async def answer(verified: Verified, *, accepted: bool) -> Effect:
    """Apply the answer to the Follow it means, if that was ours and the sender is whom it asked."""
    if not verified.signed:
        raise Ignored("Only who is followed can answer.")

    def effect(db: Session) -> str:
        row = asked(db, verified.activity)
        if row is None:
            raise Ignored("We never asked.")
        follower, target = actors.get(db, row.follower_id), actors.get(db, row.target_id)
        if not follower.local or target.uri != verified.actor:
            raise Ignored("It is not the sender's to answer.")
        if not accepted:
            follows.reject(db, row)
            return f"{target.uri} does not let {follower.uri} follow."
        if row.state == follows.FollowState.ACCEPTED:
            raise Ignored("It was accepted already.")
        follows.accept(db, row)
        return f"{target.uri} lets {follower.uri} follow."

    return effect


def asked(db: Session, activity: ActivityIn) -> Follow | None:
    """The Follow that an answer names by its id, or describes by who and whom."""
    row = follows.by_uri(db, activity.object_id)
    if row is not None or activity.object is None:
        return row
    try:
        inner = read_activity(activity.object)
    except Unreadable:
        return None
    follower, target = actors.by_uri(db, inner.actor), actors.by_uri(db, inner.object_id)
    if inner.type != "Follow" or follower is None or target is None:
        return None
    return follows.find(db, follower.id, target.id)
