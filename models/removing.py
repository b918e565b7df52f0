"""Deleting posts: what was said is emptied; the row stays for ever as a tombstone, so that the id never comes back."""

from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models import (
    actors,
    anonymity,
    attending,
    calls,
    communities,
    companions,
    composing,
    conversations,
    dogmas,
    duplicates,
    events,
    experience_cases,
    figures,
    links,
    listings,
    media,
    meetings,
    memory,
    outbox,
    planning,
    polls,
)
from models.actors import Actor
from models.anonymity import AnonymousPost
from models.audience import addressing
from models.base import now
from models.bookmarks import Bookmark
from models.drafts import KeptDraft
from models.errors import Forbidden, NotFound
from models.filters import FilterStatus
from models.listings import Listing
from models.notifications import Notification
from models.pins import Pin
from models.posts import Edition, Kind, Post, PostTag, Recipient, Visibility
from models.quotes import QuoteStamp
from models.reactions import Boost, Vote

REMEMBER_DELETED = 7 * 24 * 3600
"""Seconds for which a deletion is known that came before its post."""


def delete_post(db: Session, actor: Actor, post: Post) -> None:
    """A person deletes his own post, here and wherever it went. Raises NotFound, Forbidden, and Conflict for a meeting that
    people mean to come to."""
    if post.deleted_at is not None:
        raise NotFound("There is no such post.")
    if not post.local or not anonymity.wrote(db, actor, post):
        raise Forbidden("You can only delete your own posts.", code="not_author")
    planning.check_deletable(db, post)
    actor = anonymity.acting(db, actor, post)
    _send(db, actor, post)
    tombstone(db, post)


def delete_by_moderator(db: Session, post: Post) -> None:
    """A moderator of the node deletes a post: one of ours wherever it went, one from elsewhere here only.

    Who wrote an anonymous one stays known, so that he hears of it and can appeal.
    """
    hidden = db.get(AnonymousPost, post.id)
    writer = actors.get(db, hidden.account_id) if hidden is not None else None
    planning.taken_away(db, post)
    if post.local:
        _send(db, actors.get(db, post.author_id), post)
    tombstone(db, post)
    if writer is not None:
        anonymity.remember(db, post, writer)


def _send(db: Session, actor: Actor, post: Post) -> None:
    if post.visibility == Visibility.NODE:
        return
    to, cc = addressing(db, post)
    community = communities.home_of(db, post)
    is_open = composing.open_visibility(post)
    activity = outbox.record(
        db,
        "Delete",
        actor,
        object_uri=post.uri,
        post=post,
        to=to,
        cc=cc,
        public=is_open,
        data={"formerType": post.object_type, **({"audience": community.uri} if community and is_open else {})},
    )
    listings.pass_on(db, post, None, own=activity)


def tombstone(db: Session, post: Post, *, inner: dict[str, Any] | None = None) -> None:
    """Empty a post for ever: its text, history, votes, boosts, notices and its place in lists.

    For a remote post the caller has proof that its author (or its origin) wants it; `inner` is the Delete as it came.
    """
    if post.deleted_at is not None:
        return
    if not post.local:
        listings.pass_on(db, post, inner, deleted=True)
        listings.undo_announces(db, post)
        memory.remember(db, "deleted", post.uri, True, REMEMBER_DELETED)
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    if parent is not None and not post.held_for:
        composing.count_reply(db, parent, post, -1)
    _release_question(db, post)
    _release_duplicates(db, post)
    events.deleted(db, post)
    conversations.forget_post(db, post)
    polls.drop(db, post)
    attending.reply_gone(db, post)
    calls.reply_gone(db, post)
    calls.forget(db, post)
    companions.drop(db, post)
    meetings.forget(db, post)
    dogmas.forget(db, post)
    case = experience_cases.forget(db, post)
    links.forget(db, post)
    if case is not None and case.local:
        composing.touch(db, actors.get(db, case.author_id), case)
    media.remove_of_post(db, post)
    db.execute(delete(QuoteStamp).where(QuoteStamp.post_id == post.id))
    for table in (AnonymousPost, Edition, PostTag, Vote, Boost, Pin, Notification, Bookmark, FilterStatus):
        db.execute(delete(table).where(table.post_id == post.id))
    lists = db.scalars(delete(Listing).where(Listing.post_id == post.id).returning(Listing.community_id)).all()
    db.execute(delete(Recipient).where(Recipient.post_id == post.id))
    post.title = post.content = post.source = post.summary = ""
    post.attachments, post.extra = [], {}
    post.up = post.down = post.boost_count = 0
    post.accepted_id = post.accepted_by_id = post.accepted_at = None
    post.duplicate_of_id = post.merged_at = None
    db.execute(delete(KeptDraft).where(KeptDraft.parent_id == post.id))
    post.deleted_at = now()
    db.flush()
    for community_id in sorted(lists):
        figures.unlisted(db, community_id, post)
    figures.unwrote(db, post)


def _release_question(db: Session, post: Post) -> None:
    # The question it answers is another than that of its thread where two were merged.
    its = or_(Post.id == post.thread_id, Post.uri == post.in_reply_to_uri)
    question = db.scalar(select(Post).where(its, Post.accepted_id == post.id))
    if question is None:
        return
    question.accepted_id = question.accepted_by_id = question.accepted_at = None
    question.accept_uri = ""
    db.flush()
    if question.local and question.deleted_at is None:
        composing.touch(db, actors.get(db, question.author_id), question)


def _release_duplicates(db: Session, post: Post) -> None:
    """What points to a question that goes stands for itself again."""
    for question in db.scalars(select(Post).where(Post.duplicate_of_id == post.id)).all():
        duplicates.release(db, question)


def tombstone_all(db: Session, actor: Actor, limit: int | None = None) -> int:
    """Empty everything an actor wrote, or the oldest `limit` posts of it; how many. Used when the account itself goes, so
    no Delete per post is sent."""
    of_actor = select(Post).where(Post.author_id == actor.id, Post.deleted_at.is_(None)).order_by(Post.id)
    found = db.scalars(of_actor if limit is None else of_actor.limit(limit)).all()
    for post in found:
        tombstone(db, post)
    return len(found)


def was_open(post: Post) -> bool:
    """Whether a deleted post was readable by anybody: only then its address may say 410, else 404."""
    return (
        post.deleted_at is not None
        and post.visibility in {Visibility.PUBLIC, Visibility.UNLISTED}
        and post.kind in set(Kind)
    )
