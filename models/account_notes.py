"""What somebody writes down about another account, for himself alone."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.actors import Actor
from models.base import Base, UtcTime, now
from models.errors import Invalid

MOST = 2000
"""Characters."""


class AccountNote(Base):
    """One person's note about one account. Nobody else ever sees it."""

    __tablename__ = "account_notes"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    comment: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def put(db: Session, actor: Actor, target: Actor, comment: str) -> None:
    """Write a note, in place of an older one; an empty one is none. Raises Invalid if it is too long."""
    if len(comment) > MOST:
        raise Invalid(f"A note has at most {MOST} characters.", code="text_long")
    if comment.strip():
        db.merge(AccountNote(actor_id=actor.id, target_id=target.id, comment=comment, changed_at=now()))
    elif (row := db.get(AccountNote, (actor.id, target.id))) is not None:
        db.delete(row)
    db.flush()


def about(db: Session, actor_id: int, target_ids: list[int]) -> dict[int, str]:
    """Somebody's notes about several accounts."""
    query = select(AccountNote.target_id, AccountNote.comment).where(
        AccountNote.actor_id == actor_id, AccountNote.target_id.in_(target_ids)
    )
    return {row[0]: row[1] for row in db.execute(query)}
