"""Events: what happened just now, for those who are connected and want to see it at once.

A row is written in the same transaction as its cause, so every process of the node that reads this table hears of it,
and nobody of something that was rolled back. Rows are gone after ten minutes; whoever was away loads the lists anew.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import quick
from models.base import Base, Id, Json, UtcTime, now, table_of
from models.database import wake

if TYPE_CHECKING:
    from models.posts import Post

KEPT = timedelta(minutes=10)
"""How long a row stays."""

FRESH = timedelta(hours=6)
"""What was published longer ago than this is no news, however late it came."""

LATE = 30.0
"""Seconds for which a reader looks back: on PostgreSQL a row may be committed after one with a higher number."""

LOOK_BACK = 1.0
"""Seconds between two looks back."""

BATCH = 500


class EventKind(StrEnum):
    """What happened; `subject` is the id of what it happened to."""

    POSTED = "posted"
    EDITED = "edited"
    BOOSTED = "boosted"
    LISTED = "listed"
    """A community put a thread on its list."""
    DELETED = "deleted"
    """A status is gone; `data` says whom it had reached, as its row no longer does."""
    NOTIFIED = "notified"
    CONVERSATION = "conversation"
    FILTERS = "filters"
    ANNOUNCEMENT = "announcement"
    ANNOUNCEMENT_GONE = "announcement_gone"
    ANNOUNCEMENT_REACTION = "announcement_reaction"


class Event(Base):
    """One thing that happened. Numbers are never used twice, also when the newest rows were swept."""

    __tablename__ = "events"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's way

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[int] = mapped_column(Id)
    account_id: Mapped[int | None] = mapped_column(Id)
    """Whom alone it concerns, where it concerns one."""
    data: Mapped[Any] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def record(
    db: Session, kind: EventKind, subject: int, *, account_id: int | None = None, data: dict[str, Any] | None = None
) -> None:
    """Write an event down, and wake those who wait for one once it is committed."""
    row = {"kind": kind, "subject": subject, "account_id": account_id, "data": data or {}, "at": now()}
    quick.insert(db, _INSERT, [row])
    wake(db, "events")


def posted(db: Session, post: "Post") -> None:
    """Somebody wrote a post just now (nothing happens for what was written long ago and only came in now)."""
    if post.published > now() - FRESH:
        record(db, EventKind.POSTED, post.id)


def posted_all(db: Session, written: "Iterable[Post]") -> None:
    """`posted` for many."""
    present = now()
    rows: list[dict[str, Any]] = [
        {"kind": EventKind.POSTED, "subject": post.id, "account_id": None, "data": {}, "at": present}
        for post in written
        if post.published > present - FRESH
    ]
    if rows:
        quick.insert(db, _INSERT, rows)
        wake(db, "events")


_INSERT = insert(table_of(Event))


def listed(db: Session, listing_id: int, post: "Post") -> None:
    """A community shows a thread to its followers."""
    if post.published > now() - FRESH:
        record(db, EventKind.LISTED, listing_id)


def edited(db: Session, post: "Post") -> None:
    """A post says something else now."""
    record(db, EventKind.EDITED, post.id)


def boosted(db: Session, boost_id: int) -> None:
    """Somebody shows a post to his followers."""
    record(db, EventKind.BOOSTED, boost_id)


def unboosted(db: Session, boost_id: int, actor_id: int) -> None:
    """And does so no longer."""
    record(db, EventKind.DELETED, boost_id, data={"followers_of": [actor_id]})


def deleted(db: Session, post: "Post") -> None:
    """A post is about to be emptied. Called before, while it still says whom it had reached."""
    from models.listings import Listing
    from models.posts import PostTag, Recipient, Visibility
    from models.reactions import Boost

    named = db.scalars(select(Recipient.actor_id).where(Recipient.post_id == post.id).limit(BATCH))
    tags = list(db.scalars(select(PostTag.name).where(PostTag.post_id == post.id)))
    data = {
        "followers_of": [post.author_id],
        "accounts": [post.author_id, *named],
        "public": post.visibility == Visibility.PUBLIC,
        "first": not post.in_reply_to_uri,
        "local": post.local,
        "tags": tags,
    }
    record(db, EventKind.DELETED, post.id, data=data)
    for listing in db.scalars(select(Listing).where(Listing.post_id == post.id)):
        record(db, EventKind.DELETED, listing.id, data={"followers_of": [listing.community_id]})
    for boost in db.scalars(select(Boost).where(Boost.post_id == post.id).limit(BATCH)):
        record(db, EventKind.DELETED, boost.id, data={"followers_of": [boost.actor_id]})


def notified(db: Session, account_id: int, notification_id: int) -> None:
    """An account has a new notice."""
    record(db, EventKind.NOTIFIED, notification_id, account_id=account_id)


def conversation_changed(db: Session, account_id: int, conversation_id: int) -> None:
    """A conversation of an account has a new last post."""
    record(db, EventKind.CONVERSATION, conversation_id, account_id=account_id)


def filters_changed(db: Session, account_id: int) -> None:
    """An account changed what it does not want to see."""
    record(db, EventKind.FILTERS, account_id, account_id=account_id)


def announced(db: Session, announcement_id: int) -> None:
    """The administrators say something to all, or say it differently."""
    record(db, EventKind.ANNOUNCEMENT, announcement_id)


def announcement_gone(db: Session, announcement_id: int) -> None:
    """And no longer."""
    record(db, EventKind.ANNOUNCEMENT_GONE, announcement_id)


def announcement_reacted(db: Session, announcement_id: int, name: str, count: int) -> None:
    """So many have now reacted to an announcement with this emoji."""
    record(db, EventKind.ANNOUNCEMENT_REACTION, announcement_id, data={"name": name, "count": count})


class Reader:
    """Reads each event once, in the order of numbers as far as that can be had.

    On PostgreSQL numbers are given before the commit, so a lower one may show up after a higher. The reader therefore
    looks back, once a second, over what it has passed within the last `LATE` seconds, and remembers what it has seen
    there.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._passed: dict[int, float] = {}
        self._low = self._high = 0
        self._looked_back = 0.0
        self._started = False

    def start(self, db: Session) -> None:
        """Begin after what is there now. What is under way and not committed yet still comes."""
        highest = db.scalar(select(func.max(Event.id))) or 0
        present = self._clock()
        self._passed = dict.fromkeys(db.scalars(select(Event.id).where(Event.id > highest - 10 * BATCH)), present)
        self._low, self._high = highest - 10 * BATCH, highest
        self._looked_back = present
        self._started = True

    def read(self, db: Session, limit: int = BATCH) -> list[Event]:
        """The next events, at most `limit`; empty when there are none."""
        if not self._started:
            self.start(db)
            return []
        present = self._clock()
        begin = self._high
        if present >= self._looked_back + LOOK_BACK:
            self._looked_back = present
            self._forget(present - LATE)
            begin = self._low
        there = db.scalars(select(Event.id).where(Event.id > begin).order_by(Event.id))
        fresh = [id for id in there if id not in self._passed][:limit]
        found = many(db, fresh)
        self._passed.update((event.id, present) for event in found)
        self._high = max([self._high, *fresh])
        return found

    def _forget(self, before: float) -> None:
        old = [id for id, at in self._passed.items() if at < before]
        if old:
            self._low = max(self._low, *old)
            self._passed = {id: at for id, at in self._passed.items() if id > self._low}


def many(db: Session, ids: Iterable[int]) -> list[Event]:
    """Several events by number, in order."""
    wanted = list(ids)
    return list(db.scalars(select(Event).where(Event.id.in_(wanted)).order_by(Event.id))) if wanted else []


def sweep(db: Session, limit: int) -> int:
    """Delete up to `limit` events that are older than ten minutes; how many."""
    old = select(Event.id).where(Event.at < now() - KEPT).order_by(Event.id).limit(limit)
    ids = list(db.scalars(old))
    for start in range(0, len(ids), BATCH):
        db.execute(delete(Event).where(Event.id.in_(ids[start : start + BATCH])))
    return len(ids)
