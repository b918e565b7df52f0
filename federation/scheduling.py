"""What was written for a later time."""

from collections.abc import Mapping
from typing import Any

from federation import crossing
from federation.context import Federation
from models import scheduled


async def publish_scheduled(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `publish_scheduled`: publish a post whose time has come."""
    row_id = int(payload["scheduled"])
    await crossing.writing(fed.database, lambda db: scheduled.publish(db, row_id))
