"""Leaving: an actor deletes itself or moves away, and what goes with it."""

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from models import (
    accounts,
    affiliations,
    anonymity,
    attending,
    ballots,
    calls,
    exports,
    figures,
    follows,
    jobs,
    media,
    names,
    outbox,
    planning,
    reactions,
    removing,
)
from models.account_domains import AccountDomain
from models.account_notes import AccountNote
from models.accounts import Account, Role
from models.actor_keys import Key
from models.actors import PUBLIC, Actor
from models.base import Base, now
from models.blocks import Block, Mute
from models.communities import Moderator
from models.directory import DismissedSuggestion
from models.endorsements import Endorsement
from models.errors import Conflict, DomainError
from models.experience_people import ExperiencePerson
from models.follows import Follow
from models.notifications import Notification

MOVE_COOLDOWN = timedelta(days=7)
BATCH = 200
"""How many posts are emptied in one transaction when somebody leaves."""


def gone(db: Session, actor: Actor) -> None:
    """A remote actor deleted itself: its posts become tombstones, its follows, votes and keys go."""
    removing.tombstone_all(db, actor)
    _forget_relations(db, actor)
    db.execute(delete(Key).where(Key.actor_id == actor.id))
    _empty(db, actor)
    db.flush()


def delete_local(db: Session, actor: Actor) -> None:
    """Delete a local actor for good: tells every server we know, empties the row, keeps the name from being used again.

    Whoever is signed in as it, in a browser or an app, is so no longer. Nothing it wrote is shown from now on; what is
    more than can be emptied at once a job empties soon. Raises Conflict for the last administrator.
    """
    if (account := db.get(Account, actor.id)) is not None:
        if account.role == Role.ADMIN:
            accounts.set_role(db, account, Role.MEMBER)
        accounts.end_all_logins(db, account)
    to, cc = [PUBLIC], [actor.followers_uri]
    outbox.record(
        db, "Delete", actor, object_uri=actor.uri, to=to, cc=cc, public=True, urgent=True, data={"everyone": True}
    )
    planning.all_taken_away(db, actor)
    more = erase(db, actor)
    _forget_relations(db, actor)
    anonymity.unlink(db, actor.id)
    media.remove_of_account(db, actor.id)
    exports.remove_of_account(db, actor.id)
    _empty(db, actor)
    actor.suspended_at = now()
    if account is not None:
        _forget_account(db, account)
    if more:
        jobs.enqueue(db, "erase", {"actor": actor.id}, dedupe=f"erase:{actor.id}")
    db.flush()


def erase(db: Session, actor: Actor) -> bool:
    """Empty some of what an actor who is gone wrote; whether there is more."""
    return removing.tombstone_all(db, actor, limit=BATCH) == BATCH


def _forget_account(db: Session, account: Account) -> None:
    """The login goes, and everything that is kept for it: e-mail address, password, notices, bookmarks, lists, apps.

    Every table that knows accounts is asked, so that none that is added later is forgotten here.
    """
    from models import sanctions  # deletes accounts itself

    sanctions.forget(db, account.id)
    db.flush()
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.target_fullname == "accounts.id":
                db.execute(delete(table).where(key.parent == account.id))
    db.delete(account)
    db.flush()


def _forget_relations(db: Session, actor: Actor) -> None:
    reactions.withdraw_all(db, actor)
    ballots.withdraw_all(db, actor)
    figures.forget(db, actor.id)
    db.execute(delete(Follow).where(or_(Follow.follower_id == actor.id, Follow.target_id == actor.id)))
    db.execute(delete(Block).where(or_(Block.actor_id == actor.id, Block.target_id == actor.id)))
    db.execute(delete(Mute).where(or_(Mute.actor_id == actor.id, Mute.target_id == actor.id)))
    for table in (AccountNote, Endorsement):
        db.execute(delete(table).where(or_(table.actor_id == actor.id, table.target_id == actor.id)))
    db.execute(
        delete(DismissedSuggestion).where(
            or_(DismissedSuggestion.actor_id == actor.id, DismissedSuggestion.target_id == actor.id)
        )
    )
    db.execute(delete(AccountDomain).where(AccountDomain.actor_id == actor.id))
    db.execute(delete(Moderator).where(Moderator.actor_id == actor.id))
    attending.drop(db, actor, past=True)
    calls.drop(db, actor)
    db.execute(delete(ExperiencePerson).where(ExperiencePerson.actor_id == actor.id))
    db.execute(delete(Notification).where(Notification.from_id == actor.id))


def _empty(db: Session, actor: Actor) -> None:
    actor.deleted_at = now()
    actor.name = actor.summary = actor.summary_source = actor.icon_url = actor.image_url = ""
    actor.role = actor.municipality = ""
    actor.fields, actor.also_known_as, actor.topics, actor.extra = [], [], [], {}
    affiliations.forget(db, actor)
    names.keep(db, actor)


def moved(db: Session, actor: Actor, target: Actor) -> None:
    """`actor` moved to `target` (checked by the caller): local followers follow the new one, but for those whom the new
    one, or they, keep away. Once in 7 days."""
    if actor.moved_at is not None and now() - actor.moved_at < MOVE_COOLDOWN:
        raise Conflict("This account moved less than 7 days ago.")
    actor.moved_to, actor.moved_at = target.uri, now()
    for follower in follows.local_followers(db, actor):
        follows.undo(db, follower, actor)
        if follower.id != target.id:
            with suppress(DomainError):
                follows.request(db, follower, target)
    db.flush()
