"""Create: somebody wrote something."""

from datetime import timedelta

from sqlalchemy.orm import Session

from federation import backfill, crossing, reading, resolving, urls
from federation.context import Federation
from federation.handlers import keeping, wraps
from federation.handlers.ballots import ballot
from federation.handlers.effects import Effect, Ignored
from federation.reading import ObjectIn
from federation.verified import Verified
from models import actors, jobs, listings, polls, posts
from models.arriving import RemotePost
from models.base import now

AGAIN_AFTER = timedelta(minutes=5)
"""When a parent is asked for again whose server did not answer."""


async def create(fed: Federation, verified: Verified) -> Effect:
    """Record a post, if it is wanted here.

    The embedded copy counts only if its own author signed it; everything else is fetched from where it stands.
    """
    activity = verified.activity
    if not activity.object_id:
        raise Ignored("The object has no id.")
    if urls.same_origin(activity.object_id, fed.node.origin):
        return await _own(fed, verified)
    if (counted := await ballot(fed, verified)) is not None:
        return counted
    if await crossing.reading(fed.database, lambda db: posts.by_uri(db, activity.object_id)) is not None:
        return await _known(fed, verified)
    if not verified.signed and not await wraps.is_heard(fed, await wraps.community(fed, verified)):
        raise Ignored("Nobody here follows the community that wrapped it.")
    read, remote, proven = await read_post(fed, verified)
    if read.is_vote:
        await _refuse_vote(fed, read)
    if verified.signed and not await crossing.reading(
        fed.database, lambda db: keeping.is_wanted(db, remote, activity.addressed)
    ):
        raise Ignored("Nobody here follows its author, is addressed by it, or has what it answers.")
    above, silent = await backfill.ancestors(fed, read.in_reply_to, verified.budget)

    def effect(db: Session) -> str:
        post = keeping.record(
            db, remote, ancestors=above, inner=activity.raw if proven else None, budget=verified.budget
        )
        if silent and post.in_reply_to_id is None:
            uri = above[0].read.in_reply_to if above else read.in_reply_to
            payload = {"uri": uri, "budget": verified.budget.carry()}
            jobs.enqueue(db, "backfill", payload, dedupe=f"backfill:{uri}", run_at=now() + AGAIN_AFTER)
        if verified.signed:
            keeping.forward(db, post, remote, verified.received_id)
        else:
            _list(db, verified, post)
        return f"Recorded the {post.kind} {post.uri}."

    return effect


async def read_post(fed: Federation, verified: Verified) -> tuple[ObjectIn, RemotePost, bool]:
    """The post, what `models` needs of it, and whether the activity itself proves it (else it was fetched)."""
    activity = verified.activity
    if verified.signed and activity.object is not None and urls.same_origin(activity.object_id, verified.actor):
        read = reading.note(activity.object)
        if read.author != verified.actor:
            raise Ignored("The post belongs to somebody else than who sent it.")
        return read, await resolving.to_remote(fed, read, verified.budget), True
    found = await resolving.fetch_post(fed, activity.object_id, verified.budget)
    if verified.signed and found.read.author != verified.actor:
        raise Ignored("The post belongs to somebody else than who sent it.")
    return found.read, found.remote, False


async def _refuse_vote(fed: Federation, read: ObjectIn) -> None:
    """A vote in a poll has no text: without a poll it is nothing."""
    parent = await crossing.reading(fed.database, lambda db: posts.by_uri(db, read.in_reply_to))
    if parent is not None and parent.object_type == polls.OBJECT_TYPE:
        raise Ignored("A vote in a poll of another server, which counts it itself.")
    raise Ignored("It has the form of a vote, and what it answers is no poll of ours.")


async def _own(fed: Federation, verified: Verified) -> Effect:
    """Our own post comes back, wrapped by its community: that is how we learn that it was let in."""
    if verified.signed:
        raise Ignored("It is said to be one of our own posts.")
    return await _known(fed, verified)


async def _known(fed: Federation, verified: Verified) -> Effect:
    """A post we have: a community that wraps one of its own threads lists it; more is not to be done."""
    if verified.signed:
        raise Ignored("We have this post already.")
    await wraps.community(fed, verified)

    def effect(db: Session) -> str:
        post = posts.by_uri(db, verified.activity.object_id)
        if post is None or post.deleted_at is not None or not _list(db, verified, post):
            raise Ignored("We have this post already." if post else "There is no such post here.")
        return f"Listed {post.uri}."

    return effect


def _list(db: Session, verified: Verified, post: posts.Post) -> bool:
    group = actors.by_uri(db, verified.wrapper)
    return group is not None and listings.announced(db, group, post, verified.activity.id)
