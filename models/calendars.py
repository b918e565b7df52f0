"""Calendars of others that a community shows: what takes place by them becomes its meetings, each once, with its source.

They are written by the community's own `Service` actor `kalender-<community>`, never by one of its people, and each says
where it is from. A meeting changes when its calendar does, and is called off when it stands there no longer; what is
over stays. A calendar that cannot be read keeps the meetings it had.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, communities, jobs, meetings, moderation, planning, removing, text
from models.actors import Actor, ActorType
from models.admission import CALENDARS
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, DomainError, Invalid, NotFound
from models.meetings import Meeting, Plan
from models.planning import Around
from models.posts import Post

EVERY = timedelta(hours=3)
AFTER_FAILURE = timedelta(hours=6)
MOST = 10
"""Calendars of one community."""

MOST_FRESH = 20
"""Meetings that one reading adds at most: the rest comes with the next, so that no timeline is flooded."""

GONE = {"da": "Det står ikke længere i kalenderen.", "en": "It is no longer in the calendar."}


class OutsideCalendar(Base):
    """One calendar of others."""

    __tablename__ = "outside_calendars"
    __table_args__ = (UniqueConstraint("community_id", "url"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    url: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    """As the moderator called it, or else as it calls itself."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it was read last with success."""
    next_at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    """Why the last try failed; empty when it did not."""
    skipped: Mapped[int] = mapped_column(default=0)
    """Of what stands in it, how much is no meeting to us."""


