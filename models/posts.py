"""Posts of every kind, of this node and of others: notes, questions, answers, comments."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, UtcTime, now


class Kind(StrEnum):
    """What a post is to its readers. `experience`, `event` and `dogma` are reserved: they are stored, shown and
    answered like the others; a module of their own gives them more."""

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


class Post(Base):
    """One post. `uri` is its ActivityPub id. Deleted rows stay for ever, emptied, as tombstones."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_author_id_id", "author_id", "id"),
        Index("ix_posts_thread_id_id", "thread_id", "id"),
        Index("ix_posts_in_reply_to_uri", "in_reply_to_uri"),
        Index("ix_posts_community_id_kind_id", "community_id", "kind", "id"),
        Index("ix_posts_kind_id", "kind", "id"),
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
    """[{"type", "url", "media_type", "name", "width", "height", "blurhash"}]"""
    extra: Mapped[Any] = mapped_column(Json, default=dict)
    """Kind-specific values: barriers, municipality, phase, outcome, times, poll options."""
    in_reply_to_uri: Mapped[str] = mapped_column(Text, default="")
    in_reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    thread_id: Mapped[int] = mapped_column(Id)
    """The id of the first post of the thread (its own for a first post)."""
    community_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """The thread's home community, local or remote; on every post of the thread."""
    context_uri: Mapped[str] = mapped_column(Text, default="")
    unreviewed: Mapped[bool] = mapped_column(default=False)
    """An answer from outside the community, not kept yet."""
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Removed from its community by a moderator; the post itself stays."""
    accepted_id: Mapped[int | None] = mapped_column(Id)
    """On a question: the accepted answer."""
    accepted_by_id: Mapped[int | None] = mapped_column(Id)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    accept_uri: Mapped[str] = mapped_column(Text, default="")
    """The ChooseAnswer activity, so that its Undo can name it."""
    up: Mapped[int] = mapped_column(default=0)
    down: Mapped[int] = mapped_column(default=0)
    reply_count: Mapped[int] = mapped_column(default=0)
    """Direct replies."""
    answer_count: Mapped[int] = mapped_column(default=0)
    """On a question: its answers."""
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


class Pin(Base):
    """A post that its author (or community) shows first: the `featured` collection."""

    __tablename__ = "pins"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
