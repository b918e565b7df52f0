"""Reports as moderators work on them: lists, what each is about, notes among moderators, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import access, accounts, actors, anonymity, house, moderation, notifications, text
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, Invalid, NotFound
from models.moderation import AuditEntry, Report, audit
from models.notifications import NotificationKind
from models.posts import Post

MAX_NOTE = 5000
EARLIER = 20
"""How many earlier reports of the same person a report's page names."""


DEEDS = frozenset({"report.take", "report.give", "report.let_go", "report.forward", "report.close", "report.reopen"})
"""What of the audit log a report's page tells; notes stand there themselves."""


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
    taken_by: Actor | None = None
    history: list[tuple[AuditEntry, Actor | None, Actor | None]] = field(default_factory=list)
    """What moderators did with it, oldest first: by whom, and whom it was given to."""


@dataclass(frozen=True)
class Listed:
    """A report as it stands in a list."""

    report: Report
    reporter: Actor
    target: Actor | None
    taken_by: Actor | None


def waiting(db: Session, *, taken_by: int | None = None, after: int | None = None, limit: int = 20) -> list[Listed]:
    """Open reports, oldest first: all, or those that one moderator has taken on."""
    query = select(Report).where(Report.closed_at.is_(None)).order_by(Report.id).limit(limit)
    if taken_by is not None:
        query = query.where(Report.assigned_id == taken_by)
    return _with_people(db, db.scalars(query if after is None else query.where(Report.id > after)).all())


def closed(db: Session, *, before: int | None = None, limit: int = 20) -> list[Listed]:
    """Closed reports, newest first."""
    query = select(Report).where(Report.closed_at.is_not(None)).order_by(Report.id.desc()).limit(limit)
    return _with_people(db, db.scalars(query if before is None else query.where(Report.id < before)).all())


def _with_people(db: Session, rows: Sequence[Report]) -> list[Listed]:
    named = [i for row in rows for i in (row.reporter_id, row.target_id, row.assigned_id) if i]
    people = actors.many(db, named)
    return [
        Listed(row, people[row.reporter_id], people.get(row.target_id or 0), people.get(row.assigned_id or 0))
        for row in rows
    ]


def get(db: Session, report_id: int) -> Report:
    """The report with this id; raises NotFound."""
    if (row := db.get(Report, report_id)) is None:
        raise NotFound("There is no such report.")
    return row


def read(db: Session, report_id: int) -> Case:
    """A report with what a moderator needs to judge it. Raises NotFound."""
    row = get(db, report_id)
    notes = db.scalars(select(ReportNote).where(ReportNote.report_id == row.id).order_by(ReportNote.id)).all()
    deeds = [entry for entry in moderation.history(db, str(row.id)) if entry.action in DEEDS]
    given = {one.uri: one for one in actors.by_uris(db, [str(entry.detail.get("to", "")) for entry in deeds])}
    named = [
        row.reporter_id, row.target_id, row.closed_by_id, row.assigned_id,
        *(note.by_id for note in notes), *(entry.actor_id for entry in deeds),
    ]  # fmt: skip
    people = actors.many(db, [i for i in named if i])
    case = Case(row, people[row.reporter_id], people.get(row.target_id or 0))
    case.notes = [(note, people[note.by_id]) for note in notes]
    case.closed_by = people.get(row.closed_by_id or 0)
    case.taken_by = people.get(row.assigned_id or 0)
    case.history = [(one, people.get(one.actor_id or 0), given.get(one.detail.get("to", ""))) for one in deeds]
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


def assign(db: Session, report_id: int, to: Actor, *, by: Actor) -> Report:
    """Let a moderator work on a report: whoever asks, or another, who is told. Raises NotFound, Conflict if it is closed
    or that one's already, Invalid for somebody who moderates nothing here."""
    row = _open(db, report_id)
    if to.id not in {actor.id for _, actor in accounts.staff(db)}:
        raise Invalid("Choose a moderator of this server.", code="not_staff")
    if row.assigned_id == to.id:
        raise Conflict("That holds already.", code="report_taken")
    row.assigned_id = to.id
    if to.id == by.id:
        audit(db, by.id, "report.take", str(row.id))
    else:
        audit(db, by.id, "report.give", str(row.id), to=to.uri)
        notifications.notify(db, to.id, NotificationKind.REPORT_GIVEN, by, subject=f"{row.id} {new_id()}")
    return row


def let_go(db: Session, report_id: int, *, by: Actor) -> Report:
    """Nobody in particular works on a report any more. Raises NotFound, or Conflict if it is closed or nobody did."""
    row = _open(db, report_id)
    if row.assigned_id is None:
        raise Conflict("Nobody has taken this report.", code="report_free")
    row.assigned_id = None
    audit(db, by.id, "report.let_go", str(row.id))
    return row


def forward(db: Session, report_id: int, *, by: Actor) -> Report:
    """Tell the server of the one reported: what is said and of which posts, not by whom. Raises NotFound, Invalid for
    somebody of this server, Conflict if it was told."""
    row = get(db, report_id)
    target = db.get(Actor, row.target_id) if row.target_id is not None else None
    if target is None or target.local:
        raise Invalid("There is no other server to tell.", code="report_ours")
    if not moderation.forward_report(db, row, target):
        raise Conflict("The other server has been told already.", code="report_forwarded")
    audit(db, by.id, "report.forward", str(row.id), server=target.domain)
    return row


def _open(db: Session, report_id: int) -> Report:
    row = get(db, report_id)
    if row.closed_at is not None:
        raise Conflict("This report is closed already.", code="report_closed")
    return row


def reopen(db: Session, report_id: int, *, by: Actor) -> Report:
    """Look at a closed report again; whoever opens it has taken it on. Raises NotFound, or Conflict if it is open."""
    row = get(db, report_id)
    if row.closed_at is None:
        raise Conflict("This report is open.", code="report_open")
    row.closed_at, row.closed_by_id, row.outcome, row.assigned_id = None, None, "", by.id
    audit(db, by.id, "report.reopen", str(row.id))
    return row


def close(db: Session, report_id: int, outcome: Outcome | str, *, by: Actor) -> Report:
    """Say how a report ended; whoever reported from here is told. Raises NotFound, Invalid, or Conflict if it is closed."""
    if outcome not in list(Outcome):
        raise Invalid("A report ends with nothing wrong, with an action, or forwarded.", code="outcome_unknown")
    row = _open(db, report_id)
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
