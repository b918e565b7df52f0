"""Making everything that is searched anew, some rows at a time: after a repair, and when words are stemmed otherwise.

The node may go on meanwhile: what is written keeps itself in step, and what was not reached yet is not found yet.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.actors import Actor
from models.posts import Post
from models.search import keeping, spelling
from models.search.store import STORES

BATCH = 500
"""Rows of one transaction."""


def empty(db: Session) -> int:
    """Throw away what is searched; how many posts and actors are to be read."""
    for store in STORES:
        store.make(db.connection())
    spelling.forget_all(db)
    return (db.scalar(select(func.count(Post.id))) or 0) + (db.scalar(select(func.count(Actor.id))) or 0)


def next_posts(db: Session, after: int) -> list[int]:
    """Keep the next posts behind an id; which they were, none at the end."""
    query = select(Post.id).where(Post.id > after).order_by(Post.id).limit(BATCH)
    # Held, so that nobody changes a post between our reading it and our writing what we read (PostgreSQL).
    ids = list(db.scalars(query.with_for_update(read=True)))
    keeping.keep_posts(db, ids)
    return ids


def next_actors(db: Session, after: int) -> list[int]:
    """The same for people and communities."""
    query = select(Actor.id).where(Actor.id > after).order_by(Actor.id).limit(BATCH)
    ids = list(db.scalars(query.with_for_update(read=True)))
    keeping.keep_actors(db, ids)
    return ids
