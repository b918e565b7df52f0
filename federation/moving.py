"""Whom somebody means who moves: the account elsewhere, read this moment from its own server."""

from federation import resolving
from federation.context import Federation
from federation.crossing import reading
from federation.resolving import Budget
from models import actors
from models.actors import Actor


async def fresh(fed: Federation, found: Actor) -> Actor:
    """An account as its own server has it now. Raises what `resolving` raises."""
    if found.local:
        return await reading(fed.database, lambda db: actors.get(db, found.id))
    return await resolving.actor(fed, found.uri, Budget(fetches=4), fresh=True)
