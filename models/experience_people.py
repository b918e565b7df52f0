"""The people of a report beside its author: co-authors, and those whom readers may ask.

`co_authors` asks them, and hears their answers.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, plain_answers, text
from models.actors import Actor, ActorType
from models.base import Base, Id, UtcTime, now
from models.posts import Kind, Post

MAX_PEOPLE = 10
"""Co-authors, and people to ask, of one report at most."""


class As(StrEnum):
    """What somebody is to a report beside its author."""

    CO_AUTHOR = "author"
    CONTACT = "contact"


class ExperiencePerson(Base):
    """Somebody of a report beside its author: a co-author, or somebody to ask."""

    __tablename__ = "experience_people"
    __table_args__ = (Index("ix_experience_people_actor_id", "actor_id"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Of a co-author: when he said yes. Until then he is asked."""
    ask_id: Mapped[int | None] = mapped_column(Id, index=True)
    """The post by which somebody on another server is asked; a like of it, or a yes in reply, is his answer."""


def people(db: Session, post: Post, role: As, *, asked_too: bool = False) -> list[Actor]:
    """The co-authors of a report who said yes (and those who are only asked), or whom to ask about it."""
    query = (
        select(Actor)
        .join(ExperiencePerson, ExperiencePerson.actor_id == Actor.id)
        .where(ExperiencePerson.post_id == post.id, ExperiencePerson.role == role, Actor.deleted_at.is_(None))
        .order_by(Actor.id)
    )
    if role == As.CO_AUTHOR and not asked_too:
        query = query.where(ExperiencePerson.accepted_at.is_not(None))
    return list(db.scalars(query))


def crew(db: Session, post_ids: Collection[int]) -> dict[int, dict[As, list[Actor]]]:
    """Co-authors and contacts of several reports, in one query."""
    found: dict[int, dict[As, list[Actor]]] = {id: {As.CO_AUTHOR: [], As.CONTACT: []} for id in post_ids}
    query = (
        select(ExperiencePerson, Actor)
        .join(Actor, Actor.id == ExperiencePerson.actor_id)
        .where(ExperiencePerson.post_id.in_(post_ids), Actor.deleted_at.is_(None))
        .order_by(Actor.id)
    )
    for row, actor in db.execute(query):
        if row.role == As.CONTACT or row.accepted_at is not None:
            found[row.post_id][As(row.role)].append(actor)
    return found


def person(db: Session, post: Post, actor: Actor, role: As) -> ExperiencePerson | None:
    """What somebody is to a report, if anything."""
    return db.get(ExperiencePerson, (post.id, actor.id, role))


def is_co_author(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody said yes to being named as co-author."""
    row = person(db, post, actor, As.CO_AUTHOR) if post.kind == Kind.EXPERIENCE else None
    return row is not None and row.accepted_at is not None


def set_contacts(db: Session, post: Post, contacts: Iterable[Actor]) -> None:
    """Whom readers may ask, instead of those named before."""
    db.execute(delete(ExperiencePerson).where(ExperiencePerson.post_id == post.id, ExperiencePerson.role == As.CONTACT))
    for actor in list({one.id: one for one in contacts}.values())[:MAX_PEOPLE]:
        db.add(ExperiencePerson(post_id=post.id, actor_id=actor.id, role=As.CONTACT))
    db.flush()


def authors(db: Session, post: Post) -> list[Actor]:
    """Who wrote a report, its author first."""
    return [actors.get(db, post.author_id), *people(db, post, As.CO_AUTHOR)]


def take(db: Session, post: Post, claimed: Collection[Actor], contacts: Collection[Actor]) -> None:
    """Whom a report of another server names as co-authors, and to ask, instead of those it named before."""
    set_contacts(db, post, [one for one in contacts if one.type != ActorType.GROUP])
    keep: set[int] = set()
    for actor in list(claimed)[:MAX_PEOPLE]:
        if actor.id == post.author_id or actor.is_community or (actor.local and not said_yes(db, post, actor)):
            continue
        keep.add(actor.id)
        if person(db, post, actor, As.CO_AUTHOR) is None:
            db.add(ExperiencePerson(post_id=post.id, actor_id=actor.id, role=As.CO_AUTHOR, accepted_at=now()))
    gone = delete(ExperiencePerson).where(
        ExperiencePerson.post_id == post.id,
        ExperiencePerson.role == As.CO_AUTHOR,
        ExperiencePerson.actor_id.not_in(keep),
    )
    db.execute(gone)
    db.flush()


def said_yes(db: Session, post: Post, actor: Actor) -> bool:
    """Whether somebody of this node agreed to be named: he liked the author's post to him that asks so, or said yes."""
    from models.reactions import Vote  # knows posts itself

    asks = select(Post).where(
        Post.author_id == post.author_id, Post.local.is_(False), Post.visibility == "direct", Post.deleted_at.is_(None)
    )
    asking = [one.id for one in db.scalars(asks) if (one.extra or {}).get("invites") == post.uri]
    if not asking:
        return False
    liked = select(Vote.id).where(Vote.actor_id == actor.id, Vote.post_id.in_(asking), Vote.value > 0)
    if db.scalar(liked.limit(1)) is not None:
        return True
    replies = select(Post).where(Post.author_id == actor.id, Post.in_reply_to_id.in_(asking), Post.deleted_at.is_(None))
    return any(plain_answers.is_yes(text.plain(one.content)) for one in db.scalars(replies))
