"""Answers kept in memory: the same until anything is committed, anywhere, or time has passed."""

import asyncio

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from models import settings
from models.base import clock
from models.database import Database
from models.errors import NotFound
from server.kept import SECONDS, Kept

pytestmark = pytest.mark.anyio


class OfOneDatabase:
    """Stamps of what this database's own processes commit. PostgreSQL's are those of the whole server, where other tests
    write meanwhile, so what is kept cannot be told by them."""

    def __init__(self, database: Database) -> None:
        self.quick, self._commits = database.stamps.quick, 0
        event.listen(database.engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self._commits += 1

    def now(self) -> int:
        return self._commits

    def close(self) -> None:
        pass


@pytest.fixture
def alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database nobody else writes to."""
    if not database.sqlite:
        monkeypatch.setattr(database, "stamps", OfOneDatabase(database))
    return database


class Made:
    """Makes a new answer each time, and counts."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> str:
        self.times += 1
        await asyncio.sleep(0)
        return f"answer {self.times}"


def change(db: Session) -> None:
    settings.put(db, "test", str(settings.get(db, "test", "")) + "x")


async def test_an_answer_is_worked_out_once(alone: Database) -> None:
    kept, make = Kept(alone), Made()
    assert {await kept.get("a", make, len) for _ in range(5)} == {"answer 1"}
    assert await kept.get("b", make, len) == "answer 2"


async def test_whatever_is_committed_makes_it_anew(database: Database) -> None:
    kept, make = Kept(database), Made()
    await kept.get("a", make, len)
    database.write(change)
    assert await kept.get("a", make, len) == "answer 2"


async def test_what_another_process_commits_makes_it_anew(database: Database) -> None:
    kept, make = Kept(database), Made()
    await kept.get("a", make, len)
    other = Database(database.url.render_as_string(hide_password=False), database.node)
    other.write(change)
    other.close()
    assert await kept.get("a", make, len) == "answer 2"


async def test_an_answer_worked_out_while_something_was_committed_is_not_kept(alone: Database) -> None:
    kept, make = Kept(alone), Made()

    async def make_and_change() -> str:
        alone.write(change)
        return "of before or after"

    await kept.get("a", make_and_change, len)
    assert await kept.get("a", make, len) == "answer 1"


async def test_those_who_ask_at_once_share_one_answer(alone: Database) -> None:
    kept, make = Kept(alone), Made()
    assert set(await asyncio.gather(*(kept.get("a", make, len) for _ in range(20)))) == {"answer 1"}


async def test_who_goes_away_does_not_take_the_answer_from_the_others(alone: Database) -> None:
    kept = Kept(alone)
    go = asyncio.Event()

    async def make() -> str:
        await go.wait()
        return "answer"

    impatient, patient = (asyncio.create_task(kept.get("a", make, len)) for _ in range(2))
    await asyncio.sleep(0.05)
    impatient.cancel()
    go.set()
    assert await patient == "answer"


async def test_an_error_is_told_and_not_kept(alone: Database) -> None:
    kept, make = Kept(alone), Made()

    async def fail() -> str:
        raise NotFound("nothing")

    with pytest.raises(NotFound):
        await kept.get("a", fail, len)
    assert await kept.get("a", make, len) == "answer 1"


async def test_time_alone_makes_it_anew_after_some_seconds(database: Database) -> None:
    kept, make = Kept(database), Made()
    await kept.get("a", make, len)
    clock.offset += SECONDS + 1
    assert await kept.get("a", make, len) == "answer 2"


async def test_no_more_is_kept_than_there_is_room_for(alone: Database) -> None:
    kept, make = Kept(alone, size=20), Made()
    for key in "abc":
        await kept.get(key, make, len)  # eight bytes each
    assert await kept.get("c", make, len) == "answer 3"
    assert await kept.get("a", make, len) == "answer 4", "the one asked for longest ago has gone"
