"""Stamps: equal as long as nothing was committed, by whatever process."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from models import settings
from models.database import Database


def put(value: str) -> Callable[[Session], None]:
    return lambda db: settings.put(db, "test", value)


def test_nothing_committed_leaves_the_stamp_as_it_is(database: Database) -> None:
    def look() -> bool:
        first = database.stamps.now()
        with database.reading() as db:
            settings.get(db, "test")
        return database.stamps.now() == first

    # PostgreSQL's is that of the whole server, and other tests may write in databases of their own meanwhile
    assert any(look() for _ in range(200))


def test_what_this_process_commits_changes_the_stamp(database: Database) -> None:
    first = database.stamps.now()
    database.write(put("one"))
    second = database.stamps.now()
    database.write(put("two"))
    assert len({first, second, database.stamps.now()}) == 3


def test_what_another_process_commits_changes_the_stamp(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False), database.node)
    try:
        first = database.stamps.now()
        other.write(put("one"))
        assert database.stamps.now() != first
    finally:
        other.close()


def test_a_stamp_can_be_asked_for_again_after_closing(database: Database) -> None:
    first = database.stamps.now()
    database.stamps.close()
    assert type(database.stamps.now()) is type(first)
