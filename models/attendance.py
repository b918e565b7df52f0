"""Attendance: who comes to which meetings, what each is to them, and who may know.

`attending` gives the places and takes them back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import anonymity, communities
from models.actors import Actor
from models.base import now
from models.meetings import Attendee, Meeting, State
from models.posts import Kind, Post


def mine(
    db: Session, actor: Actor, *, past: bool = False, limit: int = 100
) -> list[tuple[Post, Meeting, Attendee | None]]:
    """The meetings somebody organises, or has signed up for, the next first."""
    query = (
        select(Post, Meeting, Attendee)
        .join(Meeting, Meeting.post_id == Post.id)
        .outerjoin(Attendee, (Attendee.post_id == Post.id) & (Attendee.actor_id == actor.id))
        .where(
            Post.deleted_at.is_(None),
            (Post.author_id == actor.id) | (Attendee.actor_id.is_not(None) & (Attendee.state != State.DECLINED)),
            Meeting.ends_at <= now() if past else Meeting.ends_at > now(),
        )
        .order_by(Meeting.starts_at.desc() if past else Meeting.starts_at)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in db.execute(query)]


def attended(db: Session, actor: Actor) -> list[tuple[Post, Meeting, Attendee]]:
    """Everything somebody ever signed up for that is still there, the oldest first: for the copy of his own data."""
    query = (
        select(Post, Meeting, Attendee)
        .join(Meeting, Meeting.post_id == Post.id)
        .join(Attendee, Attendee.post_id == Post.id)
        .where(Attendee.actor_id == actor.id, Post.deleted_at.is_(None))
        .order_by(Attendee.number)
    )
    return [(row[0], row[1], row[2]) for row in db.execute(query)]


def attendee(db: Session, post: Post, actor: Actor) -> Attendee | None:
    """What somebody is to a meeting, if anything."""
    return db.get(Attendee, (post.id, actor.id))


def attendees(
    db: Session, post: Post, *states: State, after: int = 0, limit: int | None = None
) -> list[tuple[Attendee, Actor]]:
    """Who signed up (in one of these states), in the order they did; all `limit` behind the number `after`."""
    query = (
        select(Attendee, Actor)
        .join(Actor, Actor.id == Attendee.actor_id)
        .where(Attendee.post_id == post.id, Attendee.number > after, Actor.deleted_at.is_(None))
        .order_by(Attendee.number)
    )
    if states:
        query = query.where(Attendee.state.in_(states))
    if limit is not None:
        query = query.limit(limit)
    return [(row[0], row[1]) for row in db.execute(query)]


def states_of(db: Session, actor: Actor, post_ids: Collection[int]) -> dict[int, str]:
    """What somebody is to several meetings."""
    query = select(Attendee.post_id, Attendee.state).where(
        Attendee.actor_id == actor.id, Attendee.post_id.in_(list(post_ids))
    )
    return {row[0]: row[1] for row in db.execute(query)}


def count(db: Session, post_id: int, state: State) -> int:
    """How many are in a state, counted."""
    query = select(func.count()).select_from(Attendee).where(Attendee.post_id == post_id, Attendee.state == state)
    return db.scalar(query) or 0


def place_in_line(db: Session, row: Attendee) -> int:
    """The how-manieth somebody is who waits, from 1."""
    ahead = select(func.count()).select_from(Attendee)
    ahead = ahead.where(Attendee.post_id == row.post_id, Attendee.state == State.WAITING, Attendee.number < row.number)
    return (db.scalar(ahead) or 0) + 1


@dataclass(frozen=True)
class Standing:
    """What somebody is to several meetings, and what he may see of them; made by `standing`."""

    viewer: Actor | None
    states: Mapping[int, str]
    moderated: frozenset[int]
    moderates_node: bool

    def organises(self, post: Post) -> bool:
        """Who answers for a meeting: whoever planned it, and the moderators of its community."""
        if self.viewer is None or post.kind != Kind.EVENT or not post.local or post.deleted_at is not None:
            return False
        return post.author_id == self.viewer.id or post.community_id in self.moderated

    def sees_all(self, post: Post) -> bool:
        """Who sees also who waits, asked or was declined: organisers, and moderators of the node."""
        return self.organises(post) or (post.local and self.moderates_node)

    def sees_attendees(self, post: Post) -> bool:
        """Who may know who comes: also those who come themselves."""
        return self.sees_all(post) or (post.local and self.states.get(post.id) == State.GOING)

    def sees_link(self, post: Post, row: Meeting) -> bool:
        """Whether somebody may have the address at which it is held online."""
        return not row.online_hidden or self.organises(post) or self.states.get(post.id) == State.GOING


def standing(db: Session, viewer: Actor | None, posts: Iterable[Post]) -> Standing:
    """What somebody is to these meetings, in as many queries however many there are."""
    if viewer is None:
        return Standing(None, {}, frozenset(), False)
    states, moderated = states_of(db, viewer, [post.id for post in posts]), communities.moderated(db, viewer.id)
    return Standing(viewer, states, frozenset(moderated), anonymity.moderates_node(db, viewer))


def organises(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody decides who comes to one meeting."""
    return standing(db, actor, [post]).organises(post)
