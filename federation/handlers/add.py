"""Add: a post is shown first (`featured`), or a community has a new moderator."""

from sqlalchemy.orm import Session

from federation import crossing, reading, resolving, urls
from federation.context import Federation
from federation.handlers import wraps
from federation.handlers.effects import Effect, Ignored
from federation.handlers.keeping import record_ancestor
from federation.verified import Verified
from models import actors, communities, pins, posts
from models.actors import Actor


async def add(fed: Federation, verified: Verified) -> Effect:
    """Follow a change of a collection that is the actor's own, or that of a community which he moderates."""
    return await change(fed, verified, added=True)


async def change(fed: Federation, verified: Verified, *, added: bool) -> Effect:
    """Add to or remove from the collection in `target`, if the actor may."""
    activity = verified.activity
    actor = await wraps.acting(fed, verified)
    group = await wraps.community(fed, verified) if not verified.signed else None
    if group is not None and not activity.target:
        return await _untold(fed, verified, group)
    owner = await crossing.reading(fed.database, lambda db: _owner(db, activity.target, actor, group))
    if owner is None:
        raise Ignored("The collection is not the sender's own.")
    if owner.id != actor.id:
        await wraps.learn_moderators(fed, owner, actor, verified)
        if not await crossing.reading(fed.database, lambda db: communities.is_moderator(db, actor.id, owner.id)):
            raise Ignored("The sender does not moderate this community.")
    if activity.target == owner.moderators_uri:
        return await _moderator(fed, verified, owner, actor, added=added)
    return await _featured(fed, verified, owner, added=added)


async def _untold(fed: Federation, verified: Verified, group: Actor) -> Effect:
    """PieFed does not say to which collection it adds: an actor can only be a moderator, so the list is asked for."""
    person = await crossing.reading(fed.database, lambda db: actors.by_uri(db, verified.activity.object_id))
    if person is None or not group.moderators_uri:
        raise Ignored("It does not say to which collection.")
    await resolving.refresh_moderators(fed, group, verified.budget)
    return lambda db: f"Read the moderators of {group.uri} anew."


def _owner(db: Session, target: str, actor: Actor, group: Actor | None) -> Actor | None:
    """Whose collection it is: the actor's, the wrapping community's, or that of a community of ours."""
    ours = [one for one in communities.all_local(db) if target in (one.featured_uri, one.moderators_uri)]
    for one in (actor, *([group] if group else []), *ours):
        if target and target in (one.featured_uri, one.moderators_uri):
            return one
    return None


async def _featured(fed: Federation, verified: Verified, owner: Actor, *, added: bool) -> Effect:
    uri = verified.activity.object_id
    fetched = None
    known = await crossing.reading(fed.database, lambda db: posts.by_uri(db, uri))
    if added and known is None and not urls.same_origin(uri, fed.node.origin):
        fetched = await resolving.fetch_post(fed, uri, verified.budget)

    def effect(db: Session) -> str:
        if fetched is not None:
            record_ancestor(db, fetched.remote)
        post = posts.by_uri(db, uri)
        if post is None or post.deleted_at is not None:
            raise Ignored("We do not have the post.")
        if post.author_id != owner.id and post.community_id != owner.id:
            raise Ignored("The post is neither by the owner of the collection nor in it.")
        if not pins.note_pin(db, actors.get(db, owner.id), post, shown=added):
            raise Ignored("We know that already, or there is no room for more.")
        return f"{owner.uri} {'shows' if added else 'no longer shows'} {uri} first."

    return effect


async def _moderator(fed: Federation, verified: Verified, group: Actor, actor: Actor, *, added: bool) -> Effect:
    """A community elsewhere is asked for its list, whatever the activity says; in ours the moderator himself decides."""
    uri = verified.activity.object_id
    if not group.local:
        await resolving.refresh_moderators(fed, group, verified.budget)
        return lambda db: f"Read the moderators of {group.uri} anew."
    person = await resolving.actor(fed, uri, verified.budget)
    raw = reading.without_context(verified.activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        act = communities.add_moderator if added else communities.remove_moderator
        act(db, actors.get(db, actor.id), actors.get(db, group.id), actors.get(db, person.id), inner=raw)
        return f"{uri} {'moderates' if added else 'no longer moderates'} {group.uri}."

    return effect
