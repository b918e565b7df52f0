"""What was written, or promised, for a later time."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from federation import crossing
from federation.context import Federation
from models import adopting, calls, jobs, planning, scheduled, sharing

LEASE = 120.0


async def publish_scheduled(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `publish_scheduled`: publish a post whose time has come."""
    row_id = int(payload["scheduled"])
    await crossing.writing(fed.database, lambda db: scheduled.publish(db, row_id))


async def remind_follow_up(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `remind_follow_up`: ask those who wrote a report what happened since."""
    post_id = int(payload["post"])
    await crossing.writing(fed.database, lambda db: sharing.ask_what_happened(db, post_id))


async def remind_meeting(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `remind_meeting`: those who come are reminded, if it still takes place then."""
    post_id, start = int(payload["post"]), int(payload["starts"])
    await crossing.writing(fed.database, lambda db: planning.remind(db, post_id, start))


async def tell_attendees(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_attendees`: those who come hear what is new of their meeting."""
    await _tell(fed, payload, planning.tell_some, planning.telling)


async def tell_call(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_call`: a meeting came of a question, and those who would come hear of it."""
    await _tell(fed, payload, calls.tell_some, calls.telling)


async def _tell(
    fed: Federation,
    payload: Mapping[str, Any],
    tell_some: Callable[[Session, Mapping[str, Any]], dict[str, Any] | None],
    telling: Callable[[Mapping[str, Any]], str],
) -> None:
    """Some in each transaction, which also notes how far it has come; each is told once."""

    def some(db: Session) -> dict[str, Any] | None:
        rest = tell_some(db, payload)
        if rest is not None:
            jobs.advance(db, telling(payload), rest, LEASE)
        return rest

    while (rest := await crossing.writing(fed.database, some)) is not None:
        payload = rest


async def tell_of_vote(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_of_vote`: tell the next members of this node that they can vote about a dogma."""
    vote_id, after = int(payload["vote"]), int(payload["after"])
    await crossing.writing(fed.database, lambda db: adopting.tell(db, vote_id, after))
