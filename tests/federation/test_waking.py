"""Workers on other machines wake at once for what this process committed: nobody waits for the next look."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import federation
from federation import delivering, receiving, working
from models import accounts, actors, composing, follows, inbox
from models.actors import Actor
from models.database import TOPICS, Database
from models.posts import Draft
from tests.conftest import ON_POSTGRES
from tests.federation.elsewhere import Elsewhere, federation_with, remote

pytestmark = [pytest.mark.anyio, ON_POSTGRES]

LONG = 3600.0
"""Seconds between two looks: whoever waits for them fails the test."""


class Worker:
    """A worker of the same node on another machine: a database of its own, and the three loops."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.elsewhere = Elsewhere()
        self.fed = federation_with(database, self.elsewhere)
        self.heard: list[set[str]] = []
        database.listen(self.heard.append)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - what it waits for happens in threads
                await asyncio.sleep(0.01)

    async def until_it_listens(self, times: int = 1) -> None:
        """And has looked, as everybody does who begins."""
        await self.until(lambda: self.heard.count(set(TOPICS)) >= times)
        await asyncio.sleep(0.5)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        loops = asyncio.gather(
            working.run_jobs(self.fed, stop, federation.JOBS),
            delivering.run(self.fed, stop),
            receiving.run(self.fed, stop),
        )
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(loops, 30)


@pytest.fixture
def worker(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    for module in (working, delivering, receiving.working):
        monkeypatch.setattr(module, "POLL", LONG)
    made = Database(database.url.render_as_string(hide_password=False), database.node)
    yield Worker(made)
    made.close()


def lene_with_a_follower(db: Session) -> Actor:
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    lene = actors.get(db, account.id)
    follows.accept(db, follows.request(db, remote(db, "b.example"), lene))
    return lene


async def write_note(database: Database, lene: Actor, said: str) -> None:
    await asyncio.to_thread(database.write, lambda db: composing.note(db, lene, Draft(text=said)))


async def test_a_post_written_here_is_published_and_delivered_by_a_worker_elsewhere(
    database: Database, worker: Worker
) -> None:
    lene = database.write(lene_with_a_follower)
    async with worker.at_work():
        await worker.until_it_listens()
        before = len(worker.elsewhere.posts("b.example"))
        await write_note(database, lene, "Hej")
        await worker.until(lambda: len(worker.elsewhere.posts("b.example")) > before)


async def test_what_was_received_here_is_processed_by_a_worker_elsewhere(database: Database, worker: Worker) -> None:
    def receive(db: Session) -> None:
        inbox.store(
            db, sender_key="https://b.example/1", body="{}", body_sha256="0", type="Like", host="b.example",
            key_owner="https://b.example/users/jonas", proof="signed",
        )  # fmt: skip

    def waiting() -> int:
        with database.reading() as db:
            return inbox.stats(db)["waiting"]

    async with worker.at_work():
        await worker.until_it_listens()
        await asyncio.to_thread(database.write, receive)
        await worker.until(lambda: waiting() == 0)


async def test_a_worker_whose_connection_was_cut_finds_what_it_missed_and_hears_again(
    database: Database, worker: Worker
) -> None:
    def cut() -> int:
        with database.reading() as db:
            return db.scalar(text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )) or 0  # fmt: skip

    lene = database.write(lene_with_a_follower)
    async with worker.at_work():
        await worker.until_it_listens()
        assert await asyncio.to_thread(cut) == 1
        await write_note(database, lene, "Mens ingen lytter")
        await worker.until(lambda: any(b"Mens ingen" in one.body for one in worker.elsewhere.posts("b.example")))
        await worker.until_it_listens(times=2)
        await write_note(database, lene, "Og igen")
        await worker.until(lambda: any(b"Og igen" in one.body for one in worker.elsewhere.posts("b.example")))
