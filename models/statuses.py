"""What clients call a status: a post, or that somebody brought one: a boost, or a community's announce of a thread."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from models.access import visible
from models.actors import Actor
from models.blocks import Block
from models.errors import NotFound
from models.follows import Follow, FollowState
from models.listings import Listing
from models.posts import Post, Visibility
from models.reactions import Boost

OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


@dataclass(frozen=True)
class Item:
    """A post in a list. `at` is the cursor and the status' id; `through` the actor who brought it, if somebody did."""

    at: int
    post: Post
    through: Actor | None = None


def boost_visible(viewer: Actor | None) -> ColumnElement[bool]:
    """The condition under which `viewer` may know of a Boost: those for followers only are for followers."""
    open_to_all = Boost.visibility.in_(OPEN)
    if viewer is None:
        return open_to_all
    follows = exists().where(
        Follow.follower_id == viewer.id, Follow.target_id == Boost.actor_id, Follow.state == FollowState.ACCEPTED
    )
    return or_(open_to_all, Boost.actor_id == viewer.id, follows)


def find(db: Session, viewer: Actor | None, status_id: int) -> Item:
    """The post, boost or announce with this id, as far as `viewer` may see it. Raises NotFound, always the same."""
    found = several(db, viewer, [status_id])
    if not found:
        raise NotFound("Record not found")
    return found[0]


def several(db: Session, viewer: Actor | None, ids: Iterable[int]) -> list[Item]:
    """Those of these statuses that `viewer` may see, in the order asked for."""
    wanted = list(dict.fromkeys(ids))
    found = {post.id: Item(post.id, post) for post in db.scalars(_posts(viewer).where(Post.id.in_(wanted)))}
    if rest := [status_id for status_id in wanted if status_id not in found]:
        found |= _brought(db, viewer, rest)
    return [found[status_id] for status_id in wanted if status_id in found]


def _posts(viewer: Actor | None) -> Select[Post]:
    return select(Post).where(visible(viewer))


def _brought(db: Session, viewer: Actor | None, ids: list[int]) -> dict[int, Item]:
    boosts = (
        select(Boost.id, Post, Actor)
        .join(Post, Boost.post_id == Post.id)
        .join(Actor, Boost.actor_id == Actor.id)
        .where(Boost.id.in_(ids), visible(viewer), boost_visible(viewer), *_welcome(viewer))
    )
    announces = (
        select(Listing.id, Post, Actor)
        .join(Post, Listing.post_id == Post.id)
        .join(Actor, Listing.community_id == Actor.id)
        .where(
            Listing.id.in_(ids),
            Listing.hidden_at.is_(None),
            Post.removed_at.is_(None),
            visible(viewer),
            *_welcome(viewer),
        )
    )
    return {row[0]: Item(row[0], row[1], row[2]) for query in (boosts, announces) for row in db.execute(query)}


def _welcome(viewer: Actor | None) -> list[ColumnElement[bool]]:
    """Conditions on who brings a post: he is there, and he and `viewer` have not blocked each other."""
    there = [Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), Actor.standing != "blocked"]
    if viewer is None:
        return there
    blocked = exists().where(
        or_(
            and_(Block.actor_id == viewer.id, Block.target_id == Actor.id),
            and_(Block.actor_id == Actor.id, Block.target_id == viewer.id),
        )
    )
    return [*there, ~blocked]
