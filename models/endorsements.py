"""People somebody shows on his own profile, because he thinks others should know them."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import follows
from models.actors import Actor
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now
from models.errors import Invalid
from models.follows import FollowState
from models.windows import Window

MOST = 40


class Endorsement(Base):
    """`actor` shows `target` on his profile."""

    __tablename__ = "endorsements"
    __table_args__ = (UniqueConstraint("actor_id", "target_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def add(db: Session, actor: Actor, target: Actor) -> None:
    """Show somebody one follows; twice is once. Raises Invalid."""
    if follows.state(db, actor.id, target.id) != FollowState.ACCEPTED:
        raise Invalid("You must be already following the person you want to endorse", code="not_followed")
    mine = select(func.count()).select_from(Endorsement).where(Endorsement.actor_id == actor.id)
    if (db.scalar(mine) or 0) >= MOST:
        raise Invalid(f"At most {MOST} accounts can be shown on a profile.", code="too_many")
    insert_unless_there(db, Endorsement, id=new_id(), actor_id=actor.id, target_id=target.id, created_at=now())


def remove(db: Session, actor_id: int, target_id: int) -> bool:
    """No longer show somebody; False if he was not shown."""
    row = db.scalar(select(Endorsement).where(Endorsement.actor_id == actor_id, Endorsement.target_id == target_id))
    if row is not None:
        db.delete(row)
        db.flush()
    return row is not None


def of(db: Session, actor_id: int, window: Window) -> list[tuple[int, Actor]]:
    """Whom an actor shows, with cursors, the newest first."""
    query = (
        select(Endorsement.id, Actor)
        .join(Actor, Endorsement.target_id == Actor.id)
        .where(Endorsement.actor_id == actor_id, Actor.deleted_at.is_(None), Actor.suspended_at.is_(None))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Endorsement.id)]


def shown(db: Session, actor_id: int, target_ids: list[int]) -> set[int]:
    """Which of these an actor shows."""
    query = select(Endorsement.target_id).where(Endorsement.actor_id == actor_id, Endorsement.target_id.in_(target_ids))
    return set(db.scalars(query))
