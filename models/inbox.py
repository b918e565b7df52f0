"""The durable inbox: what others sent, stored before they hear 202, processed from here.

`Memory` holds facts with an expiry date that every process must share: signatures seen, keys that failed, deletions
that came before their object.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Json, UtcTime, insert_all_unless_there, insert_unless_there, new_id, now
from models.database import wake
from models.jobs import ATTEMPTS, WAITS, spread

KEPT_DAYS = 14
"""How long finished rows prove that an activity was here before."""


class Received(Base):
    """One activity as it came in. Unique on (id or actor, hash of the body): ids alone do not prove a repeat."""

    __tablename__ = "received"
    __table_args__ = (
        UniqueConstraint("sender_key", "body_sha256"),
        Index("ix_received_state_run_at", "state", "run_at"),
        Index("ix_received_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    sender_key: Mapped[str] = mapped_column(Text)
    """The activity's id, or its actor where it has none."""
    body_sha256: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text, default="")
    key_owner: Mapped[str] = mapped_column(Text)
    """The actor whose key signed it, verified."""
    proof: Mapped[str] = mapped_column(Text)
    """`signed` (key owner is the actor) or `forwarded` (body counts for nothing; fetch the object)."""
    host: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    """waiting, done, ignored, dead"""
    note: Mapped[str] = mapped_column(Text, default="")
    """Why it was ignored or failed; for the administrator."""
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    received_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Memory(Base):
    """A fact with an expiry date, shared by all processes."""

    __tablename__ = "memory"
    __table_args__ = (Index("ix_memory_expires_at", "expires_at"),)

    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)


def store(
    db: Session,
    *,
    sender_key: str,
    body: str,
    body_sha256: str,
    type: str,
    key_owner: str,
    proof: str,
    host: str,
) -> bool:
    """Keep an activity as it came, to be processed. False if the very same one (name and bytes) was here before."""
    fresh = insert_unless_there(
        db,
        Received,
        id=new_id(),
        sender_key=sender_key,
        body=body,
        body_sha256=body_sha256,
        type=type,
        key_owner=key_owner,
        proof=proof,
        host=host,
        state="waiting",
        note="",
        attempts=0,
        run_at=now(),
        received_at=now(),
    )
    if fresh:
        wake(db, "received")
    return fresh


def store_all(db: Session, rows: Sequence[Mapping[str, str]]) -> set[int]:
    """`store` for many, each with an `id` of its own besides: the ids of those that were not here before.

    One with a `state` and a `note` of its own is stored as having had its effect: it has to have it in the same
    transaction, or to be opened again (`reopen`).
    """
    present = now()
    common = {"state": "waiting", "note": "", "attempts": 0, "run_at": present, "received_at": present}
    return insert_all_unless_there(db, Received, [{**common, **row} for row in rows], "id")


def reopen(db: Session, ids: Iterable[int]) -> None:
    """These had no effect yet after all."""
    if wanted := list(ids):
        db.execute(update(Received).where(Received.id.in_(wanted)).values(state="waiting", note=""))


def any_due(db: Session) -> bool:
    """Whether `claim` would find something now; asked by reading, so that waiting costs no write."""
    free = or_(Received.locked_until.is_(None), Received.locked_until <= now())
    due = select(Received.id).where(Received.state == "waiting", Received.run_at <= now(), free).limit(1)
    return db.scalar(due) is not None


def has_had(db: Session, sender_key: str) -> bool:
    """Whether an activity of this name came here lately, had its effect or none, and was not undone since."""
    had = Received.state != "waiting"
    return db.scalar(select(Received.id).where(Received.sender_key == sender_key, had).limit(1)) is not None


def holds(db: Session, sender_key: str) -> bool:
    """Whether an activity of this name came here and still waits for its effect."""
    waits = Received.state == "waiting"
    return db.scalar(select(Received.id).where(Received.sender_key == sender_key, waits).limit(1)) is not None


