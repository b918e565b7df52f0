"""What one more of each costs a node, in processor time and bytes: `python -m tests.bench.unit_costs deploy/unit-costs.json`.

Measured within one process, with the network left out, on SQLite and, under `python -m tests.postgres`, on PostgreSQL,
whose own processor time is counted too. `deploy/SCALE.md` is worked out from the file (`python -m tests.bench.scale`).
"""

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import delete, make_url, select, text
from sqlalchemy.orm import Session

from federation import delivering, publishing, receiving
from models import accounts, actors, composing, follows, memory
from models.actors import Actor, ActorType
from models.base import new_id
from models.database import Database, Node
from models.inbox import Received
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft
from models.tables import metadata
from tests.bench.deliver import fill
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.federation.neighbours import Fediverse, Inbox, neighbour

NODE = Node("https://a.example", "a.example")
TIMES = 1000
SAID = (
    "Hvordan fik I borgerne med til at rydde sne fra brandhanerne, og hvem betalte for skovlene den første vinter? " * 3
)
"""A post of some sixty words."""


class Measured:
    """A fresh database, and what it and this process have used."""

    def __init__(self, database: Database, server_pid: int | None) -> None:
        self.database, self._server = database, server_pid
        self.cpu_ms: dict[str, float] = {}
        self.bytes: dict[str, float] = {}

    def size(self, *, rewritten: bool = False) -> int:
        """Bytes of the whole database; `rewritten`: with every gap closed before."""
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not self.database.sqlite:
                connection.execute(text("VACUUM FULL" if rewritten else "VACUUM"))
                return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        with sqlite3.connect(self.database.url.database or "") as plain:
            if rewritten:
                plain.execute("VACUUM")
            return int(
                plain.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
            )

    def used(self) -> float:
        """Processor seconds of this process, and of the database's."""
        return time.process_time() + (_cpu_seconds(self._server) if self._server else 0.0)

    def weigh(self, name: str, work: Callable[[], int], *, rewritten: bool = False) -> None:
        """Bytes for each of those that `work` makes, or takes away; it says how many."""
        before = self.size(rewritten=rewritten)
        made = work()
        self.bytes[name] = round(abs(self.size(rewritten=rewritten) - before) / made)

    def clock(self, name: str, work: Callable[[], int]) -> int:
        """Milliseconds of processor time for each of those that `work` does; gives how many these were."""
        before = self.used()
        done = work()
        self.cpu_ms[name] = round((self.used() - before) * 1000 / done, 2)
        return done


