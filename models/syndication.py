"""What feeds carry: the newest posts that anybody may read and whose authors let themselves be found by strangers."""

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from models import text
from models.access import listed
from models.actors import Actor
from models.listings import Listing
from models.posts import Kind, Post, PostTag, Visibility
from models.windows import Window

ENTRIES = Window(limit=30)


def open_to_all() -> ColumnElement[bool]:
    """Public, not taken out of its community, and by somebody who lets himself be found (FEP-5feb)."""
    willing = exists().where(Actor.id == Post.author_id, Actor.indexable.is_(True))
    return and_(Post.visibility == Visibility.PUBLIC, Post.removed_at.is_(None), willing, listed(None))


def questions(db: Session, *, unanswered: bool = False) -> list[Post]:
    """The newest questions; `unanswered`: those without an answer."""
    query = select(Post).where(Post.kind == Kind.QUESTION, open_to_all())
    if unanswered:
        query = query.where(Post.answer_count == 0, Post.duplicate_of_id.is_(None))
    return ENTRIES.scalars(db, query, Post.id)


def experience(db: Session) -> list[Post]:
    """The newest reports of experience, and what happened since older ones."""
    return ENTRIES.scalars(db, select(Post).where(Post.kind == Kind.EXPERIENCE, open_to_all()), Post.id)


def public(db: Session) -> list[Post]:
    """The newest first posts of this node."""
    query = select(Post).where(Post.local.is_(True), Post.in_reply_to_uri == "", open_to_all())
    return ENTRIES.scalars(db, query, Post.id)


def community(db: Session, group: Actor) -> list[Post]:
    """The newest threads of a community, its own and those of its twins."""
    query = (
        select(Post)
        .join(Listing, Listing.post_id == Post.id)
        .where(Listing.community_id == group.id, Listing.hidden_at.is_(None), open_to_all())
    )
    return ENTRIES.scalars(db, query, Listing.id)


def tag(db: Session, name: str) -> list[Post]:
    """The newest posts with a hashtag."""
    tagged = PostTag.name == text.tag_key(name)
    query = select(Post).join(PostTag, PostTag.post_id == Post.id).where(tagged, open_to_all())
    return ENTRIES.scalars(db, query, PostTag.post_id)


def person(db: Session, author: Actor) -> list[Post]:
    """What somebody wrote last, answers among it; nothing of who does not want to be found."""
    return ENTRIES.scalars(db, select(Post).where(Post.author_id == author.id, open_to_all()), Post.id)


def thread(db: Session, root: Post) -> list[Post]:
    """The newest of a thread: its question, answers and comments."""
    query = select(Post).where(Post.thread_id == root.thread_id, Post.unreviewed.is_(False), open_to_all())
    return ENTRIES.scalars(db, query, Post.id)


def is_open(db: Session, post: Post) -> bool:
    """Whether a post may stand in a feed at all."""
    return db.scalar(select(Post.id).where(Post.id == post.id, open_to_all())) is not None
