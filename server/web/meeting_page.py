"""What a meeting's page shows beside its text."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from models import composing, meetings
from models.actors import Actor
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
    mine = meetings.standing(db, viewer, [post])
    found = MeetingPage(row, sees_link=mine.sees_link(post, row))
    if viewer is None:
        return found
    found.own = meetings.attendee(db, post, viewer)
    if found.own is not None and found.own.state == State.WAITING:
        found.in_line = meetings.place_in_line(db, found.own)
    found.may_edit = composing.may_edit(db, viewer, post)
    found.organises, found.sees_attendees = mine.organises(post), mine.sees_attendees(post)
    if found.sees_attendees:
        found.coming = [actor for _, actor in meetings.attendees(db, post, State.GOING, limit=NAMED)]
    if found.organises:
        found.asking = meetings.count(db, post.id, State.ASKED)
    return found
