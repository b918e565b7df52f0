"""Posts of every kind, of this node and of others: notes, questions, answers, comments."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Computed, ForeignKey, Index, Text, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import text
from models.actors import Actor
from models.base import IDS, Base, Id, Json, UtcTime, new_id, now, partial_index
from models.errors import NotFound

if TYPE_CHECKING:  # a poll is a table beside posts
    from models.polls import PollDraft


class Kind(StrEnum):
    """What a post is to its readers. `experience` is a report (`experiences`), `event` a meeting (`meetings`), `dogma` a
    principle (`dogmas`)."""

    NOTE = "note"
    QUESTION = "question"
    ANSWER = "answer"
    COMMENT = "comment"
    EXPERIENCE = "experience"
    EVENT = "event"
    DOGMA = "dogma"


class Visibility(StrEnum):
    """Who may read a post. `node` never leaves this node."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"
    NODE = "node"


HELD = "held_for <> ''"
"""The condition of an index over the few posts that wait; a query uses it if it says the same in the same words."""


GIVEN = "deleted_at IS NULL AND visibility IN ('public', 'unlisted') AND kind IN ('question', 'answer')"
"""What counts as somebody's contribution (`contributions`); the condition of an index in the same way."""

CHOSEN = "accepted_id IS NOT NULL"
"""The questions with an accepted answer; the condition of an index."""

UNANSWERED = "kind = 'question' AND answer_count = 0 AND duplicate_of_id IS NULL"
"""The questions that wait for an answer; the condition of an index in the same way."""


class Post(Base):
    """One post. `uri` is its ActivityPub id. Deleted rows stay for ever, emptied, as tombstones."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_author_id_id", "author_id", "id"),
        Index("ix_posts_thread_id_id", "thread_id", "id"),
        Index("ix_posts_in_reply_to_uri", "in_reply_to_uri"),
        # All that the figures of a community are made from, so that they are read from here alone.
        Index(
            "ix_posts_of_community",
            *("community_id", "kind", "id", "author_id", "answered_after"),
            *("held_for", "removed_at", "deleted_at", "duplicate_of_id"),
        ),
        Index("ix_posts_local_in_reply_to_uri_id", "local", "in_reply_to_uri", "id"),
        Index("ix_posts_kind_id", "kind", "id"),
        Index("ix_posts_kind_demerit_id", "kind", "demerit", "id"),
        Index("ix_posts_answers", "in_reply_to_id", "kind", "demerit", "id"),
        partial_index("ix_posts_held", "community_id", "id", where=HELD),
        # What is asked of them as well, so that they are counted without being read.
        partial_index("ix_posts_given", "author_id", "kind", "id", "thread_id", where=GIVEN),
        partial_index("ix_posts_accepted_id", "accepted_id", "id", where=CHOSEN),
        # two columns that are always the same for these rows: else SQLite takes another index
        partial_index("ix_posts_unanswered", "kind", "answer_count", "id", "community_id", where=UNANSWERED),
        partial_index("ix_posts_waiting", "community_id", "kind", "answer_count", "id", where=UNANSWERED),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    url: Mapped[str] = mapped_column(Text, default="")
    local: Mapped[bool]
    author_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    kind: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text, default="Note")
    visibility: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text, default="")
    """Plain text; for questions, reports and other titled posts."""
    content: Mapped[str] = mapped_column(Text, default="")
    """Clean HTML without the title and without the accepted-answer line."""
    source: Mapped[str] = mapped_column(Text, default="")
    """Markdown as written (local), or the remote `source`."""
    summary: Mapped[str] = mapped_column(Text, default="")
    """Content warning of a Note, abstract of an Article; plain text."""
    sensitive: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(Text, default="")
    attachments: Mapped[Any] = mapped_column(Json, default=list)
    """[{"type", "url", "media_type", "name", "width", "height", "blurhash", "focus"}]; of our own files also "id",
    "kind", "preview_url" and "meta", see `media.snapshot`; of others' films and sounds "icon_url", their picture."""
    extra: Mapped[Any] = mapped_column(Json, default=dict)
    """Kind-specific values: barriers, municipality, phase, outcome, times, poll options."""
    in_reply_to_uri: Mapped[str] = mapped_column(Text, default="")
    in_reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    thread_id: Mapped[int] = mapped_column(Id)
    """The id of the first post of the thread (its own for a first post)."""
    community_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """The thread's home community, local or remote; on every post of the thread."""
    context_uri: Mapped[str] = mapped_column(Text, default="")
    unreviewed: Mapped[bool] = mapped_column(default=False)
    """An answer from outside the community, not kept yet."""
    held_for: Mapped[str] = mapped_column(Text, default="")
    """Why it waits for a moderator of its community (`admission.Reason`), read by nobody but its author and them."""
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Removed from its community by a moderator; the post itself stays."""
    hidden_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Hidden by a moderator of this node: nobody here but its author sees it."""
    accepted_id: Mapped[int | None] = mapped_column(Id)
    """On a question: the accepted answer."""
    accepted_by_id: Mapped[int | None] = mapped_column(Id)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    accept_uri: Mapped[str] = mapped_column(Text, default="")
    """The ChooseAnswer activity, so that its Undo can name it."""
    duplicate_of_id: Mapped[int | None] = mapped_column(Id, index=True)
    """On a question: the one that asked the same before (`duplicates`)."""
    merged_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """On such a question: since when what was answered to it stands below the earlier one."""
    up: Mapped[int] = mapped_column(default=0)
    down: Mapped[int] = mapped_column(default=0)
    demerit: Mapped[int] = mapped_column(Computed("down - up", persisted=True), deferred=True)
    """What orders replies by votes, the best first; the database works it out."""
    reply_count: Mapped[int] = mapped_column(default=0)
    """Direct replies."""
    answer_count: Mapped[int] = mapped_column(default=0)
    """On a question: its answers."""
    answered_after: Mapped[int | None]
    """On a question that has answers: seconds until the first."""
    boost_count: Mapped[int] = mapped_column(default=0)
    published: Mapped[datetime] = mapped_column(UtcTime)
    updated: Mapped[datetime | None] = mapped_column(UtcTime)
    """Of the last edition; grows by at least a second per edit."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Remote: when the origin was last asked again."""
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Edition(Base):
    """What a post said before an edit."""

    __tablename__ = "editions"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    title: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    written_at: Mapped[datetime] = mapped_column(UtcTime)
    """When this edition was published."""


