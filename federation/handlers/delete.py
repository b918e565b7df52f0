"""Delete: an author takes a post back, an actor leaves, or a moderator removes something from a community."""

from datetime import timedelta

from sqlalchemy.orm import Session

from federation import crossing, reading, resolving, urls
from federation.context import Federation
from federation.documents import Gone
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, arriving, communities, jobs, leaving, listings, memory, posts, removing
from models.actors import Actor
from models.base import now
from models.posts import Post

ASK_AGAIN = timedelta(minutes=2)


async def delete(fed: Federation, verified: Verified) -> Effect:
    """A tombstone if the author or the origin says so; a removal if a moderator of the thread's home does.

    What we do not have is never asked for.
    """
    activity = verified.activity
    uri = activity.object_id
    if uri == verified.actor:
        return _actor(verified)
    found = await crossing.reading(fed.database, lambda db: _row(db, uri))
    if found is None:
        return _unknown(verified)
    post, author, home = found
    if post.deleted_at is not None:
        raise Ignored("It is deleted already.")
    await wraps.check_home(fed, verified, post)
    if author.uri == verified.actor:
        return await _by_author(fed, verified, post)
    return await _by_moderator(fed, verified, post, home)


def _row(db: Session, uri: str) -> tuple[Post, Actor, Actor | None] | None:
    post = posts.by_uri(db, uri)
    return None if post is None else (post, actors.get(db, post.author_id), communities.home_of(db, post))


def _actor(verified: Verified) -> Effect:
    if not verified.signed:
        raise Ignored("Only an actor itself says that it is gone.")

    def effect(db: Session) -> str:
        actor = actors.by_uri(db, verified.actor)
        if actor is None or actor.local or actor.deleted_at is not None:
            raise Ignored("We do not know this actor.")
        leaving.gone(db, actor)
        return f"{verified.actor} is gone, and what it wrote."

    return effect


def _unknown(verified: Verified) -> Effect:
    """Remembered, if it may be that the post is still on its way."""
    uri = verified.activity.object_id
    if not verified.signed or not urls.same_origin(uri, verified.actor):
        raise Ignored("We do not have this post.")

    def effect(db: Session) -> str:
        post = posts.by_uri(db, uri)
        if post is not None and actors.get(db, post.author_id).uri == verified.actor:
            return tombstone(uri, verified)(db)  # another worker had its Create in hand
        memory.remember(db, "deleted", uri, verified.actor, early.KEPT)
        return "We do not have this post; if it comes, it is deleted."

    return effect


async def _by_author(fed: Federation, verified: Verified, post: Post) -> Effect:
    if post.local:
        raise Ignored("It is one of our own posts.")
    return tombstone(post.uri, verified) if verified.signed else await _as_at_origin(fed, verified, post.uri)


async def _as_at_origin(fed: Federation, verified: Verified, uri: str) -> Effect:
    """A tombstone if the origin has the post no longer; else what it shows now (PieFed: "Deleted by author")."""
    try:
        found = await resolving.fetch_post(fed, uri, verified.budget)
    except Gone:
        return tombstone(uri, verified)

    def effect(db: Session) -> str:
        if not arriving.update_remote(db, found.remote, fetched=True):
            # Its community may be faster than what its server keeps ready for readers (NodeBB: for up to a minute).
            payload = {"uri": uri, "deleted": True}
            jobs.enqueue(db, "refresh_post", payload, dedupe=f"deleted:{uri}", run_at=now() + ASK_AGAIN)
            return "Its origin still has it, and is asked again in two minutes."
        return f"{uri} as its origin has it now."

    return effect


def tombstone(uri: str, verified: Verified) -> Effect:
    """Empty the post for ever."""
    inner = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        post = posts.by_uri(db, uri)
        if post is None or post.deleted_at is not None:
            raise Ignored("It is deleted already.")
        removing.tombstone(db, post, inner=inner)
        return f"Deleted {uri}."

    return effect


async def _by_moderator(fed: Federation, verified: Verified, post: Post, home: Actor | None) -> Effect:
    if home is None or (verified.signed and not home.local):
        raise Ignored("The post belongs to somebody else.")
    actor = await wraps.acting(fed, verified)
    await wraps.learn_moderators(fed, home, actor, verified)
    if not await crossing.reading(fed.database, lambda db: communities.is_moderator(db, actor.id, home.id)):
        if post.local or verified.signed:
            raise Ignored("The post belongs to somebody else, and the sender does not moderate its community.")
        return await _as_at_origin(fed, verified, post.uri)
    activity = verified.activity
    inner = reading.without_context(activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        row = posts.get(db, post.id)
        if row.removed_at is not None:
            raise Ignored("It is removed already.")
        listings.remove_post(db, actors.get(db, actor.id), row, activity.summary or activity.content, inner=inner)
        return f"Removed {row.uri} from {home.uri}."

    return effect
