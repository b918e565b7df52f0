"""kill -9 at each point between a person's click and the effect on another server: nothing is lost, nothing doubled."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import delivering, landing, publishing
from models import accounts, actor_keys, actors, composing, deliveries, follows
from models.actors import Actor, RemoteActor
from models.base import clock
from models.database import Database, Node
from models.jobs import Job
from models.notifications import Notification
from models.outbox import Activity, Delivery
from models.posts import Draft, Post
from tests.federation.dying import Life, nothing_waits, takes_at_door
from tests.federation.elsewhere import Elsewhere

pytestmark = pytest.mark.anyio

SENDER, RECEIVER = Node("https://a.example", "a.example"), Node("https://b.example", "b.example")
LEASES = 200.0
"""Seconds after which every lease of a dead process has run out."""


@dataclass
class World:
    """Lene on a.example writes; Bodil on b.example follows her and is mentioned."""

    sender: Database
    receiver: Database
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    def life(self) -> Life:
        """A worker process of the sender begins."""
        return Life(self.sender, self.elsewhere)

    def write(self, text: str = "Hej @bodil@b.example, har I prøvet det?") -> Post:
        """Lene clicks."""
        return self.sender.write(
            lambda db: composing.note(db, self._lene(db), Draft(text=text, visibility="public", language="da"))
        )

    @staticmethod
    def _lene(db: Session) -> Actor:
        found = actors.by_handle(db, "lene")
        assert found is not None
        return found

    def arrived(self) -> tuple[int, int]:
        """(posts, notices) on the receiver."""
        with self.receiver.reading() as db:
            return (
                db.scalar(select(func.count()).select_from(Post)) or 0,
                db.scalar(select(func.count()).select_from(Notification)) or 0,
            )

    def requests(self) -> int:
        """How often the receiver was posted to."""
        return len(self.elsewhere.posts("b.example"))

    async def finish(self) -> None:
        """The leases of the dead run out; new processes on both sides do what is left."""
        clock.offset += LEASES
        here = self.life()
        there = Life(self.receiver, Elsewhere())
        takes_at_door(self.elsewhere, "b.example", lambda: there.fed)
        await asyncio.gather(
            here.run(lambda: nothing_waits(self.sender)),
            there.run(lambda: nothing_waits(self.sender) and nothing_waits(self.receiver)),
        )


def _know(here: Database, there: Database, username: str) -> int:
    """Let one node know an actor of the other as if it had fetched him, with his key."""
    with there.reading() as db:
        actor = actors.by_handle(db, username)
        assert actor is not None
        key_uri, _ = actor_keys.private_key(db, actor.id)
        found = actors.key_by_uri(db, key_uri)
        assert found is not None
        remote = RemoteActor(
            uri=actor.uri,
            type=actor.type,
            username=actor.username,
            domain=there.node.domain,
            inbox=actor.inbox,
            shared_inbox=f"{there.node.origin}/inbox",
            followers_uri=actor.followers_uri,
            keys=[(key_uri, found[0].public_pem)],
        )
    return here.write(lambda db: actors.record_remote(db, remote).id)


@pytest.fixture
def world(new_database: Callable[[Node], Database]) -> World:
    """Both nodes, acquainted, with nothing in their queues."""
    sender, receiver = new_database(SENDER), new_database(RECEIVER)
    for database, name in ((sender, "lene"), (receiver, "bodil")):
        database.write(
            lambda db, name=name: accounts.create(  # type: ignore[misc]
                db, username=name, email=f"{name}@x.example", password="lang nok til alle"
            )
        )
    bodil, lene = _know(sender, receiver, "bodil"), _know(receiver, sender, "lene")

    def follow(db: Session, follower: int | str, target: int | str) -> None:
        who, whom = (
            actors.get(db, one) if isinstance(one, int) else actors.by_handle(db, one) for one in (follower, target)
        )
        assert who is not None
        assert whom is not None
        row = follows.request(db, who, whom, uri=None if who.local else f"{who.uri}#follow")
        follows.accept(db, row)

    sender.write(lambda db: follow(db, bodil, "lene"))
    receiver.write(lambda db: follow(db, "bodil", lene))
    for database in (sender, receiver):
        database.write(_forget_setting_up)
    return World(sender, receiver)


def _forget_setting_up(db: Session) -> None:
    for table in (Job, Delivery, Notification):
        db.query(table).delete()


async def test_killed_before_the_commit_nothing_is_there(world: World) -> None:
    """A real kill -9, inside the transaction that holds the post, its activity and the promise to tell others."""
    script = (
        "import os, signal, sys\n"
        "from models import actors, composing\n"
        "from models.database import Database, Node\n"
        "from models.posts import Draft\n"
        "database = Database(sys.argv[1], Node('https://a.example', 'a.example'))\n"
        "def work(db):\n"
        "    composing.note(db, actors.by_handle(db, 'lene'), Draft(text='Når ikke frem', language='da'))\n"
        "    db.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "database.write(work)\n"
    )
    url = world.sender.url.render_as_string(hide_password=False)
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, url], timeout=30, check=False, capture_output=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with world.sender.reading() as db:
        for table in (Post, Activity, Job, Delivery):
            assert db.scalar(select(func.count()).select_from(table).where(_newer(table))) == 0
    await world.finish()
    assert world.arrived() == (0, 0)


def _newer(table: Any) -> Any:
    # Setting up has left a Create-free outbox: only activities about posts count.
    return table.post_id.is_not(None) if table is Activity else True


async def test_killed_after_the_commit_and_before_anything_was_sent(world: World) -> None:
    world.write()
    await world.finish()
    assert world.arrived() == (1, 1)
    assert world.requests() == 1


async def test_killed_while_handing_out_to_inboxes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write()
    life = world.life()
    real = publishing._write_batch

    async def dying(*args: Any) -> None:
        await real(*args)
        await life.die_here()

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_write_batch", dying)
        await life.run()
    assert world.requests() == 0
    await world.finish()
    assert world.arrived() == (1, 1)
    assert world.requests() == 1


async def test_killed_while_sending_before_the_other_side_has_it(world: World) -> None:
    world.write()
    life = world.life()

    async def never(request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return httpx.Response(404)
        await life.die_here()
        raise AssertionError

    world.elsewhere.answers["b.example"] = never
    await life.run()
    await world.finish()
    assert world.arrived() == (1, 1)
    assert world.requests() == 2


async def test_killed_while_sending_when_the_other_side_has_it_already(world: World) -> None:
    """It is sent again, because nobody here knows; the receiver makes one of the two."""
    world.write()
    life, there = world.life(), Life(world.receiver, Elsewhere())
    takes_at_door(world.elsewhere, "b.example", lambda: there.fed)
    door = world.elsewhere.answers["b.example"]

    async def taken_but_unheard(request: httpx.Request) -> httpx.Response:
        answer = await door(request)
        if request.method != "POST":
            return answer
        assert answer.status_code == 202
        await life.die_here()
        raise AssertionError

    world.elsewhere.answers["b.example"] = taken_but_unheard
    await life.run()
    await world.finish()
    assert world.requests() == 2
    assert world.arrived() == (1, 1)


async def test_killed_after_the_202_and_before_it_is_marked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write()
    life, there = world.life(), Life(world.receiver, Elsewhere())
    takes_at_door(world.elsewhere, "b.example", lambda: there.fed)
    real = landing.record

    def dying(db: Session, batch: Any) -> None:
        real(db, batch)
        life.die()

    with monkeypatch.context() as patch:
        patch.setattr(landing, "record", dying)
        await life.run()
    assert world.requests() == 1
    await world.finish()
    assert world.requests() == 2
    assert world.arrived() == (1, 1)


@pytest.mark.parametrize("where", ["before the effect", "in the effect's transaction"])
async def test_the_receiver_killed_between_its_202_and_the_effect(
    world: World, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from federation.receiving import processing, working

    world.write()
    life, there = world.life(), Life(world.receiver, Elsewhere())
    takes_at_door(world.elsewhere, "b.example", lambda: there.fed)
    await life.run(lambda: nothing_waits(world.sender))
    assert world.arrived() == (0, 0)

    async def dies(*_args: Any) -> None:
        await there.die_here()

    real = processing._apply

    def dies_late(*args: Any) -> None:
        real(*args)
        there.die()

    with monkeypatch.context() as patch:
        if where == "before the effect":
            patch.setattr(working, "process", dies)
        else:
            patch.setattr(processing, "_apply", dies_late)
        await there.run()
    assert world.arrived() == (0, 0)
    await world.finish()
    assert world.arrived() == (1, 1)
    assert world.requests() == 1


async def test_two_workers_on_one_queue_send_each_thing_once(world: World) -> None:
    """Neither takes what the other has; what a dead one had is taken over when its lease has run out."""
    written = [world.write(f"Nummer {number}, @bodil@b.example") for number in range(12)]
    there = Life(world.receiver, Elsewhere())
    takes_at_door(world.elsewhere, "b.example", lambda: there.fed)
    first, second = world.life(), world.life()
    await asyncio.gather(
        first.run(lambda: nothing_waits(world.sender)),
        second.run(lambda: nothing_waits(world.sender)),
        there.run(lambda: nothing_waits(world.sender) and nothing_waits(world.receiver)),
    )
    assert world.arrived() == (len(written), len(written))
    assert world.requests() == len(written)


async def test_a_living_workers_lease_is_respected_and_a_dead_ones_taken_over(world: World) -> None:
    world.write()
    await _only_handed_out(world)
    claimed = world.sender.write(lambda db: deliveries.claim(db, 10, delivering.LEASE))
    assert len(claimed) == 1
    assert world.sender.write(lambda db: deliveries.claim(db, 10, delivering.LEASE)) == []
    clock.offset += delivering.LEASE + 1
    assert [one.id for one in world.sender.write(lambda db: deliveries.claim(db, 10, delivering.LEASE))] == [
        claimed[0].id
    ]


async def test_asked_to_stop_it_lets_sends_end_and_gives_the_rest_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM while delivering: what ends within the grace is done, the rest is free at once, without its lease."""
    monkeypatch.setattr(delivering, "GRACE", 0.3)
    for number in range(4):
        world.write(f"Nummer {number}, @bodil@b.example")
    await _only_handed_out(world)
    begun, both_begun = 0, asyncio.Event()

    async def slow(_request: httpx.Request) -> httpx.Response:
        nonlocal begun
        begun += 1
        first = begun == 1
        if begun == 2:
            both_begun.set()
        await asyncio.sleep(0.1 if first else 60)
        return httpx.Response(202)

    world.elsewhere.answers["b.example"] = slow
    life, stop = world.life(), asyncio.Event()
    running = asyncio.create_task(delivering.run(life.fed, stop))
    async with asyncio.timeout(5):
        await both_begun.wait()
    stop.set()
    async with asyncio.timeout(5):
        await running
    await life.fed.client.aclose()
    with world.sender.reading() as db:
        left = list(db.scalars(select(Delivery)))
    assert len(left) == 3
    assert all(row.locked_until is None and row.attempts == 0 for row in left)
    assert all(row.run_at.year < 9999 for row in left)
    await world.finish()
    assert world.arrived()[0] == 3


async def _only_handed_out(world: World) -> None:
    """Publish, and deliver nothing yet."""
    life = world.life()
    with world.sender.reading() as db:
        waiting = list(db.scalars(select(Job).order_by(Job.id)))
    for job in waiting:
        await publishing.publish(life.fed, dict(job.payload))
        with contextlib.suppress(Exception):
            await life.fed.client.aclose()
    world.sender.write(lambda db: db.query(Job).delete())
