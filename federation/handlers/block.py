"""Block: an actor elsewhere wants nothing to do with one of ours, or a moderator shuts somebody out of a community."""

from sqlalchemy.orm import Session

from federation import crossing, reading, resolving
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.reading.values import moment
from federation.verified import Verified
from models import actors, blocks, communities, exclusions
from models.actors import Actor


async def block(fed: Federation, verified: Verified) -> Effect:
    """Hide the two from each other, without a notice; with a community as `target`, a ban from that (FEP-1b12)."""
    activity = verified.activity
    if activity.target:
        return await _ban(fed, verified)
    if not verified.signed:
        raise Ignored("Only who blocks somebody can say so.")
    actor = await wraps.acting(fed, verified)
    target = await crossing.reading(fed.database, lambda db: actors.by_uri(db, activity.object_id))
    if target is None or not target.local:
        raise Ignored("There is nobody of that id here.")

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        blocks.block(db, actors.get(db, actor.id), actors.get(db, target.id), uri=activity.id)
        return f"{actor.uri} has blocked {target.uri}."

    return effect


async def _ban(fed: Federation, verified: Verified) -> Effect:
    activity = verified.activity
    group, actor = await moderating(fed, verified, activity.target)
    target = await crossing.reading(fed.database, lambda db: actors.by_uri(db, activity.object_id))
    if target is None:
        raise Ignored("We do not know whom it is about.")
    inner = reading.without_context(activity.raw) if verified.signed else None
    until = moment(activity.raw.get("endTime") or activity.raw.get("expires"))

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        by, home, whom = (actors.get(db, one.id) for one in (actor, group, target))
        why = activity.summary or activity.content
        if not exclusions.heard(db, by, home, whom, why, uri=activity.id, until=until, inner=inner):
            raise Ignored("We know that already.")
        return f"{home.uri} has shut {whom.uri} out."

    return effect


async def moderating(fed: Federation, verified: Verified, target: str) -> tuple[Actor, Actor]:
    """The community that is meant and the moderator who acts, if he may: a community elsewhere speaks for itself by
    wrapping what its moderators do; for one of ours the moderator's own signature is needed. Else raises Ignored."""
    group = await crossing.reading(fed.database, lambda db: actors.by_uri(db, target))
    if group is None and not verified.signed and target == verified.wrapper:
        group = await resolving.actor(fed, target, verified.budget)
    if group is None or not group.is_community:
        raise Ignored("It is about no community that we know.")
    if verified.signed != group.local or (not verified.signed and verified.wrapper != group.uri):
        raise Ignored("It counts here only through the community itself.")
    actor = await wraps.acting(fed, verified)
    await wraps.learn_moderators(fed, group, actor, verified)
    if not await crossing.reading(fed.database, lambda db: communities.is_moderator(db, actor.id, group.id)):
        raise Ignored("The sender does not moderate the community.")
    return group, actor
