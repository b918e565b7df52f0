"""Posts that wait for a moderator of their community: held, let in, or kept out for good.

Such a post is read by nobody but its author and the moderators (`access.visible`), counts for nothing and goes nowhere.
"""

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models import actors, admission, arriving, communities, companions, composing, meetings, notifications, outbox
from models.actors import Actor
from models.admission import Reason
from models.errors import NotFound
from models.posts import HELD, Kind, Post


def waiting(db: Session, group: Actor, limit: int = 50) -> list[Post]:
    """What waits in a community, oldest first."""
    query = select(Post).where(
        Post.community_id == group.id, sql(HELD), Post.held_for != str(Reason.KEPT_OUT), Post.deleted_at.is_(None)
    )
    return list(db.scalars(query.order_by(Post.id).limit(limit)))


def _of(db: Session, by: Actor, post: Post) -> Actor:
    group = communities.home_of(db, post)
    if group is None or not group.local or not post.held_for or post.deleted_at is not None:
        raise NotFound("There is nothing that waits.")
    communities.require_moderator(db, by, group)
    return group


def let_in(db: Session, by: Actor, post: Post) -> None:
    """A moderator lets a post in: it goes where it would have gone at once. Raises Forbidden, NotFound."""
    _of(db, by, post)
    _release(db, post)


def _release(db: Session, post: Post) -> None:
    post.held_for = ""
    db.flush()
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    author = actors.get(db, post.author_id)
    if parent is not None:
        composing.count_reply(db, parent, post, 1)
    if post.local and _was_out(db, post):
        composing.touch(db, author, post)
    elif post.local:
        composing.let_out(db, author, post, parent)
        if (meeting := meetings.find(db, post)) is not None:
            companions.keep(db, post, meeting)
    else:
        arriving.let_out(db, author, post, parent)


def _was_out(db: Session, post: Post) -> bool:
    query = select(outbox.Activity.id).where(outbox.Activity.post_id == post.id, outbox.Activity.type == "Create")
    return db.scalar(query.limit(1)) is not None


def keep_out(db: Session, by: Actor, post: Post) -> None:
    """A moderator keeps a post out for good: nobody else ever reads it, and its author is told. It can still be let in
    later. Raises Forbidden, NotFound."""
    _of(db, by, post)
    post.held_for = str(Reason.KEPT_OUT)
    db.flush()
    notifications.notify(db, post.author_id, "removed", by, post)


def reconsider(db: Session, author: Actor) -> None:
    """Somebody's affiliations changed: what waited only for them is let in."""
    query = select(Post).where(Post.author_id == author.id, Post.held_for == str(Reason.CLASS))
    for post in db.scalars(query.order_by(Post.id).limit(100)).all():
        group = communities.home_of(db, post)
        reason = admission.weigh(db, author, group, Kind(post.kind), admission.recorded(post))
        if reason is None:
            _release(db, post)
        else:
            post.held_for = str(reason)
    db.flush()
