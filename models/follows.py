"""Follows between actors. A community that follows a community is a twinning."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, bindparam, case, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import outbox, quick
from models.actors import Actor, get
from models.base import Base, Id, Json, UtcTime, new_id, now, table_of
from models.database import node_of
from models.errors import Forbidden, Invalid
from models.windows import Window


class FollowState(StrEnum):
    """`pending` until the target accepts; a pending follow opens nothing."""

    PENDING = "pending"
    ACCEPTED = "accepted"


class Follow(Base):
    """One actor follows another."""

    __tablename__ = "follows"
    __table_args__ = (
        UniqueConstraint("follower_id", "target_id"),
        Index("ix_follows_target_id_state", "target_id", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    """The Follow activity's id, which Accept, Reject and Undo name."""
    follower_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    state: Mapped[str] = mapped_column(Text)
    show_boosts: Mapped[bool] = mapped_column(default=True)
    """Whether what the target boosts comes into the follower's home."""
    notify: Mapped[bool] = mapped_column(default=False)
    """Whether the follower is told of each post of the target."""
    languages: Mapped[Any] = mapped_column(Json, default=list)
    """If any: only posts in these come into the follower's home."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Wishes:
    """What a follower wants to see of whom he follows; None leaves it as it is."""

    show_boosts: bool | None = None
    notify: bool | None = None
    languages: list[str] | None = None

    def put(self, row: Follow) -> None:
        """Write what is wished for into a follow."""
        if self.show_boosts is not None:
            row.show_boosts = self.show_boosts
        if self.notify is not None:
            row.notify = self.notify
        if self.languages is not None:
            row.languages = self.languages


AS_EVER = Wishes()
FIRST = Window(limit=40)


def request(db: Session, follower: Actor, target: Actor, *, uri: str | None = None, wishes: Wishes = AS_EVER) -> Follow:
    """Ask to follow; accepted at once by open local targets, else pending.

    `uri` is the Follow activity's id when it came from elsewhere. Asking again is once and changes the `wishes`; a
    remote server that asks again hears Accept again. Raises Invalid or Forbidden (blocked).
    """
    from models import account_domains, blocks, notifications

    if follower.id == target.id:
        raise Invalid("You cannot follow yourself.")
    if not target.active or target.type == "Application":
        raise Invalid("This account cannot be followed.")
    if blocks.blocked_between(db, follower.id, target.id):
        raise Forbidden("You cannot follow this account.")
    row = find(db, follower.id, target.id)
    if row is not None:
        wishes.put(row)
        if uri and uri != row.uri:
            row.uri = uri
        if uri and row.state == FollowState.ACCEPTED:
            _answer(db, "Accept", row, follower, target)
        db.flush()
        return row
    if account_domains.either_blocks(db, follower, target):
        raise Forbidden("You cannot follow this account.")
    node = node_of(db)
    row = Follow(
        id=new_id(),
        uri=uri or "",
        follower_id=follower.id,
        target_id=target.id,
        state=FollowState.PENDING,
        show_boosts=True,
        notify=False,
        languages=[],
    )
    wishes.put(row)
    if follower.local and not target.local:
        row.uri = outbox.record(db, "Follow", follower, object_uri=target.uri, to=[target.uri]).uri
    elif not uri:
        row.uri = f"{node.origin}/activities/{row.id}"
    db.add(row)
    db.flush()
    if target.local:
        # Twins are taken on by a moderator, never by themselves (FEP-d36d).
        if target.locked or (follower.is_community and target.is_community):
            notifications.follow_waits(db, follower, target)
        else:
            accept(db, row)
    return row


def accept(db: Session, follow: Follow) -> None:
    """The target agrees. Accepting twice is once."""
    from models import figures, notifications

    _hold(db, follow)
    if follow.state == FollowState.ACCEPTED:
        return
    follow.state = FollowState.ACCEPTED
    db.flush()
    figures.followed(db, follow.follower_id, follow.target_id, 1)
    follower, target = get(db, follow.follower_id), get(db, follow.target_id)
    _answer(db, "Accept", follow, follower, target)
    if target.local:
        notifications.notify(db, target.id, "follow", follower)
    if follower.local:
        notifications.notify(db, follower.id, "follow_accepted", target)


def reject(db: Session, follow: Follow) -> None:
    """The target refuses, or ends a follow it had accepted."""
    follower, target = get(db, follow.follower_id), get(db, follow.target_id)
    _answer(db, "Reject", follow, follower, target)
    _end(db, follow)


def _hold(db: Session, follow: Follow) -> None:
    """Keep the row to this transaction, with its state as it is now: who changes it together with a count must be alone."""
    db.flush()
    query = select(Follow).where(Follow.id == follow.id).with_for_update()
    db.scalar(query.execution_options(populate_existing=True))


def _end(db: Session, follow: Follow) -> None:
    from models import figures
    from models.endorsements import Endorsement

    db.flush()
    ended = db.execute(delete(Follow).where(Follow.id == follow.id).returning(Follow.state)).scalar_one_or_none()
    mine = (Endorsement.actor_id == follow.follower_id, Endorsement.target_id == follow.target_id)
    db.execute(delete(Endorsement).where(*mine))
    if ended == FollowState.ACCEPTED:
        figures.followed(db, follow.follower_id, follow.target_id, -1)


def _answer(db: Session, type: str, follow: Follow, follower: Actor, target: Actor) -> None:
    if target.local and not follower.local:
        outbox.record(
            db,
            type,
            target,
            object_uri=follow.uri,
            to=[follower.uri],
            data={"embed": activity(follow, follower, target)},
        )


def activity(follow: Follow, follower: Actor, target: Actor) -> dict[str, Any]:
    """The Follow as it is embedded in Accept, Reject and Undo: plain id strings, which every server reads."""
    return {"id": follow.uri, "type": "Follow", "actor": follower.uri, "object": target.uri}


def undo(db: Session, follower: Actor, target: Actor) -> bool:
    """End a follow from either side's point of view; False if there was none.

    A local follower tells the target by Undo; for a local target who drops a remote follower it is a Reject.
    """
    row = find(db, follower.id, target.id)
    if row is None:
        return False
    if follower.local and not target.local:
        outbox.record(
            db, "Undo", follower, object_uri=row.uri, to=[target.uri], data={"embed": activity(row, follower, target)}
        )
    _end(db, row)
    return True


def drop_follower(db: Session, target: Actor, follower: Actor) -> bool:
    """A local target removes a follower; False if it was none."""
    row = find(db, follower.id, target.id)
    if row is None:
        return False
    reject(db, row)
    return True


def find(db: Session, follower_id: int, target_id: int) -> Follow | None:
    """The follow between these two, in this direction."""
    return db.scalar(select(Follow).where(Follow.follower_id == follower_id, Follow.target_id == target_id))


def by_uri(db: Session, uri: str) -> Follow | None:
    """The follow whose activity has this id."""
    return db.scalar(select(Follow).where(Follow.uri == uri)) if uri else None


def state(db: Session, follower_id: int, target_id: int) -> str | None:
    """`accepted`, `pending`, or None."""
    row = find(db, follower_id, target_id)
    return row.state if row else None


def states(db: Session, follower_id: int, target_ids: list[int]) -> dict[int, str]:
    """`state` for many targets at once."""
    rows = db.execute(
        select(Follow.target_id, Follow.state).where(
            Follow.follower_id == follower_id, Follow.target_id.in_(target_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


def pending_for(db: Session, target_id: int) -> list[tuple[Follow, Actor]]:
    """Requests that wait for this actor's answer, oldest first."""
    rows = db.execute(
        select(Follow, Actor)
        .join(Actor, Follow.follower_id == Actor.id)
        .where(Follow.target_id == target_id, Follow.state == FollowState.PENDING)
        .order_by(Follow.id)
    )
    return [(row[0], row[1]) for row in rows]


