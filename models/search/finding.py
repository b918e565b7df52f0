"""Finding posts: by words, hashtags and what they are, the best first or the newest first.

Every search costs about the same: among posts with common words the newest are ranked, and those that have the words in
their titles; among rare ones all are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from models import tags, text
from models.actors import Actor
from models.base import first_id, made_at, now
from models.posts import Kind, Post
from models.search import spelling
from models.search.asked import Asked, flat
from models.search.documents import (
    ANSWER_ACCEPTED,
    IS_ACCEPTED,
    UNANSWERED,
    author_mark,
    barrier_mark,
    community_mark,
    kind_mark,
    municipality_mark,
    tag_mark,
)
from models.search.rights import findable, reach
from models.search.store import POSTS, Clause, Hit
from models.search.words import fold

CANDIDATES = 200
"""How many of the newest posts with all words are ranked."""

TITLED = 150
"""How many more that have them in the title."""

FEW = 3
"""With fewer found than this, other spellings are looked for."""

MOST_VOTED = 1000
YEAR = timedelta(days=365)

HOLDS_ALL, BEGINS, SPELLED, HOLDS_SOME = "all", "begins", "spelled", "some"
"""How it was found: all words in any form; words that begin so; other spellings; some of the words."""


@dataclass(frozen=True)
class Filters:
    """What else has to be true of a post. Empty values ask for nothing."""

    kinds: tuple[str, ...] = ()
    author_id: int | None = None
    community_id: int | None = None
    barrier: str = ""
    municipality: str = ""
    tags: tuple[str, ...] = ()
    """One of these keys of hashtags."""
    unanswered: bool = False
    accepted: bool = False
    """Questions with an accepted answer, and answers that were accepted."""
    since: datetime | None = None
    listed: bool = False
    """For a list of what is asked here and not for a search: authors in our own communities need not be indexable."""

    def clauses(self, viewer: Actor | None) -> list[Clause]:
        """All of it, and what `viewer` may find, as the index has it."""
        wanted = [[kind_mark(kind) for kind in self.kinds]]
        wanted.append([author_mark(self.author_id)] if self.author_id is not None else [])
        wanted.append([community_mark(self.community_id)] if self.community_id is not None else [])
        wanted.append([barrier_mark(self.barrier)] if self.barrier else [])
        wanted.append([municipality_mark(self.municipality)] if self.municipality else [])
        wanted.append([mark for mark in map(tag_mark, self.tags) if mark])
        wanted.append([UNANSWERED] if self.unanswered else [])
        wanted.append([ANSWER_ACCEPTED, IS_ACCEPTED] if self.accepted else [])
        return [reach(viewer, in_community=self.within), *(Clause(tuple(any)) for any in wanted if any)]

    @property
    def within(self) -> bool:
        """Whether a community's own list is looked through."""
        return self.listed or self.community_id is not None

    @property
    def oldest(self) -> int:
        """Ids from here on are young enough."""
        return first_id(self.since) if self.since is not None else 0


ANYTHING = Filters()

_Root = aliased(Post)


@dataclass
class Found:
    """The best posts, ids in order, `how` they were found, and what may have been meant instead."""

    ids: list[int] = field(default_factory=list)
    how: str = HOLDS_ALL
    asked: Asked = field(default_factory=Asked)
    """What was really looked for: other words than were asked for, where those find nothing."""
    meant: Asked | None = None
    """Another spelling that finds more."""
    all: bool = True
    """Whether everything that fits was ranked."""
    begin: tuple[str, ...] = ()
    """Of these words other ones with the same beginning were taken."""


