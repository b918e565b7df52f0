"""Reports of experience: what somebody wanted, what stood in the way, what was tried, and what came of it.

A report is a first post like a question, with everything that holds for posts; what it has beside its text stands in
tables of its own. Its text is made from its parts (`experience_text`), so that it can be read whole everywhere; the
parts themselves travel too, so that another municipality can start from them, also on another node.

A report is a *case*. What happened since is a report of its own that follows it up: it shows at the case, whose phase
and outcome it changes. What held before stays, with its date. Who writes and changes reports is in `sharing`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, links, municipalities, text
from models.actors import Actor, ActorType
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.links import Tie
from models.posts import Kind, Post

MAX_PART = 10_000
"""Characters of one part."""

IN_ROWS = frozenset(("sections", "coAuthor", "contact", "links"))
"""What a report of another server says of itself that the tables here keep."""

MAX_PEOPLE = 10
"""Co-authors, and people to ask, of one report at most."""

BARRIERS = ("bureaukrati", "politik", "vaner", "kultur", "regler", "love")
OTHER_BARRIER = 1 << len(BARRIERS)
"""The bit of barriers that another node added to the six."""


class Phase(StrEnum):
    """How far it has come. The value is what other servers read."""

    IDEA = "ide"
    PILOT = "pilot"
    ROLLOUT = "implementering"
    OPERATION = "drift"
    STOPPED = "stoppet"


class Outcome(StrEnum):
    """What came of it."""

    WORKED = "lykkedes"
    PARTLY = "delvist"
    NO = "nej"
    NOT_YET = "endnu-ikke"


class Part(StrEnum):
    """What a report tells, in the order it is read; `BARRIERS` come after `WANTED`."""

    WANTED = "wanted"
    TRIED = "tried"
    DECIDED = "decided"
    RULE = "rule"
    COST = "cost"
    HAPPENED = "happened"
    CITIZENS = "value_citizens"
    STAFF = "value_staff"
    ECONOMY = "value_economy"
    LAW = "value_law"


class As(StrEnum):
    """What somebody is to a report beside its author."""

    CO_AUTHOR = "author"
    CONTACT = "contact"


class Experience(Base):
    """What a report has beside its post. `phase`, `outcome`: as they are now; of what came before see `ExperienceState`.
    Values of other nodes' lists are kept as they wrote them."""

    __tablename__ = "experiences"
    __table_args__ = (
        # All that the gap is counted from, so that it is read from here alone.
        Index("ix_experiences_gap", "shown", "barriers", "phase", "outcome", "municipality", "kle"),
        # All that they are chosen by, newest first, likewise.
        Index(
            "ix_experiences_choice",
            *("post_id", "is_follow_up", "shown", "barriers", "phase", "outcome", "municipality", "kle"),
        ),
        Index("ix_experiences_example_at", "example_at"),
    )

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    parts: Mapped[Any] = mapped_column(Json, default=dict)
    """{part: Markdown}"""
    obstacles: Mapped[Any] = mapped_column(Json, default=dict)
    """{barrier: what it was like, in Markdown}"""
    barriers: Mapped[int] = mapped_column(default=0)
    """The barriers as bits, the first of `BARRIERS` the lowest, for counting."""
    rule_url: Mapped[str] = mapped_column(Text, default="")
    phase: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(Text, default="")
    municipality: Mapped[str] = mapped_column(Text, default="")
    """The four-digit code; empty for none in particular."""
    kle: Mapped[str] = mapped_column(Text, default="")
    """The service area as a KLE number."""
    is_follow_up: Mapped[bool] = mapped_column(default=False)
    """It tells what happened since another one, and is no case of its own."""
    shown: Mapped[bool] = mapped_column(default=False)
    """A case that anybody may find: what is counted and listed (`gap` keeps it)."""
    remind_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When its author wants to be asked what happened since."""
    example_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When a moderator chose it as a good example."""
    example_by_id: Mapped[int | None] = mapped_column(Id)


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


