"""Twinning: communities on different servers show each other's questions, once one has asked and the other accepted."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import communities, follows, moderation
from models.actors import Actor
from models.errors import Invalid, NotFound
from models.follows import Follow, FollowState


@dataclass(frozen=True)
class Twinning:
    """A twin, and which way questions go."""

    other: Actor
    theirs_here: bool
    """What is asked there is shown here."""
    ours_there: bool


def of(db: Session, group: Actor) -> list[Twinning]:
    """`communities.twins` with what each shows of the other."""
    found = communities.twins(db, group)
    ids = [one.id for one in found]
    accepted = Follow.state == FollowState.ACCEPTED
    here = set(db.scalars(select(Follow.target_id).where(Follow.follower_id == group.id, Follow.target_id.in_(ids), accepted)))  # fmt: skip
    there = set(db.scalars(select(Follow.follower_id).where(Follow.target_id == group.id, Follow.follower_id.in_(ids), accepted)))  # fmt: skip
    return [Twinning(one, one.id in here, one.id in there) for one in found]


def ask(db: Session, by: Actor | None, group: Actor, target: Actor) -> Follow:
    """Ask a community elsewhere to be a twin: a Follow from Group to Group (FEP-d36d). Waiting is a normal state."""
    communities.require_moderator(db, by, group)
    require_possible(db, group, target)
    moderation.audit(db, by.id if by is not None else None, "community.twin", group.uri, twin=target.uri)
    return follows.request(db, group, target)


def require_possible(db: Session, group: Actor, target: Actor) -> None:
    """Raise Invalid unless the two could be twins."""
    if (
        not target.is_community
        or communities.known(db, group).node_only
        or (target.local and communities.known(db, target).node_only)
    ):
        raise Invalid("Only open communities can be twinned.", code="twin_unfit")
    if target.id == group.id:
        raise Invalid("A community cannot be its own twin.", code="twin_unfit")


def end(db: Session, by: Actor | None, group: Actor, target: Actor) -> None:
    """End a twinning: no new threads either way; old ones stay."""
    communities.require_moderator(db, by, group)
    follows.undo(db, group, target)
    follows.drop_follower(db, group, target)
    moderation.audit(db, by.id if by is not None else None, "community.untwin", group.uri, twin=target.uri)


def answer(db: Session, by: Actor | None, group: Actor, follower: Actor, *, accept: bool) -> None:
    """A moderator takes a twin's request on, or refuses it."""
    communities.require_moderator(db, by, group)
    row = follows.find(db, follower.id, group.id)
    if row is None:
        raise NotFound("There is no such request.")
    if accept:
        follows.accept(db, row)
    else:
        follows.reject(db, row)
    moderation.audit(
        db, by.id if by is not None else None, "community.twin_answer", group.uri, twin=follower.uri, accept=accept
    )
