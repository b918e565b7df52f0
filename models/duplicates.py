"""Questions that were asked before: a moderator points the later one to the earlier one, and can take that back.

The answers stay where they are and can still be read; the earlier question names those that point to it. For a question
of this node the world is told by an `Update`, whose text says so; for one from elsewhere it is our own view.

Two questions in one community of this node can be merged: then what was answered to the later one is shown, found and
counted below the earlier one, and new answers go there. On the wire a reply goes on answering what it answered
(`in_reply_to_uri`), which is also how it finds back when they are taken apart.
"""

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session, aliased

from models import (
    actors,
    anonymity,
    communities,
    composing,
    events,
    moderation,
    notifications,
    posts,
    thread_follows,
    thread_mutes,
)
from models.access import listed, visible
from models.accounts import Account
from models.actors import Actor
from models.base import now
from models.errors import Conflict, Forbidden, Invalid
from models.notifications import NotificationKind
from models.posts import Kind, Post, Visibility
from models.search import keeping

SHOWN = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.NODE)
"""What moves when questions are merged: not what was said to some only, who may not even see the earlier question."""

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
    while original.duplicate_of_id is not None and original.duplicate_of_id != question.id:
        original = db.get_one(Post, original.duplicate_of_id)
    if original.id == question.id:
        raise Invalid("A question cannot point to itself.", code="same_question")
    if original.duplicate_of_id == question.id:
        raise Conflict("That question points to this one. Take that back first.")
    if question.visibility != Visibility.NODE and original.visibility == Visibility.NODE:
        raise Invalid("That question is for this server only, so others could not read it.", code="visibility_unfit")
    if question.duplicate_of_id == original.id:
        return
    if question.merged_at is not None:
        _apart(db, question)
    question.duplicate_of_id = original.id
    followers = select(Post).where(Post.duplicate_of_id == question.id, Post.merged_at.is_(None))
    for follower in db.scalars(followers).all():
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
    release(db, question)
    moderation.audit(db, by.id, "question.no_duplicate", question.uri)
    notifications.forget(db, NotificationKind.DUPLICATE, by, post=question)
    return True


def release(db: Session, question: Post) -> None:
    """Let a question stand for itself again, with what was answered to it."""
    if question.merged_at is not None:
        _apart(db, question)
    question.duplicate_of_id = None
    _tell(db, question)


def may_merge(db: Session, actor: Actor, question: Post) -> bool:
    """Whether `actor` may, and the question and the earlier one are such that it can be done."""
    return may_mark(db, actor, question) and question.merged_at is None and _earlier(db, question) is not None


def merge(db: Session, by: Actor, question: Post) -> None:
    """Show what was answered to a question that points to an earlier one below that. The accepted answer is the earlier
    one's, votes stay, and whoever asked or follows the later one hears of new answers to the earlier.

    Raises Forbidden; Invalid unless both are in one community of this node; Conflict if it is done.
    """
    _require(db, by, question)
    if question.merged_at is not None:
        raise Conflict("Its answers stand below the earlier question already.", code="merged")
    original = _earlier(db, question)
    if original is None:
        raise Invalid("Both questions have to be in the same community of this server.", code="other_community")
    question.merged_at = now()
    for nested in db.scalars(
        select(Post).where(Post.duplicate_of_id == question.id, Post.merged_at.is_not(None))
    ).all():
        nested.duplicate_of_id = original.id
        _tell(db, nested)
    db.flush()
    whole = and_(Post.thread_id == question.id, Post.id != question.id, Post.visibility.in_(SHOWN))
    _put(db, whole, and_(Post.in_reply_to_id == question.id, Post.visibility.in_(SHOWN)), original)
    _recount(db, question, original)
    for account_id in {anonymity.told(db, question.author_id, question), *thread_follows.followers(db, question.id)}:
        if db.get(Account, account_id) is not None and not thread_mutes.muted(db, account_id, [original.id]):
            thread_follows.follow(db, account_id, original.id)
    moderation.audit(db, by.id, "question.merge", question.uri, into=original.uri)
    notifications.notify(db, question.author_id, NotificationKind.DUPLICATE, by, question)


def take_apart(db: Session, by: Actor, question: Post) -> None:
    """Take a merge back: everything that answers the later question, and what stands below it, goes back there; also
    what came meanwhile. It still points to the earlier one. Raises Forbidden, or Conflict if it is not merged."""
    _require(db, by, question)
    if question.merged_at is None:
        raise Conflict("Its answers are where they were written.", code="not_merged")
    _apart(db, question)
    moderation.audit(db, by.id, "question.apart", question.uri)


def _earlier(db: Session, question: Post) -> Post | None:
    """The question that this one can be merged into."""
    original = db.get(Post, question.duplicate_of_id) if question.duplicate_of_id is not None else None
    home = communities.home_of(db, question)
    if original is None or original.deleted_at is not None or original.merged_at is not None:
        return None
    return original if home is not None and home.local and original.community_id == home.id else None


def _apart(db: Session, question: Post) -> None:
    original = db.get_one(Post, question.duplicate_of_id)
    theirs = and_(Post.in_reply_to_uri == question.uri, Post.visibility.in_(SHOWN))
    step = select(Post.id).where(theirs).cte("theirs", recursive=True)
    below = aliased(Post)
    step = step.union(select(below.id).join(step, below.in_reply_to_id == step.c.id))
    ids = list(db.scalars(select(step.c.id)))
    question.merged_at = None
    db.flush()
    _put(db, Post.id.in_(ids), theirs, question)
    _recount(db, question, original)


def _put(db: Session, whole: ColumnElement[bool], direct: ColumnElement[bool], question: Post) -> None:
    """Let these posts stand in a question's thread, those of `direct` right below it."""
    changed = {*db.scalars(update(Post).where(direct).values(in_reply_to_id=question.id).returning(Post.id))}
    changed |= {*db.scalars(update(Post).where(whole).values(thread_id=question.id).returning(Post.id))}
    keeping.touch(db, changed)


def _recount(db: Session, *questions: Post) -> None:
    for question in sorted(questions, key=lambda one: one.id):
        posts.hold(db, question)
        there = (Post.in_reply_to_id == question.id, Post.deleted_at.is_(None), Post.held_for == "")
        answers = func.count().filter(Post.kind == Kind.ANSWER)
        question.reply_count, question.answer_count = db.execute(select(func.count(), answers).where(*there)).one()
        first = posts.first_answer(db, question, besides=0)
        waited = (first - question.published).total_seconds() if first is not None else None
        question.answered_after = max(0, int(waited)) if waited is not None else None
    db.flush()


def said_elsewhere(db: Session, question: Post, before: str, uri: str) -> None:
    """What the question's own server says of it (`torv:duplicateOf`), as far as we know the earlier question.

    `before` is what it said last; what a moderator of ours decided stays unless that server itself takes its word back.
    """
    if question.kind != Kind.QUESTION or uri == before or question.merged_at is not None:
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
    query = select(Post).where(Post.duplicate_of_id == question.id, listed(viewer), Post.removed_at.is_(None))
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
