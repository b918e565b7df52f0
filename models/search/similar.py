"""Questions like the one somebody is about to ask: here and everywhere this node has heard of, while he types."""

from dataclasses import replace
from itertools import combinations

from sqlalchemy.orm import Session

from models import text
from models.actors import Actor
from models.posts import Kind, Post
from models.search import finding
from models.search.asked import Asked, read
from models.search.finding import Filters
from models.search.store import POSTS, Clause
from models.search.words import STOP, fold, stemmed

COMMON = 1500
"""A word in as many questions says little of what one is about."""

RAREST = 3
"""Of so many of the other words, questions with one of them are looked at."""

OF_EACH = 60
"""How many of the newest questions with such a word in the title are ranked, and how many with two of them."""

COMPARED = 12
RECENT = 20
QUESTIONS = Filters(kinds=(Kind.QUESTION,))


def questions(db: Session, viewer: Actor | None, typed: str, *, limit: int = 5) -> list[Post]:
    """Those most like `typed`, a title or the beginning of one. Its last word may be unfinished."""
    marks = QUESTIONS.clauses(viewer)
    known = sorted(_known(db, read(typed), marks), key=lambda one: one[0])
    if not known:
        return []
    clauses = [clause for _, clause in known]
    if telling := [clause for number, clause in known if number < COMMON]:
        hits = POSTS.weighed(db, telling, _of_rare_words(db, clauses, telling, marks), some=True)
        ids = finding.order(db, viewer, hits, Asked(), QUESTIONS)[:COMPARED]
    else:
        ids = _of_common_words(db, viewer, clauses, marks)
    found = finding.fetch(db, ids)
    likeness = {post.id: _likeness(post, clauses) for post in found}
    like = [post for post in found if likeness[post.id] >= min(3, len(clauses) + 1)]
    if not telling:
        like.sort(key=lambda post: -likeness[post.id])
    return like[:limit]


def _known(db: Session, asked: Asked, marks: list[Clause]) -> list[tuple[int, Clause]]:
    """(in how many questions, clause) of the words that somebody used; counting ends where a word is common."""
    words = [word for word in asked.telling if fold(word) not in STOP]
    found = []
    for number, clause in (
        (POSTS.count(db, [c, *marks], most=COMMON), c) for w in words for c in Asked((w,)).clauses()
    ):
        if number:
            found.append((number, clause))
    last = words[-1:]
    if last and not POSTS.count(db, [*Asked((last[0],)).clauses(), *marks], most=1):
        unfinished = Asked((last[0],)).clauses(begin=last)
        found += [(POSTS.count(db, [clause, *marks], most=COMMON), clause) for clause in unfinished if clause.begins]
    return [(number, clause) for number, clause in found if number]


def _of_common_words(db: Session, viewer: Actor | None, clauses: list[Clause], marks: list[Clause]) -> list[int]:
    """The newest questions with all of the words, and those with one of two of them in the title."""
    titled = [replace(clause, titled=True) for clause in clauses[:2]]
    ids = POSTS.newest(db, [*clauses, *marks], limit=RECENT) + POSTS.newest(db, [*titled, *marks], limit=RECENT)
    return finding.allowed(db, viewer, list(dict.fromkeys(ids)), QUESTIONS)


def _of_rare_words(db: Session, clauses: list[Clause], telling: list[Clause], marks: list[Clause]) -> list[int]:
    """Questions with all of the words or two of the rarest, however old, and the newest with one of the rarest."""
    rarest = telling[:RAREST]
    titled = [[replace(clause, titled=True)] for clause in rarest]
    ways = [clauses, *(list(pair) for pair in combinations(rarest, 2)), *titled]
    return list(dict.fromkeys(id for way in ways for id in POSTS.newest(db, [*way, *marks], limit=OF_EACH)))


def _likeness(post: Post, clauses: list[Clause]) -> int:
    """How many of the words a question has, those in its title counted twice; 0 for one that has none there."""
    title = stemmed(post.title, 60)
    body = stemmed(text.plain(post.content), 1000)
    titled = sum(_has(title, clause) for clause in clauses)
    return titled + sum(_has([*title, *body], clause) for clause in clauses) if titled else 0


def _has(stems: list[str], clause: Clause) -> bool:
    if clause.begins:
        return any(stem.startswith(clause.any) for stem in stems)
    return any(stem in clause.any for stem in stems)
