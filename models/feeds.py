"""What comes to somebody from those he follows, or has put on a list: posts, boosts, and threads of communities.

Every occurrence stands at a fixed place, whatever comes later, so that leafing through meets each exactly once. A
thread that a community announces is left out where its author is followed anyhow; a boost, where the same post stood
there within the last three days.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, exists, false, null, or_, select, true, type_coerce, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from models import account_domains, actors, lists, tag_follows, viewers
from models.access import apart, listed, visible
from models.actors import Actor
from models.base import IDS, Id, id_before, when_asked
from models.blocks import Mute
from models.follows import Follow, FollowState
from models.listings import Listing
from models.nearest import Way
from models.posts import Post, PostTag, Visibility
from models.reactions import Boost
from models.statuses import Item
from models.windows import Window

FIRST = Window()
"""The newest."""

AGAIN = timedelta(days=3)
"""How soon a boost does not show a post again."""


def home(db: Session, viewer: Actor, window: Window = FIRST) -> list[Item]:
    """What those `viewer` follows wrote and boosted, threads of communities he follows, public posts with tags he
    follows, and what he wrote himself. Replies show where he follows both sides."""
    return read(db, _home(viewer), window, viewers.values(viewer))


@viewers.kept
def _home(viewer: Actor | None) -> list[Way]:
    assert viewer is not None
    return home_feed(viewer).ways()


def home_feed(viewer: Actor) -> "Feed":
    """The ways in which something comes into `home`; whom somebody has on an exclusive list comes only there."""
    followed = _followed(viewer).where(Follow.target_id.not_in(lists.kept_from_home(viewer.id)))
    feed = Feed(viewer, followed, own=True, answering=_followed(viewer), tags=tag_follows.names(viewer.id))
    feed.boosters = followed.where(Follow.show_boosts.is_(True))
    feed.wished = _in_wished_language(viewer)
    return feed


def of_list(db: Session, viewer: Actor, members: Any, window: Window, *, replies: str = "list") -> list[Item]:
    """What the members of a list of `viewer`'s wrote, boosted and announced.

    `members` is a query for their actor ids. `replies`: to members (`list`), to anybody `viewer` follows (`followed`),
    or only to themselves (`none`); replies to `viewer` show in the first two.
    """
    return list_feed(viewer, members, replies).read(db, window)


def list_feed(viewer: Actor, members: Any, replies: str = "list") -> "Feed":
    """The ways in which something comes into `of_list`."""
    answering = {"list": members, "followed": _followed(viewer)}.get(replies)
    return Feed(viewer, members, own=False, answering=answering)


def not_muted(viewer: Actor | None, author: Any) -> ColumnElement[bool]:
    """The condition that `viewer` has not muted `author`, nor the whole domain he writes from."""
    if viewer is None:
        return true()
    muted = exists().where(
        Mute.actor_id == viewer.id, Mute.target_id == author, or_(Mute.until.is_(None), Mute.until > when_asked())
    )
    return and_(~muted, ~account_domains.unwanted(viewer, author))


def findable() -> ColumnElement[bool]:
    """The condition that a Post's author lets it be found by others than its readers."""
    return exists().where(Actor.id == Post.author_id, or_(Actor.local.is_(True), Actor.indexable.is_(True)))


def _followed(viewer: Actor) -> Select[*tuple[Any, ...]]:
    return select(Follow.target_id).where(Follow.follower_id == viewer.id, Follow.state == FollowState.ACCEPTED)


def _in_wished_language(viewer: Actor) -> ColumnElement[bool]:
    """Not in another language than those a follow is limited to; a post that names none fits all."""
    languages = type_coerce(Follow.languages, Text)
    other = exists().where(
        Follow.follower_id == viewer.id,
        Follow.target_id == Post.author_id,
        languages != "[]",
        ~languages.contains('"' + Post.language + '"'),
    )
    return or_(Post.language == "", ~other)


