"""Dislike: a vote against a post."""

from federation.context import Federation
from federation.handlers.effects import Effect
from federation.handlers.like import vote
from federation.verified import Verified


async def dislike(fed: Federation, verified: Verified) -> Effect:
    """A vote against a post, where the community allows it."""
    return await vote(fed, verified, -1)