def waiting(db: Session, target_id: int, window: Window = FIRST) -> list[tuple[int, Actor]]:
    """Who waits for this actor's answer, with cursors, newest first."""
    return _page(db, Follow.follower_id, Follow.target_id, actor_id=target_id, window=window, state=FollowState.PENDING)


def count_waiting(db: Session, target_id: int) -> int:
    """How many wait for this actor's answer."""
    waiting = (Follow.target_id == target_id, Follow.state == FollowState.PENDING)
    return db.scalar(select(func.count()).select_from(Follow).where(*waiting)) or 0


def followers(db: Session, actor_id: int, window: Window = FIRST) -> list[tuple[int, Actor]]:
    """Accepted followers with their cursor (the follow's id), newest first. Who is suspended is in no list."""
    return _page(db, Follow.follower_id, Follow.target_id, actor_id, window)


def following(db: Session, actor_id: int, window: Window = FIRST) -> list[tuple[int, Actor]]:
    """Whom an actor follows, with cursors, newest first."""
    return _page(db, Follow.target_id, Follow.follower_id, actor_id, window)


def _page(
    db: Session, shown: Any, by: Any, actor_id: int, window: Window, state: FollowState = FollowState.ACCEPTED
) -> list[tuple[int, Actor]]:
    query = (
        select(Follow.id, Actor)
        .join(Actor, shown == Actor.id)
        .where(by == actor_id, Follow.state == state, Actor.deleted_at.is_(None), Actor.suspended_at.is_(None))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Follow.id)]


