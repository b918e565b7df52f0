"""Lists of posts: home, public, a person's, a tag's, a community's, questions. Every page costs what it shows."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Text, exists, literal, null, select, type_coerce, union_all
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models import nearest, text, viewers
from models.access import listed, visible
from models.actors import Actor, ActorType
from models.anonymity import AnonymousPost
from models.feeds import FIRST, findable, items, not_muted
from models.feeds import home as home
from models.feeds import of_list as of_list
from models.follows import Follow, FollowState
from models.listings import Listing
from models.pins import Pin
from models.posts import UNANSWERED, Kind, Post, PostTag, Visibility
from models.reactions import Boost
from models.statuses import Item as Item
from models.statuses import boost_visible
from models.windows import Kind as WindowKind
from models.windows import Window

MORE = 50
"""So many more questions are looked at than shown, for those that not everybody may see."""


def _with_media(query: Any) -> Any:
    return query.where(type_coerce(Post.attachments, Text) != "[]")


def _from(query: Any, *, local: bool, remote: bool) -> Any:
    if local:
        query = query.where(Post.local.is_(True))
    if remote:
        query = query.where(Post.local.is_(False))
    return query


def public(
    db: Session,
    viewer: Actor | None = None,
    window: Window = FIRST,
    *,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[Post]:
    """First posts anybody may read, newest first; `local`: only those of this node; `remote`: only others'."""
    statement = _public(viewer, window.kind, local, remote, only_media)
    return [row[0] for row in window.run(db, statement, viewers.values(viewer))]


@viewers.kept
def _public(viewer: Actor | None, kind: WindowKind, local: bool, remote: bool, only_media: bool) -> Any:
    query = select(Post).where(
        Post.visibility == Visibility.PUBLIC,
        Post.in_reply_to_uri == "",
        listed(viewer),
        not_muted(viewer, Post.author_id),
    )
    query = _from(query, local=local, remote=remote)
    return Window.named(kind).cut(_with_media(query) if only_media else query, Post.id)


def of_actor(
    db: Session,
    viewer: Actor | None,
    actor: Actor,
    window: Window = FIRST,
    *,
    replies: bool = True,
    boosts: bool = True,
    only_media: bool = False,
    tagged: str = "",
) -> list[Item]:
    """What an actor wrote and boosted, and a community its threads, as far as `viewer` may see it.

    Direct posts have their own list. With `only_media` or `tagged` only what he wrote himself is asked for, as
    Mastodon has it.
    """
    own = select(Post.id, Post.id, null()).where(
        Post.author_id == actor.id, Post.visibility != Visibility.DIRECT, visible(viewer)
    )
    if not replies:
        # Not "= ''", else SQLite looks through the first posts of everybody; and so that PostgreSQL knows how many they
        # are: it gathers and sorts all of an author where it believes that few of them fit.
        own = own.where(~Post.in_reply_to_uri.op("<>", is_comparison=True)(""))
    if only_media:
        own = _with_media(own)
    if tagged:
        own = own.where(exists().where(PostTag.post_id == Post.id, PostTag.name == text.tag_key(tagged)))
    ways: list[tuple[Any, Any]] = [(own, Post.id)]
    if boosts and not only_media and not tagged:
        ways.append(
            (
                select(Boost.id, Boost.post_id, Boost.actor_id)
                .join(Post, Boost.post_id == Post.id)
                .where(Boost.actor_id == actor.id, visible(viewer), boost_visible(viewer)),
                Boost.id,
            )
        )
        if actor.is_community:
            ways.append((_threads(viewer, actor), Listing.id))
    found = [row for query, at in ways for row in window.rows(db, query, at)]
    return items(db, [(row[0], row[1], row[2]) for row in window.best(found, lambda row: row[0])])


def _threads(viewer: Actor | None, group: Actor) -> Any:
    return (
        select(Listing.id, Listing.post_id, literal(group.id))
        .join(Post, Listing.post_id == Post.id)
        .where(Listing.community_id == group.id, Listing.hidden_at.is_(None), Post.removed_at.is_(None), listed(viewer))
    )


def pinned(db: Session, viewer: Actor | None, actor: Actor, window: Window = FIRST) -> list[Post]:
    """What an actor shows first, as far as `viewer` may see it, newest post first."""
    query = select(Post).join(Pin, Pin.post_id == Post.id).where(Pin.actor_id == actor.id, visible(viewer))
    return window.scalars(db, query, Post.id)


