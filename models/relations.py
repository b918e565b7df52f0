"""How one actor stands to several others, gathered in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from models import account_notes, endorsements
from models.account_domains import AccountDomain
from models.actors import Actor
from models.base import now
from models.blocks import Block, Mute
from models.follows import Follow, FollowState


@dataclass
class Relation:
    """Both directions between the asker and `id`."""

    id: int
    follow: Follow | None = None
    """The asker's follow, accepted or waiting."""
    followed_by: str | None = None
    """The state of the other's follow of the asker."""
    blocking: bool = False
    blocked_by: bool = False
    mute: Mute | None = None
    domain_blocking: bool = False
    endorsed: bool = False
    note: str = ""

    @property
    def following(self) -> bool:
        """Whether the asker follows, and the other has agreed."""
        return self.follow is not None and self.follow.state == FollowState.ACCEPTED

    @property
    def requested(self) -> bool:
        """Whether the asker waits for the other's answer."""
        return self.follow is not None and self.follow.state == FollowState.PENDING


def between(db: Session, me: Actor, ids: Sequence[int]) -> list[Relation]:
    """How `me` stands to each of these actors, in their order; those that do not exist are left out."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    known = {row[0]: row[1] for row in db.execute(select(Actor.id, Actor.domain).where(Actor.id.in_(wanted)))}
    found = {actor_id: Relation(actor_id) for actor_id in wanted if actor_id in known}
    for follow in db.scalars(select(Follow).where(Follow.follower_id == me.id, Follow.target_id.in_(found))):
        found[follow.target_id].follow = follow
    theirs = select(Follow.follower_id, Follow.state).where(Follow.target_id == me.id, Follow.follower_id.in_(found))
    for follower_id, state in db.execute(theirs):
        found[follower_id].followed_by = state
    blocks = select(Block.actor_id, Block.target_id).where(
        or_(
            (Block.actor_id == me.id) & Block.target_id.in_(found),
            (Block.target_id == me.id) & Block.actor_id.in_(found),
        )
    )
    for actor_id, target_id in db.execute(blocks):
        if actor_id == me.id:
            found[target_id].blocking = True
        else:
            found[actor_id].blocked_by = True
    mutes = select(Mute).where(
        Mute.actor_id == me.id, Mute.target_id.in_(found), or_(Mute.until.is_(None), Mute.until > now())
    )
    for mute in db.scalars(mutes):
        found[mute.target_id].mute = mute
    domains = select(AccountDomain.domain).where(
        AccountDomain.actor_id == me.id, AccountDomain.domain.in_(set(known.values()))
    )
    blocked = set(db.scalars(domains))
    for actor_id in endorsements.shown(db, me.id, list(found)):
        found[actor_id].endorsed = True
    for actor_id, note in account_notes.about(db, me.id, list(found)).items():
        found[actor_id].note = note
    for relation in found.values():
        relation.domain_blocking = known[relation.id] in blocked
    return list(found.values())


def familiar(db: Session, me: Actor, ids: Sequence[int], *, limit: int = 10) -> dict[int, list[Actor]]:
    """For each of these actors the `limit` newest followers whom `me` follows too; one query.

    Who hides whom he follows, or is himself hidden, is left out: nobody learns here what a profile does not show.
    """
    found: dict[int, list[Actor]] = {target_id: [] for target_id in ids}
    if not found:
        return found
    mine = select(Follow.target_id).where(Follow.follower_id == me.id, Follow.state == FollowState.ACCEPTED)
    target = aliased(Actor)
    place = func.row_number().over(partition_by=Follow.target_id, order_by=Follow.id.desc())
    both = (
        select(Follow.target_id, Follow.follower_id, place.label("place"))
        .join(target, Follow.target_id == target.id)
        .join(Actor, Follow.follower_id == Actor.id)
        .where(
            Follow.target_id.in_(found),
            Follow.state == FollowState.ACCEPTED,
            or_(target.hides_followers.is_(False), target.id == me.id),
            Follow.follower_id.in_(mine),
            Actor.hides_followers.is_(False),
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
        )
        .subquery()
    )
    query = select(both.c.target_id, Actor).join(Actor, both.c.follower_id == Actor.id).where(both.c.place <= limit)
    for target_id, actor in db.execute(query.order_by(both.c.target_id, both.c.place)):
        found[target_id].append(actor)
    return found
