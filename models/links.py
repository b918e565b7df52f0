"""What first posts have to do with one another beyond answering: questions, reports, meetings and dogmas with those they
belong to, a report with the one it was adapted from, and with what happened since.

Links are typed, and said by the post they start from; they are shown at both ends. The other end is known by its id,
also while we have not got the post: once it comes, the link leads to it. A new kind of post needs no new table, only a
`Tie` of its own where none of these fits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import viewers
from models.access import visible
from models.actors import Actor
from models.base import Base, Id, new_id, table_of
from models.posts import Kind, Post

MOST = 20
"""Links of one tie that a post has at most."""

SHOWN = 100
"""Posts that are shown at most as linking to one."""


class Tie(StrEnum):
    """How two posts belong together. The value is the term on the wire, without its prefix."""

    RELATED = "related"
    """See also: a question, or another report."""
    ABOUT = "about"
    """It grew out of this meeting."""
    PRACTISES = "practises"
    """It puts this dogma into practice."""
    ADAPTED_FROM = "adaptedFrom"
    """It does the same as that report, in another place."""
    FOLLOW_UP_OF = "followUpOf"
    """It says what happened since that report."""


SINGLE = {Tie.ADAPTED_FROM, Tie.FOLLOW_UP_OF}
"""Of these a post has one at most."""

MANUAL = (Tie.RELATED, Tie.ABOUT, Tie.PRACTISES)
"""Ties that an author writes down; the others come of what he does."""

BY_KIND = {Kind.DOGMA: Tie.PRACTISES, Kind.EVENT: Tie.ABOUT}
"""What a link to a post of a kind means where its author does not say."""

KIND_OF = {tie: kind for kind, tie in BY_KIND.items()}


class PostLink(Base):
    """One link. `to_id` is null while the other post is not known here."""

    __tablename__ = "post_links"
    __table_args__ = (
        UniqueConstraint("from_id", "tie", "to_uri"),
        Index("ix_post_links_to_id_tie", "to_id", "tie"),
        Index("ix_post_links_to_uri", "to_uri"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    from_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    tie: Mapped[str] = mapped_column(Text)
    to_uri: Mapped[str] = mapped_column(Text)
    to_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))


@dataclass(frozen=True)
class Linked:
    """One end of a link as the other's page shows it; `post` is None where it is not known, or not for the reader."""

    tie: Tie
    uri: str
    post: Post | None

    @property
    def kind(self) -> Kind | None:
        """What the other end is; where it is not known, what the link takes it for, if it says that."""
        return Kind(self.post.kind) if self.post is not None else KIND_OF.get(self.tie)


def tie_between(post: Post, other: Post) -> Tie:
    """What a link to the other post means: a dogma is practised, but not by a dogma; out of a meeting something grew;
    anything else is related."""
    if post.kind == other.kind == Kind.DOGMA:
        return Tie.RELATED
    return BY_KIND.get(Kind(other.kind), Tie.RELATED)


def put(db: Session, post: Post, tie: Tie, uris: Iterable[str]) -> None:
    """What a post is tied to in this way from now on, in this order; at most 20, of `SINGLE` one."""
    wanted = list(dict.fromkeys(uri for uri in uris if uri and uri != post.uri))[: 1 if tie in SINGLE else MOST]
    db.execute(delete(PostLink).where(PostLink.from_id == post.id, PostLink.tie == tie))
    known = {row[0]: row[1] for row in db.execute(select(Post.uri, Post.id).where(Post.uri.in_(wanted)))}
    for uri in wanted:
        db.add(PostLink(id=new_id(), from_id=post.id, tie=tie, to_uri=uri, to_id=known.get(uri)))
    db.flush()


def write(db: Session, post: Post, others: Sequence[Post]) -> None:
    """What its author says a post belongs with, from now on; each other post is tied to it as its kind asks."""
    for tie in MANUAL:
        put(db, post, tie, [other.uri for other in others if tie_between(post, other) == tie])


def take(db: Session, post: Post, said: Mapping[str, Any]) -> None:
    """What a post of another server says it is tied to: `{"practises": [id, …]}`. What it no longer says is gone."""
    had = set(db.scalars(select(PostLink.tie).where(PostLink.from_id == post.id)))
    for tie in Tie:
        if said.get(tie) or tie in had:
            put(db, post, tie, said.get(tie) or ())


