"""What tests of searching share: asking as somebody, and all that is kept."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import actors
from models.actors import Actor
from models.database import Database
from models.posts import Post
from models.search import finding, rebuilding
from models.search.asked import read
from models.search.finding import ANYTHING, Filters
from models.search.store import STORES, is_sqlite


def person(db: Session, name: str) -> Actor:
    """Somebody of the world, or a community of it."""
    found = actors.find(db, name)
    assert found is not None
    return found


def found(db: Session, words: str, filters: Filters = ANYTHING, *, by: str = "") -> list[Post]:
    """What somebody finds, the best first."""
    viewer = person(db, by) if by else None
    return finding.fetch(db, finding.best(db, viewer, read(words), filters).ids)


def titles(db: Session, words: str, filters: Filters = ANYTHING, *, by: str = "") -> list[str]:
    """The first words of it."""
    return [(post.title or post.source)[:20] for post in found(db, words, filters, by=by)]


def kept(db: Session) -> dict[str, dict[int, Any]]:
    """Every row of what is searched."""
    columns = "rowid, title, body, marks" if is_sqlite(db) else "id, CAST(stems AS text)"
    return {
        store.table: {row[0]: tuple(row)[1:] for row in db.execute(text(f"SELECT {columns} FROM {store.table}"))}
        for store in STORES
    }


def rebuild(database: Database) -> None:
    """Make everything anew, as the command does."""
    database.write(rebuilding.empty)
    for step in (rebuilding.next_posts, rebuilding.next_actors):
        after = 0
        while ids := database.write(lambda db: step(db, after)):
            after = ids[-1]
