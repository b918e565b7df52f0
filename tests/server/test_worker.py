"""The worker: its four loops together, and keeping house."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import delivering
from models import accounts, actors, composing, follows, inbox, memory, peers
from models.base import clock, now
from models.database import Database
from models.inbox import Memory, Received
from models.jobs import Job
from models.outbox import Delivery
from models.peers import Peer
from models.posts import Draft
from server import worker
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with, remote

SETTINGS = Settings(data_dir="unused")

pytestmark = pytest.mark.anyio


async def _until(condition: Any, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in threads
            await asyncio.sleep(0.02)


async def test_a_post_is_on_its_way_without_waiting_for_any_poll(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "POLL", 60.0)
    monkeypatch.setattr("federation.working.POLL", 60.0)
    elsewhere = Elsewhere()

    def set_up(db: Session) -> Any:
        account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
        lene = actors.get(db, account.id)
        follows.request(db, remote(db, "m.example"), lene, uri="https://m.example/follows/1")
        return lene

    lene = database.write(set_up)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run_worker(federation_with(database, elsewhere), stop, SETTINGS))
    await _until(lambda: any(sent.json["type"] == "Accept" for sent in elsewhere.posts("m.example")))
    await asyncio.to_thread(database.write, lambda db: composing.note(db, lene, Draft(text="Hej.")))
    await _until(lambda: any(sent.json["type"] == "Create" for sent in elsewhere.posts("m.example")), 3)
    stop.set()
    await asyncio.wait_for(task, 15)
    left = database.write(lambda db: db.scalar(select(func.count(Delivery.id))))
    assert left == 0


async def test_when_one_loop_breaks_all_stop_and_the_error_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_args: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(delivering, "run", breaks)
    stop = asyncio.Event()
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(worker.run_worker(federation_with(database, Elsewhere()), stop, SETTINGS), 20)
    assert stop.is_set()


async def test_housekeeping_throws_away_what_has_outlived_its_use_and_nothing_else(database: Database) -> None:
    def fill(db: Session) -> None:
        memory.remember(db, "seen", "old", True, 60)
        memory.remember(db, "seen", "young", True, 100 * 86400)
        for number in range(3):
            inbox.store(
                db, sender_key=f"https://m.example/{number}", body="{}", body_sha256="x", type="Like",
                key_owner="https://m.example/u", proof="signed", host="m.example",
            )  # fmt: skip
        for row in inbox.claim(db, 2, 60):
            inbox.finish(db, row.id, "done")
        peers.get(db, "silent.example")
        peers.seen(db, "m.example")

    database.write(fill)
    clock.offset += 95 * 86400
    database.write(lambda db: peers.seen(db, "m.example"))
    stop = asyncio.Event()
    task = asyncio.create_task(worker.keep_house(federation_with(database, Elsewhere()), stop, every=0.05))

    def left() -> tuple[int, int, list[str]]:
        def count(db: Session) -> tuple[int, int, list[str]]:
            kept = db.scalar(select(func.count()).select_from(Memory)) or 0
            rows = db.scalar(select(func.count(Received.id))) or 0
            return kept, rows, list(db.scalars(select(Peer.host)))

        return database.write(count)

    await _until(lambda: left() == (1, 1, ["m.example"]))
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_a_hundred_thousand_dead_hosts_leave_rows_only_for_a_time(database: Database) -> None:
    def fill(db: Session) -> None:
        for number in range(2500):  # more than one round takes
            db.add(Peer(host=f"h{number}.example", created_at=now() - timedelta(days=91)))

    database.write(fill)
    assert database.write(lambda db: peers.sweep(db, 2000)) == 2000
    assert database.write(lambda db: peers.sweep(db, 2000)) == 500


async def test_jobs_that_set_up_promised_are_all_done_in_the_end(database: Database) -> None:
    elsewhere = Elsewhere()
    elsewhere.answer("m.example", 404)

    def set_up(db: Session) -> None:
        account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
        follows.request(db, actors.get(db, account.id), remote(db, "m.example"))

    database.write(set_up)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run_worker(federation_with(database, elsewhere), stop, SETTINGS))
    await _until(lambda: database.write(lambda db: db.scalar(select(func.count(Job.id)))) == 0)
    stop.set()
    await asyncio.wait_for(task, 15)
    assert database.write(lambda db: peers.get(db, "m.example").nodeinfo_at) is not None
