"""What clients call a status: a post, or that somebody brought one: a boost, or a community's announce of a thread."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from models import actors
from models.access import visible
from models.actors import Actor
from models.blocks import Block
from models.communities import Listing
from models.errors import NotFound
from models.follows import Follow, FollowState
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
    post = db.scalar(select(Post).where(Post.id == status_id, visible(viewer)))
    if post is not None:
        return Item(post.id, post)
    boost = (
        select(Post, Boost.actor_id)
        .join(Boost, Boost.post_id == Post.id)
        .where(Boost.id == status_id, visible(viewer), boost_visible(viewer))
    )
    announce = (
        select(Post, Listing.community_id)
        .join(Listing, Listing.post_id == Post.id)
        .where(Listing.id == status_id, Listing.hidden_at.is_(None), Post.removed_at.is_(None), visible(viewer))
    )
    for query in (boost, announce):
        row = db.execute(query).first()
        if row is not None and (through := _bringer(db, viewer, row[1])) is not None:
            return Item(status_id, row[0], through)
    raise NotFound("Record not found")


def _bringer(db: Session, viewer: Actor | None, actor_id: int) -> Actor | None:
    through = actors.get(db, actor_id)
    if not through.active:
        return None
    if viewer is not None and db.scalar(select(Block.id).where(_between(viewer.id, actor_id)).limit(1)) is not None:
        return None
    return through


def _between(one: int, other: int) -> ColumnElement[bool]:
    return or_(
        and_(Block.actor_id == one, Block.target_id == other), and_(Block.actor_id == other, Block.target_id == one)
    )


def several(db: Session, viewer: Actor | None, ids: Iterable[int]) -> list[Item]:
    """Those of these statuses that `viewer` may see, in the order asked for; for boosts and announces one by one."""
    wanted = list(dict.fromkeys(ids))
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(wanted), visible(viewer)))}
    found: list[Item] = []
    for status_id in wanted:
        if status_id in rows:
            found.append(Item(status_id, rows[status_id]))
            continue
        try:
            found.append(find(db, viewer, status_id))
        except NotFound:
            continue
    return found
