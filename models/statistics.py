"""The node in figures, for who wants to know what it is: other servers it knows, and its weeks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from models import moderation, posts
from models.accounts import Account, Role
from models.actors import Actor
from models.base import first_id, now
from models.domains import DomainAction, DomainRule
from models.posts import Post
from models.reactions import Boost, Vote

WEEKS = 12
MOST_PEERS = 20_000


@dataclass(frozen=True)
class Size:
    """Accounts, posts written here, other servers known, and people who wrote within the last four weeks."""

    accounts: int
    posts: int
    peers: int
    active: int


@dataclass(frozen=True)
class Week:
    """What happened in the seven days from `start` (a Monday, UTC): posts, people who did something, new accounts."""

    start: datetime
    posts: int
    people: int
    accounts: int


def size(db: Session) -> Size:
    """How big the node is."""
    firsts, replies = posts.count_local(db)
    known = select(func.count(func.distinct(Actor.domain))).where(Actor.local.is_(False), Actor.standing != "blocked")
    month = posts.count_active(db, now() - timedelta(days=28))
    return Size(moderation.count_accounts(db), firsts + replies, db.scalar(known) or 0, month)


def peers(db: Session) -> list[str]:
    """The domains of the servers this node has met and does not block, in order of name."""
    query = select(Actor.domain).where(Actor.local.is_(False), Actor.standing != "blocked").distinct()
    return list(db.scalars(query.order_by(Actor.domain).limit(MOST_PEERS)))


def kept_out(db: Session) -> list[DomainRule]:
    """The rules that block or limit a server."""
    shown = [DomainAction.BLOCK, DomainAction.LIMIT]
    return list(db.scalars(select(DomainRule).where(DomainRule.action.in_(shown)).order_by(DomainRule.domain)))


def contact(db: Session) -> Actor | None:
    """Whom to write to: the first of the administrators."""
    query = (
        select(Actor)
        .join(Account, Account.id == Actor.id)
        .where(Account.role == Role.ADMIN, Account.suspended_at.is_(None))
        .order_by(Account.id)
        .limit(1)
    )
    return db.scalar(query)


def weeks(db: Session) -> list[Week]:
    """The last twelve weeks, this one first."""
    present = now().astimezone(UTC)
    monday = present.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=present.weekday())
    return [_week(db, monday - timedelta(weeks=back)) for back in range(WEEKS)]


def _week(db: Session, start: datetime) -> Week:
    end = start + timedelta(weeks=1)
    first, last = first_id(start), first_id(end)
    written = select(func.count()).select_from(Post)
    written = written.where(Post.local.is_(True), Post.id >= first, Post.id < last, Post.deleted_at.is_(None))
    ways = [
        select(column.label("who")).join(Account, Account.id == column).where(key >= first, key < last)
        for column, key in ((Post.author_id, Post.id), (Vote.actor_id, Vote.id), (Boost.actor_id, Boost.id))
    ]
    people = select(func.count()).select_from(union(*ways).subquery())
    made = select(func.count()).select_from(Account).where(Account.created_at >= start, Account.created_at < end)
    return Week(start, db.scalar(written) or 0, db.scalar(people) or 0, db.scalar(made) or 0)
