"""What was written, or promised, for a later time."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from federation import crossing
from federation.context import Federation
from models import calls, jobs, planning, scheduled, sharing

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
    """The job `tell_attendees`: some in each transaction, which also notes how far it has come; each is told once."""

    def some(db: Session) -> dict[str, Any] | None:
        rest = planning.tell_some(db, payload)
        if rest is not None:
            jobs.advance(db, planning.telling(payload), rest, LEASE)
        return rest

    while (rest := await crossing.writing(fed.database, some)) is not None:
        payload = rest


async def tell_call(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `tell_call`: a meeting came of a question, and those who would come are told, in the same way."""

    def some(db: Session) -> dict[str, Any] | None:
        rest = calls.tell_some(db, payload)
        if rest is not None:
            jobs.advance(db, calls.telling(payload), rest, LEASE)
        return rest

    while (rest := await crossing.writing(fed.database, some)) is not None:
        payload = rest
