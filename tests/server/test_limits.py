"""Limits hold for a node, however many processes answer for it."""

import asyncio
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from models.database import Database
from server.limits import Limits, Rule, TooMany
from tests.server.apps import ApiWorld

pytestmark = pytest.mark.anyio
Processes = tuple[Limits, Limits]


@pytest.fixture
def second(database: Database) -> Iterator[Database]:
    other = Database(database.url.render_as_string(hide_password=False), database.node)
    yield other
    other.close()


def on_postgresql(database: Database) -> None:
    if database.sqlite:
        pytest.skip("on SQLite one process answers, and counts in its memory")


async def given(limits: Limits, rule: Rule, who: str = "somebody", times: int = 1) -> int:
    """How many of so many tries at once are given."""

    async def attempt() -> bool:
        try:
            await limits.count(rule, who)
        except TooMany:
            return False
        return True

    return sum(await asyncio.gather(*(attempt() for _ in range(times))))


async def test_two_hundred_at_once_get_not_one_try_too_many(database: Database) -> None:
    limits, rule = Limits(database), Rule("test", 25, 300)
    assert await given(limits, rule, times=200) == 25
    assert await given(limits, rule, "somebody else") == 1


def test_threads_at_once_get_not_one_try_too_many(database: Database) -> None:
    limits, rule, found = Limits(database), Rule("test", 25, 300), []

    def attempt() -> None:
        found.append(asyncio.run(given(limits, rule, times=10)))

    threads = [Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 25


@pytest.mark.parametrize("often", [False, True])
async def test_two_processes_count_together(database: Database, second: Database, often: bool) -> None:
    on_postgresql(database)
    rule = Rule("test", 60, 300, often=often)
    one, other = Limits(database), Limits(second)
    got = sum(await asyncio.gather(given(one, rule, times=100), given(other, rule, times=100)))
    assert got == 60


async def test_who_calls_again_and_again_costs_few_writes_and_loses_little_where_he_changes(
    database: Database, second: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_postgresql(database)
    rule = Rule("test", 300, 300, often=True)
    one, other = Limits(database), Limits(second)
    writes = 0
    before = database.write

    def write(work: Callable[..., object]) -> object:
        nonlocal writes
        writes += 1
        return before(work)

    monkeypatch.setattr(database, "write", write)
    left = [(await one.spend(rule, "somebody"))[0] for _ in range(100)]
    assert left == list(range(299, 199, -1)), "each hears what is left as if all were counted one by one"
    assert writes <= 12
    elsewhere = 0
    while await given(other, rule):
        elsewhere += 1
    assert 300 - 100 - 300 // 8 <= elsewhere <= 200


async def test_what_was_taken_in_advance_is_not_spent_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_postgresql(database)
    monkeypatch.setattr("server.limits.AHEAD_SECONDS", 0.0)
    limits, rule = Limits(database), Rule("test", 10, 300, often=True)
    assert await given(limits, rule, times=50) == 10


async def test_calls_of_an_app_count_at_whichever_process_they_arrive(lived_in: Database) -> None:
    on_postgresql(lived_in)
    one = ApiWorld(lived_in)
    one.settings = type(one.settings)(origin=one.settings.origin, data_dir="unused", api_calls=10)
    machines = [ApiWorld(lived_in, settings=one.settings) for _ in range(3)]
    answers = []
    for number in range(15):
        async with machines[number % 3].client() as nobody:
            answers.append((await nobody.call("GET", "/api/v1/timelines/public")).status_code)
    assert answers == [200] * 10 + [429] * 5
