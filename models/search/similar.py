"""Questions like the one somebody is about to ask: here and everywhere this node has heard of, while he types."""

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

RANKED = 3000
"""How many questions are ranked at most, rare words first."""

COMPARED = 12
QUESTIONS = Filters(kinds=(Kind.QUESTION,))


def questions(db: Session, viewer: Actor | None, typed: str, *, limit: int = 5) -> list[Post]:
    """Those most like `typed`, a title or the beginning of one. Its last word may be unfinished."""
    asked = read(typed)
    marks = QUESTIONS.clauses(viewer)
    wanted = _wanted(asked)
    counted = [(POSTS.count(db, [clause, *marks], most=COMMON), clause) for clause in wanted]
    known = sorted(((number, clause) for number, clause in counted if number), key=lambda one: one[0])
    if not known:
        return []
    telling = _rarest(known)
    if telling:
        hits = POSTS.best(db, [_any(telling), *marks], limit=5 * COMPARED)
    else:
        hits = POSTS.fitting(db, [*(clause for _, clause in known), *marks], limit=finding.CANDIDATES)
    ids = finding.order(db, viewer, hits, Asked(), QUESTIONS)[:COMPARED]
    clauses = [clause for _, clause in known]
    return [post for post in finding.fetch(db, ids) if _is_like(post, clauses)][:limit]


def _wanted(asked: Asked) -> list[Clause]:
    if all(fold(word) in STOP for word in asked.telling):
        return []
    clauses = asked.clauses()
    unfinished = asked.clauses(begins=True)
    return [*clauses[:-1], *unfinished[-1:]]


def _rarest(known: list[tuple[int, Clause]]) -> list[Clause]:
    found: list[Clause] = []
    together = 0
    for number, clause in known:
        if number >= COMMON or (found and together + number > RANKED):
            break
        found.append(clause)
        together += number
    return found


def _any(clauses: list[Clause]) -> Clause:
    return Clause(tuple(dict.fromkeys(word for clause in clauses for word in clause.any)), clauses[-1].begins)


def _is_like(post: Post, clauses: list[Clause]) -> bool:
    """Whether the title has one of the words, and the question two where there are two to have."""
    title = stemmed(post.title, 60)
    body = stemmed(text.plain(post.content), 1000)
    titled = sum(_has(title, clause) for clause in clauses)
    return titled > 0 and sum(_has([*title, *body], clause) for clause in clauses) >= min(2, len(clauses))


def _has(stems: list[str], clause: Clause) -> bool:
    if clause.begins:
        return any(stem.startswith(clause.any) for stem in stems)
    return any(stem in clause.any for stem in stems)
