"""Announce of a post: a boost, or a community that shows one of its threads. What wraps activities was unwrapped before."""

from sqlalchemy.orm import Session

from federation import backfill, crossing, resolving, urls
from federation.context import Federation
from federation.handlers import early, keeping, wraps
from federation.handlers.effects import Effect, Ignored
from federation.resolving import FetchedPost
from federation.verified import Verified
from models import access, actors, follows, listings, posts, reactions


async def announce(fed: Federation, verified: Verified) -> Effect:
    """Show a post of ours, or one fetched from its origin if somebody here follows who announces it."""
    activity = verified.activity
    uri = activity.object_id
    if not verified.signed:
        raise Ignored("An Announce inside an Announce says nothing.")
    actor = await wraps.acting(fed, verified)
    fetched: list[FetchedPost] = []
    known = await crossing.reading(fed.database, lambda db: posts.by_uri(db, uri))
    if known is None:
        if not uri or urls.same_origin(uri, fed.node.origin):
            raise Ignored("We do not have the post.")
        if not await crossing.reading(fed.database, lambda db: follows.followed_here(db, actor.id)):
            raise Ignored("Nobody here follows who announces it.")
        found = await resolving.fetch_post(fed, uri, verified.budget)
        uri = found.read.id
        above, _ = await backfill.ancestors(fed, found.read.in_reply_to, verified.budget)
        fetched = [*above, found]

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        for one in fetched:
            keeping.record_ancestor(db, one.remote)
        by, post = actors.get(db, actor.id), posts.by_uri(db, uri)
        if post is None or not access.may_see(db, None, post):
            raise Ignored("The post is not there, or not for everybody.")
        if by.is_community and post.community_id == by.id:
            new = listings.announced(db, by, post, activity.id)
            return f"{by.uri} shows {post.uri}." if new else f"{by.uri} shows the reply {post.uri}."
        reactions.boost(db, by, post, uri=activity.id, at=activity.published)
        return f"A boost of {post.uri}."

    return effect
