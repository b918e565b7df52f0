"""Join and Leave: somebody elsewhere signs up for a meeting of this node, or would come to one that a question calls for;
and takes it back."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from federation import crossing, reading
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.reading import ActivityIn
from federation.verified import Verified
from models import access, actors, attendance, attending, calls, meeting_news, meetings, memory, posts
from models.actors import Actor
from models.calls import WouldCome
from models.errors import Conflict, Forbidden
from models.meetings import Attendee, Way
from models.posts import Post

LEFT = 60.0
"""Seconds for which a Leave that found nothing counts against a `Join` that it overtook."""


async def join(fed: Federation, verified: Verified) -> Effect:
    """Ask for a place. The answer is sent once it is decided; what nobody can join is declined at once, so that the
    sender is not left waiting."""
    activity = verified.activity
    if not verified.signed:
        raise Ignored("Only who signs up can say so.")
    actor = await wraps.acting(fed, verified)
    post = await crossing.reading(fed.database, lambda db: posts.by_uri(db, activity.object_id))
    if post is None or not post.local:
        raise Ignored("There is no meeting of that id here.")

    def effect(db: Session) -> str:
        row, who = posts.get(db, post.id), actors.get(db, actor.id)
        if early.was_undone(db, activity) or _left(db, who, row):
            return "It was taken back before it came."
        if not access.may_see(db, who, row):
            raise Ignored("There is no meeting of that id here.")
        try:
            return _taken(db, who, row, activity.id)
        except (Forbidden, Conflict) as refusal:
            meeting_news.send_answer(db, row, who, activity.id, accepted=False)
            return f"Declined: {refusal.text}"

    return effect


def _taken(db: Session, who: Actor, post: Post, join_uri: str) -> str:
    if calls.find(db, post) is not None:
        calls.come(db, who, post, Way.JOIN, join_uri=join_uri)
        meeting_news.send_answer(db, post, who, join_uri, accepted=True)
        return f"{who.uri} would come to a meeting about {post.uri}."
    if meetings.find(db, post) is None:
        raise Forbidden("It is no meeting.")
    own = attending.sign_up(db, who, post, Way.JOIN, join_uri=join_uri)
    return f"{who.uri} is {own.state} for {post.uri}."


async def leave(fed: Federation, verified: Verified) -> Effect:
    """Give the place up. Servers name the meeting, or their own `Join`."""
    if not verified.signed:
        raise Ignored("Only who signed up can take it back.")
    return _withdraw(verified, verified.activity, verified.activity.object)


async def undo_join(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    """The Undo of a `Join` is a `Leave`."""
    if not verified.signed:
        raise Ignored("Only who signed up can take it back.")
    return _withdraw(verified, inner, None, joined=inner.id)


def _withdraw(
    verified: Verified, activity: ActivityIn, embedded: Mapping[str, object] | None, *, joined: str = ""
) -> Effect:
    named = activity.object_id
    inside = reading.one_id(embedded.get("object")) if embedded is not None else ""

    def effect(db: Session) -> str:
        actor = actors.by_uri(db, verified.actor)
        if actor is None:
            raise Ignored("We do not know this actor.")
        by_name = _by_uri(db, joined) or _by_uri(db, named)
        post = posts.get(db, by_name.post_id) if by_name is not None else None
        post = post or posts.by_uri(db, named) or posts.by_uri(db, inside)
        if post is None or not post.local or (by_name is not None and by_name.actor_id != actor.id):
            raise Ignored("There is no meeting of that id here.")
        own = attendance.attendee(db, post, actor) or calls.mine(db, actor, post)
        if own is None or not own.ways & Way.JOIN:
            return _nothing(db, actor, post, joined)
        done = ActivityIn(own.join_uri, "Join", actor.uri, post.uri, None)
        withdraw = attending.withdraw if isinstance(own, Attendee) else calls.stay_away
        withdraw(db, actor, post, Way.JOIN)
        early.settled(db, done)
        return f"{actor.uri} does not come to {post.uri}."

    return effect


def _by_uri(db: Session, uri: str) -> Attendee | WouldCome | None:
    return attending.by_join_uri(db, uri) or calls.by_join_uri(db, uri)


def _nothing(db: Session, actor: Actor, post: Post, joined: str) -> str:
    """Nothing to take back. An Undo says which `Join` it means, and outlives it; a Leave does not, so that it can only
    mean one that is on its way right now."""
    if meetings.find(db, post) is None and calls.find(db, post) is None:
        raise Ignored("There is no meeting of that id here.")
    if not joined:
        memory.remember(db, "left", f"{actor.uri} {post.uri}", True, LEFT)
    elif not early.remember_undone(db, ActivityIn(joined, "Join", actor.uri, post.uri, None)):
        raise Ignored("There is nothing left to take back.")
    return "Nothing to take back yet; if it comes, it is over."


def _left(db: Session, actor: Actor, post: Post) -> bool:
    if not memory.recall(db, "left", f"{actor.uri} {post.uri}"):
        return False
    memory.forget(db, "left", f"{actor.uri} {post.uri}")
    return True
