"""Undo: the same actor takes back what he did.

Matched by the id of what is undone, else by who did what to what. Some servers undo under another id than they did
it under (microblog.pub), some embed the act with ids that only their own tables know (NodeBB).
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from federation import crossing, reading
from federation.context import Federation
from federation.documents import Passing
from federation.handlers import early, wraps
from federation.handlers.block import moderating
from federation.handlers.choose_answer import judge
from federation.handlers.effects import Effect, Ignored
from federation.handlers.join import undo_join
from federation.reading import ActivityIn
from federation.verified import Verified
from models import (
    actors,
    attending,
    blocks,
    calls,
    communities,
    exclusions,
    follows,
    inbox,
    jobs,
    listings,
    posts,
    reactions,
    threads,
)
from models.actors import Actor
from models.base import now

Undo = Callable[[Federation, Verified, ActivityIn], Awaitable[Effect]]


async def undo(fed: Federation, verified: Verified) -> Effect:
    """Take an act back. Only its own actor can, and a deleted post stays deleted."""
    inner = await _undone(fed, verified)
    if inner.actor != verified.actor:
        raise Ignored("Only who did it can take it back.")
    handler = UNDOERS.get(inner.type)
    if handler is None:
        raise Ignored(f"What it takes back has no effect here: {inner.type[:60]}.")
    return await handler(fed, verified, inner)


async def _undone(fed: Federation, verified: Verified) -> ActivityIn:
    """The act that is undone: as embedded, or found by its id among what we know of this actor."""
    activity = verified.activity
    if activity.object is not None:
        # The embedded act is the sender's own, whoever he says did it: `_undone` reads, `undo` compares.
        doc = {"actor": verified.actor, **activity.object}
        return reading.activity(doc)
    found = await crossing.reading(fed.database, lambda db: _by_id(db, activity.object_id))
    if found is None:
        if await crossing.reading(fed.database, lambda db: inbox.holds(db, activity.object_id)):
            raise Passing("What it takes back is still to have its effect.")
        raise Ignored("We know nothing of that id.")
    kind, actor, uri = found
    return ActivityIn(activity.object_id, kind, actor, uri, None)


def _by_id(db: Session, uri: str) -> tuple[str, str, str] | None:
    """(type, actor, object) of a follow, vote, boost, sign-up or block whose activity has this id."""
    if (follow := follows.by_uri(db, uri)) is not None:
        return "Follow", actors.get(db, follow.follower_id).uri, actors.get(db, follow.target_id).uri
    if (vote := reactions.by_vote_uri(db, uri)) is not None:
        return "Like", actors.get(db, vote.actor_id).uri, posts.get(db, vote.post_id).uri
    if (boost := reactions.by_boost_uri(db, uri)) is not None:
        return "Announce", actors.get(db, boost.actor_id).uri, posts.get(db, boost.post_id).uri
    if (own := attending.by_join_uri(db, uri)) is not None:
        return "Join", actors.get(db, own.actor_id).uri, posts.get(db, own.post_id).uri
    if (would := calls.by_join_uri(db, uri)) is not None:
        return "Join", actors.get(db, would.actor_id).uri, posts.get(db, would.post_id).uri
    if (block := blocks.by_uri(db, uri)) is not None:
        return "Block", actors.get(db, block.actor_id).uri, actors.get(db, block.target_id).uri
    return None


def _nothing(db: Session, inner: ActivityIn) -> str:
    """Nothing to take back: it may still come, or has come and gone."""
    if not early.remember_undone(db, inner):
        raise Ignored("There is nothing left to take back.")
    return "Nothing to take back yet; if it comes, it is over."


async def _follow(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    _only_signed(verified)

    def effect(db: Session) -> str:
        actor, target = _pair(db, verified.actor, inner.object_id)
        row = follows.find(db, actor.id, target.id)
        if row is None:
            return _nothing(db, inner)
        follows.undo(db, actor, target)
        early.settled(db, replace(inner, id=row.uri))
        return f"{actor.uri} no longer follows {target.uri}."

    return effect


async def _block(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    if inner.target:
        return await _ban(fed, verified, inner)
    _only_signed(verified)

    def effect(db: Session) -> str:
        actor, target = _pair(db, verified.actor, inner.object_id)
        if not blocks.unblock(db, actor, target):
            return _nothing(db, inner)
        early.settled(db, inner)
        return f"{actor.uri} no longer blocks {target.uri}."

    return effect


async def _ban(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    group, actor = await moderating(fed, verified, inner.target)
    raw = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        target = actors.by_uri(db, inner.object_id)
        by, home = actors.get(db, actor.id), actors.get(db, group.id)
        if target is None or not exclusions.heard_of_end(db, by, home, target, inner=raw):
            return _nothing(db, inner)
        early.settled(db, inner)
        return f"{home.uri} lets {target.uri} in again."

    return effect


def _only_signed(verified: Verified) -> None:
    if not verified.signed:
        raise Ignored("Only who did it can take it back.")


def _pair(db: Session, actor_uri: str, target_uri: str) -> tuple[Actor, Actor]:
    actor, target = actors.by_uri(db, actor_uri), actors.by_uri(db, target_uri)
    if actor is None or target is None or not target.local:
        raise Ignored("There is nobody of that id here.")
    return actor, target


async def _vote(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    post = await crossing.reading(fed.database, lambda db: posts.by_uri(db, inner.object_id))
    if post is None:
        raise Ignored("We do not have the post.")
    await wraps.check_home(fed, verified, post)
    actor = await wraps.acting(fed, verified)
    raw = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        row, voter = posts.get(db, post.id), actors.get(db, actor.id)
        value = reactions.my_votes(db, voter.id, [row.id]).get(row.id)
        # Taking a Dislike back must not take the vote that came in its place.
        if value is None or (value > 0) == (inner.type == "Dislike"):
            return _nothing(db, inner)
        reactions.withdraw_vote(db, voter, row, inner=raw)
        early.settled(db, inner)
        return f"Took the vote for {row.uri} back."

    return effect


async def _announce(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    _only_signed(verified)

    def effect(db: Session) -> str:
        actor = actors.by_uri(db, verified.actor)
        boost = reactions.by_boost_uri(db, inner.id)
        post = posts.get(db, boost.post_id) if boost is not None else posts.by_uri(db, inner.object_id)
        if post is None:
            post = listings.listed_by(db, inner.id)  # NodeBB embeds a bare number; its Announce's id is right
        if actor is None:
            raise Ignored("We do not know this actor.")
        if post is None:
            return _nothing(db, inner)
        if actor.is_community and listings.unannounced(db, actor, post):
            early.settled(db, inner)
            return f"{actor.uri} no longer shows {post.uri}."
        if not reactions.unboost(db, actor, post):
            return _nothing(db, inner)
        early.settled(db, inner)
        return f"Took the boost of {post.uri} back."

    return effect


async def _choose_answer(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    answer, question, chooser = await judge(fed, verified, inner.object_id)
    raw = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        asked, by = posts.get(db, question.id), actors.get(db, chooser.id)
        if not threads.may_accept(db, by, asked):
            raise Ignored("Only the person who asked, or a moderator, can take it back.")
        if asked.accepted_id != answer.id:
            return _nothing(db, inner)
        threads.withdraw(db, by, asked, inner=raw)
        early.settled(db, inner)
        return f"{answer.uri} is no longer the accepted answer to {asked.uri}."

    return effect


async def _delete(fed: Federation, verified: Verified, inner: ActivityIn) -> Effect:
    """A moderator puts back what he removed. An author's deletion is for ever, unless his server only changed the text."""
    if await crossing.reading(fed.database, lambda db: _is_authors(db, inner)):
        return lambda db: _ask_again(db, inner.object_id)
    found = await crossing.reading(fed.database, lambda db: _removed(db, inner.object_id))
    if found is None:
        raise Ignored("A deleted post stays deleted, and nothing of that id was removed.")
    post, home = found
    await wraps.check_home(fed, verified, post)
    if verified.signed and not home.local:
        raise Ignored("It counts here only through the thread's own community.")
    actor = await wraps.acting(fed, verified)
    await wraps.learn_moderators(fed, home, actor, verified)
    raw = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        listings.restore_post(db, actors.get(db, actor.id), posts.get(db, post.id), inner=raw)
        return f"{post.uri} is back in {home.uri}."

    return effect


def _is_authors(db: Session, inner: ActivityIn) -> bool:
    post = posts.by_uri(db, inner.object_id)
    if post is None or post.local or post.deleted_at is not None or post.removed_at is not None:
        return False
    return actors.get(db, post.author_id).uri == inner.actor


def _ask_again(db: Session, uri: str) -> str:
    jobs.enqueue(db, "refresh_post", {"uri": uri}, dedupe=f"refresh:{uri}", run_at=now() + timedelta(minutes=1))
    return f"{uri} is asked for again in a minute."


def _removed(db: Session, uri: str) -> tuple[posts.Post, Actor] | None:
    post = posts.by_uri(db, uri)
    home = communities.home_of(db, post) if post is not None else None
    if post is None or home is None or post.deleted_at is not None or post.removed_at is None:
        return None
    return post, home


UNDOERS: dict[str, Undo] = {
    "Follow": _follow,
    "Join": undo_join,
    "Like": _vote,
    "Dislike": _vote,
    "EmojiReact": _vote,
    "Announce": _announce,
    "Block": _block,
    "ChooseAnswer": _choose_answer,
    "Delete": _delete,
}
"""What can be taken back, by its type."""
