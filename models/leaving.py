"""Leaving: an actor deletes itself or moves away, and what goes with it."""

from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models import (
    accounts,
    affiliations,
    anonymity,
    ballots,
    figures,
    follows,
    media,
    names,
    outbox,
    reactions,
    removing,
)
from models.account_domains import AccountDomain
from models.account_notes import AccountNote
from models.accounts import Account
from models.actor_keys import Key
from models.actors import PUBLIC, Actor
from models.announcements import Dismissal, Reaction
from models.base import now
from models.blocks import Block, Mute
from models.bookmarks import Bookmark
from models.communities import Moderator
from models.conversations import Conversation
from models.directory import DismissedSuggestion
from models.drafts import KeptDraft
from models.endorsements import Endorsement
from models.errors import Conflict
from models.featured_tags import FeaturedTag
from models.filters import Filter
from models.follows import Follow
from models.lists import List
from models.markers import Marker
from models.notifications import Notification
from models.tag_follows import TagFollow
from models.thread_follows import ThreadFollow
from models.thread_mutes import ThreadMute

MOVE_COOLDOWN = timedelta(days=7)


def gone(db: Session, actor: Actor) -> None:
    """A remote actor deleted itself: its posts become tombstones, its follows, votes and keys go."""
    removing.tombstone_all(db, actor)
    _forget_relations(db, actor)
    db.execute(delete(Key).where(Key.actor_id == actor.id))
    _empty(db, actor)
    db.flush()


def delete_local(db: Session, actor: Actor) -> None:
    """Delete a local actor for good: tells the world, empties the row, keeps the name from being used again.

    Whoever is signed in as it, in a browser or an app, is so no longer.
    """
    if (account := db.get(Account, actor.id)) is not None:
        accounts.end_all_logins(db, account)
    outbox.record(
        db,
        "Delete",
        actor,
        object_uri=actor.uri,
        to=[PUBLIC],
        cc=[actor.followers_uri],
        public=True,
        urgent=True,
        data={"inboxes": _follower_inboxes(db, actor)},
    )
    removing.tombstone_all(db, actor)
    _forget_relations(db, actor)
    _forget_kept(db, actor)
    media.remove_of_account(db, actor.id)
    _empty(db, actor)
    db.flush()


def _forget_kept(db: Session, actor: Actor) -> None:
    """What somebody kept for himself goes with his account, and what belongs to it (members, keywords) with that."""
    kept = (Bookmark, Conversation, Dismissal, FeaturedTag, Filter, KeptDraft, List, Marker, Reaction, TagFollow)
    for table in (*kept, ThreadFollow, ThreadMute):
        db.execute(delete(table).where(table.account_id == actor.id))
    anonymity.unlink(db, actor.id)


def _follower_inboxes(db: Session, actor: Actor) -> list[str]:
    rows = db.execute(
        select(Actor.shared_inbox, Actor.inbox)
        .join(Follow, Follow.follower_id == Actor.id)
        .where(Follow.target_id == actor.id, Actor.local.is_(False))
    )
    return sorted({shared or own for shared, own in rows})


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
    db.execute(delete(Notification).where(Notification.from_id == actor.id))


def _empty(db: Session, actor: Actor) -> None:
    actor.deleted_at = now()
    actor.name = actor.summary = actor.summary_source = actor.icon_url = actor.image_url = ""
    actor.role = actor.municipality = ""
    actor.fields, actor.also_known_as, actor.topics, actor.extra = [], [], [], {}
    affiliations.forget(db, actor)
    names.keep(db, actor)


def moved(db: Session, actor: Actor, target: Actor) -> None:
    """`actor` moved to `target` (checked by the caller): local followers follow the new one. Once in 7 days."""
    if actor.moved_at is not None and now() - actor.moved_at < MOVE_COOLDOWN:
        raise Conflict("This account moved less than 7 days ago.")
    actor.moved_to, actor.moved_at = target.uri, now()
    for follower in follows.local_followers(db, actor):
        follows.undo(db, follower, actor)
        if follower.id != target.id:
            follows.request(db, follower, target)
    db.flush()
