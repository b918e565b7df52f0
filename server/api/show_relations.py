"""How the caller and others stand to each other, as clients read it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import relations
from models.actors import Actor
from models.follows import FollowState
from models.relations import Relation
from server.api.entities.relations import Relationship
from server.api.times import stamp


def relationships(db: Session, me: Actor, ids: Sequence[int]) -> list[Relationship]:
    """To several accounts, in their order; those that do not exist are left out."""
    return [_shown(relation) for relation in relations.between(db, me, ids)]


def relationship(db: Session, me: Actor, actor_id: int) -> Relationship:
    """To one account."""
    return relationships(db, me, [actor_id])[0]


def _shown(relation: Relation) -> Relationship:
    follow, mute = relation.follow, relation.mute
    return Relationship(
        id=str(relation.id),
        following=relation.following,
        showing_reblogs=follow is not None and follow.show_boosts,
        notifying=follow is not None and follow.notify,
        languages=(follow.languages or None) if follow is not None else None,
        followed_by=relation.followed_by == FollowState.ACCEPTED,
        blocking=relation.blocking,
        blocked_by=relation.blocked_by,
        muting=mute is not None,
        muting_notifications=mute is not None and mute.hide_notifications,
        muting_expires_at=stamp(mute.until) if mute is not None and mute.until is not None else None,
        requested=relation.requested,
        requested_by=relation.followed_by == FollowState.PENDING,
        domain_blocking=relation.domain_blocking,
        endorsed=relation.endorsed,
        note=relation.note,
    )