class ExperiencePerson(Base):
    """Somebody of a report beside its author: a co-author, or somebody to ask."""

    __tablename__ = "experience_people"
    __table_args__ = (Index("ix_experience_people_actor_id", "actor_id"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Of a co-author: when he said yes. Until then he is asked."""
    ask_id: Mapped[int | None] = mapped_column(Id, index=True)
    """The post by which somebody on another server is asked; a like of it, or a yes in reply, is his answer."""


@dataclass(frozen=True)
class Report:
    """What a report says, whoever sends it. Texts are Markdown."""

    title: str
    abstract: str = ""
    """In short: plain text, complete in itself."""
    parts: Mapping[str, str] = field(default_factory=dict)
    obstacles: Mapping[str, str] = field(default_factory=dict)
    """By barrier; the text may be empty."""
    rule_url: str = ""
    phase: str = Phase.IDEA
    outcome: str = Outcome.NOT_YET
    municipality: str = ""
    kle: str = ""
    language: str = "da"


def get(db: Session, post: Post) -> Experience:
    """What a report has beside its post."""
    return db.get(Experience, post.id) or Experience(
        post_id=post.id, parts={}, obstacles={}, barriers=0, rule_url="", phase="", outcome="", municipality="", kle="",
        is_follow_up=False, shown=False,
    )  # fmt: skip


def many(db: Session, posts: Iterable[Post]) -> dict[int, Experience]:
    """The same of the reports among several posts, in one query."""
    ids = [post.id for post in posts if post.kind == Kind.EXPERIENCE]
    if not ids:
        return {}
    return {row.post_id: row for row in db.scalars(select(Experience).where(Experience.post_id.in_(ids)))}


def bits(barriers: Iterable[str]) -> int:
    """Barriers as bits."""
    found = 0
    for barrier in barriers:
        found |= 1 << BARRIERS.index(barrier) if barrier in BARRIERS else OTHER_BARRIER
    return found


def named(mask: int) -> tuple[str, ...]:
    """Those of the six barriers that the bits stand for."""
    return tuple(barrier for number, barrier in enumerate(BARRIERS) if mask >> number & 1)


# States


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


# People


def people(db: Session, post: Post, role: As, *, asked_too: bool = False) -> list[Actor]:
    """The co-authors of a report who said yes (and those who are only asked), or whom to ask about it."""
    query = (
        select(Actor)
        .join(ExperiencePerson, ExperiencePerson.actor_id == Actor.id)
        .where(ExperiencePerson.post_id == post.id, ExperiencePerson.role == role, Actor.deleted_at.is_(None))
        .order_by(Actor.id)
    )
    if role == As.CO_AUTHOR and not asked_too:
        query = query.where(ExperiencePerson.accepted_at.is_not(None))
    return list(db.scalars(query))


def crew(db: Session, post_ids: Collection[int]) -> dict[int, dict[As, list[Actor]]]:
    """Co-authors and contacts of several reports, in one query."""
    found: dict[int, dict[As, list[Actor]]] = {id: {As.CO_AUTHOR: [], As.CONTACT: []} for id in post_ids}
    query = (
        select(ExperiencePerson, Actor)
        .join(Actor, Actor.id == ExperiencePerson.actor_id)
        .where(ExperiencePerson.post_id.in_(post_ids), Actor.deleted_at.is_(None))
        .order_by(Actor.id)
    )
    for row, actor in db.execute(query):
        if row.role == As.CONTACT or row.accepted_at is not None:
            found[row.post_id][As(row.role)].append(actor)
    return found


def person(db: Session, post: Post, actor: Actor, role: As) -> ExperiencePerson | None:
    """What somebody is to a report, if anything."""
    return db.get(ExperiencePerson, (post.id, actor.id, role))


def is_co_author(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody said yes to being named as co-author."""
    row = person(db, post, actor, As.CO_AUTHOR) if post.kind == Kind.EXPERIENCE else None
    return row is not None and row.accepted_at is not None


def set_contacts(db: Session, post: Post, contacts: Iterable[Actor]) -> None:
    """Whom readers may ask, instead of those named before."""
    db.execute(delete(ExperiencePerson).where(ExperiencePerson.post_id == post.id, ExperiencePerson.role == As.CONTACT))
    for actor in list({one.id: one for one in contacts}.values())[:MAX_PEOPLE]:
        db.add(ExperiencePerson(post_id=post.id, actor_id=actor.id, role=As.CONTACT))
    db.flush()


def authors(db: Session, post: Post) -> list[Actor]:
    """Who wrote a report, its author first."""
    return [actors.get(db, post.author_id), *people(db, post, As.CO_AUTHOR)]


# Cases and what followed


def case_of(db: Session, post: Post) -> Post | None:
    """The case that a follow-up belongs to, if it is known and there."""
    link = links.one(db, post, Tie.FOLLOW_UP_OF)
    found = db.get(Post, link.to_id) if link is not None and link.to_id else None
    return found if found is not None and found.deleted_at is None else None


def follow_ups(db: Session, viewer: Actor | None, post: Post) -> list[Post]:
    """What happened since, oldest first; only what the case's own authors say."""
    wrote = {actor.id for actor in authors(db, post)}
    found = [one.post for one in links.to(db, viewer, post, Tie.FOLLOW_UP_OF) if one.post is not None]
    return [one for one in reversed(found) if one.author_id in wrote]


def may_follow_up(db: Session, actor: Actor, case: Post) -> bool:
    """Its author, and co-authors."""
    return case.kind == Kind.EXPERIENCE and (case.author_id == actor.id or is_co_author(db, actor, case))


def note_follow_up(db: Session, post: Post) -> None:
    """A follow-up came: the case stands as it says. What somebody else says of a case changes nothing there."""
    case, row = case_of(db, post), get(db, post)
    if case is None or not may_follow_up(db, actors.get(db, post.author_id), case):
        return
    own = db.get(Experience, case.id)
    if own is not None and (row.phase or row.outcome):
        note_state(db, own, row.phase or own.phase, row.outcome or own.outcome, post.published, source=post)
        db.flush()


# From other servers


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
    row.barriers = bits(said)
    code = str(extra.get("municipality", ""))
    row.municipality = code if municipalities.name(code) else ""
    row.kle = str(extra.get("kle", ""))[:20]
    row.is_follow_up = bool((extra.get("links") or {}).get(Tie.FOLLOW_UP_OF))
    phase, outcome = str(extra.get("phase", ""))[:60], str(extra.get("outcome", ""))[:60]
    db.flush()
    if fresh or (phase, outcome) != (row.phase, row.outcome):
        note_state(db, row, phase, outcome, post.published if fresh else (post.updated or now()))
    _take_people(db, post, claimed, contacts)
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


def _take_people(db: Session, post: Post, claimed: Collection[Actor], contacts: Collection[Actor]) -> None:
    set_contacts(db, post, [one for one in contacts if one.type != ActorType.GROUP])
    keep: set[int] = set()
    for actor in list(claimed)[:MAX_PEOPLE]:
        if actor.id == post.author_id or actor.is_community or (actor.local and not said_yes(db, post, actor)):
            continue
        keep.add(actor.id)
        if person(db, post, actor, As.CO_AUTHOR) is None:
            db.add(ExperiencePerson(post_id=post.id, actor_id=actor.id, role=As.CO_AUTHOR, accepted_at=now()))
    gone = delete(ExperiencePerson).where(
        ExperiencePerson.post_id == post.id,
        ExperiencePerson.role == As.CO_AUTHOR,
        ExperiencePerson.actor_id.not_in(keep),
    )
    db.execute(gone)
    db.flush()


def said_yes(db: Session, post: Post, actor: Actor) -> bool:
    """Whether somebody of this node agreed to be named: he liked the author's post to him that asks so, or said yes."""
    from models.reactions import Vote  # knows posts itself

    asks = select(Post).where(
        Post.author_id == post.author_id, Post.local.is_(False), Post.visibility == "direct", Post.deleted_at.is_(None)
    )
    asking = [one.id for one in db.scalars(asks) if (one.extra or {}).get("invites") == post.uri]
    if not asking:
        return False
    liked = select(Vote.id).where(Vote.actor_id == actor.id, Vote.post_id.in_(asking), Vote.value > 0)
    if db.scalar(liked.limit(1)) is not None:
        return True
    replies = select(Post).where(Post.author_id == actor.id, Post.in_reply_to_id.in_(asking), Post.deleted_at.is_(None))
    return any(is_yes(text.plain(one.content)) for one in db.scalars(replies))


YES, NO = ("ja", "yes"), ("nej", "no")


def is_yes(words: str) -> bool:
    """Whether an answer begins with yes, in Danish or English."""
    return _first(words) in YES


def is_no(words: str) -> bool:
    """Whether an answer begins with no."""
    return _first(words) in NO


def _first(words: str) -> str:
    plain = [one for one in words.split() if not one.startswith("@")]
    return plain[0].strip(".,!–-").casefold() if plain else ""


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
    for actor in people(db, post, As.CONTACT):
        found[actor.id] = NotificationKind.CONTACT
    origin = links.one(db, post, Tie.ADAPTED_FROM)
    original = db.get(Post, origin.to_id) if origin is not None and origin.to_id else None
    if original is not None and original.deleted_at is None:
        found |= {actor.id: NotificationKind.REPLICATED for actor in authors(db, original)}
    case = case_of(db, post)
    if case is not None and may_follow_up(db, actors.get(db, post.author_id), case):
        for one in links.to(db, None, case, Tie.ADAPTED_FROM):
            if one.post is not None:
                found.setdefault(one.post.author_id, NotificationKind.FOLLOW_UP)
        found |= {actor.id: NotificationKind.FOLLOW_UP for actor in authors(db, case)}
    found.pop(post.author_id, None)
    return [Told(actor_id, kind) for actor_id, kind in found.items()]
