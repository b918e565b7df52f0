"""Collections that other servers page through: replies, whole threads, what an outbox shows. Public posts only."""

from functools import cache

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from models import actors
from models.access import listed
from models.actors import Actor
from models.anonymity import PREFIX
from models.communities import Community
from models.follows import Follow, FollowState
from models.outbox import Activity
from models.posts import Post
from models.windows import LIMIT

PAGE = 40


def _open() -> ColumnElement[bool]:
    """Readable by anybody, by nobody who is limited, not taken out by a moderator, and not held back until somebody keeps it."""
    holding = select(Community.id).where(Community.holds_outside.is_(True))
    held = and_(Post.unreviewed.is_(True), Post.community_id.is_not(None), Post.community_id.in_(holding))
    return and_(listed(None), Post.removed_at.is_(None), ~held)


def replies(db: Session, post: Post, *, after: int = 0, limit: int = PAGE) -> list[tuple[int, str]]:
    """(cursor, id) of direct replies anybody may read, oldest first, those behind the cursor `after`."""
    named = {"post": post.id, "uri": post.uri, "after": after, "limit": limit}
    return [(row[0], row[1]) for row in db.execute(_replies(), named)]


@cache
def _replies() -> Select[int, str]:
    direct = or_(Post.in_reply_to_id == bindparam("post"), Post.in_reply_to_uri == bindparam("uri"))
    query = select(Post.id, Post.uri).where(direct, Post.id > bindparam("after"), _open())
    return query.order_by(Post.id).limit(LIMIT)


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


def shown_outside(db: Session, actor: Actor) -> bool:
    """Whether other servers may know of a local actor: not suspended, not deleted, no community of this node only."""
    if not actor.local or not actor.active:
        return False
    row = db.get(Community, _community_id(db, actor))
    return row is None or not row.node_only


def _community_id(db: Session, actor: Actor) -> int:
    """The community whose actor this is: itself, or the one whose members ask through it anonymously."""
    if not actor.username.startswith(PREFIX):
        return actor.id
    group = actors.by_handle(db, actor.username.removeprefix(PREFIX))
    return group.id if group is not None else actor.id


def _in_outbox(actor: Actor) -> ColumnElement[bool]:
    """Public Creates and Announces whose post anybody may still read; of a community's wraps only those of Creates."""
    readable = exists().where(Post.id == Activity.post_id, _open())
    data, inner = cast(Activity.data, Text), aliased(Activity)
    wraps_create = or_(
        data.contains('"type":"Create"', autoescape=True),
        exists().where(inner.uri == Activity.object_uri, inner.type == "Create"),
    )
    plain = ~data.contains('"only":', autoescape=True)
    return and_(
        Activity.actor_id == actor.id,
        Activity.public.is_(True),
        Activity.type.in_(("Create", "Announce")),
        or_(Activity.post_id.is_(None), readable),
        or_(plain, wraps_create),
    )


def outbox(db: Session, actor: Actor, *, before: int | None = None, limit: int = PAGE) -> list[Activity]:
    """A page of what an actor did in public, newest first; `before` is the id to go on from."""
    query = select(Activity).where(_in_outbox(actor))
    if before is not None:
        query = query.where(Activity.id < before)
    return list(db.scalars(query.order_by(Activity.id.desc()).limit(limit)))


def count_outbox(db: Session, actor: Actor) -> int:
    """How many entries an actor's outbox has."""
    return db.scalar(select(func.count()).select_from(Activity).where(_in_outbox(actor))) or 0