class OutsideMeeting(Base):
    """Which of a calendar's occurrences became which meeting."""

    __tablename__ = "outside_meetings"
    __table_args__ = (Index("ix_outside_meetings_post_id", "post_id"),)

    calendar_id: Mapped[int] = mapped_column(ForeignKey("outside_calendars.id"), primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    digest: Mapped[str] = mapped_column(Text)
    """Of what it said, so that nothing is changed which is as it was."""


@dataclass(frozen=True)
class Listed:
    """An occurrence as the calendar has it. `plan` has no line on its source yet."""

    key: str
    plan: Plan
    cancelled: bool = False
    url: str = ""
    """Its own page."""

    @property
    def digest(self) -> str:
        """Of all it says."""
        said = msgspec.json.encode([msgspec.to_builtins(vars(self.plan)), self.cancelled, self.url])
        return hashlib.sha256(said).hexdigest()[:32]


def add(db: Session, by: Actor, community: Actor, url: str, name: str = "") -> OutsideCalendar:
    """Show a calendar in a community of this node: it is read soon, and then every three hours. Raises Forbidden,
    Conflict for one it shows already and where there are many, Invalid for what is no address."""
    communities.require_moderator(db, by, community)
    if not text.is_address(url) or not url.startswith("https://"):
        raise Invalid("Write the https address of a calendar.", code="url_unfit")
    mine = select(OutsideCalendar.url).where(OutsideCalendar.community_id == community.id)
    known = list(db.scalars(mine))
    if url in known:
        raise Conflict("This calendar is here already.", code="url_known")
    if len(known) >= MOST:
        raise Conflict(f"At most {MOST} calendars can be shown.", code="url_many")
    row = OutsideCalendar(id=new_id(), community_id=community.id, url=url, name=text.one_line(name, 100))
    row.next_at, row.error, row.skipped = now() + EVERY, "", 0
    db.add(row)
    db.flush()
    moderation.audit(db, by.id, "calendar.add", url, community=community.handle)
    _read_soon(db, row)
    return row


def of(db: Session, community: Actor) -> list[tuple[OutsideCalendar, int]]:
    """The calendars of a community with how many meetings each has given it, oldest first."""
    count = select(func.count()).where(OutsideMeeting.calendar_id == OutsideCalendar.id).scalar_subquery()
    query = select(OutsideCalendar, count).where(OutsideCalendar.community_id == community.id)
    return [(row[0], int(row[1])) for row in db.execute(query.order_by(OutsideCalendar.id))]


def get(db: Session, calendar_id: int, community: Actor | None = None) -> OutsideCalendar:
    """One calendar (of that community). Raises NotFound."""
    row = db.get(OutsideCalendar, calendar_id)
    if row is None or (community is not None and row.community_id != community.id):
        raise NotFound("There is no such calendar.")
    return row


def read_now(db: Session, by: Actor, community: Actor, calendar_id: int) -> None:
    """Read it again at once. Raises Forbidden, NotFound."""
    communities.require_moderator(db, by, community)
    _read_soon(db, get(db, calendar_id, community))


def _read_soon(db: Session, row: OutsideCalendar) -> None:
    jobs.enqueue(db, "read_calendar", {"calendar": row.id}, dedupe=f"calendar {row.id}")


def promise_due(db: Session, limit: int = 100) -> int:
    """Promise to read the calendars whose time has come; how many."""
    due = list(db.scalars(select(OutsideCalendar).where(OutsideCalendar.next_at <= now()).limit(limit)))
    for row in due:
        row.next_at = now() + EVERY
        _read_soon(db, row)
    db.flush()
    return len(due)


def remove(db: Session, by: Actor, community: Actor, calendar_id: int) -> None:
    """Show it no longer: what it announced and is still to come is deleted, what is over stays. Raises Forbidden."""
    communities.require_moderator(db, by, community)
    row = get(db, calendar_id, community)
    service = _service(db, community)
    for post, meeting in _meetings(db, row):
        if not meeting.over:
            removing.delete_post(db, service, post)
    db.execute(delete(OutsideMeeting).where(OutsideMeeting.calendar_id == row.id))
    db.delete(row)
    db.flush()
    moderation.audit(db, by.id, "calendar.remove", row.url, community=community.handle)


def failed(db: Session, calendar_id: int, error: str) -> None:
    """It could not be read: its meetings stay, and it is tried again in some hours."""
    row = db.get(OutsideCalendar, calendar_id)
    if row is not None:
        row.error, row.next_at = text.one_line(error, 300), now() + AFTER_FAILURE
        db.flush()


def took(
    db: Session, calendar_id: int, found: Iterable[Listed], *, until: datetime, name: str = "", skipped: int = 0
) -> None:
    """It was read and says this of the time from now `until` then. Nothing is ever doubled: an occurrence is known by
    its key."""
    row = db.get(OutsideCalendar, calendar_id, with_for_update=True)
    if row is None:
        return
    row.name = row.name or text.one_line(name, 100)
    row.read_at, row.next_at, row.error, row.skipped = now(), now() + EVERY, "", skipped
    community = actors.get(db, row.community_id)
    service = _service(db, community)
    known = {one.key: one for one in db.scalars(select(OutsideMeeting).where(OutsideMeeting.calendar_id == row.id))}
    listed, fresh = {one.key: one for one in found}, 0
    for one in listed.values():
        before = known.get(one.key)
        if before is not None and before.digest != one.digest:
            row.skipped += not _change(db, service, row, before, one)
        elif before is None and not one.cancelled and fresh < MOST_FRESH:
            made = _publish(db, service, community, row, one)
            fresh, row.skipped = fresh + made, row.skipped + (not made)
    gone = {one.post_id for one in known.values() if one.key not in listed}
    for post, meeting in _meetings(db, row):
        if post.id in gone and now() < meeting.starts_at < until and not meeting.cancelled:
            planning.cancel(db, service, post, GONE["da" if post.language == "da" else "en"])
    db.flush()


def _service(db: Session, community: Actor) -> Actor:
    found = actors.by_handle(db, CALENDARS + community.username)
    if found is None:
        found = actors.create_local(
            db,
            CALENDARS + community.username,
            ActorType.SERVICE,
            name=f"Kalender: {community.display_name}",
            summary_source=f"Møder fra andres kalendere, vist i @{community.username}. / "
            f"Meetings from calendars of others, shown in @{community.username}.",
        )
        found.discoverable = False
    return found


def _publish(db: Session, service: Actor, community: Actor, row: OutsideCalendar, one: Listed) -> bool:
    try:
        with db.begin_nested():
            post = planning.publish(db, service, _sourced(row, one), Around(community=community))
            db.add(OutsideMeeting(calendar_id=row.id, key=one.key, post_id=post.id, digest=one.digest))
            db.flush()
    except DomainError:
        return False
    return True


def _change(db: Session, service: Actor, row: OutsideCalendar, before: OutsideMeeting, one: Listed) -> bool:
    post = db.get(Post, before.post_id)
    if post is None or post.deleted_at is not None or (meeting := meetings.find(db, post)) is None:
        return True  # a moderator took it out: it does not come back
    try:
        with db.begin_nested():
            if one.cancelled:
                if not meeting.over:
                    planning.cancel(db, service, post)
            else:
                planning.edit(db, service, post, _sourced(row, one))
            before.digest = one.digest
            db.flush()
    except DomainError:
        return False
    return True


def _sourced(row: OutsideCalendar, one: Listed) -> Plan:
    """The plan with a line that says where it is from."""
    name = text.escape_markdown(row.name or row.url)
    said = "Fra kalenderen" if one.plan.language == "da" else "From the calendar"
    line = f"*{said} [{name}](<{one.url or row.url}>)*"
    return replace(one.plan, theme=f"{one.plan.theme}\n\n{line}".strip())


def _meetings(db: Session, row: OutsideCalendar) -> list[tuple[Post, Meeting]]:
    query = (
        select(Post, Meeting)
        .join(Meeting, Meeting.post_id == Post.id)
        .join(OutsideMeeting, OutsideMeeting.post_id == Post.id)
        .where(OutsideMeeting.calendar_id == row.id, Post.deleted_at.is_(None))
    )
    return [(found[0], found[1]) for found in db.execute(query)]
