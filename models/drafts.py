"""What somebody began to write and has not sent: kept for him alone until he sends it or throws it away."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Json, UtcTime, new_id, now
from models.errors import Conflict, NotFound

MAX_DRAFTS = 100
"""Of one account; who has more has to throw one away first."""

MAX_FIELD = 100_000
"""Characters kept of one field: more than can be sent, so that a text that is too long is not lost either."""


class Wanted(StrEnum):
    """What a draft is to become."""

    QUESTION = "question"
    REPLY = "reply"
    NOTE = "note"
    EXPERIENCE = "experience"
    FOLLOW_UP = "follow_up"
    MEETING = "meeting"
    DOGMA = "dogma"


class KeptDraft(Base):
    """The fields of a form, as they were typed."""

    __tablename__ = "kept_drafts"
    __table_args__ = (Index("ix_kept_drafts_account_id_changed_at", "account_id", "changed_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """For a reply: what it answers; for a report: the one that is changed, or followed up."""
    fields: Mapped[Any] = mapped_column(Json, default=dict)
    """{"name": [values]}"""
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def keep(
    db: Session,
    account_id: int,
    kind: Wanted,
    fields: Mapping[str, list[str]],
    *,
    draft_id: int | None = None,
    parent_id: int | None = None,
) -> KeptDraft:
    """Keep what stands in a form: in the draft it came from (`draft_id`), or else in a new one.

    Of what answers one post there is one draft. Raises Conflict where somebody has too many.
    """
    row = _find(db, account_id, kind, draft_id, parent_id)
    if row is None:
        mine = select(func.count()).select_from(KeptDraft).where(KeptDraft.account_id == account_id)
        if (db.scalar(mine) or 0) >= MAX_DRAFTS:
            raise Conflict(f"You have {MAX_DRAFTS} drafts. Throw one away first.")
        row = KeptDraft(id=new_id(), account_id=account_id, kind=kind, parent_id=parent_id)
        db.add(row)
    row.fields = {name: [value[:MAX_FIELD] for value in values] for name, values in fields.items()}
    row.changed_at = now()
    db.flush()
    return row


def _find(db: Session, account_id: int, kind: Wanted, draft_id: int | None, parent_id: int | None) -> KeptDraft | None:
    mine = select(KeptDraft).where(KeptDraft.account_id == account_id, KeptDraft.kind == kind)
    if draft_id is not None and (row := db.scalar(mine.where(KeptDraft.id == draft_id))) is not None:
        return row if row.parent_id == parent_id else None
    return of_reply(db, account_id, parent_id, kind) if parent_id is not None else None


def get(db: Session, account_id: int, draft_id: int) -> KeptDraft:
    """One's own draft. Raises NotFound, also for those of others."""
    row = db.get(KeptDraft, draft_id)
    if row is None or row.account_id != account_id:
        raise NotFound("There is no such draft.")
    return row


def of_reply(db: Session, account_id: int, parent_id: int, kind: Wanted = Wanted.REPLY) -> KeptDraft | None:
    """What somebody began to answer to a post, or else to make of it."""
    mine = select(KeptDraft).where(KeptDraft.account_id == account_id, KeptDraft.kind == kind)
    query = mine.where(KeptDraft.parent_id == parent_id)
    return db.scalars(query.order_by(KeptDraft.changed_at.desc())).first()


def of(db: Session, account_id: int) -> list[KeptDraft]:
    """Somebody's drafts, the last changed first."""
    query = select(KeptDraft).where(KeptDraft.account_id == account_id)
    return list(db.scalars(query.order_by(KeptDraft.changed_at.desc(), KeptDraft.id.desc())))


def drop(db: Session, account_id: int, draft_id: int) -> bool:
    """Throw a draft away; False if there is none of this account."""
    query = delete(KeptDraft).where(KeptDraft.id == draft_id, KeptDraft.account_id == account_id)
    return bool(getattr(db.execute(query), "rowcount", 0))