def best(
    db: Session, viewer: Actor | None, asked: Asked, filters: Filters = ANYTHING, *, upto: int | None = None
) -> Found:
    """What fits best, at most some hundred posts. `upto`: only what is no newer than this id, for a next page.

    Where nothing holds all words, words that begin so will do, then other spellings, then some of the words.
    """
    ids, whole = _ranked(db, viewer, asked, asked.clauses(), filters, upto)
    found = Found(ids, HOLDS_ALL, asked, all=whole)
    if len(ids) >= FEW or not asked.words:
        return found
    rare = _rare(db, viewer, asked)
    spelled = _spelled(db, viewer, asked, filters, [word for word, number in rare.items() if number < FEW])
    if ids:
        found.meant = spelled
        return found
    if unknown := tuple(word for word, number in rare.items() if not number):
        ids, whole = _ranked(db, viewer, asked, asked.clauses(begin=unknown), filters, upto)
        if ids:
            return Found(ids, BEGINS, asked, spelled, whole, unknown)
    if spelled is not None:
        ids, whole = _ranked(db, viewer, spelled, spelled.clauses(), filters, upto)
        if ids:
            return Found(ids, SPELLED, spelled, all=whole)
    if len(asked.clauses()) > 1:
        ids, whole = _ranked(db, viewer, replace(asked, phrases=()), asked.any_clause(), filters, upto)
        return Found(ids, HOLDS_SOME, asked, all=whole)
    return found


def _rare(db: Session, viewer: Actor | None, asked: Asked) -> dict[str, int]:
    """How many posts hold each word; counting ends where that is no longer few."""
    mark = reach(viewer)
    return {word: POSTS.count(db, [*Asked((word,)).clauses(), mark], most=FEW) for word in asked.telling}


def _ranked(
    db: Session, viewer: Actor | None, asked: Asked, words: list[Clause], filters: Filters, upto: int | None
) -> tuple[list[int], bool]:
    """(ids, the best first; whether that is all there is)."""
    marks = [*filters.clauses(viewer), *_tagged(db, asked)]
    before, after = None if upto is None else upto + 1, filters.oldest
    if not words:
        ids = POSTS.newest(db, marks, before=before, after=after, limit=CANDIDATES)
        return allowed(db, viewer, ids, filters), len(ids) < CANDIDATES
    ids = POSTS.newest(db, [*words, *marks], before=before, after=after, limit=CANDIDATES)
    whole = len(ids) < CANDIDATES
    if not whole:
        titled = [replace(clause, titled=True) for clause in words]
        ids += POSTS.newest(db, [*titled, *marks], before=before, after=after, limit=TITLED)
    return order(db, viewer, POSTS.weighed(db, words, list(dict.fromkeys(ids))), asked, filters), whole


def _tagged(db: Session, asked: Asked) -> list[Clause]:
    if not asked.tags:
        return []
    same = tags.families(db, asked.tags)
    return [Clause(tuple(mark for mark in map(tag_mark, same[tag]) if mark)) for tag in asked.tags]


@dataclass(frozen=True)
class _Row:
    id: int
    weight: float


def order(db: Session, viewer: Actor | None, hits: Sequence[Hit], asked: Asked, filters: Filters) -> list[int]:
    """Those of these hits that `viewer` may find, the best first: words, votes, acceptance and age together."""
    fits = {hit.id: hit.fits for hit in hits}
    rows = _look(db, viewer, list(fits), filters, phrases=asked.phrases)
    return [row.id for row in sorted(rows, key=lambda row: (-(fits[row.id] + 1e-9) * row.weight, -row.id))]


def allowed(db: Session, viewer: Actor | None, ids: list[int], filters: Filters) -> list[int]:
    """Those of these posts that `viewer` may find, in the same order."""
    fit = {row.id for row in _look(db, viewer, ids, filters)}
    return [id for id in ids if id in fit]