def tag(
    db: Session,
    viewer: Actor | None,
    name: str,
    window: Window = FIRST,
    *,
    any: Iterable[str] = (),
    all: Iterable[str] = (),
    none: Iterable[str] = (),
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[Post]:
    """Public posts with a hashtag, newest first; remote ones only as their authors let themselves be indexed.

    `any`: with one of these as well as with `name`; `all`: only with all of these; `none`: with none of these.
    """

    def has(names: list[str]) -> Any:
        return exists().where(PostTag.post_id == Post.id, PostTag.name.in_(names))

    wanted = list(dict.fromkeys(text.tag_key(one) for one in (name, *any)))
    query = select(Post).where(
        has(wanted),
        Post.visibility == Visibility.PUBLIC,
        listed(viewer),
        findable(),
        not_muted(viewer, Post.author_id),
        *(has([text.tag_key(one)]) for one in all),
    )
    if unwanted := [text.tag_key(one) for one in none]:
        query = query.where(~has(unwanted))
    query = _from(query, local=local, remote=remote)
    names = select(union_all(*(select(literal(one).label("name")) for one in wanted)).subquery().c.name)
    by = (PostTag.name, PostTag.post_id)
    way = nearest.Way(_with_media(query) if only_media else query, Post.id, names, by)
    return [row[0] for row in way.rows(db, window)]


def community(
    db: Session,
    viewer: Actor | None,
    group: Actor,
    window: Window = FIRST,
    *,
    unanswered: bool = False,
    with_hidden: bool = False,
) -> list[tuple[Listing, Post]]:
    """A community's threads, newest first: its own, and those of its twins (`Listing.through_id`)."""
    query = (
        select(Listing, Post)
        .join(Post, Listing.post_id == Post.id)
        .where(Listing.community_id == group.id, visible(viewer) if with_hidden else listed(viewer))
    )
    if not with_hidden:
        query = query.where(Listing.hidden_at.is_(None), Post.removed_at.is_(None))
    if unanswered:
        query = query.where(Post.kind == Kind.QUESTION, Post.answer_count == 0, Post.duplicate_of_id.is_(None))
    return [(row[0], row[1]) for row in window.rows(db, query, Listing.id)]


def questions(
    db: Session, viewer: Actor | None, window: Window = FIRST, *, order: str = "new", offset: int = 0
) -> list[Post]:
    """Questions anybody may find. `order`: new, unanswered, accepted (newest first), or top, which `offset` leafs in."""
    query = select(Post).where(
        Post.kind == Kind.QUESTION,
        Post.visibility.in_([Visibility.PUBLIC, Visibility.NODE]),
        Post.removed_at.is_(None),
        listed(viewer),
    )
    if order == "unanswered":
        query = query.where(Post.answer_count == 0, Post.duplicate_of_id.is_(None))
    if order == "accepted":
        query = query.where(Post.accepted_id.is_not(None))
    if order == "top":
        return _most_voted(db, query, offset, window.limit)
    return window.scalars(db, query, Post.id)


def _most_voted(db: Session, query: Any, offset: int, limit: int) -> list[Post]:
    """A stretch of `query` by votes. Who may see what is asked of the foremost only: an index alone puts them in order."""
    order = (Post.demerit, Post.id.desc())
    wanted = offset + limit
    while True:
        first = select(Post.id).where(Post.kind == Kind.QUESTION).order_by(*order).limit(wanted + MORE)
        ids = list(db.scalars(first))
        found = list(db.scalars(query.where(Post.id.in_(ids)).order_by(*order).offset(offset).limit(limit)))
        if len(found) == limit or len(ids) < wanted + MORE:
            return found
        wanted *= 2


def waiting(db: Session, viewer: Actor, *, limit: int = 5) -> list[Post]:
    """Unanswered questions in communities `viewer` follows, oldest first: what waits for somebody who knows."""
    found = _waiting(viewer).rows(db, Window(after=0, limit=limit), viewers.values(viewer))
    return [row[0] for row in reversed(found)]


@viewers.kept
def _waiting(viewer: Actor | None) -> nearest.Way:
    assert viewer is not None
    groups = select(Follow.target_id).join(Actor, Actor.id == Follow.target_id)
    groups = groups.where(Follow.follower_id == viewer.id, Follow.state == FollowState.ACCEPTED)
    groups = groups.where(Actor.type == ActorType.GROUP)
    query = select(Post).where(
        sql(UNANSWERED),
        Post.community_id.in_(groups),
        Post.author_id != viewer.id,
        ~exists().where(AnonymousPost.post_id == Post.id, AnonymousPost.account_id == viewer.id),
        Post.removed_at.is_(None),
        listed(viewer),
    )
    return nearest.Way(query, Post.id, groups, (Post.community_id, Post.id), which=UNANSWERED)


def direct(db: Session, viewer: Actor, window: Window = FIRST) -> list[Post]:
    """Direct posts from and to `viewer`, newest first."""
    query = select(Post).where(Post.visibility == Visibility.DIRECT, visible(viewer))
    return window.scalars(db, query, Post.id)
