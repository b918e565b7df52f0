"""Reports as moderators work on them: lists, what each is about, notes among moderators, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import access, actors, anonymity, house, notifications, text
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, Invalid, NotFound
from models.moderation import Report, audit
from models.notifications import NotificationKind
from models.posts import Post

MAX_NOTE = 5000
EARLIER = 20
"""How many earlier reports of the same person a report's page names."""


class Outcome(StrEnum):
    """How a report ended."""

    NOTHING_WRONG = "nothing_wrong"
    ACTED = "acted"
    FORWARDED = "forwarded"


class ReportNote(Base):
    """What a moderator tells the other moderators about a report."""

    __tablename__ = "report_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass
class Case:
    """A report with all that stands on its page."""

    report: Report
    reporter: Actor
    target: Actor | None
    posts: list[Post] = field(default_factory=list)
    """The reported ones that whoever reported them may read; moderators learn no more than he could tell them."""
    unseen: list[str] = field(default_factory=list)
    """Ids of the others."""
    rules: list[str] = field(default_factory=list)
    notes: list[tuple[ReportNote, Actor]] = field(default_factory=list)
    earlier: list[Report] = field(default_factory=list)
    closed_by: Actor | None = None


def waiting(db: Session, *, after: int | None = None, limit: int = 20) -> list[tuple[Report, Actor, Actor | None]]:
    """Open reports, oldest first, with who reported whom."""
    query = select(Report).where(Report.closed_at.is_(None)).order_by(Report.id).limit(limit)
    return _with_people(db, db.scalars(query if after is None else query.where(Report.id > after)).all())


def closed(db: Session, *, before: int | None = None, limit: int = 20) -> list[tuple[Report, Actor, Actor | None]]:
    """Closed reports, newest first, with who reported whom."""
    query = select(Report).where(Report.closed_at.is_not(None)).order_by(Report.id.desc()).limit(limit)
    return _with_people(db, db.scalars(query if before is None else query.where(Report.id < before)).all())


def _with_people(db: Session, rows: Sequence[Report]) -> list[tuple[Report, Actor, Actor | None]]:
    people = actors.many(db, [i for row in rows for i in (row.reporter_id, row.target_id) if i])
    return [(row, people[row.reporter_id], people.get(row.target_id or 0)) for row in rows]


def get(db: Session, report_id: int) -> Report:
    """The report with this id; raises NotFound."""
    if (row := db.get(Report, report_id)) is None:
        raise NotFound("There is no such report.")
    return row


def read(db: Session, report_id: int) -> Case:
    """A report with what a moderator needs to judge it. Raises NotFound."""
    row = get(db, report_id)
    notes = db.scalars(select(ReportNote).where(ReportNote.report_id == row.id).order_by(ReportNote.id)).all()
    named = [row.reporter_id, row.target_id, row.closed_by_id, *(note.by_id for note in notes)]
    people = actors.many(db, [i for i in named if i])
    case = Case(row, people[row.reporter_id], people.get(row.target_id or 0))
    case.notes = [(note, people[note.by_id]) for note in notes]
    case.closed_by = people.get(row.closed_by_id or 0)
    found = {
        post.uri: post
        for post in db.scalars(select(Post).where(Post.uri.in_(row.post_uris), access.readable(case.reporter)))
    }
    case.posts = [found[uri] for uri in row.post_uris if uri in found]
    case.unseen = [uri for uri in row.post_uris if uri not in found]
    words = {rule.id: rule.text for rule in house.rules(db)}
    case.rules = [words[number] for number in row.rules or [] if number in words]
    if row.target_id is not None:
        query = select(Report).where(Report.target_id == row.target_id, Report.id != row.id)
        case.earlier = list(db.scalars(query.order_by(Report.id.desc()).limit(EARLIER)))
    return case


def add_note(db: Session, report_id: int, said: str, *, by: Actor) -> ReportNote:
    """Tell the other moderators something. Raises NotFound or Invalid."""
    row = get(db, report_id)
    said = text.plain(text.escape(said)).strip()
    if not said or len(said) > MAX_NOTE:
        raise Invalid(f"A note has 1 to {MAX_NOTE} characters.", code="note_length")
    note = ReportNote(id=new_id(), report_id=row.id, by_id=by.id, text=said)
    db.add(note)
    audit(db, by.id, "report.note", str(row.id))
    return note


def close(db: Session, report_id: int, outcome: Outcome | str, *, by: Actor) -> Report:
    """Say how a report ended; whoever reported from here is told. Raises NotFound, Invalid, or Conflict if it is closed."""
    row = get(db, report_id)
    if outcome not in list(Outcome):
        raise Invalid("A report ends with nothing wrong, with an action, or forwarded.", code="outcome_unknown")
    if row.closed_at is not None:
        raise Conflict("This report is closed already.", code="report_closed")
    row.closed_at, row.closed_by_id, row.outcome = now(), by.id, Outcome(outcome)
    audit(db, by.id, "report.close", str(row.id), outcome=str(outcome))
    if row.reporter_id != by.id:
        subject = f"{row.id} {outcome}"
        notifications.notify(
            db, row.reporter_id, NotificationKind.REPORT_CLOSED, actors.node_actor(db), subject=subject
        )
    return row


def behind(db: Session, case: Case, moderator: Actor) -> dict[int, Actor]:
    """Who wrote those of the reported posts that are anonymous, by the post's id."""
    found = anonymity.authors(db, moderator, [post.id for post in case.posts])
    people = actors.many(db, found.values())
    return {post_id: people[actor_id] for post_id, actor_id in found.items()}