def arrived(db: Session, post: Post) -> None:
    """A post is known from now on: what links to it leads to it."""
    waiting = PostLink.to_uri == post.uri
    db.execute(update(PostLink).where(waiting, PostLink.to_id.is_(None)).values(to_id=post.id))


def one(db: Session, post: Post, tie: Tie) -> PostLink | None:
    """The one link of a tie that a post has at most."""
    return db.scalar(select(PostLink).where(PostLink.from_id == post.id, PostLink.tie == tie))


def targets(db: Session, post_ids: Iterable[int], tie: Tie) -> dict[int, str]:
    """What several posts are tied to in one way, by id: of each the first."""
    query = select(PostLink.from_id, PostLink.to_uri).where(PostLink.from_id.in_(list(post_ids)), PostLink.tie == tie)
    return {row[0]: row[1] for row in db.execute(query.order_by(PostLink.id.desc()))}


def uris(db: Session, post: Post) -> dict[Tie, list[str]]:
    """What a post is tied to, by id, for other servers."""
    found: dict[Tie, list[str]] = {}
    for tie, uri in db.execute(_URIS, {"post": post.id}):
        found.setdefault(Tie(tie), []).append(uri)
    return found


def named(db: Session, post: Post) -> list[str]:
    """What its author says a post belongs with, by id: what `write` put down."""
    return [uri for tie, found in uris(db, post).items() if tie in MANUAL for uri in found]


def authors_elsewhere(db: Session, post: Post) -> list[Actor]:
    """Who wrote, on other servers, what a post says it belongs with: their servers hear of it, and show it too."""
    query = (
        select(Actor)
        .join(Post, Post.author_id == Actor.id)
        .join(PostLink, PostLink.to_id == Post.id)
        .where(PostLink.from_id == post.id, PostLink.tie.in_(MANUAL), Post.local.is_(False), visible(None))
        .where(Actor.local.is_(False), Actor.deleted_at.is_(None))
        .distinct()
        .order_by(Actor.id)
    )
    return list(db.scalars(query))


_links = table_of(PostLink).c
_URIS = select(_links.tie, _links.to_uri).where(_links.from_id == bindparam("post")).order_by(_links.id)


def of(db: Session, viewer: Actor | None, post: Post) -> list[Linked]:
    """What a post is tied to, as far as `viewer` may see it; what is not known here stands with its id alone."""
    query = (
        select(PostLink, Post)
        .outerjoin(Post, (Post.id == PostLink.to_id) & visible(viewer))
        .where(PostLink.from_id == post.id)
        .order_by(PostLink.id)
    )
    found = [Linked(Tie(row[0].tie), row[0].to_uri, row[1]) for row in db.execute(query) if row[1] or not row[0].to_id]
    return found


def to(db: Session, viewer: Actor | None, post: Post, *ties: Tie) -> list[Linked]:
    """The posts that are tied to this one (in one of these ways), as far as `viewer` may see them, newest first."""
    rows = db.execute(_to(viewer, ties), {"post": post.id, **viewers.values(viewer)})
    return [Linked(Tie(row[0]), row[1].uri, row[1]) for row in rows]


@viewers.kept
def _to(viewer: Actor | None, ties: tuple[Tie, ...]) -> Any:
    query = (
        select(PostLink.tie, Post)
        .join(Post, Post.id == PostLink.from_id)
        .where(PostLink.to_id == bindparam("post"), Post.removed_at.is_(None), visible(viewer))
        .order_by(Post.id.desc())
        .limit(SHOWN)
    )
    return query.where(PostLink.tie.in_(ties)) if ties else query


def around(db: Session, viewer: Actor | None, post: Post) -> list[Linked]:
    """What a post belongs with, whichever of the two says so, each once: first what its own author named."""
    found: dict[str, Linked] = {}
    for one in [*of(db, viewer, post), *to(db, viewer, post, *MANUAL)]:
        if one.tie in MANUAL:
            found.setdefault(one.uri, one)
    return list(found.values())


def forget(db: Session, post: Post) -> None:
    """A post is deleted: what it said of others goes with it."""
    db.execute(delete(PostLink).where(PostLink.from_id == post.id))
