"""What the page of a report shows beside its text: how it stands and stood, who is behind it, and what it is tied to."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from models import co_authors, composing, experience_cases, experience_people, experiences, kle, links, sharing
from models.access import may_see
from models.actors import Actor
from models.experience_people import As
from models.experiences import Experience
from models.links import Linked, Tie
from models.posts import Post


@dataclass(frozen=True)
class Stood:
    """How a case stood from a time on; `source` is the follow-up that says so."""

    phase: str
    outcome: str
    at: datetime
    source: Post | None


@dataclass
class ReportPage:
    """A report with all its page shows."""

    row: Experience
    co_authors: list[Actor] = field(default_factory=list)
    waiting: list[Actor] = field(default_factory=list)
    """Who was asked to be co-author and has not answered; shown to the author alone."""
    contacts: list[Actor] = field(default_factory=list)
    history: list[Stood] = field(default_factory=list)
    """Oldest first; where it stood the same all the time, only that."""
    follow_ups: list[Post] = field(default_factory=list)
    case: Post | None = None
    """Of a follow-up: what it follows up."""
    origin: Linked | None = None
    """The report it was adapted from."""
    replicas: list[Post] = field(default_factory=list)
    kle_title: str = ""
    may_edit: bool = False
    may_follow_up: bool = False
    may_choose: bool = False
    is_author: bool = False
    is_co_author: bool = False
    is_contact: bool = False
    asked: bool = False
    """The visitor is asked to be co-author."""

    @property
    def posts(self) -> list[Post]:
        """The other posts whose authors the page names."""
        origin = self.origin.post if self.origin is not None else None
        return [*self.follow_ups, *self.replicas, *(one for one in (origin, self.case) if one is not None)]


def gather(db: Session, viewer: Actor | None, post: Post) -> ReportPage:
    """All of it, as `viewer` may see it."""
    row = experiences.get(db, post)
    found = ReportPage(row, experience_people.people(db, post, As.CO_AUTHOR), kle_title=kle.title(db, row.kle))
    found.contacts = experience_people.people(db, post, As.CONTACT)
    found.follow_ups = experience_cases.follow_ups(db, viewer, post)
    readable = {one.id: one for one in found.follow_ups}
    found.history = [
        Stood(one.phase, one.outcome, one.at, readable.get(one.source_id or 0))
        for one in experience_cases.states(db, post.id)
    ]
    case = experience_cases.case_of(db, post)
    found.case = case if case is not None and may_see(db, viewer, case) else None
    found.origin = next((one for one in links.of(db, viewer, post) if one.tie == Tie.ADAPTED_FROM), None)
    found.replicas = [one.post for one in links.to(db, viewer, post, Tie.ADAPTED_FROM) if one.post is not None]
    if viewer is not None:
        _own(db, viewer, post, found)
    return found


def _own(db: Session, viewer: Actor, post: Post, found: ReportPage) -> None:
    found.is_author = post.author_id == viewer.id
    found.is_co_author = experience_people.is_co_author(db, viewer, post)
    found.is_contact = experience_people.person(db, post, viewer, As.CONTACT) is not None
    found.asked = co_authors.asked(db, viewer, post)
    found.may_edit = composing.may_edit(db, viewer, post)
    found.may_follow_up = post.local and not found.row.is_follow_up and experience_cases.may_follow_up(db, viewer, post)
    found.may_choose = sharing.may_choose(db, viewer, post)
    if found.is_author:
        named = {actor.id for actor in found.co_authors}
        everyone = experience_people.people(db, post, As.CO_AUTHOR, asked_too=True)
        found.waiting = [actor for actor in everyone if actor.id not in named]
