"""What a meeting's page shows beside its text."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from models import attendance, checking_in, composing, meetings, minutes, series, text
from models.actors import Actor
from models.base import now
from models.meetings import Attendee, Joining, Meeting, State
from models.posts import Post

NAMED = 12
"""How many of those who come the page itself names; the rest stand on a page of their own."""


@dataclass
class MeetingPage:
    """When, where and who, as the visitor may know it."""

    row: Meeting
    own: Attendee | None = None
    in_line: int = 0
    """The how-manieth the visitor is who waits."""
    may_edit: bool = False
    organises: bool = False
    sees_attendees: bool = False
    sees_link: bool = False
    coming: list[Actor] = field(default_factory=list)
    series: list[tuple[Post, Meeting]] = field(default_factory=list)
    """All of the same series, this one among them."""
    minutes: Post | None = None
    lines: list[str] = field(default_factory=list)
    """What of the minutes can become a question or a report."""
    may_write_minutes: bool = False
    there: int = 0
    """How many have checked in."""
    asking: int = 0
    """How many wait for the organiser's answer, if that is the visitor."""

    @property
    def takes_sign_ups(self) -> bool:
        """Whether anybody can sign up now."""
        return self.row.joining in {Joining.FREE, Joining.APPROVAL} and not self.row.cancelled and not self.row.over


def gather(db: Session, viewer: Actor | None, post: Post) -> MeetingPage | None:
    """The page of a meeting; None for a post that says no time."""
    row = meetings.find(db, post)
    if row is None:
        return None
    mine = attendance.standing(db, viewer, [post])
    found = MeetingPage(row, sees_link=mine.sees_link(post, row))
    found.series = series.of(db, viewer, row)
    found.minutes = minutes.seen(db, viewer, row)
    if row.starts_at <= now():
        found.there = checking_in.count(db, post)
    if viewer is None:
        return found
    if found.minutes is not None:
        found.lines = minutes.lines(found.minutes.source or text.plain(found.minutes.content))
    found.may_write_minutes = minutes.may_write(db, viewer, post, row)
    found.own = attendance.attendee(db, post, viewer)
    if found.own is not None and found.own.state == State.WAITING:
        found.in_line = attendance.place_in_line(db, found.own)
    found.may_edit = composing.may_edit(db, viewer, post)
    found.organises, found.sees_attendees = mine.organises(post), mine.sees_attendees(post)
    if found.sees_attendees:
        found.coming = [actor for _, actor in attendance.attendees(db, post, State.GOING, limit=NAMED)]
    if found.organises:
        found.asking = attendance.count(db, post.id, State.ASKED)
    return found
