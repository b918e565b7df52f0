"""Accept: the answer to a Follow of ours, or to somebody here who signed up for a meeting elsewhere."""

from sqlalchemy.orm import Session

from federation import urls
from federation.context import Federation
from federation.handlers.effects import Effect, Ignored
from federation.reading import ActivityIn, Unreadable
from federation.reading import activity as read_activity
from federation.verified import Verified
from models import actors, attendance, attending, calls, communities, follows, posts
from models.calls import WouldCome
from models.follows import Follow
from models.meetings import Attendee


async def accept(fed: Federation, verified: Verified) -> Effect:
    """The target of a Follow or Join of ours agrees."""
    return await answer(verified, accepted=True)


async def answer(verified: Verified, *, accepted: bool) -> Effect:
    """Apply the answer to the Follow it means, if that was ours and the sender is whom it asked."""
    if not verified.signed:
        raise Ignored("Only who is followed can answer.")

    def effect(db: Session) -> str:
        if (own := joined(db, verified.activity)) is not None:
            return _place(db, own, verified.actor, accepted=accepted)
        if (would := calls.by_join_uri(db, verified.activity.object_id)) is not None:
            return _would_come(db, would, verified.actor, accepted=accepted)
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


def _place(db: Session, own: Attendee, sender: str, *, accepted: bool) -> str:
    """Who organises a meeting elsewhere, or the community it is in, says whether somebody of ours comes."""
    post, member = posts.get(db, own.post_id), actors.get(db, own.actor_id)
    home = communities.home_of(db, post)
    hosts = {actors.get(db, post.author_id).uri, home.uri if home is not None else ""}
    if not member.local or post.local or sender not in hosts or not urls.same_origin(sender, post.uri):
        raise Ignored("It is not the sender's to answer.")
    if not attending.answered(db, own, accepted=accepted):
        raise Ignored("It was answered so already.")
    return f"{member.uri} {'comes' if accepted else 'does not come'} to {post.uri}."


def _would_come(db: Session, own: WouldCome, sender: str, *, accepted: bool) -> str:
    """Who asks a question elsewhere that calls for a meeting says whether somebody of ours counts."""
    post = posts.get(db, own.post_id)
    if post.local or sender != actors.get(db, post.author_id).uri:
        raise Ignored("It is not the sender's to answer.")
    if accepted:
        raise Ignored("It was counted so already.")
    calls.refused(db, own)
    return f"Nobody of ours counts at {post.uri}."


def joined(db: Session, activity: ActivityIn) -> Attendee | None:
    """The Join that an answer names by its id, or describes by who and what."""
    own = attending.by_join_uri(db, activity.object_id)
    if own is not None or activity.object is None or activity.object.get("type") != "Join":
        return own
    try:
        inner = read_activity(activity.object)
    except Unreadable:
        return None
    member, post = actors.by_uri(db, inner.actor), posts.by_uri(db, inner.object_id)
    return attendance.attendee(db, post, member) if member is not None and post is not None else None


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