def claim(db: Session, limit: int, lease_s: float) -> list[Received]:
    """Take up to `limit` waiting activities, oldest first, for `lease_s` seconds. The attempt is counted here."""
    present = now()
    free = or_(Received.locked_until.is_(None), Received.locked_until <= present)
    query = (
        select(Received)
        .where(Received.state == "waiting", Received.run_at <= present, free)
        .order_by(Received.run_at, Received.id)
        .limit(limit)
    )
    claimed = []
    for row in db.scalars(query.with_for_update(skip_locked=True)):
        row.attempts += 1
        if row.attempts > 2 * ATTEMPTS:
            row.state, row.note = "dead", row.note or "the worker did not survive it"
            continue
        row.locked_until = present + timedelta(seconds=lease_s)
        claimed.append(row)
    db.flush()
    return claimed


def finish(db: Session, id: int, state: str, note: str = "") -> None:
    """It had its effect (`done`) or none (`ignored`, with the reason). Call it in the transaction of the effect."""
    db.execute(update(Received).where(Received.id == id).values(state=state, note=note[:1000], locked_until=None))


def fail(db: Session, id: int, error: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
    """It could not be processed: try later (`retry_after` seconds), or keep it as a dead letter."""
    row = db.get(Received, id)
    if row is None:
        return
    row.note = error[:1000]
    row.locked_until = None
    if permanent or row.attempts >= ATTEMPTS:
        row.state = "dead"
    else:
        wait = spread(WAITS[min(max(row.attempts, 1), len(WAITS)) - 1]) if retry_after is None else retry_after
        row.run_at = now() + timedelta(seconds=wait)
    db.flush()


def release(db: Session, ids: Iterable[int]) -> None:
    """Give claimed rows back at once, untried: the worker is going down."""
    db.execute(
        update(Received)
        .where(Received.id.in_(list(ids)), Received.state == "waiting")
        .values(attempts=Received.attempts - 1, locked_until=None)
    )


def forget(db: Session, sender_key: str) -> None:
    """Free the row of an activity that was undone, so that the very same act may come again."""
    db.execute(delete(Received).where(Received.sender_key == sender_key, Received.state != "waiting"))


def dead(db: Session, limit: int = 100) -> list[Received]:
    """The dead letters, newest first."""
    return list(db.scalars(select(Received).where(Received.state == "dead").order_by(Received.id.desc()).limit(limit)))


def retry_dead(db: Session, ids: Iterable[int] | None = None) -> int:
    """Process dead letters again (all without `ids`); how many."""
    query = update(Received).where(Received.state == "dead")
    if ids is not None:
        query = query.where(Received.id.in_(list(ids)))
    done = db.execute(query.values(state="waiting", attempts=0, locked_until=None, run_at=now()))
    wake(db, "received")
    return int(getattr(done, "rowcount", 0))


def stats(db: Session) -> dict[str, int]:
    """How many rows are in each state that matters: `waiting` and `dead`."""
    query = select(Received.state, func.count()).where(Received.state.in_(("waiting", "dead"))).group_by(Received.state)
    found = {row[0]: int(row[1]) for row in db.execute(query)}
    return {"waiting": 0, "dead": 0, **found}


def oldest(db: Session) -> datetime | None:
    """When the longest-waiting activity that is due came in."""
    return db.scalar(
        select(func.min(Received.received_at)).where(Received.state == "waiting", Received.run_at <= now())
    )


def sweep(db: Session, limit: int = 5000) -> int:
    """Delete up to `limit` finished rows of more than two weeks ago; how many. Dead letters stay four times as long."""
    edge = now() - timedelta(days=KEPT_DAYS)
    old = or_(
        Received.state.in_(("done", "ignored")),
        (Received.state == "dead") & (Received.received_at < now() - timedelta(days=4 * KEPT_DAYS)),
    )
    ids = select(Received.id).where(Received.received_at < edge, old).limit(limit)
    return int(getattr(db.execute(delete(Received).where(Received.id.in_(ids))), "rowcount", 0))
