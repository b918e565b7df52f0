"""What is searched, brought in step with who may find it: too many posts for the transaction that changed it."""

from collections.abc import Mapping
from typing import Any

from federation import crossing
from federation.context import Federation
from models.search import keeping


async def index_posts(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `index_posts`: the next posts of an actor or a thread."""
    await crossing.writing(fed.database, lambda db: keeping.go_on(db, payload))