class Feed:
    """The queries of one feed. `sources`: whose posts come in; `answering`: whom they may answer, None for nobody."""

    def __init__(
        self,
        viewer: Actor,
        sources: Any,
        *,
        own: bool,
        answering: Any | None,
        tags: Select[*tuple[Any, ...]] | None = None,
    ) -> None:
        self.viewer, self.sources, self.own, self.answering, self.tags = viewer, sources, own, answering, tags
        self.boosters = sources
        self.wished: ColumnElement[bool] = true()
        self.shown = and_(visible(viewer), not_muted(viewer, Post.author_id))

    def read(self, db: Session, window: Window) -> list[Item]:
        """The stretch of the feed: two queries per way in, one for the posts, one for who brought them."""
        return read(db, self.ways(), window, {})

    def ways(self) -> list[Way]:
        """All of them: queries for (cursor, post, who brought it)."""
        me = select(type_coerce(self.viewer.id, Id))
        writers: Any = union_all(self.sources, me) if self.own else self.sources
        ways = [
            Way(
                self._written(Post.author_id),
                Post.id,
                select(writers.subquery().c[0]),
                (Post.author_id, Post.id),
                # `+ 0`: each id by itself, else SQLite looks for it with each of the writers.
                among=self._written(Post.author_id + 0),
            ),
            Way(self._boosted(), Boost.id, self.boosters, (Boost.actor_id, Boost.id)),
            Way(self._announced(), Listing.id, self.sources, (Listing.community_id, Listing.id)),
        ]
        if self.tags is not None:
            ways.append(Way(self._tagged(), Post.id, self.tags, (PostTag.name, PostTag.post_id)))
        return ways

    def _written(self, writer: ColumnElement[int] | InstrumentedAttribute[int]) -> Select[*tuple[Any, ...]]:
        return select(Post.id, Post.id, null()).where(self._by_source(writer), self.shown)

    def _by_source(
        self, writer: ColumnElement[int] | InstrumentedAttribute[int] = Post.author_id
    ) -> ColumnElement[bool]:
        parent = aliased(Post)
        fits = parent.author_id == Post.author_id
        if self.answering is not None:
            fits = or_(fits, parent.author_id == self.viewer.id, parent.author_id.in_(self.answering))
        answers = exists().where(parent.id == Post.in_reply_to_id, fits)
        theirs = and_(writer.in_(self.sources), self.wished, or_(Post.in_reply_to_uri == "", answers))
        mine = or_(writer == self.viewer.id, theirs) if self.own else theirs
        return and_(mine, Post.visibility != Visibility.DIRECT)

    def _announced(self) -> Select[*tuple[Any, ...]]:
        earlier = aliased(Listing)
        before = exists().where(
            earlier.post_id == Listing.post_id,
            earlier.community_id.in_(self.sources),
            earlier.hidden_at.is_(None),
            earlier.id < Listing.id,
        )
        return (
            select(Listing.id, Listing.post_id, Listing.community_id)
            .join(Post, Listing.post_id == Post.id)
            .where(
                Listing.community_id.in_(self.sources),
                Listing.hidden_at.is_(None),
                Post.removed_at.is_(None),
                not_muted(self.viewer, Listing.community_id),
                self.shown,
                ~apart(self.viewer),
                ~self._by_source(),
                ~before,
            )
        )

    def _in_listing(self) -> ColumnElement[bool]:
        return and_(
            Post.removed_at.is_(None),
            ~apart(self.viewer),
            exists().where(
                Listing.post_id == Post.id, Listing.community_id.in_(self.sources), Listing.hidden_at.is_(None)
            ),
        )

    def _by_tag(self) -> ColumnElement[bool]:
        if self.tags is None:
            return false()
        return and_(
            exists().where(PostTag.post_id == Post.id, PostTag.name.in_(self.tags)),
            Post.visibility == Visibility.PUBLIC,
            listed(self.viewer),
            findable(),
        )

    def _tagged(self) -> Select[*tuple[Any, ...]]:
        return select(Post.id, Post.id, null()).where(
            self._by_tag(), self.shown, ~self._by_source(), ~self._in_listing()
        )

    def _boosted(self) -> Select[*tuple[Any, ...]]:
        earlier = aliased(Boost)
        since = id_before(Boost.id, AGAIN)
        boosted_before = exists().where(
            earlier.post_id == Boost.post_id,
            earlier.actor_id.in_(self.boosters),
            not_muted(self.viewer, earlier.actor_id),
            earlier.id > since,
            earlier.id < Boost.id,
        )
        # `+ 0` keeps the databases from gathering and sorting all boosts of all sources: they go from the newest down.
        # A listing's id is as old as its post, so the post's stands for both.
        just_there = and_(Post.id > since, or_(self._by_source(), self._in_listing(), self._by_tag()))
        return (
            select(Boost.id, Boost.post_id, Boost.actor_id)
            .join(Post, Boost.post_id == Post.id)
            .where(
                (Boost.actor_id + 0).in_(self.boosters),
                not_muted(self.viewer, Boost.actor_id),
                self.shown,
                ~just_there,
                ~boosted_before,
            )
        )


def read(db: Session, ways: list[Way], window: Window, values: Mapping[str, Any]) -> list[Item]:
    """The stretch of a feed that these ways lead into."""
    found = [row for way in ways for row in way.rows(db, window, values)]
    return items(db, [(row[0], row[1], row[2]) for row in window.best(found, lambda row: row[0])])


def items(db: Session, found: list[tuple[int, int, int | None]]) -> list[Item]:
    """(cursor, post, who brought it) with the rows behind the ids, in the same order."""
    rows = {post.id: post for post in db.scalars(_POSTS, {"ids": [post_id for _, post_id, _ in found]})}
    people = actors.many(db, [through for _, _, through in found if through])
    return [Item(at, rows[post_id], people.get(through or 0)) for at, post_id, through in found]


_POSTS = select(Post).where(Post.id.in_(IDS))
