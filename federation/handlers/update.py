"""Update: a post has a new edition, or an actor changed."""

from datetime import timedelta

from sqlalchemy.orm import Session

from federation import crossing, reading, resolving, urls
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.create import create
from federation.handlers.effects import Effect, Ignored
from federation.reading import ObjectIn
from federation.verified import Verified
from models import actors, arriving, jobs, listings, polls, posts
from models.actors import Actor
from models.base import now
from models.posts import Post

LATE = timedelta(days=1)
"""An Update of a post that we do not have counts as its Create for so long."""

ASK_EVERY = timedelta(minutes=1)


async def update(fed: Federation, verified: Verified) -> Effect:
    """Take over what its own author, or the origin, says now. Older editions and other people's are nothing."""
    activity = verified.activity
    if activity.object_id in (verified.actor if verified.signed else "", verified.wrapper) and activity.object_id:
        return await _actor(fed, activity.object_id, verified)
    found = await crossing.reading(fed.database, lambda db: _row(db, activity.object_id))
    if found is None:
        return await _unknown(fed, verified)
    post, author = found
    if post.local:
        raise Ignored("It is one of our own posts.")
    if post.deleted_at is not None:
        raise Ignored("This post was deleted.")
    await wraps.check_home(fed, verified, post)
    if verified.signed and author.uri != verified.actor:
        raise Ignored("The post belongs to somebody else.")
    said = _said(verified)
    if (figures := _figures(verified, post, said)) is not None:
        return figures
    if said is not None and said.updated is not None:
        last = post.updated or post.published
        if said.updated < last or (said.updated == post.updated and not verified.signed):
            raise Ignored("It is not newer than what we have.")
        if verified.signed and said.updated > last:
            remote = await resolving.to_remote(fed, said, verified.budget)
            raw = reading.without_context(activity.raw)

            def effect(db: Session) -> str:
                if not arriving.update_remote(db, remote, inner=raw):
                    raise Ignored("It is not newer than what we have.")
                return f"A new edition of {remote.uri}."

            return effect
    return await _ask_origin(fed, post, verified)


def _row(db: Session, uri: str) -> tuple[Post, Actor] | None:
    post = posts.by_uri(db, uri)
    return None if post is None else (post, actors.get(db, post.author_id))


def _said(verified: Verified) -> ObjectIn | None:
    """The embedded copy. Believed only if signed; wrapped, its date still says whether asking is worth while."""
    doc = verified.activity.object
    if doc is None or not urls.same_origin(verified.activity.object_id, verified.actor):
        return None
    said = reading.note(doc)
    if said.author != verified.actor:
        raise Ignored("The post belongs to somebody else than who sent it.")
    return said


async def _actor(fed: Federation, uri: str, verified: Verified) -> Effect:
    """An actor is always read anew from its origin: servers send half of it, or only its id (WordPress)."""
    if (known := await crossing.reading(fed.database, lambda db: actors.by_uri(db, uri))) is None or known.local:
        raise Ignored("We do not know this actor.")
    remote = await resolving.fetch_actor(fed, uri, verified.budget)

    def effect(db: Session) -> str:
        actors.record_remote(db, remote)
        return f"Read {uri} anew."

    return effect


async def _unknown(fed: Federation, verified: Verified) -> Effect:
    doc = verified.activity.object
    if doc is not None and reading.is_actor(doc):
        raise Ignored("Only an actor itself says that it changed.")
    said = _said(verified)
    if said is None or said.published is None or now() - said.published > LATE:
        raise Ignored("We do not have this post.")
    try:
        recorded = await create(fed, verified)
    except Ignored:
        if await crossing.reading(fed.database, lambda db: _row(db, said.id)) is None:
            raise
        return await update(fed, verified)  # another worker recorded its Create meanwhile
    remote = await resolving.to_remote(fed, said, verified.budget)
    raw = reading.without_context(verified.activity.raw)

    def effect(db: Session) -> str:
        if posts.by_uri(db, remote.uri) is None:
            return recorded(db)
        # another worker recorded its Create meanwhile, and that was an older edition
        if not verified.signed or not arriving.update_remote(db, remote, inner=raw):
            raise Ignored("It is not newer than what we have.")
        return f"A new edition of {remote.uri}."

    return effect


def _figures(verified: Verified, post: Post, said: ObjectIn | None) -> Effect | None:
    """The new figures of a poll, from its author's own hand: the text keeps its date, so that nothing else changes.

    None for everything else, a new edition of a poll included.
    """
    if not verified.signed or said is None or said.poll is None or post.object_type != polls.OBJECT_TYPE:
        return None
    if said.updated is not None and said.updated > (post.updated or post.published):
        return None
    remote = said.poll

    def effect(db: Session) -> str:
        if polls.get(db, post.id) is None:  # it came before polls were kept here
            polls.take(db, posts.get(db, post.id), remote)
        elif not polls.tally(db, posts.get(db, post.id), remote):
            raise Ignored("It has other options than the poll that we know.")
        listings.pass_on(db, posts.get(db, post.id), reading.without_context(verified.activity.raw))
        return f"New figures of {post.uri}."

    return effect


async def _ask_origin(fed: Federation, post: Post, verified: Verified) -> Effect:
    """Without a newer date only the origin knows what holds (poll tallies, snac2); it is asked once a minute at most."""
    uri = post.uri
    due = (post.checked_at or post.published) + ASK_EVERY
    if due > now():

        def later(db: Session) -> str:
            jobs.enqueue(db, "refresh_post", {"uri": uri}, dedupe=f"refresh:{uri}", run_at=due)
            return f"{uri} is asked for again in a minute."

        return later
    found = await resolving.fetch_post(fed, uri, verified.budget)

    def effect(db: Session) -> str:
        changed = arriving.update_remote(db, found.remote, fetched=True)
        return f"{uri} as its origin has it now." if changed else f"{uri} is unchanged at its origin."

    return effect
