"""Questions that were asked before: a moderator points the later one to the earlier one, and can take that back.

The answers stay where they are and can still be read; the earlier question names those that point to it. For a question
of this node the world is told by an `Update`, whose text says so; for one from elsewhere it is our own view.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, anonymity, communities, composing, events, moderation, notifications
from models.access import visible
from models.actors import Actor
from models.errors import Conflict, Forbidden, Invalid
from models.notifications import NotificationKind
from models.posts import Kind, Post, Visibility

MANY = 50
"""How many questions that point to one are named at most."""


def may_mark(db: Session, actor: Actor, question: Post) -> bool:
    """Moderators of its home community, and those of the node."""
    if question.kind != Kind.QUESTION:
        return False
    return communities.is_moderator(db, actor.id, question.community_id) or anonymity.moderates_node(db, actor)


def mark(db: Session, by: Actor, question: Post, original: Post) -> None:
    """Say that `question` was asked before, as `original`; what pointed to `question` points there then.

    Where `original` itself points to a third, that one is meant. Raises Forbidden; Invalid for what is no question, is
    the same, or has fewer readers; Conflict where it would go round in a circle.
    """
    _require(db, by, question)
    if original.kind != Kind.QUESTION or original.deleted_at is not None:
        raise Invalid("That is not a question.", code="not_a_question")
    if original.duplicate_of_id is not None and original.duplicate_of_id != question.id:
        original = db.get_one(Post, original.duplicate_of_id)
    if original.id == question.id:
        raise Invalid("A question cannot point to itself.", code="same_question")
    if original.duplicate_of_id == question.id:
        raise Conflict("That question points to this one. Take that back first.")
    if question.visibility != Visibility.NODE and original.visibility == Visibility.NODE:
        raise Invalid("That question is for this server only, so others could not read it.", code="visibility_unfit")
    if question.duplicate_of_id == original.id:
        return
    question.duplicate_of_id = original.id
    for follower in db.scalars(select(Post).where(Post.duplicate_of_id == question.id)).all():
        follower.duplicate_of_id = original.id
        _tell(db, follower)
    _tell(db, question)
    moderation.audit(db, by.id, "question.duplicate", question.uri, of=original.uri)
    notifications.notify(db, question.author_id, NotificationKind.DUPLICATE, by, question)


def unmark(db: Session, by: Actor, question: Post) -> bool:
    """Take it back; False if it points to nothing."""
    _require(db, by, question)
    if question.duplicate_of_id is None:
        return False
    question.duplicate_of_id = None
    _tell(db, question)
    moderation.audit(db, by.id, "question.no_duplicate", question.uri)
    notifications.forget(db, NotificationKind.DUPLICATE, by, post=question)
    return True


def said_elsewhere(db: Session, question: Post, before: str, uri: str) -> None:
    """What the question's own server says of it (`torv:duplicateOf`), as far as we know the earlier question.

    `before` is what it said last; what a moderator of ours decided stays unless that server itself takes its word back.
    """
    if question.kind != Kind.QUESTION or uri == before:
        return
    original = db.scalar(
        select(Post).where(Post.uri == uri, Post.kind == Kind.QUESTION, Post.deleted_at.is_(None), visible(None))
    )
    if original is not None and original.id != question.id and original.duplicate_of_id is None:
        question.duplicate_of_id = original.id
    elif not uri and question.duplicate_of_id is not None:
        last = db.get(Post, question.duplicate_of_id)
        if last is not None and last.uri == before:
            question.duplicate_of_id = None
    db.flush()


def pointing_to(db: Session, viewer: Actor | None, question: Post) -> list[Post]:
    """The later questions that point to this one, as far as `viewer` may see them, oldest first."""
    query = select(Post).where(Post.duplicate_of_id == question.id, visible(viewer), Post.removed_at.is_(None))
    return list(db.scalars(query.order_by(Post.id).limit(MANY)))


def original_of(db: Session, viewer: Actor | None, question: Post) -> Post | None:
    """The earlier question that this one points to, if `viewer` may see it."""
    if question.duplicate_of_id is None:
        return None
    return db.scalar(select(Post).where(Post.id == question.duplicate_of_id, visible(viewer)))


def _require(db: Session, by: Actor, question: Post) -> None:
    if question.kind != Kind.QUESTION or question.deleted_at is not None:
        raise Invalid("That is not a question.", code="not_a_question")
    if not may_mark(db, by, question):
        raise Forbidden("Only moderators may do that.", code="not_moderator")


def _tell(db: Session, question: Post) -> None:
    db.flush()
    if question.local:
        composing.touch(db, actors.get(db, question.author_id), question)
    else:
        events.edited(db, question)
