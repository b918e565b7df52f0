"""People and communities that want to be found: the directory, and whom somebody might like to follow.

Only those whose `discoverable` says so are shown, and nobody the asker keeps away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, ForeignKey, and_, exists, func, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.account_domains import unwanted
from models.actors import Actor, ActorType
from models.base import Base, insert_unless_there
from models.blocks import Block, Mute
from models.figures import ActorFigures
from models.follows import Follow, FollowState

CLOSE = 300
"""How many of those somebody follows are asked whom they follow."""

Why = Literal["featured", "friends_of_friends", "most_followed"]


class DismissedSuggestion(Base):
    """Somebody does not want this actor suggested."""

    __tablename__ = "dismissed_suggestions"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)


@dataclass
class Suggested:
    """Somebody to follow, and why."""

    actor: Actor
    why: list[Why]


def shown(viewer: Actor | None) -> ColumnElement[bool]:
    """The condition that an Actor wants to be found, and that `viewer` does not keep him away."""
    conditions: list[ColumnElement[bool]] = [
        Actor.discoverable.is_(True),
        Actor.suspended_at.is_(None),
        Actor.deleted_at.is_(None),
        Actor.standing == "",
        Actor.moved_to == "",
        Actor.type != ActorType.APPLICATION,
    ]
    if viewer is not None:
        apart = exists().where(
            or_(
                and_(Block.actor_id == viewer.id, Block.target_id == Actor.id),
                and_(Block.actor_id == Actor.id, Block.target_id == viewer.id),
            )
        )
        muted = exists().where(Mute.actor_id == viewer.id, Mute.target_id == Actor.id)
        conditions += [~apart, ~muted, ~unwanted(viewer, Actor.id)]
    return and_(*conditions)


def listing(
    db: Session, viewer: Actor | None, *, newest: bool = False, local: bool = False, offset: int = 0, limit: int = 40
) -> list[Actor]:
    """The directory: who wrote last comes first, and those who have not written last of all; or who came last (`newest`).

    `local`: only of this node.
    """
    query = select(Actor).where(shown(viewer))
    if local:
        query = query.where(Actor.local.is_(True))
    if newest:
        return list(db.scalars(query.order_by(Actor.id.desc()).offset(offset).limit(limit)))
    written = ActorFigures.last_post_at.is_not(None)
    active = query.join(ActorFigures, ActorFigures.actor_id == Actor.id).where(written)
    by_time = active.order_by(ActorFigures.last_post_at.desc(), Actor.id.desc())
    found = list(db.scalars(by_time.offset(offset).limit(limit)))
    if len(found) < limit:
        before = db.scalar(select(func.count()).select_from(active.subquery())) if offset else len(found)
        silent = query.where(~exists().where(ActorFigures.actor_id == Actor.id, written)).order_by(Actor.id.desc())
        found += db.scalars(silent.offset(max(0, offset - (before or 0))).limit(limit - len(found)))
    return found


def suggestions(db: Session, viewer: Actor, *, limit: int = 40) -> list[Suggested]:
    """Whom `viewer` might like to follow: communities of this node, whom those he follows follow, who is followed most."""
    mine = aliased(Follow)
    fresh = and_(
        shown(viewer),
        Actor.id != viewer.id,
        ~exists().where(mine.follower_id == viewer.id, mine.target_id == Actor.id),
        ~exists().where(DismissedSuggestion.actor_id == viewer.id, DismissedSuggestion.target_id == Actor.id),
    )
    found: dict[int, Suggested] = {}

    def add(people: Iterable[Actor], why: Why) -> None:
        for actor in people:
            found.setdefault(actor.id, Suggested(actor, [])).why.append(why)

    here = (Actor.local.is_(True), Actor.type == ActorType.GROUP)
    popular = select(Actor).outerjoin(ActorFigures, ActorFigures.actor_id == Actor.id).where(fresh)
    popular = popular.order_by(func.coalesce(ActorFigures.followers, 0).desc(), Actor.id).limit(limit)
    add(db.scalars(popular.where(*here)), "featured")
    close = select(Follow.target_id).where(Follow.follower_id == viewer.id, Follow.state == FollowState.ACCEPTED)
    friends = list(db.scalars(close.order_by(Follow.id.desc()).limit(CLOSE)))
    if friends:
        shared = (
            select(Follow.target_id, func.count().label("friends"))
            .join(Actor, Follow.target_id == Actor.id)
            .where(Follow.follower_id.in_(friends), Follow.state == FollowState.ACCEPTED, fresh)
            .group_by(Follow.target_id)
            .order_by(func.count().desc(), Follow.target_id)
            .limit(limit)
            .subquery()
        )
        query = select(Actor).join(shared, shared.c.target_id == Actor.id).order_by(shared.c.friends.desc(), Actor.id)
        add(db.scalars(query), "friends_of_friends")
    if len(found) < limit:
        add(db.scalars(popular.where(ActorFigures.followers > 0)), "most_followed")
    return list(found.values())[:limit]


def dismiss(db: Session, viewer: Actor, target_id: int) -> None:
    """Suggest this actor no more; for one that does not exist nothing happens."""
    if db.get(Actor, target_id) is not None:
        insert_unless_there(db, DismissedSuggestion, actor_id=viewer.id, target_id=target_id)
