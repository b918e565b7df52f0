"""Whom of those who are connected something concerns, asked for all of them in one query.

The conditions are those of the lists themselves (`access`, `feeds`): whatever shows in a home when it is loaded comes
by stream, and nothing else does.
"""

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, literal_column, select
from sqlalchemy.orm import Session, aliased

from models import lists
from models.access import listed, visible
from models.actors import Actor, ActorType
from models.base import Id
from models.errors import NotFound
from models.events import Event, EventKind
from models.feeds import findable, home_feed, list_feed, not_muted
from models.filters import Filter
from models.follows import Follow, FollowState
from models.listings import Listing
from models.posts import Post, Visibility
from models.reactions import Boost
from models.thread_mutes import ThreadMute

_Viewer = aliased(Actor, name="viewer")


class _Each:
    """Stands for each of several people of this node in a condition that is written for one viewer.

    The id is that of the row of `_Viewer` at hand. It is plain SQL, so that it means that row at any depth.
    """

    id = literal_column("viewer.id", Id)
    local = True
    active = True
    type = ActorType.PERSON


EACH = cast(Actor, _Each())

_COLUMNS = {EventKind.POSTED: Post.id, EventKind.BOOSTED: Boost.id, EventKind.LISTED: Listing.id}


def homes(db: Session, event: Event, post_id: int, among: Collection[int]) -> set[int]:
    """In whose home the thing of an event shows: for an edition, wherever its post does or a boost of it."""
    found: set[int] = set()
    if not among:
        return found
    for query, column in ((way.query, way.at) for way in home_feed(EACH).ways()):
        if event.kind == EventKind.EDITED:
            found |= _ids(db, query, Post.id == post_id, among)
        elif column is _COLUMNS.get(EventKind(event.kind)):
            found |= _ids(db, query, column == event.subject, among)
    return found


def in_list(db: Session, event: Event, post_id: int, list_id: int, owner: Actor) -> bool:
    """Whether the thing of an event shows in this list of `owner`'s."""
    try:
        row = lists.get(db, owner.id, list_id)
    except NotFound:
        return False
    feed = list_feed(owner, lists.member_ids(row), row.replies_policy)
    for query, column in ((way.query, way.at) for way in feed.ways()):
        same = Post.id == post_id if event.kind == EventKind.EDITED else column == event.subject
        fits = event.kind == EventKind.EDITED or column is _COLUMNS.get(EventKind(event.kind))
        if fits and db.execute(query.where(same).limit(1)).first() is not None:
            return True
    return False


def readers(db: Session, post_id: int, among: Collection[int]) -> set[int]:
    """Who may read a post at all."""
    return _ids(db, select(Post.id), and_post(post_id, visible(EACH)), among) if among else set()


def public_readers(db: Session, post_id: int, among: Collection[int], *, tagged: bool = False) -> set[int]:
    """In whose public timeline a post shows, or in whose list of a tag it has."""
    condition = and_post(post_id, Post.visibility == Visibility.PUBLIC, listed(EACH), not_muted(EACH, Post.author_id))
    condition &= findable() if tagged else Post.in_reply_to_uri == ""
    return _ids(db, select(Post.id), condition, among) if among else set()


def followers(db: Session, actor_ids: Collection[int], among: Collection[int]) -> set[int]:
    """Who follows any of these actors."""
    if not actor_ids or not among:
        return set()
    query = select(Follow.follower_id).where(
        Follow.target_id.in_(actor_ids), Follow.follower_id.in_(among), Follow.state == FollowState.ACCEPTED
    )
    return set(db.scalars(query))


def with_filters(db: Session, among: Collection[int]) -> set[int]:
    """Who has set filters of his own."""
    return set(db.scalars(select(Filter.account_id).where(Filter.account_id.in_(among)).distinct()))


def who_muted(db: Session, thread_id: int, among: Collection[int]) -> set[int]:
    """Who does not want to be told of what happens in a thread."""
    query = select(ThreadMute.account_id).where(ThreadMute.thread_id == thread_id, ThreadMute.account_id.in_(among))
    return set(db.scalars(query))


def brought(db: Session, event: Event) -> tuple[int, int | None] | None:
    """(post, who brought it) of an event about a status; None if that is gone by now."""
    if event.kind in {EventKind.POSTED, EventKind.EDITED}:
        return event.subject, None
    if event.kind == EventKind.BOOSTED:
        row = db.execute(select(Boost.post_id, Boost.actor_id).where(Boost.id == event.subject)).first()
    else:
        row = db.execute(select(Listing.post_id, Listing.community_id).where(Listing.id == event.subject)).first()
    return (row[0], row[1]) if row else None


def and_post(post_id: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """That it is this post, and all of the conditions."""
    whole = Post.id == post_id
    for condition in conditions:
        whole &= condition
    return whole


def _ids(db: Session, query: Select[Any], condition: Any, among: Collection[int]) -> set[int]:
    asked = query.add_columns(_Viewer.id).join(_Viewer, _Viewer.id.in_(among)).where(condition)
    return {row[-1] for row in db.execute(asked)}
