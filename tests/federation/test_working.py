"""The job loop: every promise kept once, poison put aside, nothing lost when the worker goes."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import federation
from federation import working
from federation.context import Federation
from federation.working import GiveUp, Later
from models import jobs
from models.base import clock, now
from models.database import Database
from models.jobs import Job
from server.settings import Settings
from server.worker import jobs as jobs_of
from tests.federation.elsewhere import Elsewhere, federation_with

pytestmark = pytest.mark.anyio
Run = Callable[[Federation, dict[str, Any]], Awaitable[None]]


class Loop:
    """A job loop over a table of the test's own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fed = federation_with(database, Elsewhere())
        self.done: list[Any] = []

    async def note(self, _fed: Federation, payload: dict[str, Any]) -> None:
        self.done.append(payload["n"])

    def enqueue(self, kind: str, **payload: Any) -> None:
        self.database.write(lambda db: jobs.enqueue(db, kind, payload))

    def rows(self) -> list[Job]:
        return self.database.write(lambda db: list(db.scalars(select(Job).order_by(Job.id))))

    async def run(self, until: Callable[[], bool], seconds: float = 5.0, **more: Run) -> None:
        stop = asyncio.Event()
        table: Mapping[str, Run] = {"note": self.note, **more}
        task = asyncio.create_task(working.run_jobs(self.fed, stop, table))
        try:
            async with asyncio.timeout(seconds):
                while not until():  # noqa: ASYNC110 - what it waits for happens in threads
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            await asyncio.wait_for(task, 15)


@pytest.fixture
def loop(database: Database) -> Loop:
    return Loop(database)


async def test_what_is_promised_is_done_once_and_the_row_goes(loop: Loop) -> None:
    for n in range(30):
        loop.enqueue("note", n=n)
    await loop.run(lambda: not loop.rows())
    assert sorted(loop.done) == list(range(30))


async def test_a_job_is_noticed_at_once_when_it_is_committed_here(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "POLL", 60.0)
    stop = asyncio.Event()
    task = asyncio.create_task(working.run_jobs(loop.fed, stop, {"note": loop.note}))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(loop.enqueue, "note", n=1)
    async with asyncio.timeout(3):
        while not loop.done:  # noqa: ASYNC110 - what it waits for happens in threads
            await asyncio.sleep(0.01)
    stop.set()
    await task


async def test_a_poison_job_ends_as_a_dead_letter_while_others_go_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "WAITS", (0.0,))

    async def poison(_fed: Federation, _payload: dict[str, Any]) -> None:
        raise RuntimeError("always")

    loop.enqueue("poison")
    for n in range(3):
        loop.enqueue("note", n=n)
    await loop.run(lambda: len(loop.done) == 3 and loop.rows()[0].dead_at is not None, poison=poison)
    (row,) = loop.rows()
    assert row.attempts == jobs.ATTEMPTS
    assert "always" in row.error
    assert [job.id for job in loop.database.write(jobs.dead)] == [row.id]


async def test_dead_letters_can_be_tried_again(loop: Loop) -> None:
    async def refuse(_fed: Federation, _payload: dict[str, Any]) -> None:
        raise GiveUp("there is no such thing")

    loop.enqueue("note", n=7)
    await loop.run(lambda: loop.rows()[0].dead_at is not None, note=refuse)
    assert loop.rows()[0].error == "there is no such thing"
    assert loop.database.write(jobs.retry_dead) == 1
    await loop.run(lambda: not loop.rows())
    assert loop.done == [7]


async def test_a_kind_nobody_knows_is_a_dead_letter(loop: Loop) -> None:
    loop.enqueue("dance")
    await loop.run(lambda: loop.rows()[0].dead_at is not None)
    assert "dance" in loop.rows()[0].error


async def test_later_uses_up_no_attempt(loop: Loop) -> None:
    async def wait(_fed: Federation, _payload: dict[str, Any]) -> None:
        raise Later(3600)

    loop.enqueue("wait")
    await loop.run(lambda: loop.rows()[0].run_at > now(), wait=wait)
    (row,) = loop.rows()
    assert (row.attempts, row.locked_until) == (0, None)


async def test_stopping_gives_back_what_did_not_end_in_time(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "GRACE", 0.2)
    begun = asyncio.Event()

    async def slow(_fed: Federation, _payload: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(30)

    loop.enqueue("slow")
    await loop.run(begun.is_set, slow=slow)
    (row,) = loop.rows()
    assert (row.attempts, row.locked_until) == (0, None)
    assert row.run_at <= now()


async def test_a_job_that_never_ends_is_cut_off(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "DEADLINE", 0.1)

    async def endless(_fed: Federation, _payload: dict[str, Any]) -> None:
        await asyncio.sleep(30)

    loop.enqueue("endless")
    await loop.run(lambda: loop.rows()[0].error != "", endless=endless)
    assert "TimeoutError" in loop.rows()[0].error


async def test_a_post_is_handed_out_while_a_hundred_slow_servers_are_asked_what_they_run(loop: Loop) -> None:
    async def slow(_fed: Federation, _payload: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    for _ in range(100):
        loop.enqueue("nodeinfo")
    loop.enqueue("publish", n=1)
    stop = asyncio.Event()
    task = asyncio.create_task(working.run_jobs(loop.fed, stop, {"nodeinfo": slow, "publish": loop.note}))
    async with asyncio.timeout(3):
        while not loop.done:  # noqa: ASYNC110 - what it waits for happens in threads
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_job_that_kills_its_worker_each_time_does_not_come_back_for_ever(database: Database) -> None:
    database.write(lambda db: jobs.enqueue(db, "deadly", {}))
    taken = 0
    while database.write(lambda db: jobs.claim(db, 1, 60)):
        taken += 1
        clock.offset += 61
        assert taken < 100
    assert taken == 2 * jobs.ATTEMPTS
    assert len(database.write(jobs.dead)) == 1


def test_two_workers_never_take_the_same_job(database: Database) -> None:
    for n in range(20):
        database.write(lambda db, n=n: jobs.enqueue(db, "note", {"n": n}))
    first = database.write(lambda db: [job.id for job in jobs.claim(db, 12, 60)])
    second = database.write(lambda db: [job.id for job in jobs.claim(db, 12, 60)])
    assert (len(first), len(second)) == (12, 8)
    assert not set(first) & set(second)
    clock.offset += 61
    assert len(database.write(lambda db: jobs.claim(db, 50, 60))) == 20


def test_a_promise_that_was_not_committed_is_none(database: Database) -> None:
    def breaks(db: Session) -> None:
        jobs.enqueue(db, "note", {})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(breaks)
    assert database.write(jobs.depth) == 0


def test_every_kind_of_job_that_is_promised_anywhere_has_somebody_who_does_it() -> None:
    root = Path(federation.__file__).parents[1]
    promised = set()
    for folder in ("models", "federation", "server"):
        for path in (root / folder).rglob("*.py"):
            promised |= set(re.findall(r"\benqueue\(\s*\w+,\s*\"(\w+)\"", path.read_text()))
    assert promised
    assert promised <= set(jobs_of(Settings()))