def _cpu_seconds(postmaster: int) -> float:
    """Of a PostgreSQL and all its processes, those that ended included."""
    ticks = 0
    pids = [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11 : 15 if pid == postmaster else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _fresh(server: str) -> Iterator[Measured]:
    """On PostgreSQL, if `server` is its address, else on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        url, pid = f"sqlite:///{folder}/torv.db", None
        if server:
            name = f"costs_{os.getpid()}_{new_id()}"
            with psycopg.connect(server, autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE {name}")
                pid = int(Path(f"/proc/{admin.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1])
            url = make_url(server).set(database=name).render_as_string(hide_password=False)
        database = Database(url, NODE)
        metadata.create_all(database.engine)
        database.write(lambda db: actors.create_local(db, NODE.domain, ActorType.APPLICATION))
        try:
            yield Measured(database, pid)
        finally:
            database.close()
            if server:
                with psycopg.connect(server, autocommit=True) as admin:
                    admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _author(db: Session) -> Actor:
    account = accounts.create(db, username="anna", email="anna@a.example", password="correct horse battery")
    return actors.get(db, account.id)


def _own_posts(found: Measured) -> None:
    """Written here, rendered, and handed out to nobody: text, search, the activity with its bytes."""
    anna = found.database.write(_author)

    def write() -> int:
        for number in range(TIMES):
            found.database.write(lambda db, number=number: composing.note(db, anna, Draft(text=f"{number} {SAID}")))
        return TIMES

    def render(db: Session) -> None:
        for activity in db.scalars(select(Activity)):
            publishing.render(db, activity, "note")
        db.execute(delete(Job))

    def both() -> int:
        found.clock("post written", write)
        found.database.write(render)
        return TIMES

    found.weigh("post of our own", both)


def _others_posts(found: Measured) -> None:
    """Signed notes of fifty known people whom somebody here follows: from the door to the timeline."""
    fediverse = Fediverse()
    inbox = Inbox(found.database, fediverse)
    people = [neighbour(fediverse, f"p{number}", f"h{number}.example") for number in range(50)]
    anna = found.database.write(_author)

    async def meet() -> None:
        for one in people:
            actor = await inbox.knows(one)
            found.database.write(lambda db, actor=actor: follows.accept(db, follows.request(db, anna, actor)))

    async def take() -> int:
        for request in requests:
            assert (await receiving.accept(inbox.fed, request)).status == 202
        ids = inbox.read(lambda db: list(db.scalars(select(Received.id).where(Received.state == "waiting"))))
        for id in ids:
            await receiving.process(inbox.fed, id)
        return len(requests)

    asyncio.run(meet())
    requests = [
        one.sends(one.creates(one.note(f"{number}-{one.host}", f"<p>{number} {SAID}</p>")))
        for number in range(TIMES // 50)
        for one in people
    ]

    def work() -> int:
        found.clock("activity in, from somebody known", lambda: asyncio.run(take()))
        return TIMES

    found.weigh("post of another, with its proof of receipt", work)
    found.weigh("of that, kept for two weeks only", lambda: found.database.write(_forget), rewritten=True)


def _forget(db: Session) -> int:
    rows = len(list(db.scalars(select(Received.id))))
    db.execute(delete(Received))
    memory.sweep(db)
    return rows


def _followers(found: Measured) -> None:
    """People of other servers who follow somebody here, and what waits for their servers."""
    found.weigh("follower, one on a server", lambda: _count(found, lambda db: fill(db, TIMES, 1)))
    lene = found.database.write(lambda db: actors.by_handle(db, "lene"))
    assert lene is not None
    found.database.write(lambda db: composing.note(db, lene, Draft(text="Hej alle.")))
    payload = found.database.write(lambda db: db.scalar(select(Job.payload).where(Job.kind == "publish")))
    elsewhere = Elsewhere()

    def publish() -> int:
        asyncio.run(publishing.publish(federation_with(found.database, elsewhere), payload or {}))
        return TIMES

    found.weigh("delivery that waits", lambda: found.clock("delivery queued", publish))
    found.clock("delivery sent", lambda: asyncio.run(_send_all(found.database, elsewhere)))


def _count(found: Measured, work: Callable[[Session], object]) -> int:
    found.database.write(work)
    return TIMES


async def _send_all(database: Database, elsewhere: Elsewhere) -> int:
    stop = asyncio.Event()
    task = asyncio.create_task(delivering.run(federation_with(database, elsewhere), stop))
    while sum(len(sent) for sent in elsewhere.sent.values()) < TIMES:  # noqa: ASYNC110 - the loop is the measurement
        await asyncio.sleep(0.05)
    stop.set()
    await task
    return TIMES


def measure(server: str) -> dict[str, dict[str, float]]:
    """All of it on one kind of database."""
    cpu: dict[str, float] = {}
    weight: dict[str, float] = {}
    for part in (_own_posts, _others_posts, _followers):
        with _fresh(server) as found:
            part(found)
            cpu |= found.cpu_ms
            weight |= found.bytes
    return {"cpu_ms": cpu, "bytes": weight}


def main() -> None:
    """Measure, print, and put it beside what the file holds of the other kind of database."""
    server = os.environ.get("TORV_TEST_DATABASE_URL", "")
    kind = "postgresql" if server else "sqlite"
    found = measure(server)
    print(json.dumps({kind: found}, indent=2))
    if len(sys.argv) > 1:
        file = Path(sys.argv[1])
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**known, kind: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
