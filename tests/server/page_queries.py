"""Counting what a page asks of the database."""

from typing import Any

from sqlalchemy import event

from tests.server.visiting import Browser


async def queries(browser: Browser, path: str) -> int:
    """How many queries a page takes, once everything is warm."""
    await browser.read(path)
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append(statement)

    engine = browser.database._reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        await browser.read(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(asked)
