"""Meetings: when and where people come together, who comes, and who waits for a place.

A meeting is a first post like a question, with everything that holds for posts; when, where and how to sign up stand in
a table beside it, and one row for each who signed up in another. Its text is made from its parts (`meeting_text`), so
that it can be read whole everywhere. One meeting is one occurrence: those of a series share its number.

Who comes is known to the organiser, to moderators, and to those who come themselves (`attendance`); everybody else is
told how many. `planning` writes and changes meetings, `attending` keeps the places, `agenda` lists them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import peers, whereabouts, zones
from models.base import Base, Id, UtcTime, now
from models.posts import Kind, Post

LONGEST = timedelta(days=31)
"""A meeting is over by then at the latest; what says no end is taken to last `USUAL`."""

USUAL = timedelta(hours=2)


class Status(StrEnum):
    """Whether it takes place."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class Joining(StrEnum):
    """How one signs up. The value is what other servers read (`joinMode`)."""

    FREE = "free"
    """Whoever wants to comes, as long as there are places."""
    APPROVAL = "restricted"
    """The organiser says yes or no to each."""
    EXTERNAL = "external"
    """On another page (`join_url`)."""
    NONE = "none"
    """Not at all: whoever comes, comes."""


class State(StrEnum):
    """What somebody is to a meeting."""

    GOING = "going"
    WAITING = "waiting"
    """For a place to become free."""
    ASKED = "asked"
    """For the organiser's answer."""
    DECLINED = "declined"
    """The organiser said no; signing up again changes nothing."""


class Way(IntFlag):
    """How somebody signed up; several ways are still one place. What is taken back in one way leaves the others."""

    WEB = 1
    """On our pages, or in an app."""
    JOIN = 2
    """A `Join` of another server."""
    LIKE = 4
    REPLY = 8


class Meeting(Base):
    """What a meeting has beside its post; of another server's, as that says."""

    __tablename__ = "meetings"
    __table_args__ = (
        Index("ix_meetings_starts_at_post_id", "starts_at", "post_id"),
        Index("ix_meetings_ends_at_post_id", "ends_at", "post_id"),
        Index("ix_meetings_series_id", "series_id"),
        Index("ix_meetings_minutes_post_id", "minutes_post_id"),
    )

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    theme: Mapped[str] = mapped_column(Text, default="")
    """What it is about, in Markdown; empty for other servers', whose post has it."""
    agenda: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_at: Mapped[datetime] = mapped_column(UtcTime)
    """Where nobody said when it ends, `USUAL` after its start (`open_end`)."""
    open_end: Mapped[bool] = mapped_column(default=False)
    timezone: Mapped[str] = mapped_column(Text, default="")
    """The IANA name; empty where another server said none that is known here."""
    place: Mapped[str] = mapped_column(Text, default="")
    street: Mapped[str] = mapped_column(Text, default="")
    postal_code: Mapped[str] = mapped_column(Text, default="")
    town: Mapped[str] = mapped_column(Text, default="")
    accessibility: Mapped[str] = mapped_column(Text, default="")
    """How to get in and take part, in plain text."""
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    municipality: Mapped[str] = mapped_column(Text, default="")
    """The code of the municipality it is in (`whereabouts`)."""
    online_url: Mapped[str] = mapped_column(Text, default="")
    online_hidden: Mapped[bool] = mapped_column(default=False)
    """The link is for those who come only."""
    joining: Mapped[str] = mapped_column(Text, default=Joining.FREE)
    join_url: Mapped[str] = mapped_column(Text, default="")
    capacity: Mapped[int | None]
    """Places; null for as many as come."""
    by_like: Mapped[bool] = mapped_column(default=False)
    """A like from another server signs up."""
    by_reply: Mapped[bool] = mapped_column(default=True)
    """A reply with #deltager, or a plain yes, signs up."""
    going: Mapped[int] = mapped_column(default=0)
    """How many come; of another server's meeting as it last said."""
    waiting: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(Text, default=Status.CONFIRMED)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    cancelled_why: Mapped[str] = mapped_column(Text, default="")
    series_id: Mapped[int | None] = mapped_column(Id)
    minutes_post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    remind_hours: Mapped[int] = mapped_column(default=24)
    """So many hours before those who come are reminded; 0: not at all."""
    reminded_for: Mapped[datetime | None] = mapped_column(UtcTime)
    """The start that was reminded of; a meeting that is moved reminds again."""

    @property
    def cancelled(self) -> bool:
        """Whether it does not take place."""
        return self.status == Status.CANCELLED

    @property
    def online_only(self) -> bool:
        """Whether there is nowhere to go to."""
        return bool(self.online_url) and not (self.place or self.street or self.town)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.ends_at <= now()

    @property
    def free_places(self) -> int | None:
        """How many places are left; None for any number."""
        return None if self.capacity is None else max(0, self.capacity - self.going)

    @property
    def address(self) -> str:
        """Street and town on one line."""
        town = f"{self.postal_code} {self.town}".strip()
        return ", ".join(one for one in (self.street, town) if one)


