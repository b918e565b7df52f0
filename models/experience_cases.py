"""Cases: how a report stands over time, from when it comes until it is deleted, and what happened since.

A report is a *case*. What happened since is a report of its own that follows it up: it shows at the case, whose phase
and outcome it changes. What held before stays, with its date.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, experience_people, experiences, links, municipalities
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.experience_people import As, ExperiencePerson
from models.experiences import BARRIERS, MAX_PART, Experience, Part
from models.links import Tie
from models.posts import Kind, Post


class ExperienceState(Base):
    """The phase and outcome of a case from a time on."""

    __tablename__ = "experience_states"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    phase: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcTime)
    source_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """The follow-up that says so; null where the report itself does."""


def note_state(
    db: Session, row: Experience, phase: str, outcome: str, at: datetime, *, source: Post | None = None
) -> None:
    """From `at` on a case stands like this. Where it stood so already, only who says it is noted."""
    last = states(db, row.post_id)[-1:]
    if last and (last[0].phase, last[0].outcome) == (phase, outcome):
        if source is not None and last[0].source_id is None and len(states(db, row.post_id)) > 1:
            last[0].source_id = source.id
        row.phase, row.outcome = phase, outcome
        return
    source_id = source.id if source is not None else None
    db.add(ExperienceState(id=new_id(), post_id=row.post_id, phase=phase, outcome=outcome, at=at, source_id=source_id))
    db.flush()
    newest = states(db, row.post_id)[-1]
    row.phase, row.outcome = newest.phase, newest.outcome


def states(db: Session, post_id: int) -> list[ExperienceState]:
    """How a case stood over time, oldest first."""
    query = select(ExperienceState).where(ExperienceState.post_id == post_id)
    return list(db.scalars(query.order_by(ExperienceState.at, ExperienceState.id)))


def case_of(db: Session, post: Post) -> Post | None:
    """The case that a follow-up belongs to, if it is known and there."""
    link = links.one(db, post, Tie.FOLLOW_UP_OF)
    found = db.get(Post, link.to_id) if link is not None and link.to_id else None
    return found if found is not None and found.deleted_at is None else None


def follow_ups(db: Session, viewer: Actor | None, post: Post) -> list[Post]:
    """What happened since, oldest first; only what the case's own authors say."""
    wrote = {actor.id for actor in experience_people.authors(db, post)}
    found = [one.post for one in links.to(db, viewer, post, Tie.FOLLOW_UP_OF) if one.post is not None]
    return [one for one in reversed(found) if one.author_id in wrote]


def may_follow_up(db: Session, actor: Actor, case: Post) -> bool:
    """Its author, and co-authors."""
    return case.kind == Kind.EXPERIENCE and (
        case.author_id == actor.id or experience_people.is_co_author(db, actor, case)
    )


def note_follow_up(db: Session, post: Post) -> None:
    """A follow-up came: the case stands as it says. What somebody else says of a case changes nothing there."""
    case, row = case_of(db, post), experiences.get(db, post)
    if case is None or not may_follow_up(db, actors.get(db, post.author_id), case):
        return
    own = db.get(Experience, case.id)
    if own is not None and (row.phase or row.outcome):
        note_state(db, own, row.phase or own.phase, row.outcome or own.outcome, post.published, source=post)
        db.flush()


