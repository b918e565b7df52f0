"""What was written, or promised, for a later time."""

from collections.abc import Mapping
from typing import Any

from federation import crossing
from federation.context import Federation
from models import adopting, scheduled, sharing


async def publish_scheduled(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `publish_scheduled`: publish a post whose time has come."""
    row_id = int(payload["scheduled"])
    await crossing.writing(fed.database, lambda db: scheduled.publish(db, row_id))


async def remind_follow_up(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `remind_follow_up`: ask those who wrote a report what happened since."""
    post_id = int(payload["post"])
    await crossing.writing(fed.database, lambda db: sharing.ask_what_happened(db, post_id))


async def tell_of_vote(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_of_vote`: tell the next members of this node that they can vote about a dogma."""
    vote_id, after = int(payload["vote"]), int(payload["after"])
    await crossing.writing(fed.database, lambda db: adopting.tell(db, vote_id, after))
