"""Copies of everything of somebody's, for him to take along: asked for, made by a job, kept for a while."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, jobs, notifications
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, NotFound
from models.notifications import NotificationKind

KEPT = timedelta(days=7)
EVERY = timedelta(days=1)
"""How often somebody may have a copy made: reading everything is dear."""


class State(StrEnum):
    """How far it has come."""

    WAITING = "waiting"
    READY = "ready"


class Export(Base):
    """One copy. The file lies in the node's folder of data, under a name nobody can guess."""

    __tablename__ = "exports"
    __table_args__ = (
        Index("ix_exports_account_id_id", "account_id", "id"),
        Index("ix_exports_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(Text, default=State.WAITING)
    file: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(Id, default=0)
    """Bytes."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)


def newest(db: Session, account_id: int) -> Export | None:
    """The last copy somebody asked for, if it is still there."""
    query = select(Export).where(Export.account_id == account_id).order_by(Export.id.desc()).limit(1)
    return db.scalar(query)


def request(db: Session, account_id: int) -> Export:
    """Ask for a copy; the one before goes. Raises Conflict while one is being made, or is of today."""
    before = newest(db, account_id)
    if before is not None and before.state == State.WAITING:
        raise Conflict("A copy is being made already.")
    if before is not None and before.created_at > now() - EVERY:
        raise Conflict("You had a copy made within the last day. Take that one, or come back tomorrow.")
    remove_of_account(db, account_id)
    row = Export(id=new_id(), account_id=account_id, state=State.WAITING.value, created_at=now())
    db.add(row)
    db.flush()
    jobs.enqueue(db, "export", {"export": row.id}, dedupe=f"export:{row.id}")
    return row


def finish(db: Session, export_id: int, file: str, size: int) -> bool:
    """The file is there: its owner is told. False if nobody wants it any more."""
    row = db.get(Export, export_id)
    if row is None or row.state == State.READY:
        return False
    row.state, row.file, row.size, row.expires_at = State.READY.value, file, size, now() + KEPT
    db.flush()
    notifications.notify(db, row.account_id, NotificationKind.EXPORT, actors.node_actor(db), subject=str(row.id))
    return True


def get_mine(db: Session, account_id: int, export_id: int) -> Export:
    """One's own copy, if it is ready and not expired. Raises NotFound, the same for somebody else's and for none."""
    row = db.get(Export, export_id)
    ready = row is not None and row.account_id == account_id and row.state == State.READY
    if row is None or not ready or row.expires_at is None or row.expires_at <= now():
        raise NotFound("There is no such copy, or it has expired.")
    return row


def remove_of_account(db: Session, account_id: int) -> None:
    """Throw away what was made for somebody, with the files."""
    _remove(db, list(db.scalars(select(Export).where(Export.account_id == account_id))))


def sweep(db: Session, limit: int) -> int:
    """Throw away expired copies; how many."""
    rows = list(db.scalars(select(Export).where(Export.expires_at < now()).limit(limit)))
    _remove(db, rows)
    return len(rows)


def _remove(db: Session, rows: list[Export]) -> None:
    files = [row.file for row in rows if row.file]
    for row in rows:
        db.delete(row)
    if files:
        jobs.enqueue(db, "export_gone", {"files": files})
    db.flush()