def all_of(db: Session, actor_id: int) -> list[tuple[Follow, Actor]]:
    """Everybody an actor follows, with how, oldest first."""
    query = select(Follow, Actor).join(Actor, Follow.target_id == Actor.id)
    mine = (Follow.follower_id == actor_id, Follow.state == FollowState.ACCEPTED, Actor.deleted_at.is_(None))
    return [(row[0], row[1]) for row in db.execute(query.where(*mine).order_by(Follow.id))]


def local_followers(db: Session, actor: Actor) -> list[Actor]:
    """The actors of this node that follow `actor`."""
    return list(
        db.scalars(
            select(Actor)
            .join(Follow, Follow.follower_id == Actor.id)
            .where(Follow.target_id == actor.id, Follow.state == FollowState.ACCEPTED, Actor.local.is_(True))
        )
    )


def hearing_of_each(db: Session, actor_id: int, limit: int = 1000) -> list[int]:
    """Who on this node follows an actor and wants a notice of each of its posts."""
    query = (
        select(Follow.follower_id)
        .join(Actor, Follow.follower_id == Actor.id)
        .where(
            Follow.target_id == actor_id,
            Follow.state == FollowState.ACCEPTED,
            Follow.notify.is_(True),
            Actor.local.is_(True),
        )
    )
    return list(db.scalars(query.limit(limit)))


def hearing_of(db: Session, actor_ids: Iterable[int]) -> dict[int, list[int]]:
    """`hearing_of_each` of several actors, in one query; actors of whom nobody hears have no entry."""
    found: dict[int, list[int]] = {}
    wanted = list(actor_ids)
    for target, follower in db.execute(_HEARING, {"targets": wanted}) if wanted else ():
        found.setdefault(target, []).append(follower)
    return found


_follows, _actors = table_of(Follow).c, table_of(Actor).c
_FOLLOWED_HERE = (
    select(_follows.target_id, func.max(case((_follows.notify, 1), else_=0)))
    .join_from(table_of(Follow), table_of(Actor), _follows.follower_id == _actors.id)
    .where(
        _follows.target_id.in_(bindparam("targets", expanding=True)),
        _follows.state == FollowState.ACCEPTED,
        _actors.local.is_(True),
    )
    .group_by(_follows.target_id)
)
_HEARING = (
    select(_follows.target_id, _follows.follower_id)
    .join_from(table_of(Follow), table_of(Actor), _follows.follower_id == _actors.id)
    .where(
        _follows.target_id.in_(bindparam("targets", expanding=True)),
        _follows.state == FollowState.ACCEPTED,
        _follows.notify.is_(True),
        _actors.local.is_(True),
    )
)


def those_followed_here(db: Session, actor_ids: Iterable[int]) -> dict[int, bool]:
    """Which of these actors anybody on this node follows, and whether anybody wants to hear of each post."""
    wanted = list(actor_ids)
    found = quick.rows(db, _FOLLOWED_HERE, {"targets": wanted}) if wanted else []
    return {target: bool(heard) for target, heard in found}


def followed_here(db: Session, actor_id: int) -> bool:
    """Whether anybody on this node follows this actor."""
    return (
        db.scalar(
            select(Follow.id)
            .join(Actor, Follow.follower_id == Actor.id)
            .where(Follow.target_id == actor_id, Follow.state == FollowState.ACCEPTED, Actor.local.is_(True))
            .limit(1)
        )
        is not None
    )


def count_followers(db: Session, actor_id: int) -> int:
    """How many follow this actor, as far as this node knows."""
    from models import figures

    return figures.of(db, actor_id).followers


def count_following(db: Session, actor_id: int) -> int:
    """How many this actor follows, as far as this node knows."""
    from models import figures

    return figures.of(db, actor_id).following