def _look(
    db: Session, viewer: Actor | None, ids: list[int], filters: Filters, *, phrases: tuple[str, ...] = ()
) -> list[_Row]:
    """Those of these posts that `viewer` may find, with what their votes, acceptance and age are worth."""
    if not ids:
        return []
    root = _Root
    columns: list[Any] = [Post.id, Post.kind, Post.up, Post.down, Post.accepted_id, root.accepted_id]
    if phrases:
        columns += [Post.title, Post.summary, Post.content]
    query = select(*columns).outerjoin(root, and_(root.id == Post.thread_id, root.id != Post.id))
    query = query.where(Post.id.in_(ids), findable(viewer, in_community=filters.within))
    present = now()
    rows = []
    for row in db.execute(query):
        if phrases:
            words = flat(f"{row[6]}\n{row[7]}\n{text.plain(row[8])}")
            if not all(phrase in words for phrase in phrases):
                continue
        rows.append(
            _Row(row[0], _weight(row[1], row[2] - row[3], row[4] is not None or row[5] == row[0], row[0], present))
        )
    return rows


def _weight(kind: str, votes: int, accepted: bool, id: int, present: datetime) -> float:
    """Questions go before answers and notes, votes and an accepted answer help, and half a point fades in a year."""
    weight = 1.0 + 0.2 * math.log2(1 + max(0, votes))
    if accepted:
        weight *= 1.25
    if kind == Kind.QUESTION:
        weight *= 1.3
    age = max(0.0, (present - made_at(id)) / YEAR)
    return weight * (0.7 + 0.3 * 2**-age)


def _spelled(db: Session, viewer: Actor | None, asked: Asked, filters: Filters, rare: list[str]) -> Asked | None:
    """The same with `rare` words spelled as somebody did, where that finds something; None if there is no such word."""
    marks = filters.clauses(viewer)
    instead: dict[str, str] = {}
    for word in rare:
        stems = {stem for clause in Asked((word,)).clauses() for stem in clause.any}
        for other in spelling.near(db, fold(word)):
            clauses = Asked((other,)).clauses()
            if stems & {stem for clause in clauses for stem in clause.any}:
                continue  # another form of the same word
            if POSTS.count(db, [*clauses, *marks], most=FEW):
                instead[word] = other
                break
    return asked.with_words(instead) if instead else None


def newest(
    db: Session,
    viewer: Actor | None,
    asked: Asked,
    filters: Filters = ANYTHING,
    *,
    before: int | None = None,
    after: int | None = None,
    offset: int = 0,
    limit: int = 20,
) -> list[Post]:
    """What holds all of it, newest first, in a stretch; without words and hashtags everything that fits the filters."""
    clauses = [*asked.clauses(), *filters.clauses(viewer), *_tagged(db, asked)]
    lowest = max(after or 0, filters.oldest)
    found: list[int] = []
    while len(found) < offset + limit:
        step = max(100, 2 * (offset + limit))
        ids = POSTS.newest(db, clauses, before=before, after=lowest, limit=step)
        fit = {row.id for row in _look(db, viewer, ids, filters, phrases=asked.phrases)}
        found += [id for id in ids if id in fit]
        if len(ids) < step:
            break
        before = ids[-1]
    return fetch(db, found[offset : offset + limit])


def most_voted(db: Session, viewer: Actor | None, filters: Filters, *, offset: int = 0, limit: int = 20) -> list[Post]:
    """What fits the filters, most votes first, among the newest 1000."""
    ids = POSTS.newest(db, filters.clauses(viewer), after=filters.oldest, limit=MOST_VOTED)
    query = select(Post.id).where(Post.id.in_(ids), findable(viewer, in_community=filters.within))
    query = query.order_by((Post.up - Post.down).desc(), Post.id.desc()).offset(offset).limit(limit)
    return fetch(db, list(db.scalars(query)))


def count(db: Session, filters: Filters, *, most: int) -> int:
    """How many posts anybody may find fit the filters; counting ends at `most`."""
    return POSTS.count(db, filters.clauses(None), most=most)


def fetch(db: Session, ids: Sequence[int]) -> list[Post]:
    """The posts with these ids, in their order."""
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(ids)))} if ids else {}
    return [rows[id] for id in ids]
