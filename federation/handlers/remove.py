"""Remove: what `Add` did is over."""

from federation.context import Federation
from federation.handlers.add import change
from federation.handlers.effects import Effect
from federation.verified import Verified


async def remove(fed: Federation, verified: Verified) -> Effect:
    """Follow a change of a collection that is the actor's own, or that of a community which he moderates."""
    return await change(fed, verified, added=False)
