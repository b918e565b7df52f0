"""Who has done this? People by what they answered on a topic: accepted answers first, then votes."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from models import actors, directory
from models.actors import Actor, ActorType
from models.posts import Kind, Post, Visibility
from models.search.asked import Asked
from models.search.finding import Filters, best
from models.search.rights import held

THREADS = 60
"""How many threads of a topic are looked at: the best, or the newest where there are no words."""


_Question = aliased(Post)


@dataclass(frozen=True)
class Expert:
    """Somebody, with what he did for a topic: answers, how many were accepted, and the votes they got."""

    actor: Actor
    answers: int
    accepted: int
    votes: int


def on(db: Session, viewer: Actor | None, asked: Asked, filters: Filters, *, limit: int = 5) -> list[Expert]:
    """Who answered best on a topic: words, hashtags, a barrier.

    Only people who let themselves be found (FEP-5feb: `discoverable` and `indexable`), as far as `viewer` may see them
    and their answers.
    """
    return among(db, viewer, best(db, viewer, asked, filters).ids, limit=limit)


def among(db: Session, viewer: Actor | None, post_ids: Collection[int], *, limit: int = 5) -> list[Expert]:
    """Who answered best in the threads of these posts, of which the first count."""
    ids = list(post_ids)[:THREADS]
    if not ids:
        return []
    question = _Question
    is_accepted = case((question.accepted_id == Post.id, 1), else_=0)
    votes = case((Post.up > Post.down, Post.up - Post.down), else_=0)
    accepted, got, answers = func.sum(is_accepted), func.sum(votes), func.count()
    score = 5 * accepted + 2 * got + answers
    query = (
        select(Post.author_id, answers, accepted, got)
        .join(question, question.id == Post.thread_id)
        .join(Actor, Actor.id == Post.author_id)
        .where(
            Post.thread_id.in_(select(Post.thread_id).where(Post.id.in_(ids))),
            Post.kind.concat("") == Kind.ANSWER,  # else SQLite goes through all answers there are
            Post.visibility == Visibility.PUBLIC,
            Actor.type == ActorType.PERSON,
            Post.deleted_at.is_(None),
            Post.removed_at.is_(None),
            ~held(),
            # whom one may see and wants to see: that is all there is to ask about a public post
            Actor.indexable.is_(True),
            directory.shown(viewer),
        )
        .group_by(Post.author_id)
        .having(accepted + got > 0)
        .order_by(score.desc(), Post.author_id)
        .limit(limit)
    )
    rows = db.execute(query).all()
    people = actors.many(db, [row[0] for row in rows])
    return [Expert(people[row[0]], row[1], row[2], row[3]) for row in rows]
