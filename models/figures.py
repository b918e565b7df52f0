"""What is counted of each actor: followers, followed, posts, and when the last one was written.

The counts say what this node knows, also of actors elsewhere. They change in the transaction of the deed itself, by
adding to what the row holds then, so that two who write at once both count. `recount` makes them anew from the rows.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ForeignKey, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import quick
from models.actors import Actor, ActorType
from models.base import IDS, Base, UtcTime, dialect_of, insert_in, insert_unless_there
from models.follows import Follow, FollowState
from models.listings import Listing
from models.posts import Post, Visibility

BATCH = 1000


class ActorFigures(Base):
    """The counts of one actor; no row is all nought."""

    __tablename__ = "actor_figures"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    followers: Mapped[int] = mapped_column(default=0)
    """Accepted follows of this actor."""
    following: Mapped[int] = mapped_column(default=0)
    posts: Mapped[int] = mapped_column(default=0)
    """What the actor wrote, but for direct and deleted posts; and for a community, the threads on its list."""
    last_post_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)


def many(db: Session, actor_ids: Iterable[int]) -> dict[int, ActorFigures]:
    """The figures of several actors, in one query; actors with none have no entry."""
    wanted = set(actor_ids)
    if not wanted:
        return {}
    return {row.actor_id: row for row in db.scalars(_MANY, {"ids": list(wanted)})}


_MANY = select(ActorFigures).where(ActorFigures.actor_id.in_(IDS))


def of(db: Session, actor_id: int) -> ActorFigures:
    """The figures of one actor."""
    return db.get(ActorFigures, actor_id) or ActorFigures(actor_id=actor_id, followers=0, following=0, posts=0)


def written_here(db: Session) -> int:
    """How many posts the people of this node wrote, added up from their figures."""
    of_people = select(func.coalesce(func.sum(ActorFigures.posts), 0)).join(Actor, Actor.id == ActorFigures.actor_id)
    return int(db.scalar(of_people.where(Actor.local.is_(True), Actor.type != ActorType.GROUP)) or 0)


def followed(db: Session, follower_id: int, target_id: int, by: int) -> None:
    """A follow was accepted (`by` 1) or ended (-1)."""
    # Always in the same order: two who follow each other in the same moment must not wait for one another.
    for actor_id in sorted((follower_id, target_id)):
        _add(db, actor_id, "following" if actor_id == follower_id else "followers", by)


def wrote(db: Session, post: Post) -> None:
    """A post was written here or came from elsewhere."""
    if _counts(post):
        _one_more(db, post.author_id, post.published)


def wrote_all(db: Session, written: Iterable[Post]) -> None:
    """Posts were written or came from elsewhere, all at once."""
    rows: dict[int, dict[str, Any]] = {}
    for post in filter(_counts, written):
        row = rows.setdefault(post.author_id, {"actor_id": post.author_id, "posts": 0, "last_post_at": post.published})
        row["posts"] += 1
        row["last_post_at"] = max(row["last_post_at"], post.published)
    if not rows:
        return
    quick.insert(db, _add_all(dialect_of(db)), [rows[id] for id in sorted(rows)])  # in one order, as in `followed`
    for id in rows:
        if kept := db.identity_map.get(db.identity_key(ActorFigures, id)):
            db.expire(kept)


@cache
def _add_all(dialect: str) -> Any:
    added = insert_in(dialect, ActorFigures).values(followers=0, following=0)
    this, last = added.excluded, ActorFigures.last_post_at
    newer = case((or_(last.is_(None), last < this.last_post_at), this.last_post_at), else_=last)
    counted = {"posts": ActorFigures.posts + this.posts, "last_post_at": newer}
    return added.on_conflict_do_update(index_elements=["actor_id"], set_=counted)


def unwrote(db: Session, post: Post) -> None:
    """A post was deleted; call it once the row says so."""
    if _counts(post):
        _one_less(db, post.author_id, post.published)


def listed(db: Session, community_id: int, post: Post) -> None:
    """A thread came onto a community's list."""
    _one_more(db, community_id, post.published)


def unlisted(db: Session, community_id: int, post: Post) -> None:
    """A thread is off a community's list; call it once the row is gone."""
    _one_less(db, community_id, post.published)


def _one_more(db: Session, actor_id: int, at: datetime) -> None:
    last, this = ActorFigures.last_post_at, literal(at, UtcTime())
    _add(db, actor_id, "posts", 1, last_post_at=case((or_(last.is_(None), last < this), this), else_=last))


