"""Being quoted (FEP-044f): who asked to quote a post of ours, was let, and whether that still holds.

What anybody may read may be quoted by whom its author chose: anybody, his followers, or nobody; the post itself says so
(`canQuote`). Each quote gets a stamp at an address of ours, which its readers' servers look up, so that the quoted
author can take it back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint, and_, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, composing, follows, outbox, viewers
from models.access import listed, visible
from models.actors import PUBLIC, Actor
from models.base import IDS, Base, Id, UtcTime, insert_unless_there, new_id, now, table_of
from models.errors import Forbidden, NotFound
from models.follows import FollowState
from models.posts import Post, Visibility
from models.preferences import QuotePolicy
from models.windows import Window

OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}


class QuoteStamp(Base):
    """One quote that was allowed. `quote_uri` is the id of the quoting post, by `actor_id`."""

    __tablename__ = "quote_stamps"
    __table_args__ = (UniqueConstraint("post_id", "quote_uri"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"))
    quote_uri: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int] = mapped_column(Id, ForeignKey("actors.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


def address(post: Post, stamp: QuoteStamp) -> str:
    """The ActivityPub id of a stamp."""
    return f"{post.uri}/quotes/{stamp.id}"


def answer(db: Session, post: Post, quoter: Actor, quote_uri: str, request: dict[str, Any]) -> bool:
    """Answer somebody elsewhere who asks to quote a post of ours: yes with a stamp, or no. Whether it is a yes.

    The caller has made sure that he may see the post. `request` is the QuoteRequest as the answer embeds it. What was
    taken back stays so.
    """
    stamp = _stamp(db, post, quoter, quote_uri) if _lets(db, post, quoter) else None
    allowed = stamp is not None and stamp.revoked_at is None
    data: dict[str, Any] = {"embed": request}
    if stamp is not None and allowed:
        data["result"] = address(post, stamp)
    author = actors.get(db, post.author_id)
    outbox.record(
        db, "Accept" if allowed else "Reject", author, object_uri=str(request["id"]), to=[quoter.uri], data=data
    )
    return allowed


def policy(post: Post) -> QuotePolicy:
    """Who may quote a post of ours: nobody, whatever its author chose, what is not for anybody to read."""
    if post.visibility not in OPEN:
        return "nobody"
    chosen: QuotePolicy = (post.extra or {}).get("quote_policy", "public")
    return chosen


def choose(db: Session, author: Actor, post: Post, chosen: QuotePolicy) -> None:
    """The author chooses anew who may quote a post, and says so where it went. Quotes that were allowed stay.

    Raises Forbidden for somebody else's post.
    """
    if post.author_id != author.id or not post.local:
        raise Forbidden("You can only do this with your own posts.", code="not_author")
    if post.visibility in OPEN and chosen != policy(post):
        post.extra = {**(post.extra or {}), "quote_policy": chosen}
        composing.touch(db, author, post)


def _lets(db: Session, post: Post, quoter: Actor) -> bool:
    chosen = policy(post)
    return chosen == "public" or (
        chosen == "followers" and follows.state(db, quoter.id, post.author_id) == FollowState.ACCEPTED
    )


def _stamp(db: Session, post: Post, quoter: Actor, quote_uri: str) -> QuoteStamp | None:
    """The stamp for this quote, new if there is none; None if the quote is said to be by two."""
    insert_unless_there(
        db, QuoteStamp, id=new_id(), post_id=post.id, quote_uri=quote_uri, actor_id=quoter.id, created_at=now()
    )
    found = db.scalar(select(QuoteStamp).where(QuoteStamp.post_id == post.id, QuoteStamp.quote_uri == quote_uri))
    return found if found is not None and found.actor_id == quoter.id else None


def stamp(db: Session, post_id: int, stamp_id: int) -> tuple[Post, QuoteStamp] | None:
    """A stamp that holds, with the post it is about."""
    found = db.get(QuoteStamp, stamp_id)
    post = db.get(Post, post_id)
    if found is None or post is None or found.post_id != post.id or found.revoked_at is not None:
        return None
    return (post, found) if post.deleted_at is None and post.visibility in OPEN else None


def of(db: Session, post: Post, limit: int = 100) -> list[tuple[QuoteStamp, Actor]]:
    """The quotes of a post that are allowed, newest first."""
    query = (
        select(QuoteStamp, Actor)
        .join(Actor, Actor.id == QuoteStamp.actor_id)
        .where(QuoteStamp.post_id == post.id, QuoteStamp.revoked_at.is_(None))
    )
    return [(row[0], row[1]) for row in db.execute(query.order_by(QuoteStamp.id.desc()).limit(limit))]


def revoke(db: Session, author: Actor, post: Post, stamp_id: int) -> None:
    """The quoted author takes a stamp back, for good, and says so to who quoted him and to his followers.

    Raises Forbidden for somebody else's post, NotFound if there is no such stamp (any more).
    """
    if post.author_id != author.id or not post.local:
        raise Forbidden("You can only do this with your own posts.", code="not_author")
    found = stamp(db, post.id, stamp_id)
    if found is None:
        raise NotFound("There is no such quote.")
    row = found[1]
    row.revoked_at = now()
    outbox.record(
        db,
        "Delete",
        author,
        object_uri=address(post, row),
        to=[PUBLIC],
        cc=[actors.get(db, row.actor_id).uri, author.followers_uri],
        public=True,
    )


def counts(db: Session, post_ids: Iterable[int]) -> dict[int, int]:
    """How often each of these posts is quoted; those that never are stand not in it."""
    return {row[0]: row[1] for row in db.execute(_COUNTS, {"ids": list(post_ids)})}


_stamps = table_of(QuoteStamp).c
_COUNTS = (
    select(_stamps.post_id, func.count())
    .where(_stamps.post_id.in_(IDS), _stamps.revoked_at.is_(None))
    .group_by(_stamps.post_id)
)


def quoted_in(db: Session, viewer: Actor | None, quoting: Sequence[Post]) -> dict[int, Post]:
    """Which post of ours each of these quotes, by the quoting post's id, where its author allows that and `viewer` may
    see it. What quotes without a stamp quotes nothing."""
    uris = [post.uri for post in quoting if not post.local]
    if not uris:
        return {}
    rows = db.execute(_quoted_in(viewer), {"uris": uris, **viewers.values(viewer)})
    found = {(row[0], row[1]): row[2] for row in rows}
    pairs = ((post.id, found.get((post.uri, post.author_id))) for post in quoting)
    return {post_id: quoted for post_id, quoted in pairs if quoted is not None}


@viewers.kept
def _quoted_in(viewer: Actor | None) -> Any:
    return (
        select(QuoteStamp.quote_uri, QuoteStamp.actor_id, Post)
        .join(Post, Post.id == QuoteStamp.post_id)
        .where(QuoteStamp.quote_uri.in_(bindparam("uris", expanding=True)), QuoteStamp.revoked_at.is_(None))
        .where(Post.visibility.in_(OPEN), visible(viewer))
        .order_by(QuoteStamp.id)
    )


def quoting(db: Session, viewer: Actor | None, post: Post, window: Window) -> list[Post]:
    """The posts that quote this one and are known here, as far as `viewer` may see them, newest first."""
    query = (
        select(Post)
        .join(QuoteStamp, and_(QuoteStamp.quote_uri == Post.uri, QuoteStamp.actor_id == Post.author_id))
        .where(QuoteStamp.post_id == post.id, QuoteStamp.revoked_at.is_(None), listed(viewer))
    )
    return window.scalars(db, query, Post.id)


def revoke_from(db: Session, author: Actor, post: Post, quote: Post) -> None:
    """`revoke` for the stamp that a quoting post holds."""
    query = select(QuoteStamp.id).where(QuoteStamp.post_id == post.id, QuoteStamp.quote_uri == quote.uri)
    found = db.scalar(query)
    if found is None:
        raise NotFound("There is no such quote.")
    revoke(db, author, post, found)
