"""Lists of posts: home, public, a person's, a tag's, a community's, questions. Every page costs what it shows."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from models import actors, text
from models.access import listed, visible
from models.actors import Actor
from models.base import now
from models.blocks import Mute
from models.communities import Listing
from models.follows import Follow, FollowState
from models.posts import Kind, Post, PostTag, Visibility
from models.reactions import Boost

PAGE = 20


@dataclass(frozen=True)
class Item:
    """A post in a list. `at` is the cursor; `through` the actor who brought it (a booster, or a community)."""

    at: int
    post: Post
    through: Actor | None = None


S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def _before(query: S, column: Any, before: int | None) -> S:
    return query if before is None else query.where(column < before)


def _not_muted(viewer: Actor, author: Any) -> ColumnElement[bool]:
    return ~exists().where(
        Mute.actor_id == viewer.id, Mute.target_id == author, or_(Mute.until.is_(None), Mute.until > now())
    )


def home(db: Session, viewer: Actor, *, before: int | None = None, limit: int = PAGE) -> list[Item]:
    """What those `viewer` follows wrote and boosted, threads of communities he follows, and what he wrote himself.

    Replies show where he follows both sides. Nothing shows twice on a page.
    """
    followed = select(Follow.target_id).where(Follow.follower_id == viewer.id, Follow.state == FollowState.ACCEPTED)
    parent = aliased(Post)
    reply_fits = or_(
        Post.in_reply_to_uri == "",
        exists().where(
            parent.id == Post.in_reply_to_id, or_(parent.author_id.in_(followed), parent.author_id == viewer.id)
        ),
    )
    shown = and_(visible(viewer), _not_muted(viewer, Post.author_id))
    own = select(Post.id, Post.id).where(
        or_(Post.author_id == viewer.id, and_(Post.author_id.in_(followed), reply_fits)),
        Post.visibility != Visibility.DIRECT,
        shown,
    )
    boosts = (
        select(Boost.id, Boost.post_id, Boost.actor_id)
        .join(Post, Boost.post_id == Post.id)
        .where(Boost.actor_id.in_(followed), shown, _not_muted(viewer, Boost.actor_id))
    )
    threads = (
        select(Listing.id, Listing.post_id, Listing.community_id)
        .join(Post, Listing.post_id == Post.id)
        .where(Listing.community_id.in_(followed), Listing.hidden_at.is_(None), Post.removed_at.is_(None), shown)
    )
    found: list[tuple[int, int, int | None]] = [
        (at, id, None) for at, id in db.execute(_before(own, Post.id, before).order_by(Post.id.desc()).limit(limit))
    ]
    for brought, at in ((boosts, Boost.id), (threads, Listing.id)):
        rows = db.execute(_before(brought, at, before).order_by(at.desc()).limit(limit))
        found += [(row[0], row[1], row[2]) for row in rows]
    return _items(db, found, limit)


def _items(db: Session, found: list[tuple[int, int, int | None]], limit: int) -> list[Item]:
    found.sort(key=lambda row: (-row[0], row[2] is not None))
    kept: dict[int, tuple[int, int | None]] = {}
    for at, post_id, through in found:
        if post_id not in kept:
            kept[post_id] = (at, through)
    top = sorted(kept.items(), key=lambda item: -item[1][0])[:limit]
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_([post_id for post_id, _ in top])))}
    people = actors.many(db, [through for _, (_, through) in top if through])
    return [Item(at, rows[post_id], people.get(through or 0)) for post_id, (at, through) in top]


def public(
    db: Session, viewer: Actor | None = None, *, local: bool = False, before: int | None = None, limit: int = PAGE
) -> list[Post]:
    """First posts anybody may read, newest first; `local`: only those of this node."""
    query = select(Post).where(Post.visibility == Visibility.PUBLIC, Post.in_reply_to_uri == "", listed(viewer))
    if local:
        query = query.where(Post.local.is_(True))
    return list(db.scalars(_before(query, Post.id, before).order_by(Post.id.desc()).limit(limit)))


def of_actor(
    db: Session,
    viewer: Actor | None,
    actor: Actor,
    *,
    replies: bool = True,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Item]:
    """What an actor wrote and boosted, as far as `viewer` may see it; direct posts have their own list."""
    own = select(Post.id).where(Post.author_id == actor.id, Post.visibility != Visibility.DIRECT, visible(viewer))
    if not replies:
        own = own.where(Post.in_reply_to_uri == "")
    boosts = (
        select(Boost.id, Boost.post_id)
        .join(Post, Boost.post_id == Post.id)
        .where(Boost.actor_id == actor.id, visible(viewer))
    )
    found: list[tuple[int, int, int | None]] = [
        (id, id, None) for id in db.scalars(_before(own, Post.id, before).order_by(Post.id.desc()).limit(limit))
    ]
    for row in db.execute(_before(boosts, Boost.id, before).order_by(Boost.id.desc()).limit(limit)):
        found.append((row[0], row[1], actor.id))
    return _items(db, found, limit)


def tag(db: Session, viewer: Actor | None, name: str, *, before: int | None = None, limit: int = PAGE) -> list[Post]:
    """Public posts with a hashtag, newest first; remote ones only as their authors let themselves be indexed."""
    findable = exists().where(Actor.id == Post.author_id, or_(Actor.local.is_(True), Actor.indexable.is_(True)))
    query = (
        select(Post)
        .join(PostTag, PostTag.post_id == Post.id)
        .where(PostTag.name == text.tag_key(name), Post.visibility == Visibility.PUBLIC, listed(viewer), findable)
    )
    return list(db.scalars(_before(query, Post.id, before).order_by(Post.id.desc()).limit(limit)))


def community(
    db: Session,
    viewer: Actor | None,
    group: Actor,
    *,
    unanswered: bool = False,
    before: int | None = None,
    limit: int = PAGE,
    with_hidden: bool = False,
) -> list[tuple[Listing, Post]]:
    """A community's threads, newest first: its own, and those of its twins (`Listing.through_id`)."""
    query = (
        select(Listing, Post)
        .join(Post, Listing.post_id == Post.id)
        .where(Listing.community_id == group.id, visible(viewer))
        .order_by(Listing.id.desc())
        .limit(limit)
    )
    if not with_hidden:
        query = query.where(Listing.hidden_at.is_(None), Post.removed_at.is_(None))
    if unanswered:
        query = query.where(Post.kind == Kind.QUESTION, Post.answer_count == 0)
    return [(row[0], row[1]) for row in db.execute(_before(query, Listing.id, before))]