class Recipient(Base):
    """An actor a post is addressed to; `mentioned` if its tags name him too (only then he is notified)."""

    __tablename__ = "recipients"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, index=True)
    mentioned: Mapped[bool] = mapped_column(default=True)


class PostTag(Base):
    """A hashtag on a post. `name` is in one letter case; `shown` as written."""

    __tablename__ = "post_tags"
    __table_args__ = (Index("ix_post_tags_name_post_id", "name", "post_id"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    shown: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Draft:
    """What somebody on this node wants to say. `to` are actor ids addressed besides mentions."""

    text: str
    title: str = ""
    visibility: str = Visibility.PUBLIC
    language: str = ""
    summary: str = ""
    sensitive: bool = False
    barriers: tuple[str, ...] = ()
    municipality: str | None = None
    """The code of the municipality it is about; empty for none. None in an edit leaves it as it is."""
    anonymous: bool = False
    """Readers are not to know who writes (`anonymity`). An edit cannot change that."""
    to: tuple[int, ...] = ()
    poll: "PollDraft | None" = None
    """What readers can choose among. None in an edit leaves the poll as it is; one without options ends it."""
    content_type: str = ""
    """How `text` is written, one of `plain_text.TYPES`. Empty: Markdown, or in an edit as before."""
    media: tuple[int, ...] | None = None
    """Files uploaded before, by id, in order. None in an edit leaves them as they are."""
    app: dict[str, str] | None = None
    """The app it was written with, `name` and `website`, if its readers may know."""
    quote_policy: str = ""
    """Who may quote it (`preferences.QuotePolicy`). Empty: what its author prefers, or in an edit as before."""
    disclosure: str | None = None
    """The author's commercial interest in what he writes. None in an edit leaves it as it is."""
    detail: "Callable[[Session, Post], None] | None" = None
    """Writes what a post of this kind has in tables of its own, in the same transaction, before anybody is told."""
    linked: "tuple[Post, ...] | None" = None
    """Questions, reports, meetings and dogmas that a first post belongs with. None in an edit leaves them as they are."""
    invites: str = ""
    """The id of the report as whose co-author this direct post asks its reader to be named."""
    may_name_nobody: bool = False
    """A direct post to nobody is a note to oneself; without this it is a mistake."""


def get(db: Session, post_id: int) -> Post:
    """The row, whoever asks (rules of visibility are `access`'s); raises NotFound."""
    if (post := db.get(Post, post_id)) is None:
        raise NotFound("There is no such post.")
    return post


def by_uri(db: Session, uri: str) -> Post | None:
    """The row with exactly this id, tombstones included."""
    return db.scalar(_BY_URI, {"uri": uri}) if uri else None


_BY_URI = select(Post).where(Post.uri == bindparam("uri"))


def editions(db: Session, post: Post) -> list[Edition]:
    """What the post said before each edit, oldest first."""
    return list(db.scalars(select(Edition).where(Edition.post_id == post.id).order_by(Edition.id)))


def edited(db: Session, post_ids: list[int]) -> set[int]:
    """Which of these posts said something else before."""
    return set(db.scalars(select(Edition.post_id).where(Edition.post_id.in_(post_ids))))


def tags_of(db: Session, post_ids: list[int]) -> dict[int, list[PostTag]]:
    """The hashtags of several posts."""
    found: dict[int, list[PostTag]] = {}
    for tag in db.scalars(_TAGS_OF, {"ids": post_ids}):
        found.setdefault(tag.post_id, []).append(tag)
    return found


_TAGS_OF = select(PostTag).where(PostTag.post_id.in_(IDS)).order_by(PostTag.name)


def keep_edition(db: Session, post: Post) -> None:
    """Store what the post says now, before it changes."""
    db.add(
        Edition(
            id=new_id(),
            post_id=post.id,
            title=post.title,
            content=post.content,
            source=post.source,
            summary=post.summary,
            written_at=post.updated or post.published,
        )
    )


def set_tags(db: Session, post: Post, tags: Iterable[str]) -> None:
    """Replace the hashtags of a post (at most 30, compared without letter case)."""
    db.execute(delete(PostTag).where(PostTag.post_id == post.id))
    for name, as_written in tag_keys(tags).items():
        db.add(PostTag(post_id=post.id, name=name, shown=as_written))


def tag_keys(tags: Iterable[str]) -> dict[str, str]:
    """The hashtags of a post that are kept, by their keys, as they were written."""
    shown: dict[str, str] = {}
    for tag in tags:
        if text.is_tag(tag):
            shown.setdefault(text.tag_key(tag), tag.lstrip("#")[:100])
    return dict(list(shown.items())[:30])


def set_recipients(db: Session, post: Post, mentioned: Iterable[Actor], addressed: Iterable[Actor] = ()) -> list[Actor]:
    """Replace whom a post names; returns those who were not named before."""
    before = set(
        db.scalars(select(Recipient.actor_id).where(Recipient.post_id == post.id, Recipient.mentioned.is_(True)))
    )
    db.execute(delete(Recipient).where(Recipient.post_id == post.id))
    named = {actor.id: actor for actor in mentioned if actor.id != post.author_id}
    for actor in named.values():
        db.add(Recipient(post_id=post.id, actor_id=actor.id, mentioned=True))
    for actor in {actor.id: actor for actor in addressed}.values():
        if actor.id not in named and actor.id != post.author_id:
            db.add(Recipient(post_id=post.id, actor_id=actor.id, mentioned=False))
    return [actor for actor in named.values() if actor.id not in before]


def hold(db: Session, post: Post) -> None:
    """Keep a post's row to this transaction, with its counts as they are now, before they are changed.

    Where two write at once (PostgreSQL), both would else begin from the same figure and one of them not count. Replies
    may still refer to the row meanwhile.
    """
    db.flush()
    query = select(Post).where(Post.id == post.id).with_for_update(key_share=True)
    db.scalar(query.execution_options(populate_existing=True))


def answered_at(db: Session, post: Post) -> Post:
    """Below which post new replies to `post` go: for a question that was merged, the earlier one."""
    while post.merged_at is not None and (earlier := db.get(Post, post.duplicate_of_id)) is not None:
        post = earlier
    return post


def first_answer(db: Session, question: Post, *, besides: int) -> datetime | None:
    """When the first answer to a question was written, one of them left out."""
    query = select(func.min(Post.published)).where(
        Post.in_reply_to_id == question.id,
        Post.kind == Kind.ANSWER,
        Post.id != besides,
        Post.held_for == "",
        Post.deleted_at.is_(None),
    )
    return db.scalar(query)


def next_update(post: Post) -> datetime:
    """The time of a new edition: now, but at least a second after the last, so that every server sees it as newer."""
    last = post.updated or post.published
    return max(now(), last + timedelta(seconds=1)).replace(microsecond=0)


def count_local(db: Session) -> tuple[int, int]:
    """(posts, replies) written on this node, for NodeInfo."""
    first = func.count().filter(Post.in_reply_to_uri == "")
    query = select(first, func.count()).where(Post.local.is_(True), Post.deleted_at.is_(None))
    firsts, all_of_them = db.execute(query).one()
    return firsts, all_of_them - firsts


def count_active(db: Session, since: datetime) -> int:
    """Local persons who posted since then (for NodeInfo)."""
    return (
        db.scalar(
            select(func.count(func.distinct(Post.author_id))).where(Post.local.is_(True), Post.published >= since)
        )
        or 0
    )
