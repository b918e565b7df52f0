"""Conversations: the direct threads somebody takes part in, each with its last post and whether he has read it.

Kept in the transaction in which a direct post is written, arrives or is deleted, so that the list costs what it shows.
"""

from collections.abc import Iterable

from sqlalchemy import ForeignKey, Index, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import blocks, events
from models.access import visible
from models.accounts import Account
from models.actors import Actor
from models.base import Base, Id, insert_unless_there, new_id
from models.errors import NotFound
from models.posts import Post, Recipient, Visibility
from models.windows import Window

FIRST = Window()


class Conversation(Base):
    """A direct thread as one account sees it."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("account_id", "thread_id"),
        Index("ix_conversations_account_id_last_id", "account_id", "last_id"),
        Index("ix_conversations_thread_id", "thread_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    thread_id: Mapped[int] = mapped_column(Id)
    """The id of the thread's first post, which need not be a direct one."""
    last_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    """The newest direct post that the account wrote or got; also the cursor of the list."""
    unread: Mapped[bool] = mapped_column(default=False)


def note(db: Session, post: Post) -> None:
    """A direct post was written or came in: those of its people who have an account here see it in their list.

    It is unread for all but its author. Who has blocked its author, or is blocked by him, gets nothing.
    """
    if post.visibility != Visibility.DIRECT:
        return
    for account_id in _takers(db, post):
        row = _row(db, account_id, post.thread_id)
        if row is None:
            values = {"account_id": account_id, "thread_id": post.thread_id, "last_id": post.id}
            insert_unless_there(db, Conversation, id=new_id(), unread=False, **values)
            row = _row(db, account_id, post.thread_id)
            assert row is not None
        row.last_id = max(row.last_id, post.id)
        row.unread = row.unread or account_id != post.author_id
        if account_id == post.author_id:
            row.unread = False
        db.flush()
        events.conversation_changed(db, account_id, row.id)


def _takers(db: Session, post: Post) -> list[int]:
    named = select(Recipient.actor_id).where(Recipient.post_id == post.id)
    query = select(Account.id).where(or_(Account.id == post.author_id, Account.id.in_(named)))
    return [
        account_id
        for account_id in db.scalars(query.order_by(Account.id)).all()
        if account_id == post.author_id or not blocks.blocked_between(db, account_id, post.author_id)
    ]


def _row(db: Session, account_id: int, thread_id: int) -> Conversation | None:
    query = select(Conversation).where(Conversation.account_id == account_id, Conversation.thread_id == thread_id)
    return db.scalar(query.with_for_update().execution_options(populate_existing=True))


def forget_post(db: Session, post: Post) -> None:
    """A direct post is about to be emptied: conversations that ended with it end with the one before, or are gone.

    Called while the post still says whom it was addressed to.
    """
    if post.visibility != Visibility.DIRECT:
        return
    for row in db.scalars(select(Conversation).where(Conversation.last_id == post.id)).all():
        _end_with_the_newest(db, row, without=post.id)


def _end_with_the_newest(db: Session, row: Conversation, *, without: int = 0) -> None:
    named = select(Recipient.post_id).where(Recipient.actor_id == row.account_id)
    query = select(Post.id).where(
        Post.thread_id == row.thread_id,
        Post.id != without,
        Post.visibility == Visibility.DIRECT,
        Post.deleted_at.is_(None),
        or_(Post.author_id == row.account_id, Post.id.in_(named)),
    )
    last = db.scalar(query.order_by(Post.id.desc()).limit(1))
    if last is None:
        db.delete(row)
    else:
        row.last_id = last
    db.flush()


def rethread(db: Session, old: int, new: int) -> None:
    """A thread turned out to be part of another: its conversations become one with those of the other."""
    if old == new:
        return
    for row in db.scalars(select(Conversation).where(Conversation.thread_id == old)).all():
        other = _row(db, row.account_id, new)
        if other is None:
            row.thread_id = new
        else:
            other.last_id, other.unread = max(other.last_id, row.last_id), other.unread or row.unread
            db.delete(row)
        db.flush()


def page(db: Session, viewer: Actor, window: Window = FIRST) -> list[tuple[Conversation, Post]]:
    """The conversations of `viewer` with their last posts, newest first; the cursor is the last post's id.

    Those that end with somebody he has blocked, or who is suspended, are left out.
    """
    query = (
        select(Conversation, Post)
        .join(Post, Conversation.last_id == Post.id)
        .where(Conversation.account_id == viewer.id, visible(viewer))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Conversation.last_id)]


def get(db: Session, viewer: Actor, conversation_id: int) -> tuple[Conversation, Post]:
    """One of the conversations of `viewer` with its last post; NotFound also for those of others."""
    query = (
        select(Conversation, Post)
        .join(Post, Conversation.last_id == Post.id)
        .where(Conversation.id == conversation_id, Conversation.account_id == viewer.id, visible(viewer))
    )
    row = db.execute(query).first()
    if row is None:
        raise NotFound("Record not found")
    return row[0], row[1]


def participants(db: Session, rows: Iterable[tuple[Conversation, Post]]) -> dict[int, list[Actor]]:
    """Who took part in the last post of several conversations, without the account itself (unless it is alone)."""
    pairs = list(rows)
    addressed: dict[int, set[int]] = {}
    query = select(Recipient.post_id, Recipient.actor_id).where(Recipient.post_id.in_([post.id for _, post in pairs]))
    for post_id, actor_id in db.execute(query):
        addressed.setdefault(post_id, set()).add(actor_id)
    wanted: dict[int, list[int]] = {}
    for row, post in pairs:
        others = {post.author_id, *addressed.get(post.id, ())} - {row.account_id}
        wanted[row.id] = sorted(others) or [row.account_id]
    ids = {actor_id for several in wanted.values() for actor_id in several}
    people = {actor.id: actor for actor in db.scalars(select(Actor).where(Actor.id.in_(ids)))}
    return {key: [people[id] for id in several if id in people] for key, several in wanted.items()}


def set_unread(db: Session, row: Conversation, unread: bool) -> None:
    """Mark a conversation read or unread."""
    row.unread = unread
    db.flush()


def remove(db: Session, row: Conversation) -> None:
    """Take a conversation off one's list; its posts stay, and a new one brings it back."""
    db.delete(row)
    db.flush()
