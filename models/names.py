"""Finding actors by the words of their names: people type the first letters, and mean the person.

Every actor has a few rows, one per word of its user name and its name. Words are compared in one letter case and byte
by byte, so that a beginning is a range of the index on both databases.
"""

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, ForeignKey, Index, case, delete, exists, insert, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from models.account_domains import unwanted
from models.actors import Actor, ActorType
from models.base import Base, Bytewise
from models.blocks import Block
from models.figures import ActorFigures
from models.follows import Follow, FollowState

MAX_WORDS = 12
MAX_WORD = 40
CANDIDATES = 500
"""How many of those whose names begin with a word are looked at."""

LAST = "\U0010ffff"
"""Sorts behind every letter."""

BATCH = 2000


class ActorName(Base):
    """One word of an actor's names."""

    __tablename__ = "actor_names"
    __table_args__ = (Index("ix_actor_names_actor_id", "actor_id"),)

    word: Mapped[str] = mapped_column(Bytewise, primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)


def words(text: str) -> list[str]:
    """The words of a text as they are compared, each once."""
    folded = unicodedata.normalize("NFKC", text[:1000]).casefold()
    return list(dict.fromkeys(word[:MAX_WORD] for word in re.findall(r"\w+", folded)))[:MAX_WORDS]


def _words_of(actor: Actor) -> set[str]:
    if actor.deleted_at is not None or actor.type == ActorType.APPLICATION:
        return set()
    return {*words(actor.username), *words(actor.username.replace("_", " ")), *words(actor.name)}


def keep(db: Session, actor: Actor) -> None:
    """Write down by which words an actor is found now."""
    wanted = _words_of(actor)
    known = set(db.scalars(select(ActorName.word).where(ActorName.actor_id == actor.id)))
    if gone := known - wanted:
        db.execute(delete(ActorName).where(ActorName.actor_id == actor.id, ActorName.word.in_(gone)))
    if fresh := wanted - known:
        db.execute(insert(ActorName), [{"word": word, "actor_id": actor.id} for word in sorted(fresh)])


def keep_new(db: Session, fresh: Iterable[Actor]) -> None:
    """The same for actors of whom nothing is written down yet."""
    rows = [{"word": word, "actor_id": actor.id} for actor in fresh for word in sorted(_words_of(actor))]
    if rows:
        db.execute(insert(ActorName), rows)


def rebuild(db: Session) -> int:
    """Write all words anew; for how many actors. For databases older than the table, and for repairs."""
    db.execute(delete(ActorName))
    last = done = 0
    while batch := list(db.scalars(select(Actor).where(Actor.id > last).order_by(Actor.id).limit(BATCH))):
        rows = [{"word": word, "actor_id": actor.id} for actor in batch for word in sorted(_words_of(actor))]
        if rows:
            db.execute(insert(ActorName), rows)
        last, done = batch[-1].id, done + len(batch)
        db.expunge_all()
    return done


def search(
    db: Session,
    viewer: Actor | None,
    asked: str,
    *,
    following: bool = False,
    communities: bool | None = None,
    offset: int = 0,
    limit: int = 40,
) -> list[Actor]:
    """Actors whose names have words that begin as those asked for; `name@domain` asks for a domain's beginning too.

    First whose user name is exactly that, then whom `viewer` follows, then by how many follow them. Who blocked him is
    not found, and whom he blocked only by the exact user name: he has to find him to unblock him. So are the limited
    whom he does not follow. `following`: only whom he follows. `communities`: only those, or none of them.
    """
    name, _, domain = asked.replace("\x00", "").strip().removeprefix("acct:").lstrip("@").partition("@")
    wanted = words(name)
    if not wanted:
        return []
    driver = max(wanted, key=len)
    begins = select(ActorName.actor_id).where(ActorName.word >= driver, ActorName.word < driver + LAST)
    candidates = set(db.scalars(begins.order_by(ActorName.word, ActorName.actor_id).limit(CANDIDATES)))
    if not candidates:
        return []
    conditions: list[ColumnElement[bool]] = [
        Actor.id.in_(candidates),
        Actor.deleted_at.is_(None),
        Actor.suspended_at.is_(None),
        Actor.standing != "blocked",
        *(has_word(Actor.id, word) for word in wanted if word != driver),
    ]
    if communities is not None:
        conditions.append(Actor.type == ActorType.GROUP if communities else Actor.type != ActorType.GROUP)
    if domain:
        conditions.append(Actor.domain.startswith(domain.lower(), autoescape=True))
    named = Actor.username_key == name.casefold()
    ranks: list[ColumnElement[int]] = [case((named, 0), else_=1)]
    plain = or_(Actor.standing != "limited", named)
    if viewer is None:
        conditions.append(plain)
    else:
        followed = exists().where(
            Follow.follower_id == viewer.id, Follow.target_id == Actor.id, Follow.state == FollowState.ACCEPTED
        )
        ranks.append(case((followed, 0), else_=1))
        conditions.append(or_(plain, followed, Actor.id == viewer.id))
        conditions += [~_has_blocked(viewer), or_(~_is_blocked(viewer), named), ~unwanted(viewer, Actor.id)]
        if following:
            conditions.append(followed)
    query = (
        select(Actor)
        .outerjoin(ActorFigures, ActorFigures.actor_id == Actor.id)
        .where(*conditions)
        .order_by(*ranks, case((ActorFigures.followers.is_(None), 0), else_=ActorFigures.followers).desc(), Actor.id)
    )
    return list(db.scalars(query.offset(offset).limit(limit)))


def has_word(actor_id: InstrumentedAttribute[int], word: str) -> ColumnElement[bool]:
    """The condition that a name of the actor with this id has a word that begins so."""
    other = aliased(ActorName)
    return exists().where(other.actor_id == actor_id, other.word >= word, other.word < word + LAST)


def _is_blocked(viewer: Actor) -> ColumnElement[bool]:
    return exists().where(Block.actor_id == viewer.id, Block.target_id == Actor.id)


def _has_blocked(viewer: Actor) -> ColumnElement[bool]:
    return exists().where(Block.actor_id == Actor.id, Block.target_id == viewer.id)
