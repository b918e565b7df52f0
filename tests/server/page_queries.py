"""Counting what a page asks of the database."""

from typing import Any

from sqlalchemy import event

from tests.server.visiting import Browser


async def queries(browser: Browser, path: str) -> int:
    """How many queries a page takes, once everything is warm."""
    return (await cost(browser, path))[0]


async def cost(browser: Browser, path: str) -> tuple[int, int]:
    """(queries, how long the page is), once everything is warm."""
    await browser.read(path)
    # What is looked up every few seconds must not fall upon the page that is counted, however slow the machine is.
    browser.http._transport.app.state.site._until = float("inf")  # type: ignore[attr-defined]
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append(statement)

    engine = browser.database._reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        page = await browser.read(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
        browser.http._transport.app.state.site.forget()  # type: ignore[attr-defined]
    return len(asked), len(page)