class Attendee(Base):
    """Somebody who signed up. Of another server's meeting only members of this node have a row."""

    __tablename__ = "meeting_attendees"
    __table_args__ = (
        Index("ix_meeting_attendees_post_id_state_number", "post_id", "state", "number"),
        Index("ix_meeting_attendees_actor_id", "actor_id"),
        Index("ix_meeting_attendees_join_uri", "join_uri"),
    )

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Id)
    """The order in which people asked for a place (a time-ordered id)."""
    ways: Mapped[int] = mapped_column(default=0)
    """`Way`s, added up."""
    join_uri: Mapped[str] = mapped_column(Text, default="")
    """The id of the `Join`, theirs or ours."""
    reply_id: Mapped[int | None] = mapped_column(Id)
    """The reply that says so; where it is deleted, it counts no longer."""
    checked_in_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Plan:
    """What a meeting is to be, as somebody writes it down. Texts are Markdown, `place` to `accessibility` plain."""

    title: str
    theme: str = ""
    agenda: str = ""
    starts: datetime | None = None
    """What the clock shows where it is, without a zone."""
    ends: datetime | None = None
    timezone: str = zones.HOME
    place: str = ""
    street: str = ""
    postal_code: str = ""
    town: str = ""
    accessibility: str = ""
    latitude: float | None = None
    longitude: float | None = None
    municipality: str = ""
    """Empty: what the point or the town says."""
    online_url: str = ""
    online_hidden: bool = False
    joining: str = Joining.FREE
    join_url: str = ""
    capacity: int | None = None
    by_like: bool = False
    by_reply: bool = True
    tentative: bool = False
    remind_hours: int = 24
    language: str = "da"


def find(db: Session, post: Post) -> Meeting | None:
    """When and where, if the post is a meeting that says so."""
    return db.get(Meeting, post.id) if post.kind == Kind.EVENT else None


def many(db: Session, posts: Iterable[Post]) -> dict[int, Meeting]:
    """The same of the meetings among several posts, in one query."""
    ids = [post.id for post in posts if post.kind == Kind.EVENT]
    if not ids:
        return {}
    return {row.post_id: row for row in db.scalars(select(Meeting).where(Meeting.post_id.in_(ids)))}


def plan_of(post: Post, row: Meeting) -> Plan:
    """A meeting as it was written down, to be changed."""
    copied = {name: getattr(row, name) for name in COPIED}
    if row.municipality == whereabouts.municipality(row.town, row.latitude, row.longitude):
        copied["municipality"] = ""  # nobody chose it: it goes along when the meeting moves
    return Plan(
        title=post.title,
        starts=zones.wall(row.starts_at, row.timezone).replace(tzinfo=None),
        ends=None if row.open_end else zones.wall(row.ends_at, row.timezone).replace(tzinfo=None),
        tentative=row.status == Status.TENTATIVE,
        language=post.language or "da",
        **copied,
    )


COPIED = (
    *("theme", "agenda", "timezone", "place", "street", "postal_code", "town", "accessibility", "latitude"),
    *(
        "longitude",
        "municipality",
        "online_url",
        "online_hidden",
        "joining",
        "join_url",
        "capacity",
        "by_like",
        "by_reply",
    ),
    "remind_hours",
)
"""What stands in a plan as it does in its row."""


# From other servers


def take(db: Session, post: Post) -> list[str]:
    """What a meeting of another server says of itself (`Post.extra["event"]`), kept in its row; what it says of time,
    place and whether it takes place that it did not say before (`time`, `place`, `status`)."""
    if post.kind != Kind.EVENT or post.local:
        return []
    said: Mapping[str, Any] = (post.extra or {}).get("event") or {}
    starts = _moment(said.get("starts"))
    if starts is None:
        return []
    if said.get("minutes"):
        post.extra = {**post.extra, "minutes": str(said["minutes"])}
    row, before = db.get(Meeting, post.id), None
    if row is None:
        row = Meeting(post_id=post.id, waiting=0, remind_hours=24)
        db.add(row)
    else:
        before = facts(row)
    ends = _moment(said.get("ends"))
    row.open_end = ends is None or not starts < ends <= starts + LONGEST
    row.starts_at, row.ends_at = starts, starts + USUAL if row.open_end or ends is None else ends
    row.timezone = str(said.get("timezone", "")) if zones.known(str(said.get("timezone", ""))) else ""
    for name in ("place", "street", "postal_code", "town", "accessibility", "online_url", "join_url"):
        setattr(row, name, str(said.get(name, "")))
    row.latitude, row.longitude = said.get("latitude"), said.get("longitude")
    row.municipality = whereabouts.municipality(row.town, row.latitude, row.longitude)
    row.joining = str(said["joining"]) if said.get("joining") in set(Joining) else Joining.NONE
    if row.joining in {Joining.FREE, Joining.APPROVAL} and not peers.takes_joins(db, post.uri):
        row.joining = Joining.NONE
    row.capacity, row.going = said.get("capacity"), int(said.get("going") or 0)
    row.status = str(said["status"]) if said.get("status") in set(Status) else Status.CONFIRMED
    row.cancelled_at = (row.cancelled_at or now()) if row.cancelled else None
    row.by_like = row.by_reply = row.online_hidden = False
    db.flush()
    return [] if before is None else changes(before, facts(row))


Facts = Mapping[str, Any]
"""What people who come have to know, by `time`, `place` and `status`."""


def facts(row: Meeting) -> Facts:
    """When, where, and whether it takes place, to be compared with what was so before."""
    where = (row.place, row.street, row.postal_code, row.town, row.online_url)
    return {"time": (row.starts_at, row.ends_at), "place": where, "status": row.cancelled}


def changes(before: Facts, after: Facts) -> list[str]:
    """Which of the facts are other than before."""
    return [name for name, value in after.items() if before[name] != value]


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def forget(db: Session, post: Post) -> None:
    """A meeting is deleted: what it had goes. The minutes of another are no longer its minutes."""
    for row in db.scalars(select(Meeting).where(Meeting.minutes_post_id == post.id)):
        row.minutes_post_id = None
    if post.kind == Kind.EVENT:
        db.execute(delete(Attendee).where(Attendee.post_id == post.id))
        db.execute(delete(Meeting).where(Meeting.post_id == post.id))
    db.flush()
