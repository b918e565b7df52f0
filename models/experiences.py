"""Reports of experience: what somebody wanted, what stood in the way, what was tried, and what came of it.

A report is a first post like a question, with everything that holds for posts; what it has beside its text stands in
tables of its own. Its text is made from its parts (`experience_text`), so that it can be read whole everywhere; the
parts themselves travel too, so that another municipality can start from them, also on another node.

How it stands over time, and what happened since, is in `experience_cases`; who wrote it with whom in
`experience_people`; writing and changing it in `sharing`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, Json, UtcTime
from models.posts import Kind, Post

MAX_PART = 10_000
"""Characters of one part."""

IN_ROWS = frozenset(("sections", "coAuthor", "contact", "links"))
"""What a report of another server says of itself that the tables here keep."""


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
