"""Real Torv nodes for tests: `torv serve` in a process of its own, its database, and nginx with TLS in front.

ground = Ground(folder)
node = RealNode(ground, "a.torv.test")
node.fill(lambda db: ...)           # people and communities, before it starts
node.start()
node.read(lambda db: ...)           # look into its database while it runs
node.kill9(); node.start()          # what a power cut does
"""

import os
import secrets
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import create_engine, make_url, text, update
from sqlalchemy.orm import Session

from models import queues
from models.base import now
from models.database import Database, Node
from models.inbox import Received
from models.jobs import Job
from models.outbox import Delivery
from models.peers import Peer
from server.commands.node import make
from server.settings import Settings
from tests.fediverse.front import Front
from tests.fediverse.ground import Ground, free_port
from tests.fediverse.processes import Process, until
from tests.fediverse.visitor import Visitor

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
TORV = (sys.executable, "-c", "from server.cli import main; main()")
PASSWORD = "torvet-er-aabent"


class RealNode:
    """One node. The front keeps its address when the process behind it dies."""

    def __init__(self, ground: Ground, name: str, **settings: str) -> None:
        self.ground = ground
        self.name = name
        self.host = ground.host(name)
        self.origin = f"https://{self.host}"
        self.node = Node(self.origin, self.host)
        self.folder = ground.folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.database_url, self._drop = _new_database(self.folder)
        make(Settings(origin=self.origin, data_dir=str(self.folder), database_url=self.database_url))
        self.database = Database(self.database_url, self.node)
        self.front = Front(ground, name, self.port)
        self._more = settings
        self._process: Process | None = None
        self._workers: list[Process] = []

    def environ(self) -> dict[str, str]:
        """The environment of its processes: settings as an administrator gives them."""
        chosen = {
            "ORIGIN": self.origin,
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "LISTEN_PORT": str(self.port),
            "ADMIN_PORT": "0",
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "FETCH_ALLOW": f"127.0.0.0/8:{self.ground.port}",
            "RESOLVE": ",".join(f"{name}={address}" for name, address in self.ground.addresses.items()),
            "CA_FILE": str(self.ground.ca_file),
            **self._more,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TORV_", "DATABASE_URL"))}
        return kept | {f"TORV_{name}": value for name, value in chosen.items()} | {"PYTHONPATH": str(ROOT)}

    def start(self) -> None:
        """Start `torv serve` and wait until it answers through its front."""
        log = self.folder / "serve.log"
        self._process = process = Process([*TORV, "serve"], log, self.environ(), self.folder)

        def ready() -> bool:
            assert process.running, process.tail()
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        until(f"{self.name} answers", ready, seconds=30, tell=process.tail)

    def start_worker(self) -> Process:
        """Start a `torv worker` beside it."""
        log = self.folder / f"worker{len(self._workers)}.log"
        self._workers.append(Process([*TORV, "worker"], log, self.environ(), self.folder))
        return self._workers[-1]

    @property
    def process(self) -> Process:
        """The running `torv serve`."""
        assert self._process is not None
        return self._process

    def kill9(self) -> None:
        """What a power cut does to it."""
        self.process.kill()

    def close(self) -> None:
        """End everything and throw its database away."""
        for process in (*self._workers, *([self._process] if self._process else [])):
            if process.running:
                process.stop()
        self.front.close()
        self.database.close()
        self._drop()

    def log(self) -> str:
        """The end of what it logged."""
        return self.process.tail()

    # What is in it

    def fill(self, work: Callable[[Session], T]) -> T:
        """Write to its database directly; a running node notices within a second."""
        return self.database.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Look into its database."""
        with self.database.reading() as db:
            return work(db)

    def until(self, what: str, found: Callable[[Session], T], *, seconds: float = 15.0) -> T:
        """Wait until its database shows something true, and return it."""
        return until(f"{self.name}: {what}", lambda: self.read(found), seconds=seconds, tell=self.state)

    def state(self) -> str:
        """Queues and logs, for whoever wonders why something did not happen."""

        def due(row: Job | Delivery) -> str:
            return (
                f"due {row.run_at:%H:%M:%S}, held until {row.locked_until:%H:%M:%S}"
                if row.locked_until
                else f"due {row.run_at:%H:%M:%S}"
            )

        def look(db: Session) -> str:
            received = [f"{row.type} {row.state} {row.note}" for row in db.query(Received).order_by(Received.id)]
            waiting = [f"{row.inbox} {row.attempts} {row.error[:300]} {due(row)}" for row in db.query(Delivery)]
            jobs = [f"{job.kind} {job.payload} {job.attempts} {job.error} {due(job)}" for job in db.query(Job)]
            return "\n".join(["received:", *received[-12:], "deliveries:", *waiting[-8:], "jobs:", *jobs[-8:]])

        return f"--- {self.name}\n{self.read(look)}\n{self.log()}"

    def quiet(self, db: Session) -> bool:
        """Whether nothing waits in any of its queues."""
        return all(queue.waiting == 0 for queue in queues.overview(db))

    def let_time_pass(self, hours: float = 1.0, *, leases: bool = False) -> None:
        """Let everything that waits have waited for so long: retries come due, leases and open circuits run out.

        Of a running node only what no process holds is touched; with `leases` that too, where one of its workers died.
        """
        alive = self._process is not None and self._process.running and not leases
        step = timedelta(hours=hours)

        def work(db: Session) -> None:
            present = now()
            tables: tuple[type[Job] | type[Delivery] | type[Received], ...] = (Job, Delivery, Received)
            for table in tables:
                for row in db.query(table):
                    if alive and row.locked_until is not None and row.locked_until > present:
                        continue
                    earlier = {"run_at": row.run_at - step} if row.run_at.year < 9999 else {}
                    if row.locked_until is not None:
                        earlier["locked_until"] = row.locked_until - step
                    if earlier:  # by statement: a running process may have finished the row meanwhile
                        db.execute(update(table).where(table.id == row.id).values(earlier))
            for peer in db.query(Peer):
                if peer.open_until is not None:
                    peer.open_until -= step

        self.database.write(work)

    # Who uses it

    def visitor(self, username: str) -> Visitor:
        """Somebody signs in, in a browser."""
        return Visitor(self.ground, self.origin, username, PASSWORD)


def settle(*nodes: RealNode, seconds: float = 30.0) -> None:
    """Wait until nothing waits on any of these nodes, so that what did not happen by then never will."""
    end = time.monotonic() + seconds
    while True:
        # Twice: what left one queue may just be on its way into the other node's.
        if all(node.read(node.quiet) for node in nodes) and all(node.read(node.quiet) for node in nodes):
            return
        assert time.monotonic() < end, "the queues did not empty\n" + "\n".join(node.state() for node in nodes)
        time.sleep(0.05)


def _new_database(folder: Path) -> tuple[str, Callable[[], None]]:
    server = os.environ.get("TORV_TEST_DATABASE_URL", "")
    if not server:
        return f"sqlite:///{folder / 'torv.db'}", lambda: None
    name = f"torv_real_{secrets.token_hex(6)}"
    url = make_url(server).set(drivername="postgresql+psycopg")

    def admin(statement: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    admin(f"CREATE DATABASE {name}")
    return (
        url.set(database=name).render_as_string(hide_password=False),
        lambda: admin(f"DROP DATABASE {name} WITH (FORCE)"),
    )