def _one_less(db: Session, actor_id: int, at: datetime) -> None:
    _add(db, actor_id, "posts", -1)
    last = db.scalar(select(ActorFigures.last_post_at).where(ActorFigures.actor_id == actor_id))
    if last is not None and last <= at:
        _set(db, actor_id, last_post_at=_last_post(db, actor_id))


def _last_post(db: Session, actor_id: int) -> datetime | None:
    own = db.scalar(select(func.max(Post.published)).where(*_counted(), Post.author_id == actor_id))
    threads = select(func.max(Post.published)).join(Listing, Listing.post_id == Post.id)
    there = db.scalar(threads.where(Listing.community_id == actor_id))
    return max((at for at in (own, there) if at is not None), default=None)


def _counts(post: Post) -> bool:
    return post.visibility != Visibility.DIRECT


def _counted() -> tuple[Any, ...]:
    return (Post.visibility != Visibility.DIRECT, Post.deleted_at.is_(None))


def _add(db: Session, actor_id: int, name: str, by: int, **values: Any) -> None:
    column = getattr(ActorFigures, name)
    values[name] = case((column + by < 0, 0), else_=column + by)
    if not _set(db, actor_id, **values):
        insert_unless_there(db, ActorFigures, actor_id=actor_id, followers=0, following=0, posts=0)
        _set(db, actor_id, **values)


def _set(db: Session, actor_id: int, **values: Any) -> bool:
    db.flush()
    done = db.execute(
        update(ActorFigures)
        .where(ActorFigures.actor_id == actor_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if row := db.identity_map.get(db.identity_key(ActorFigures, actor_id)):
        db.expire(row)
    return bool(getattr(done, "rowcount", 0))


def forget(db: Session, actor_id: int) -> None:
    """An actor is gone, its follows and posts with it: those it followed and was followed by lose one each.

    Call it before the follows are deleted.
    """
    accepted = Follow.state == FollowState.ACCEPTED
    ends = [(target, "followers") for target in db.scalars(select(Follow.target_id).where(Follow.follower_id == actor_id, accepted))]  # fmt: skip
    ends += [(other, "following") for other in db.scalars(select(Follow.follower_id).where(Follow.target_id == actor_id, accepted))]  # fmt: skip
    for other, name in sorted(ends):
        _add(db, other, name, -1)
    _set(db, actor_id, followers=0, following=0)


def unfollowed_all(db: Session, follower_id: int) -> None:
    """An actor follows nobody any more. Call it before the follows are deleted."""
    accepted = select(Follow.target_id).where(Follow.follower_id == follower_id, Follow.state == FollowState.ACCEPTED)
    for target in sorted(db.scalars(accepted)):
        _add(db, target, "followers", -1)
    _set(db, follower_id, following=0)


def counted(db: Session) -> dict[int, tuple[int, int, int, datetime | None]]:
    """(followers, following, posts, last post) of every actor that has any, counted from the rows themselves."""
    found: dict[int, list[Any]] = {}
    for place, column in ((0, Follow.target_id), (1, Follow.follower_id)):
        rows = db.execute(select(column, func.count()).where(Follow.state == FollowState.ACCEPTED).group_by(column))
        for actor_id, number in rows:
            found.setdefault(actor_id, [0, 0, 0, None])[place] = number
    own = select(Post.author_id, func.count(), func.max(Post.published)).where(*_counted()).group_by(Post.author_id)
    threads = (
        select(Listing.community_id, func.count(), func.max(Post.published))
        .join(Post, Listing.post_id == Post.id)
        .group_by(Listing.community_id)
    )
    for query in (own, threads):
        for actor_id, number, last in db.execute(query):
            row = found.setdefault(actor_id, [0, 0, 0, None])
            row[2] += number
            row[3] = last if row[3] is None else max(row[3], last)
    return {actor_id: (row[0], row[1], row[2], row[3]) for actor_id, row in found.items()}


def recount(db: Session) -> int:
    """Make all figures anew from the rows; for how many actors. For databases older than the table, and for repairs."""
    found = list(counted(db).items())
    db.execute(delete(ActorFigures))
    for start in range(0, len(found), BATCH):
        rows = [
            {"actor_id": actor_id, "followers": row[0], "following": row[1], "posts": row[2], "last_post_at": row[3]}
            for actor_id, row in found[start : start + BATCH]
        ]
        db.execute(insert(ActorFigures), rows)
    db.flush()
    return len(found)
