"""What is new for somebody since a time, for the letter he gets of it: questions nobody has answered where he is at
home, and those of the whole node that were voted for most."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from models import tag_follows
from models.access import listed
from models.actors import Actor
from models.anonymity import AnonymousPost
from models.base import first_id
from models.feeds import findable, not_muted
from models.follows import Follow, FollowState
from models.posts import Kind, Post, PostTag, Visibility


def unanswered(db: Session, reader: Actor, since: datetime, *, limit: int = 5) -> list[Post]:
    """Questions in communities and with tags he follows that nobody has answered, newest first; not his own."""
    followed = select(Follow.target_id).where(Follow.follower_id == reader.id, Follow.state == FollowState.ACCEPTED)
    tagged = exists().where(PostTag.post_id == Post.id, PostTag.name.in_(tag_follows.names(reader.id)))
    here = or_(Post.community_id.in_(followed), tagged & (Post.visibility == Visibility.PUBLIC) & findable())
    query = _asked_since(reader, since).where(Post.answer_count == 0, here, listed(reader))
    return list(db.scalars(query.order_by(Post.id.desc()).limit(limit)))


def best(db: Session, reader: Actor, since: datetime, *, but: Collection[int] = (), limit: int = 5) -> list[Post]:
    """The questions that were voted for most, but for these."""
    query = _asked_since(reader, since).where(
        Post.visibility.in_([Visibility.PUBLIC, Visibility.NODE]), listed(reader), findable(), Post.id.not_in(but)
    )
    return list(db.scalars(query.order_by((Post.up - Post.down).desc(), Post.id.desc()).limit(limit)))


def _asked_since(reader: Actor, since: datetime) -> Select[Post]:
    # ids are as old as their posts, and the index of kinds has them in order: only what is new is walked through
    return select(Post).where(
        Post.kind == Kind.QUESTION,
        Post.id > first_id(since),
        Post.duplicate_of_id.is_(None),
        Post.removed_at.is_(None),
        Post.author_id != reader.id,
        ~exists().where(AnonymousPost.post_id == Post.id, AnonymousPost.account_id == reader.id),
        not_muted(reader, Post.author_id),
    )
