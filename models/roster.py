"""Who has an account here, for those who look after the node: found by name or address, with roles that change."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import accounts, actors, moderation, names
from models.accounts import Account, Role
from models.actors import Actor
from models.database import node_of
from models.errors import NotFound
from models.names import LAST, ActorName

MOST_FOUND = 500
"""How many are looked at whose names, and whose addresses, begin as asked for."""


@dataclass(frozen=True)
class Wish:
    """Which accounts are wanted: those that begin so, have this role, are suspended. Empty: all."""

    asked: str = ""
    role: str = ""
    suspended: bool = False


def find(db: Session, wish: Wish, *, before: int | None = None, limit: int = 50) -> list[tuple[Account, Actor]]:
    """Accounts with their people, those that came last first, older than `before`."""
    query = select(Account, Actor).join(Actor, Actor.id == Account.id).where(Actor.deleted_at.is_(None))
    if before is not None:
        query = query.where(Account.id < before)
    if wish.role:
        query = query.where(Account.role == wish.role)
    if wish.suspended:
        query = query.where(Account.suspended_at.is_not(None))
    if wish.asked.strip():
        query = query.where(Account.id.in_(_beginning(db, wish.asked)))
    return [(row[0], row[1]) for row in db.execute(query.order_by(Account.id.desc()).limit(limit))]


def _beginning(db: Session, asked: str) -> set[int]:
    """Whose e-mail address begins so, or whose names have words that do; `name@domain` asks for this node's domain."""
    asked = asked.replace("\x00", "").strip().lower().lstrip("@")[:300]
    if not asked:
        return set()
    by_email = select(Account.id).where(Account.email >= asked, Account.email < asked + LAST).limit(MOST_FOUND)
    found = set(db.scalars(by_email))
    name, _, domain = asked.partition("@")
    words = names.words(name)
    if words and node_of(db).domain.startswith(domain):
        driver = max(words, key=len)
        more: list[ColumnElement[bool]] = [names.has_word(Account.id, word) for word in words if word != driver]
        by_name = (
            select(ActorName.actor_id)
            .join(Account, Account.id == ActorName.actor_id)
            .where(ActorName.word >= driver, ActorName.word < driver + LAST, *more)
        )
        found |= set(db.scalars(by_name.distinct().limit(MOST_FOUND)))
    return found


def get(db: Session, account_id: int) -> tuple[Account, Actor]:
    """An account and its person. Raises NotFound, also for one that was deleted."""
    account, actor = db.get(Account, account_id), db.get(Actor, account_id)
    if account is None or actor is None or actor.deleted_at is not None:
        raise NotFound("There is no such account.")
    return account, actor


def set_role(db: Session, account: Account, role: Role | str, *, by: Actor | None = None) -> None:
    """`accounts.set_role`, written down. Nothing is where the role is the same."""
    before = account.role
    if before == role:
        return
    accounts.set_role(db, account, role)
    uri = actors.get(db, account.id).uri
    moderation.audit(db, by.id if by else None, "account.role", uri, role=str(role), before=before)


def sign_out(db: Session, account: Account, *, by: Actor | None = None) -> None:
    """Sign somebody out of every browser and app."""
    accounts.end_all_logins(db, account)
    moderation.audit(db, by.id if by else None, "account.sign_out", actors.get(db, account.id).uri)
