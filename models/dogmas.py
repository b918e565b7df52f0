"""Dogmas: numbered, versioned principles of a community, or of the whole node's part of the network.

A dogma is a first post (a `Note`, so that everybody can read it whole, discuss it and like it); what it has beside its
text stands in tables of its own. It is *proposed*, and counts once its moderators, or a vote, have *adopted* it: then it
gets its number, which no other gets again. Each edition of its text is a version; earlier ones stay readable.

A dogma without a community is the network's. The network has no owner and no actor, so the node where such a dogma was
adopted keeps its number, under the node's own actor; other nodes show it with its home.

Who writes dogmas is in `proposing`, who adopts them in `adopting`, who stands behind them in `endorsing`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, anonymity, communities, links
from models.access import listed
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import NotFound
from models.posts import Kind, Post, Visibility, hold

TAG = "dogme"
"""The hashtag of all of them, in every language."""

MAX_STATEMENT = 150
MAX_CHANGED = 500
MOST = 300
"""Dogmas on one list."""

LAST_VERSION = 1_000_000
IN_ROWS = "dogma"
"""What a dogma of another server says of itself, among what its post has; the tables here keep it."""


class Status(StrEnum):
    """How a dogma stands. The value is what other servers read."""

    PROPOSED = "proposed"
    ADOPTED = "adopted"
    WITHDRAWN = "withdrawn"
    """It was adopted and holds no longer, or its author proposes it no longer."""
    REJECTED = "rejected"


OPEN = (Status.PROPOSED, Status.ADOPTED)
"""What can be endorsed and changed."""


class Through(StrEnum):
    """How it was decided."""

    MODERATORS = "moderators"
    VOTE = "vote"


class Dogma(Base):
    """What a dogma has beside its post."""

    __tablename__ = "dogmas"
    __table_args__ = (
        UniqueConstraint("scope_id", "number"),
        Index("ix_dogmas_status_post_id", "status", "post_id"),
        Index("ix_dogmas_vote_id", "vote_id"),
    )

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    scope_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Among whose dogmas it has its number: a community of this node, or the node itself. Null for those of others."""
    number: Mapped[int | None]
    """Null until it is adopted. It stays when the dogma is withdrawn, or deleted."""
    status: Mapped[str] = mapped_column(Text, default=Status.PROPOSED)
    title: Mapped[str] = mapped_column(Text, default="")
    """What it says, in a line, without its number: plain text."""
    version: Mapped[int] = mapped_column(default=1)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    decided_through: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it stands as it does: what those wrote who decided last."""
    vote_id: Mapped[int | None] = mapped_column(Id)
    """The poll by which it is, or was, decided."""
    vote_minimum: Mapped[int] = mapped_column(default=0)
    """How many have to take part for the vote to count."""
    endorsed_elsewhere: Mapped[int] = mapped_column(default=0)
    """Of a dogma elsewhere: how many endorse it, as its own server counts."""


class DogmaVersion(Base):
    """What a dogma said from a time on. `note` says what had changed."""

    __tablename__ = "dogma_versions"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[str] = mapped_column(Text, default="")
    """Clean HTML."""
    source: Mapped[str] = mapped_column(Text, default="")
    """Markdown, where it is known."""
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))


class DogmaEndorsement(Base):
    """An actor stands behind a dogma. It exists as long as the actor's like does, and never without (`endorsing`)."""

    __tablename__ = "dogma_endorsements"
    __table_args__ = (
        UniqueConstraint("post_id", "actor_id"),
        Index("ix_dogma_endorsements_actor_id_id", "actor_id", "id"),
        Index("ix_dogma_endorsements_post_id_said_as_id", "post_id", "said_as", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    said_as: Mapped[str] = mapped_column(Text)
    """`Person` or `Organization`."""
    version: Mapped[int]
    """The version it was given for."""
    shown: Mapped[bool] = mapped_column(default=True)
    """Its actor lets himself be named; all are counted."""
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def get(db: Session, post: Post) -> Dogma:
    """What a dogma has beside its post. Raises NotFound for a post that is none."""
    row = db.get(Dogma, post.id)
    if row is None or post.kind != Kind.DOGMA or post.deleted_at is not None:
        raise NotFound("There is no such dogma.")
    return row


def held(db: Session, post: Post) -> Dogma:
    """`get`, kept to this transaction: of two who decide or write at once the second sees what the first did."""
    hold(db, post)
    db.flush()
    query = select(Dogma).where(Dogma.post_id == post.id).with_for_update()
    db.scalar(query.execution_options(populate_existing=True))
    return get(db, post)


def many(db: Session, posts: Iterable[Post]) -> dict[int, Dogma]:
    """What the dogmas among several posts have, in one query."""
    ids = [post.id for post in posts if post.kind == Kind.DOGMA]
    return {row.post_id: row for row in db.scalars(select(Dogma).where(Dogma.post_id.in_(ids)))} if ids else {}


def versions(db: Session, post: Post) -> list[DogmaVersion]:
    """What it said, oldest first."""
    query = select(DogmaVersion).where(DogmaVersion.post_id == post.id)
    return list(db.scalars(query.order_by(DogmaVersion.version)))


def of_vote(db: Session, post_id: int) -> Dogma | None:
    """The dogma that a poll decides about, if it does."""
    return db.scalar(select(Dogma).where(Dogma.vote_id == post_id))


# Names


NAMES: Mapping[str, Mapping[tuple[Status, bool], str]] = {
    "da": {
        (Status.PROPOSED, False): "Forslag til dogme: {title}",
        (Status.ADOPTED, True): "Dogme {number}: {title}",
        (Status.WITHDRAWN, True): "Dogme {number} (trukket tilbage): {title}",
        (Status.WITHDRAWN, False): "Forslag til dogme (trukket tilbage): {title}",
        (Status.REJECTED, False): "Forslag til dogme (afvist): {title}",
    },
    "en": {
        (Status.PROPOSED, False): "Proposed dogma: {title}",
        (Status.ADOPTED, True): "Dogma {number}: {title}",
        (Status.WITHDRAWN, True): "Dogma {number} (withdrawn): {title}",
        (Status.WITHDRAWN, False): "Proposed dogma (withdrawn): {title}",
        (Status.REJECTED, False): "Proposed dogma (rejected): {title}",
    },
}
"""What a dogma is called as a post, by whether it has a number: everywhere, so that nobody takes a proposal for more."""

_NUMBERED = re.compile(r"Dogm[ea] (\d{1,6})(?: \([a-z ]{1,30}\))?: ?")
_PROPOSED = re.compile(r"(?:Forslag til dogme|Proposed dogma)(?: \([a-z ]{1,30}\))?: ?")


def name(row: Dogma, language: str) -> str:
    """What a dogma is called as a post: `Dogme 4: Vi deler også det, der gik galt`."""
    form = NAMES["en" if language == "en" else "da"][Status(row.status), row.number is not None]
    return form.format(number=row.number, title=row.title)


def statement(title: str) -> str:
    """What it says, out of what it is called."""
    match = _NUMBERED.match(title) or _PROPOSED.match(title)
    return (title[match.end() :] if match else title).strip() or title


def numbered(title: str) -> int | None:
    """The number out of what it is called, if it has one."""
    match = _NUMBERED.match(title)
    return int(match[1]) or None if match else None


# Whose it is


def is_home(db: Session, post: Post) -> bool:
    """Whether this node decides about it: it was written here, in a community of ours or for the network."""
    home = communities.home_of(db, post)
    return post.local and (home is None or home.local)


def moderates(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody decides about it: who moderates its community; about the network's, who moderates the node."""
    if not is_home(db, post):
        return False
    if post.community_id is not None:
        return communities.is_moderator(db, actor.id, post.community_id)
    return anonymity.moderates_node(db, actor)


def may_edit(db: Session, actor: Actor, post: Post) -> bool:
    """Who writes new versions: its author, and who decides about it."""
    if post.kind != Kind.DOGMA or not post.local or post.deleted_at is not None:
        return False
    return post.author_id == actor.id or moderates(db, actor, post)


def scope(db: Session, post: Post) -> Actor:
    """Among whose dogmas it has its number here: its community, or the node."""
    return communities.home_of(db, post) or actors.node_actor(db)


def next_number(db: Session, owner: Actor) -> int:
    """The number that the next dogma of a community, or of the node, gets. Nobody else gets it meanwhile."""
    db.flush()
    db.scalar(select(Actor.id).where(Actor.id == owner.id).with_for_update(key_share=True))
    return (db.scalar(select(func.max(Dogma.number)).where(Dogma.scope_id == owner.id)) or 0) + 1


# Lists


def all_of(
    db: Session, viewer: Actor | None, status: Status, *, community_id: int | None = None, limit: int = MOST
) -> list[tuple[Post, Dogma]]:
    """The dogmas that stand like this, as far as `viewer` may see them: those of one community, or all, by number; those
    without one, the newest first."""
    query = (
        select(Post, Dogma)
        .join(Dogma, Dogma.post_id == Post.id)
        .where(
            Dogma.status == status,
            Post.kind == Kind.DOGMA,  # else SQLite reads all that was ever said in a community
            Post.removed_at.is_(None),
            Post.visibility.in_([Visibility.PUBLIC, Visibility.NODE]),
            listed(viewer),
        )
        .order_by(func.coalesce(Dogma.number, LAST_VERSION), Post.id.desc())
        .limit(limit)
    )
    if community_id is not None:
        query = query.where(Post.community_id == community_id)
    return [(row[0], row[1]) for row in db.execute(query)]


def practised(db: Session, post_ids: Collection[int]) -> dict[int, int]:
    """How many reports anybody may read put each of these dogmas into practice."""
    query = (
        select(links.PostLink.to_id, func.count())
        .join(Post, Post.id == links.PostLink.from_id)
        .where(links.PostLink.to_id.in_(post_ids), links.PostLink.tie == links.Tie.PRACTISES)
        .where(Post.kind == Kind.EXPERIENCE, Post.removed_at.is_(None), listed(None))
        .group_by(links.PostLink.to_id)
    )
    return {row[0]: row[1] for row in db.execute(query) if row[0] is not None}


# From other servers


def take(db: Session, post: Post) -> bool:
    """What a dogma of another server says of itself (`Post.extra`), kept in rows; whether it is a new version of one that
    we had.

    Number and status count only from where the dogma's home is: nobody adopts his own words for another's community.
    """
    if post.kind != Kind.DOGMA:
        return False
    said: Mapping[str, Any] = (post.extra or {}).get(IN_ROWS) or {}
    row = db.get(Dogma, post.id)
    fresh = row is None
    if row is None:
        row = Dogma(post_id=post.id, version=1, endorsed_elsewhere=0, vote_minimum=0, reason="", decided_through="")
        db.add(row)
    home = communities.home_of(db, post)
    row.number, row.status = None, Status.PROPOSED.value
    if home is None or urlsplit(home.uri).netloc == urlsplit(post.uri).netloc:
        row.number = said.get("number") or numbered(post.title)
        row.status = str(said.get("status") or (Status.ADOPTED if row.number else Status.PROPOSED))
    row.title = statement(post.title)
    row.endorsed_elsewhere = int(said.get("endorsements", row.endorsed_elsewhere))
    before, version = row.version, int(said.get("version", row.version))
    row.version = version if fresh else max(before, version)
    db.flush()
    _note_version(db, post, row, str(said.get("changed", "")), fresh=fresh)
    post.extra = {key: value for key, value in post.extra.items() if key != IN_ROWS}
    return not fresh and row.version > before


def _note_version(db: Session, post: Post, row: Dogma, note: str, *, fresh: bool) -> None:
    kept = db.get(DogmaVersion, (post.id, row.version))
    if kept is None:
        at = post.published if fresh and row.version == 1 else (post.updated or post.published)
        kept = DogmaVersion(post_id=post.id, version=row.version, at=at, by_id=post.author_id)
        db.add(kept)
    kept.title, kept.content, kept.source, kept.note = row.title, post.content, post.source, note[:MAX_CHANGED]
    db.flush()


def note_version(db: Session, post: Post, row: Dogma, by: Actor, note: str = "") -> None:
    """What a dogma of ours says from now on is its version."""
    kept = DogmaVersion(post_id=post.id, version=row.version, title=row.title, content=post.content, source=post.source)
    kept.note, kept.at, kept.by_id = note, now().replace(microsecond=0), by.id
    db.add(kept)
    db.flush()


def forget(db: Session, post: Post) -> None:
    """A post is deleted. What a dogma had goes, but for its number, which no other gets; a poll that was to decide about
    one does so no longer."""
    db.execute(update(Dogma).where(Dogma.vote_id == post.id).values(vote_id=None))
    if post.kind != Kind.DOGMA:
        return
    for table in (DogmaVersion, DogmaEndorsement):
        db.execute(delete(table).where(table.post_id == post.id))
    row = db.get(Dogma, post.id)
    if row is not None and row.scope_id is None:
        db.delete(row)
    elif row is not None:
        row.status, row.title, row.reason, row.vote_id = Status.WITHDRAWN.value, "", "", None
    db.flush()


def fresh_endorsement(post: Post, actor: Actor, said_as: str, version: int, *, shown: bool) -> DogmaEndorsement:
    """A row for somebody who stands behind it from now on."""
    return DogmaEndorsement(
        id=new_id(), post_id=post.id, actor_id=actor.id, said_as=said_as, version=version, shown=shown, at=now()
    )
