"""Counting what a piece of work asks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from models.database import Database


@contextmanager
def counted(asked_of: Session | Database) -> Iterator[list[str]]:
    """The queries that are made meanwhile, by this session or by everybody who reads."""
    engine = asked_of._reader if isinstance(asked_of, Database) else asked_of.get_bind()
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
