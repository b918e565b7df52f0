"""What an author, or a community, shows first: the `featured` collection."""

from datetime import datetime

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import outbox
from models.actors import PUBLIC, Actor
from models.base import Base, UtcTime, now
from models.errors import Forbidden, Invalid
from models.posts import Post, Visibility

MAX_PINS = 20


class Pin(Base):
    """A post that its author (or community) shows first: the `featured` collection."""

    __tablename__ = "pins"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def pin(db: Session, author: Actor, post: Post) -> None:
    """Show a post first on its author's page; at most 20."""
    if post.author_id != author.id or post.deleted_at is not None:
        raise Forbidden("You can only pin your own posts.")
    if post.visibility not in {Visibility.PUBLIC, Visibility.UNLISTED}:
        raise Invalid("Only public posts can be pinned.")
    if db.get(Pin, (author.id, post.id)) is not None:
        return
    if db.scalar(select(func.count()).select_from(Pin).where(Pin.actor_id == author.id)) >= MAX_PINS:  # type: ignore[operator]
        raise Invalid(f"At most {MAX_PINS} posts can be pinned.")
    db.add(Pin(actor_id=author.id, post_id=post.id))
    _tell_pin(db, "Add", author, post)


def unpin(db: Session, author: Actor, post: Post) -> None:
    """End `pin`."""
    row = db.get(Pin, (author.id, post.id))
    if row is not None:
        db.delete(row)
        _tell_pin(db, "Remove", author, post)


def note_pin(db: Session, owner: Actor, post: Post, *, shown: bool) -> bool:
    """What an actor or community elsewhere shows first, or no longer; False if we knew. At most 20 are noted."""
    row = db.get(Pin, (owner.id, post.id))
    if (row is not None) == shown:
        return False
    if row is not None:
        db.delete(row)
    elif len(pinned(db, owner.id)) >= MAX_PINS:
        return False
    else:
        db.add(Pin(actor_id=owner.id, post_id=post.id))
    db.flush()
    return True


def _tell_pin(db: Session, type: str, author: Actor, post: Post) -> None:
    db.flush()
    if author.local:
        outbox.record(
            db,
            type,
            author,
            object_uri=post.uri,
            post=post,
            to=[PUBLIC],
            cc=[author.followers_uri],
            public=True,
            data={"target": author.featured_uri},
        )


def pinned(db: Session, actor_id: int) -> list[Post]:
    """The posts an actor shows first, newest pin first."""
    return list(
        db.scalars(
            select(Post)
            .join(Pin, Pin.post_id == Post.id)
            .where(Pin.actor_id == actor_id, Post.deleted_at.is_(None))
            .order_by(Pin.created_at.desc())
            .limit(MAX_PINS)
        )
    )
