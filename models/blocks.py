"""Blocks and mutes."""

from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import follows, outbox
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now, table_of, when_asked
from models.database import node_of
from models.errors import Invalid
from models.windows import Window


class Block(Base):
    """`actor` wants nothing to do with `target`; both stop seeing each other."""

    __tablename__ = "blocks"
    __table_args__ = (UniqueConstraint("actor_id", "target_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Mute(Base):
    """`actor` does not want to see `target`; the target never learns of it."""

    __tablename__ = "mutes"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Id, default=new_id, index=True)
    """The order in which mutes were made, for pages of them."""
    hide_notifications: Mapped[bool] = mapped_column(default=True)
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def block(db: Session, actor: Actor, target: Actor, *, uri: str = "") -> Block:
    """End all following between the two and hide each from the other. Blocking twice is once."""
    from models import attending  # knows blocks itself

    if actor.id == target.id:
        raise Invalid("You cannot block yourself.")
    found = _find(db, actor.id, target.id)
    if found is not None:
        return found
    follows.undo(db, actor, target)
    follows.undo(db, target, actor)
    row = Block(id=new_id(), uri=uri, actor_id=actor.id, target_id=target.id)
    db.add(row)
    attending.drop(db, target, organiser=actor)
    attending.drop(db, actor, organiser=target)
    if actor.local and not target.local:
        activity = outbox.record(db, "Block", actor, object_uri=target.uri, to=[target.uri])
        row.uri = activity.uri
    db.flush()
    return row


def by_uri(db: Session, uri: str) -> Block | None:
    """The block whose activity has this id."""
    return db.scalars(select(Block).where(Block.uri == uri)).first() if uri else None


def unblock(db: Session, actor: Actor, target: Actor) -> bool:
    """Take a block back; False if there was none."""
    row = _find(db, actor.id, target.id)
    if row is None:
        return False
    if actor.local and not target.local:
        node = node_of(db)
        embed = {
            "id": row.uri or f"{node.origin}/activities/{row.id}",
            "type": "Block",
            "actor": actor.uri,
            "object": target.uri,
        }
        outbox.record(db, "Undo", actor, object_uri=row.uri, to=[target.uri], data={"embed": embed})
    db.delete(row)
    db.flush()
    return True


def _find(db: Session, actor_id: int, target_id: int) -> Block | None:
    return db.scalar(select(Block).where(Block.actor_id == actor_id, Block.target_id == target_id))


def has_blocked(db: Session, actor_id: int, target_id: int) -> bool:
    """Whether the first has blocked the second."""
    return _find(db, actor_id, target_id) is not None


def blocked_between(db: Session, a_id: int, b_id: int) -> bool:
    """Whether either has blocked the other."""
    return bool(db.scalar(_BLOCKED_BETWEEN, {"one": a_id, "other": b_id}))


def between(one: BindParameter[int], other: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that either has blocked the other."""
    return exists().where(
        or_(
            and_(_blocks.actor_id == one, _blocks.target_id == other),
            and_(_blocks.actor_id == other, _blocks.target_id == one),
        )
    )


def hiding_notices(actor: BindParameter[int], target: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that a mute which holds when it is asked also keeps notices away."""
    lasts = or_(_mutes.until.is_(None), _mutes.until > when_asked())
    return exists().where(_mutes.actor_id == actor, _mutes.target_id == target, _mutes.hide_notifications, lasts)


_blocks, _mutes = table_of(Block).c, table_of(Mute).c
_BLOCKED_BETWEEN = select(between(bindparam("one"), bindparam("other")))


def mute(db: Session, actor: Actor, target: Actor, *, for_seconds: int = 0, hide_notifications: bool = True) -> None:
    """Hide `target` from `actor`'s home and (unless he wants them) notices, for ever or for some time."""
    if actor.id == target.id:
        raise Invalid("You cannot mute yourself.")
    until = now() + timedelta(seconds=for_seconds) if for_seconds else None
    known = db.get(Mute, (actor.id, target.id))
    db.merge(
        Mute(
            actor_id=actor.id,
            target_id=target.id,
            number=known.number if known else new_id(),
            hide_notifications=hide_notifications,
            until=until,
            created_at=now(),
        )
    )
    db.flush()


def unmute(db: Session, actor: Actor, target: Actor) -> bool:
    """End a mute; False if there was none."""
    row = db.get(Mute, (actor.id, target.id))
    if row is None:
        return False
    db.delete(row)
    db.flush()
    return True


def has_muted(db: Session, actor_id: int, target_id: int) -> bool:
    """Whether a mute holds now."""
    row = db.get(Mute, (actor_id, target_id))
    return row is not None and (row.until is None or row.until > now())


def kept_apart(db: Session, actor_id: int, other_ids: list[int]) -> set[int]:
    """Which of these have blocked the actor, or are blocked by him."""
    rows = db.execute(
        select(Block.actor_id, Block.target_id).where(
            or_(
                and_(Block.actor_id == actor_id, Block.target_id.in_(other_ids)),
                and_(Block.target_id == actor_id, Block.actor_id.in_(other_ids)),
            )
        )
    )
    return {row[1] if row[0] == actor_id else row[0] for row in rows}


def blocked(db: Session, actor_id: int, window: Window) -> list[tuple[int, Actor]]:
    """Whom an actor has blocked, with cursors, newest first."""
    query = (
        select(Block.id, Actor)
        .join(Actor, Block.target_id == Actor.id)
        .where(Block.actor_id == actor_id, Actor.deleted_at.is_(None))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Block.id)]


def muted(db: Session, actor_id: int, window: Window) -> list[tuple[Mute, Actor]]:
    """Whom an actor mutes now, newest first; `Mute.number` is the cursor."""
    query = (
        select(Mute, Actor)
        .join(Actor, Mute.target_id == Actor.id)
        .where(
            Mute.actor_id == actor_id,
            Actor.deleted_at.is_(None),
            or_(Mute.until.is_(None), Mute.until > now()),
        )
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Mute.number)]


def blocked_by(db: Session, actor_id: int) -> list[Actor]:
    """Whom an actor has blocked, newest first."""
    return list(
        db.scalars(
            select(Actor)
            .join(Block, Block.target_id == Actor.id)
            .where(Block.actor_id == actor_id)
            .order_by(Block.id.desc())
        )
    )


def muted_by(db: Session, actor_id: int) -> list[Actor]:
    """Whom an actor has muted, newest first."""
    return list(
        db.scalars(
            select(Actor)
            .join(Mute, Mute.target_id == Actor.id)
            .where(Mute.actor_id == actor_id)
            .order_by(Mute.created_at.desc())
        )
    )