def questions(
    db: Session,
    viewer: Actor | None,
    *,
    order: str = "new",
    before: int | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[Post]:
    """Questions anybody may find. `order`: new, unanswered (newest first, cursor), top or accepted."""
    query = select(Post).where(
        Post.kind == Kind.QUESTION,
        Post.visibility.in_([Visibility.PUBLIC, Visibility.NODE]),
        Post.removed_at.is_(None),
        listed(viewer),
    )
    if order == "unanswered":
        query = query.where(Post.answer_count == 0)
    if order == "accepted":
        query = query.where(Post.accepted_id.is_not(None))
    if order == "top":
        return list(
            db.scalars(query.order_by((Post.up - Post.down).desc(), Post.id.desc()).offset(offset).limit(limit))
        )
    return list(db.scalars(_before(query, Post.id, before).order_by(Post.id.desc()).limit(limit)))


def waiting(db: Session, viewer: Actor, *, limit: int = 5) -> list[Post]:
    """Unanswered questions in communities `viewer` follows, oldest first: what waits for somebody who knows."""
    followed = select(Follow.target_id).where(Follow.follower_id == viewer.id, Follow.state == FollowState.ACCEPTED)
    return list(
        db.scalars(
            select(Post)
            .where(
                Post.kind == Kind.QUESTION,
                Post.answer_count == 0,
                Post.community_id.in_(followed),
                Post.author_id != viewer.id,
                Post.removed_at.is_(None),
                visible(viewer),
            )
            .order_by(Post.id)
            .limit(limit)
        )
    )


def direct(db: Session, viewer: Actor, *, before: int | None = None, limit: int = PAGE) -> list[Post]:
    """Direct posts from and to `viewer`, newest first."""
    query = select(Post).where(Post.visibility == Visibility.DIRECT, visible(viewer))
    return list(db.scalars(_before(query, Post.id, before).order_by(Post.id.desc()).limit(limit)))
