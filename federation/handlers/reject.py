"""Reject: a Follow of ours is refused, or ended by the other side."""

from federation.context import Federation
from federation.handlers.accept import answer
from federation.handlers.effects import Effect
from federation.verified import Verified


async def reject(fed: Federation, verified: Verified) -> Effect:
    """The target of a Follow of ours refuses, or drops us later."""
    return await answer(verified, accepted=False)
