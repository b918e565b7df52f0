"""Dead letters: what the three queues gave up. They are read, tried again, or thrown away for good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import deliveries, inbox, jobs, moderation
from models.actors import Actor
from models.inbox import Received
from models.jobs import Job
from models.outbox import Activity, Delivery


class Queue(StrEnum):
    """Where a letter lies."""

    JOBS = "jobs"
    DELIVERIES = "deliveries"
    RECEIVED = "received"


@dataclass(frozen=True)
class DeadLetter:
    """One piece of work that was given up. `error` says why, in English and in the words of whatever failed."""

    queue: Queue
    id: int
    what: str
    at: datetime
    error: str


def newest(db: Session, limit: int = 50) -> list[DeadLetter]:
    """Up to `limit` of each queue, newest first in each; three queries."""
    found = [
        DeadLetter(Queue.JOBS, job.id, job.kind, job.dead_at or job.created_at, job.error)
        for job in jobs.dead(db, limit)
    ]
    given_up = deliveries.dead_letters(db, limit)
    types: dict[int, str] = {}
    if given_up:
        query = select(Activity.id, Activity.type).where(Activity.id.in_({row.activity_id for row in given_up}))
        types = {row[0]: row[1] for row in db.execute(query)}
    for row in given_up:
        what = f"{types.get(row.activity_id, '?')} to {row.inbox}"
        found.append(DeadLetter(Queue.DELIVERIES, row.id, what, row.dead_at or row.created_at, row.error))
    found += [
        DeadLetter(Queue.RECEIVED, one.id, f"{one.type} from {one.key_owner}", one.received_at, one.note)
        for one in inbox.dead(db, limit)
    ]
    return found


def retry(db: Session, ids: Iterable[int] | None = None, *, host: str = "", by: Actor | None = None) -> int:
    """Try these again, all deliveries to a host, or all there are; how many. Ids are unique over all queues."""
    wanted = None if ids is None else list(ids)
    again = deliveries.retry(db, wanted, host=host or None)
    if not host:
        again += jobs.retry_dead(db, wanted) + inbox.retry_dead(db, wanted)
    if again:
        moderation.audit(db, by.id if by else None, "letters.retry", host or _which(wanted), count=again)
    return again


def drop(db: Session, ids: Iterable[int] | None = None, *, by: Actor | None = None) -> int:
    """Throw these away (all without `ids`); how many there were.

    What others sent stays known as received for as long as all of it, so that a repeat has no effect either.
    """
    wanted = None if ids is None else list(ids)
    job, sent = delete(Job).where(Job.dead_at.is_not(None)), delete(Delivery).where(Delivery.dead_at.is_not(None))
    came = update(Received).where(Received.state == "dead").values(state="ignored")
    if wanted is not None:
        job, sent = job.where(Job.id.in_(wanted)), sent.where(Delivery.id.in_(wanted))
        came = came.where(Received.id.in_(wanted))
    gone = sum(int(getattr(db.execute(one), "rowcount", 0)) for one in (job, sent, came))
    if gone:
        moderation.audit(db, by.id if by else None, "letters.drop", _which(wanted), count=gone)
    return gone


def _which(ids: list[int] | None) -> str:
    return "all" if ids is None else ", ".join(str(id) for id in ids[:20])
