"""Turns: of two who are about to decide about the same thing, one waits until the other has committed.

For what may have no row yet that could be locked: whether a post is deleted before it came, how often somebody tried. On
SQLite whoever writes is alone in any case; on PostgreSQL this holds for all processes of a node.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) "
    "FROM (SELECT DISTINCT name FROM unnest(CAST(:names AS text[])) AS name ORDER BY name) AS sorted"
)


def take(db: Session, *names: str) -> None:
    """Have these to oneself until the transaction ends. Read what is to be decided about afterwards, not before."""
    if names and db.get_bind().dialect.name == "postgresql":
        db.flush()
        db.execute(_TAKE, {"names": list(names)})
