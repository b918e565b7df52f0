"""What a community may say about others: the questions that every wrapped activity has to pass.

A community's signature proves that the community sent it, nothing about the inner actor. So it counts for the threads
whose home the community is, and never against an actor of ours.
"""

from sqlalchemy.orm import Session

from federation import crossing
from federation.context import Federation
from federation.handlers.effects import Ignored
from federation.resolving import actor as resolve
from federation.resolving import refresh_moderators
from federation.verified import Verified
from models import communities, follows, memory
from models.actors import Actor
from models.posts import Post

MODERATORS_EVERY = 600


async def community(fed: Federation, verified: Verified) -> Actor:
    """The row of the community that wrapped it; raises Ignored if the wrapper is none."""
    found = await resolve(fed, verified.wrapper, verified.budget)
    if not found.is_community:
        raise Ignored("Only a community can pass on what others did.")
    return found


async def check_home(fed: Federation, verified: Verified, post: Post) -> None:
    """Raise Ignored if a wrapped activity is about a thread whose home is another community. Signed ones pass."""
    if verified.signed:
        return
    group = await community(fed, verified)
    if post.community_id != group.id:
        raise Ignored("It was wrapped by a community that is not the thread's home.")


async def acting(fed: Federation, verified: Verified) -> Actor:
    """The row of the actor. Raises Ignored for a wrapped activity of one of ours: what he did, we know first-hand."""
    found = await resolve(fed, verified.actor, verified.budget)
    if found.local:
        raise Ignored("It is said to be by an actor of ours, who did it here or not at all.")
    if not found.active:
        raise Ignored("The actor is suspended, deleted, or on a blocked server.")
    return found


async def learn_moderators(fed: Federation, group: Actor | None, actor: Actor, verified: Verified) -> None:
    """Before judging what somebody may do in a community elsewhere, ask it who moderates there; every ten minutes at most."""
    if group is None or group.local:
        return

    def due(db: Session) -> bool:
        if communities.is_moderator(db, actor.id, group.id):
            return False
        return memory.first_time(db, "moderators", group.uri, MODERATORS_EVERY)

    if await crossing.writing(fed.database, due):
        await refresh_moderators(fed, group, verified.budget)


async def is_heard(fed: Federation, group: Actor) -> bool:
    """Whether anybody here follows the community, so that its news is wanted."""
    return await crossing.reading(fed.database, lambda db: follows.followed_here(db, group.id))