def take(db: Session, post: Post, *, claimed: Collection[Actor] = (), contacts: Collection[Actor] = ()) -> None:
    """What a report of another server says of itself (`Post.extra`), cleaned and kept in rows.

    `claimed` are those it names as co-authors, `contacts` those to ask, as far as they are known. Somebody of this node
    is a co-author only if he said yes here.
    """
    if post.kind != Kind.EXPERIENCE:
        return
    extra = post.extra or {}
    row = db.get(Experience, post.id)
    fresh = row is None
    if row is None:
        row = Experience(post_id=post.id, phase="", outcome="", shown=False)
        db.add(row)
    parts, obstacles, rule_url = _sections(extra)
    said = [one for one in extra.get("barriers") or () if isinstance(one, str)]
    row.parts, row.rule_url = parts, rule_url
    row.obstacles = {barrier: obstacles.get(barrier, "") for barrier in dict.fromkeys(said) if barrier in BARRIERS}
    row.barriers = experiences.bits(said)
    code = str(extra.get("municipality", ""))
    row.municipality = code if municipalities.name(code) else ""
    row.kle = str(extra.get("kle", ""))[:20]
    row.is_follow_up = bool((extra.get("links") or {}).get(Tie.FOLLOW_UP_OF))
    phase, outcome = str(extra.get("phase", ""))[:60], str(extra.get("outcome", ""))[:60]
    db.flush()
    if fresh or (phase, outcome) != (row.phase, row.outcome):
        note_state(db, row, phase, outcome, post.published if fresh else (post.updated or now()))
    experience_people.take(db, post, claimed, contacts)
    if fresh and row.is_follow_up:
        note_follow_up(db, post)
    if fresh:
        _note_earlier(db, post)


def _note_earlier(db: Session, case: Post) -> None:
    """Follow-ups that came before their case count from now on."""
    for one in follow_ups(db, None, case):
        note_follow_up(db, one)


def _sections(extra: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], str]:
    parts: dict[str, str] = {}
    obstacles: dict[str, str] = {}
    rule_url = ""
    for one in extra.get("sections") or ():
        name, said = str(one.get("part", "")), str(one.get("text", ""))[:MAX_PART].replace("\x00", "")
        if name == "barrier" and one.get("barrier") in BARRIERS:
            obstacles[str(one["barrier"])] = said
        elif name in set(Part):
            parts[name] = said
        if name == Part.RULE:
            rule_url = str(one.get("href", ""))
    return parts, obstacles, rule_url


def forget(db: Session, post: Post) -> Post | None:
    """A report is deleted: what it had goes. Where it was a follow-up, its case stands as it did before: that case."""
    if post.kind != Kind.EXPERIENCE:
        return None
    case = case_of(db, post)
    for table, column in ((ExperienceState, "post_id"), (ExperiencePerson, "post_id"), (Experience, "post_id")):
        db.execute(delete(table).where(getattr(table, column) == post.id))
    db.execute(delete(ExperienceState).where(ExperienceState.source_id == post.id))
    db.flush()
    own = db.get(Experience, case.id) if case is not None else None
    if case is None or own is None or not (left := states(db, own.post_id)):
        return None
    own.phase, own.outcome = left[-1].phase, left[-1].outcome
    case.extra = {**(case.extra or {}), "phase": own.phase, "outcome": own.outcome}
    db.flush()
    return case


@dataclass(frozen=True)
class Told:
    """Who is told of a new report, and how."""

    account_id: int
    kind: str


def told(db: Session, post: Post) -> list[Told]:
    """Whom a new report concerns: whose report it was adapted from, whom it names to ask, who did what it follows up."""
    from models.notifications import NotificationKind

    if post.kind != Kind.EXPERIENCE:
        return []
    found: dict[int, str] = {}
    for actor in experience_people.people(db, post, As.CONTACT):
        found[actor.id] = NotificationKind.CONTACT
    origin = links.one(db, post, Tie.ADAPTED_FROM)
    original = db.get(Post, origin.to_id) if origin is not None and origin.to_id else None
    if original is not None and original.deleted_at is None:
        found |= {actor.id: NotificationKind.REPLICATED for actor in experience_people.authors(db, original)}
    case = case_of(db, post)
    if case is not None and may_follow_up(db, actors.get(db, post.author_id), case):
        for one in links.to(db, None, case, Tie.ADAPTED_FROM):
            if one.post is not None:
                found.setdefault(one.post.author_id, NotificationKind.FOLLOW_UP)
        found |= {actor.id: NotificationKind.FOLLOW_UP for actor in experience_people.authors(db, case)}
    found.pop(post.author_id, None)
    return [Told(actor_id, kind) for actor_id, kind in found.items()]
