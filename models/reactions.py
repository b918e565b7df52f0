"""Votes and boosts: one of each per actor and post."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Text, UniqueConstraint, and_, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import anonymity, bans, communities, endorsing, events, listings, notifications, outbox, responses
from models.actors import PUBLIC, Actor, get
from models.base import IDS, Base, Id, UtcTime, new_id, now, table_of
from models.errors import Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.posts import Kind, Post, Visibility, hold
from models.windows import Window

MANY = Window(limit=40)
BOOSTS = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS)
"""Who may be meant by a boost."""


class Vote(Base):
    """`value` 1 or -1; `emoji` where the sender's server lets people choose one (it counts as 1)."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("actor_id", "post_id"),
        Index("ix_votes_post_id", "post_id"),
        Index("ix_votes_actor_id_id", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    value: Mapped[int]
    emoji: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Boost(Base):
    """An actor shows a post to his followers."""

    __tablename__ = "boosts"
    __table_args__ = (
        UniqueConstraint("actor_id", "post_id"),
        Index("ix_boosts_post_id", "post_id"),
        Index("ix_boosts_actor_id_id", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    visibility: Mapped[str] = mapped_column(Text, default=Visibility.PUBLIC)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def vote(
    db: Session,
    actor: Actor,
    post: Post,
    value: int = 1,
    *,
    uri: str | None = None,
    emoji: str = "",
    inner: dict[str, Any] | None = None,
    said_as: str = "",
    version: int | None = None,
) -> Vote:
    """Vote `value` (1 or -1) for a post; a new vote replaces the old one. A vote for a dogma endorses it, as `said_as` and
    for `version`; the same again endorses a later version.

    The caller has made sure that `actor` may see the post. `uri` and `inner` are the activity's id and JSON when it
    came from elsewhere. Raises Invalid, Forbidden (own question, answer or comment; no down votes here), or NotFound.
    """
    if value not in {1, -1}:
        raise Invalid("A vote is up or down.")
    if post.deleted_at is not None:
        raise NotFound("There is no such post.")
    if anonymity.wrote(db, actor, post) and post.kind in {Kind.QUESTION, Kind.ANSWER, Kind.COMMENT}:
        raise Forbidden("You cannot vote for your own contribution.", code="own_post")
    bans.require_welcome(db, actor, post.community_id)
    if value < 0 and not communities.allows_down(db, post.community_id):
        raise Forbidden("Down votes do not count here.", code="no_down_votes")
    hold(db, post)
    row = _vote_of(db, actor.id, post.id)
    if row is not None:
        if row.value == value and row.emoji == emoji:
            if endorsing.liked(db, actor, post, value, emoji=emoji, said_as=said_as, version=version):
                _tell(db, actor, post, row, inner)
            return row
        _count(post, row.value, -1)
        db.delete(row)
        db.flush()
        if row.value > value:
            responses.liked(db, actor, post, undone=True)
    row = Vote(id=new_id(), uri=uri or "", actor_id=actor.id, post_id=post.id, value=value, emoji=emoji[:100])
    db.add(row)
    _count(post, value, 1)
    db.flush()
    endorsing.liked(db, actor, post, value, emoji=emoji, said_as=said_as, version=version)
    _tell(db, actor, post, row, inner)
    if value > 0:
        notifications.notify(db, post.author_id, _notice(post), actor, post)
        responses.liked(db, actor, post)
    return row


def _notice(post: Post) -> NotificationKind:
    return NotificationKind.ENDORSED if post.kind == Kind.DOGMA else NotificationKind.VOTE


def _tell(db: Session, actor: Actor, post: Post, row: Vote, inner: dict[str, Any] | None) -> None:
    if actor.local:
        row.uri = _send_vote(db, actor, post, row.value).uri
        db.flush()
    else:
        listings.pass_on(db, post, inner)


def _to(author: Actor, community: Actor | None, post: Post) -> tuple[list[str], list[str]]:
    """A vote is between its voter, the author and the community; to endorse a dogma is an act in public."""
    group = [community.uri] if community else []
    return ([PUBLIC], [author.uri, *group]) if _in_public(post) else ([author.uri], group)


def _in_public(post: Post) -> bool:
    return post.kind == Kind.DOGMA and post.visibility in {Visibility.PUBLIC, Visibility.UNLISTED}


def _send_vote(db: Session, actor: Actor, post: Post, value: int) -> outbox.Activity:
    author, community = get(db, post.author_id), communities.home_of(db, post)
    to, cc = _to(author, community, post)
    said = endorsing.said_of(db, actor, post)
    activity = outbox.record(
        db,
        "Like" if value > 0 else "Dislike",
        actor,
        object_uri=post.uri,
        post=post,
        to=to,
        cc=cc,
        public=_in_public(post) and value > 0,
        data={**({"audience": community.uri} if community else {}), **(said if value > 0 else {})},
    )
    listings.pass_on(db, post, None, own=activity)
    return activity


def withdraw_vote(db: Session, actor: Actor, post: Post, *, inner: dict[str, Any] | None = None) -> bool:
    """Take a vote back; False if there was none."""
    hold(db, post)
    row = _vote_of(db, actor.id, post.id)
    if row is None:
        return False
    _count(post, row.value, -1)
    if actor.local:
        author, community = get(db, post.author_id), communities.home_of(db, post)
        to, cc = _to(author, community, post)
        embed = {"id": row.uri, "type": "Like" if row.value > 0 else "Dislike", "actor": actor.uri, "object": post.uri}
        activity = outbox.record(
            db,
            "Undo",
            actor,
            object_uri=row.uri,
            post=post,
            to=to,
            cc=cc,
            data={"embed": embed, **({"audience": community.uri} if community else {})},
        )
        listings.pass_on(db, post, None, own=activity)
    else:
        listings.pass_on(db, post, inner)
    db.delete(row)
    db.flush()
    endorsing.unliked(db, actor, post)
    notifications.forget(db, _notice(post), actor, post=post)
    responses.liked(db, actor, post, undone=True)
    return True


def by_vote_uri(db: Session, uri: str) -> Vote | None:
    """The vote whose activity has this id."""
    return db.scalars(select(Vote).where(Vote.uri == uri)).first() if uri else None


def _vote_of(db: Session, actor_id: int, post_id: int) -> Vote | None:
    return db.scalar(select(Vote).where(Vote.actor_id == actor_id, Vote.post_id == post_id))


def _count(post: Post, value: int, by: int) -> None:
    if value > 0:
        post.up = max(0, post.up + by)
    else:
        post.down = max(0, post.down + by)


def boost(
    db: Session,
    actor: Actor,
    post: Post,
    *,
    uri: str | None = None,
    at: datetime | None = None,
    visibility: Visibility = Visibility.PUBLIC,
) -> Boost:
    """Show a post to one's followers; twice is once. `visibility`: public, unlisted, or for followers only.

    One's own post for followers goes to them again, and to nobody else. Raises Forbidden for others that are not public,
    Invalid for another visibility.
    """
    if visibility not in BOOSTS:
        raise Invalid("A boost is public, unlisted, or for followers.", code="visibility_unfit")
    if post.deleted_at is not None:
        raise NotFound("There is no such post.")
    if post.visibility == Visibility.FOLLOWERS and post.author_id == actor.id:
        visibility = Visibility.FOLLOWERS
    elif post.visibility not in {Visibility.PUBLIC, Visibility.UNLISTED}:
        raise Forbidden("This post cannot be boosted.", code="not_public")
    hold(db, post)
    found = _boost_of(db, actor.id, post.id)
    if found is not None:
        return found
    row = Boost(id=new_id(at), uri=uri or "", actor_id=actor.id, post_id=post.id, visibility=visibility)
    db.add(row)
    post.boost_count += 1
    db.flush()
    events.boosted(db, row.id)
    if actor.local:
        to, cc = _boost_audience(row, actor)
        row.uri = outbox.record(
            db,
            "Announce",
            actor,
            object_uri=post.uri,
            post=post,
            to=to,
            cc=[*cc, get(db, post.author_id).uri],
            public=visibility != Visibility.FOLLOWERS,
        ).uri
    notifications.notify(db, post.author_id, "boost", actor, post)
    return row


def unboost(db: Session, actor: Actor, post: Post) -> bool:
    """Take a boost back; False if there was none."""
    hold(db, post)
    row = _boost_of(db, actor.id, post.id)
    if row is None:
        return False
    if actor.local:
        to, cc = _boost_audience(row, actor)
        outbox.record(
            db,
            "Undo",
            actor,
            object_uri=row.uri,
            post=post,
            to=to,
            cc=[*cc, get(db, post.author_id).uri],
            data={"embed": announce_json(row, actor, post)},
        )
    db.delete(row)
    post.boost_count = max(0, post.boost_count - 1)
    db.flush()
    events.unboosted(db, row.id, actor.id)
    notifications.forget(db, "boost", actor, post=post)
    return True


def announce_json(row: Boost, actor: Actor, post: Post) -> dict[str, Any]:
    """A boost's Announce as it is embedded in its Undo."""
    to, cc = _boost_audience(row, actor)
    return {
        "id": row.uri or f"{node_of_actor(actor)}/activities/{row.id}",
        "type": "Announce",
        "actor": actor.uri,
        "object": post.uri,
        "to": to,
        "cc": cc,
    }


def _boost_audience(row: Boost, actor: Actor) -> tuple[list[str], list[str]]:
    """`to` and `cc` of a boost, without the author of what is boosted."""
    if row.visibility == Visibility.FOLLOWERS:
        return [actor.followers_uri], []
    if row.visibility == Visibility.UNLISTED:
        return [actor.followers_uri], [PUBLIC]
    return [PUBLIC], [actor.followers_uri]


def node_of_actor(actor: Actor) -> str:
    """Scheme and host of an actor's id."""
    return "/".join(actor.uri.split("/", 3)[:3])


def by_boost_uri(db: Session, uri: str) -> Boost | None:
    """The boost whose activity has this id."""
    return db.scalars(select(Boost).where(Boost.uri == uri)).first() if uri else None


def _boost_of(db: Session, actor_id: int, post_id: int) -> Boost | None:
    return db.scalar(select(Boost).where(Boost.actor_id == actor_id, Boost.post_id == post_id))


def withdraw_all(db: Session, actor: Actor) -> None:
    """Silently take back everything an actor voted and boosted (his account is gone)."""
    for row, post in db.execute(
        select(Vote, Post).join(Post, Vote.post_id == Post.id).where(Vote.actor_id == actor.id)
    ).all():
        hold(db, post)
        _count(post, row.value, -1)
        db.delete(row)
    endorsing.forget(db, actor)
    for shown, post in db.execute(
        select(Boost, Post).join(Post, Boost.post_id == Post.id).where(Boost.actor_id == actor.id)
    ).all():
        hold(db, post)
        post.boost_count = max(0, post.boost_count - 1)
        db.delete(shown)
    db.flush()


def my_votes(db: Session, actor_id: int, post_ids: list[int]) -> dict[int, int]:
    """What an actor voted on these posts."""
    return {row[0]: row[1] for row in db.execute(_MY_VOTES, {"actor": actor_id, "ids": post_ids})}


def my_boosts(db: Session, actor_id: int, post_ids: list[int]) -> set[int]:
    """Which of these posts an actor boosted."""
    return set(db.scalars(_MY_BOOSTS, {"actor": actor_id, "ids": post_ids}))


_votes, _boosts = table_of(Vote).c, table_of(Boost).c
_MY_VOTES = select(_votes.post_id, _votes.value).where(_votes.actor_id == bindparam("actor"), _votes.post_id.in_(IDS))
_MY_BOOSTS = select(_boosts.post_id).where(_boosts.actor_id == bindparam("actor"), _boosts.post_id.in_(IDS))


def boosters(db: Session, post: Post, window: Window = MANY) -> list[tuple[int, Actor]]:
    """Who boosted a post for all to see, with cursors, the last first. Boosts for followers are named to nobody."""
    query = (
        select(Boost.id, Actor)
        .join(Actor, Boost.actor_id == Actor.id)
        .where(Boost.post_id == post.id, Boost.visibility != Visibility.FOLLOWERS, _present())
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Boost.id)]


def voters(db: Session, post: Post, window: Window = MANY) -> list[tuple[int, Actor]]:
    """Who voted a post up, with cursors, the last first."""
    query = (
        select(Vote.id, Actor)
        .join(Actor, Vote.actor_id == Actor.id)
        .where(Vote.post_id == post.id, Vote.value == 1, _present())
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Vote.id)]


def _present() -> ColumnElement[bool]:
    return and_(Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), Actor.standing != "blocked")
