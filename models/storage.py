"""The database itself: which it is, and how large."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import now


def size(db: Session) -> int:
    """Bytes the data takes, without what a write-ahead log holds for the moment."""
    if _is_sqlite(db):
        return int(db.scalar(text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")) or 0)
    return int(db.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def version(db: Session) -> str:
    """Its name and release: `SQLite 3.46.1`."""
    if _is_sqlite(db):
        return f"SQLite {db.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {str(db.scalar(text('SHOW server_version'))).split(' ')[0]}"


def clock_apart(db: Session) -> float:
    """Seconds by which the database's clock is ahead of ours; 0 where it is ours."""
    if _is_sqlite(db):
        return 0.0
    there: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    return (there - now()).total_seconds()


def _is_sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"
