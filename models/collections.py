"""Collections that other servers page through: replies, whole threads, what an outbox shows. Public posts only."""

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from models.access import visible
from models.actors import Actor
from models.communities import Community
from models.follows import Follow, FollowState
from models.posts import Post

PAGE = 40


def _open() -> ColumnElement[bool]:
    """Readable by anybody, not taken out by a moderator, and not held back until somebody keeps it."""
    holding = select(Community.id).where(Community.holds_outside.is_(True))
    held = and_(Post.unreviewed.is_(True), Post.community_id.is_not(None), Post.community_id.in_(holding))
    return and_(visible(None), Post.removed_at.is_(None), ~held)


def replies(db: Session, post: Post, *, after: int = 0, limit: int = PAGE) -> list[tuple[int, str]]:
    """(cursor, id) of direct replies anybody may read, oldest first, those behind the cursor `after`."""
    direct = or_(Post.in_reply_to_id == post.id, Post.in_reply_to_uri == post.uri)
    query = select(Post.id, Post.uri).where(direct, Post.id > after, _open()).order_by(Post.id).limit(limit)
    return [(row.id, row.uri) for row in db.execute(query)]


def count_replies(db: Session, post: Post) -> int:
    """How many direct replies anybody may read."""
    direct = or_(Post.in_reply_to_id == post.id, Post.in_reply_to_uri == post.uri)
    return db.scalar(select(func.count()).select_from(Post).where(direct, _open())) or 0


def thread(db: Session, root: Post, *, after: int = 0, limit: int = PAGE) -> list[tuple[int, str]]:
    """(cursor, id) of the public posts of a thread in the order they were written, those behind `after`."""
    query = (
        select(Post.id, Post.uri).where(Post.thread_id == root.thread_id, Post.id > after, _open()).order_by(Post.id)
    )
    return [(row.id, row.uri) for row in db.execute(query.limit(limit))]


def count_thread(db: Session, root: Post) -> int:
    """How many public posts a thread has."""
    query = select(func.count()).select_from(Post).where(Post.thread_id == root.thread_id, _open())
    return db.scalar(query) or 0


def newest_in_thread(db: Session, root: Post) -> int:
    """The id of the thread's newest public post; with the count it tells whether the thread has changed."""
    query = select(func.max(Post.id)).where(Post.thread_id == root.thread_id, _open())
    return db.scalar(query) or 0


def followers_on(db: Session, actor: Actor, host: str) -> list[str]:
    """Ids of an actor's accepted followers on one host (FEP-8fcf)."""
    query = (
        select(Actor.uri)
        .join(Follow, Follow.follower_id == Actor.id)
        .where(
            Follow.target_id == actor.id,
            Follow.state == FollowState.ACCEPTED,
            Actor.uri.startswith(f"https://{host}/", autoescape=True) | (Actor.uri == f"https://{host}"),
        )
        .order_by(Actor.uri)
    )
    return list(db.scalars(query))
