"""Domains that one person wants nothing of: their posts in no list, no notices from there, no followers there.

It is not the node's own rule about a domain (`models.domains`), and holds for one account only. Whoever is followed
in spite of it is seen: a person chosen by name goes before a rule about all of them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, Text, UniqueConstraint, exists, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models import domains
from models.actors import Actor, ActorType
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now, table_of
from models.database import node_of
from models.errors import Invalid
from models.follows import Follow, FollowState, drop_follower
from models.windows import Window

MOST = 2000
"""How many domains one person may block."""


_Author, _Followed = aliased(Actor), aliased(Follow)
"""Names of their own, in whatever query the conditions stand; made once, because that takes long."""


class AccountDomain(Base):
    """One person's block of one domain (that domain exactly, as handles name it)."""

    __tablename__ = "account_domains"
    __table_args__ = (UniqueConstraint("actor_id", "domain"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    domain: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def block(db: Session, actor: Actor, domain: str) -> str:
    """Want nothing of a domain; followers there are dropped. Returns its canonical form. Raises Invalid."""
    name = domains.canonical(domain)
    if name == node_of(db).domain:
        raise Invalid("That is this server itself.", code="own_domain")
    mine = select(func.count()).select_from(AccountDomain).where(AccountDomain.actor_id == actor.id)
    if (db.scalar(mine) or 0) >= MOST:
        raise Invalid(f"At most {MOST} domains can be blocked.", code="too_many")
    if insert_unless_there(db, AccountDomain, id=new_id(), actor_id=actor.id, domain=name, created_at=now()):
        followers = select(Actor).join(Follow, Follow.follower_id == Actor.id)
        for follower in db.scalars(followers.where(Follow.target_id == actor.id, Actor.domain == name)).all():
            drop_follower(db, actor, follower)
    return name


def unblock(db: Session, actor: Actor, domain: str) -> bool:
    """Take it back; False if there was none. Raises Invalid for what is no domain."""
    row = db.scalar(
        select(AccountDomain).where(
            AccountDomain.actor_id == actor.id, AccountDomain.domain == domains.canonical(domain)
        )
    )
    if row is not None:
        db.delete(row)
        db.flush()
    return row is not None


def of(db: Session, actor_id: int, window: Window) -> list[AccountDomain]:
    """The domains somebody blocks, the newest block first."""
    return window.scalars(db, select(AccountDomain).where(AccountDomain.actor_id == actor_id), AccountDomain.id)


def blocks(db: Session, actor_id: int, domain: str) -> bool:
    """Whether somebody blocks this domain."""
    query = select(AccountDomain.id).where(AccountDomain.actor_id == actor_id, AccountDomain.domain == domain)
    return db.scalar(query) is not None


def turning_away(
    actor: BindParameter[int], other: BindParameter[int], domain: BindParameter[str]
) -> ColumnElement[bool]:
    """The condition that somebody wants to hear nothing of `other` on `domain`: he blocks it, and does not follow him in
    spite of it."""
    follows = exists().where(
        _follows.follower_id == actor, _follows.target_id == other, _follows.state == FollowState.ACCEPTED
    )
    return exists().where(_blocked.actor_id == actor, _blocked.domain == domain) & ~follows


_blocked, _follows = table_of(AccountDomain).c, table_of(Follow).c


def either_blocks(db: Session, one: Actor, other: Actor) -> bool:
    """Whether one of the two, a person of this node, blocks the other's domain."""
    if one.domain == other.domain:
        return False
    return any(
        who.local and who.type == ActorType.PERSON and blocks(db, who.id, whom.domain)
        for who, whom in ((one, other), (other, one))
    )


def unwanted(viewer: Actor, author_id: Any) -> ColumnElement[bool]:
    """The condition that an author stands on a domain `viewer` blocks and is not followed by him."""
    return exists().where(
        _Author.id == author_id,
        AccountDomain.actor_id == viewer.id,
        AccountDomain.domain == _Author.domain,
        ~exists().where(
            _Followed.follower_id == viewer.id,
            _Followed.target_id == _Author.id,
            _Followed.state == FollowState.ACCEPTED,
        ),
    )
