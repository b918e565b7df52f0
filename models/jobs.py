"""The queue table: work that was promised in the same transaction as its cause."""

import random
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Index, Text, and_, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Json, UtcTime, insert_all_unless_there, insert_unless_there, new_id, now
from models.database import wake

ATTEMPTS = 8
"""How often a job is tried before it lies with the dead letters."""

WAITS = (30, 120, 480, 1800, 7200, 21600, 43200)
"""Seconds between attempts."""


class Job(Base):
    """One piece of work. `dedupe` keeps the same work from being queued twice."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_run_at", "run_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[Any] = mapped_column(Json, default=dict)
    dedupe: Mapped[str | None] = mapped_column(Text, unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    dead_at: Mapped[datetime | None] = mapped_column(UtcTime)


def spread(seconds: float) -> float:
    """The same wait give or take a fifth, so that what failed together does not come back together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def enqueue(
    db: Session,
    kind: str,
    payload: Mapping[str, Any],
    *,
    dedupe: str | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Promise work in this very transaction. False if the same work (`dedupe`) is waiting already."""
    fresh = insert_unless_there(
        db,
        Job,
        id=new_id(),
        kind=kind,
        payload=dict(payload),
        dedupe=dedupe,
        attempts=0,
        run_at=run_at or now(),
        error="",
        created_at=now(),
    )
    if fresh:
        wake(db, "jobs")
    return fresh


def enqueue_all(db: Session, kind: str, payloads: Mapping[str, Mapping[str, Any]]) -> None:
    """`enqueue` for many at once, by their `dedupe`: one statement, however many there are.

    In one order, so that two that write some of the same wait for each other but never both.
    """
    present = now()
    rows = [
        {
            "id": new_id(),
            "kind": kind,
            "payload": dict(payload),
            "dedupe": dedupe,
            "attempts": 0,
            "run_at": present,
            "error": "",
            "created_at": present,
        }
        for dedupe, payload in sorted(payloads.items(), key=itemgetter(0))
    ]
    if rows:
        insert_all_unless_there(db, Job, rows)
        wake(db, "jobs")


def _due(kinds: Collection[str], others: bool) -> ColumnElement[bool]:
    present = now()
    free = or_(Job.locked_until.is_(None), Job.locked_until <= present)
    wanted = Job.kind.not_in(kinds) if others else Job.kind.in_(kinds)
    return and_(Job.run_at <= present, Job.dead_at.is_(None), free, wanted)


def claim(db: Session, limit: int, lease_s: float, *, kinds: Collection[str] = (), others: bool = True) -> list[Job]:
    """Take up to `limit` due jobs for `lease_s` seconds. Nobody else gets them before the lease runs out.

    Of `kinds` only, or with `others` of all kinds but those.

    The attempt is counted here, so that a job which kills its worker does not come back for ever.
    """
    present = now()
    query = select(Job).where(_due(kinds, others)).order_by(Job.run_at, Job.id).limit(limit)
    claimed = []
    for job in db.scalars(query.with_for_update(skip_locked=True)):
        job.attempts += 1
        if job.attempts > 2 * ATTEMPTS:
            job.dead_at, job.error = present, job.error or "the worker did not survive it"
            continue
        job.locked_until = present + timedelta(seconds=lease_s)
        claimed.append(job)
    db.flush()
    return claimed


def any_due(db: Session, *, kinds: Collection[str] = (), others: bool = True) -> bool:
    """Whether `claim` would find something; cheap enough to ask all the time."""
    return db.scalar(select(Job.id).where(_due(kinds, others)).limit(1)) is not None


def finish(db: Session, job_id: int) -> None:
    """Done: the row goes."""
    db.execute(delete(Job).where(Job.id == job_id))


def fail(db: Session, job_id: int, error: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
    """Not done: try later, or give up and keep it for the administrator. `retry_after` is in seconds."""
    job = db.get(Job, job_id)
    if job is None:
        return
    job.error = error[:1000]
    job.locked_until = None
    if permanent or job.attempts >= ATTEMPTS:
        job.dead_at = now()
    else:
        wait = spread(WAITS[min(max(job.attempts, 1), len(WAITS)) - 1]) if retry_after is None else retry_after
        job.run_at = now() + timedelta(seconds=wait)
    db.flush()


def put_off(db: Session, job_id: int, seconds: float) -> None:
    """Give a claimed job back untried, to come again in `seconds`."""
    db.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(attempts=Job.attempts - 1, locked_until=None, run_at=now() + timedelta(seconds=seconds))
    )


def release(db: Session, job_ids: Iterable[int]) -> None:
    """Give claimed jobs back at once, untried: the worker is going down."""
    for id in job_ids:
        put_off(db, id, 0)


def advance(db: Session, dedupe: str, payload: Mapping[str, Any], lease_s: float) -> None:
    """Write down how far a long job has come, in the transaction of that step, and keep it for `lease_s` more."""
    db.execute(
        update(Job)
        .where(Job.dedupe == dedupe)
        .values(payload=dict(payload), locked_until=now() + timedelta(seconds=lease_s), attempts=1)
    )


def depth(db: Session) -> int:
    """How many jobs wait or run."""
    return db.scalar(select(func.count()).select_from(Job).where(Job.dead_at.is_(None))) or 0


def oldest(db: Session) -> datetime | None:
    """When the longest-waiting job that is due was promised."""
    return db.scalar(select(func.min(Job.created_at)).where(Job.dead_at.is_(None), Job.run_at <= now()))


def dead(db: Session, limit: int = 100) -> list[Job]:
    """The dead letters, newest first."""
    return list(db.scalars(select(Job).where(Job.dead_at.is_not(None)).order_by(Job.dead_at.desc()).limit(limit)))


def count_dead(db: Session) -> int:
    """How many dead letters there are."""
    return db.scalar(select(func.count()).select_from(Job).where(Job.dead_at.is_not(None))) or 0


def retry_dead(db: Session, job_ids: Iterable[int] | None = None) -> int:
    """Put dead letters back into the queue (all without `job_ids`); how many."""
    query = update(Job).where(Job.dead_at.is_not(None))
    if job_ids is not None:
        query = query.where(Job.id.in_(list(job_ids)))
    done = db.execute(query.values(dead_at=None, attempts=0, locked_until=None, run_at=now()))
    wake(db, "jobs")
    return int(getattr(done, "rowcount", 0))
