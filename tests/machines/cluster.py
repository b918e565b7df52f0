"""A node of N web machines and M workers behind a load balancer, over one PostgreSQL, with other servers around it.

with Network() as network, Cluster(network, folder, webs=3) as cluster:
    cluster.start_web(0); cluster.start_worker(); cluster.ready()
    cluster.client().get("/healthz")
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models import accounts, actors, oauth, queues
from models.actors import Actor
from models.base import new_id, now
from models.database import Database, Node
from models.follows import Follow
from models.inbox import Received
from models.jobs import Job
from models.outbox import Delivery
from server.commands.node import make
from server.settings import Settings
from tests import farm, objects, postgres
from tests.fediverse.front import AROUND, CONFIGURATION, render, require_nginx
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD, ROOT, TORV
from tests.fediverse.processes import Process, until
from tests.fediverse.visitor import browser
from tests.machines.network import Machine, Network

T = TypeVar("T")
NAME = "torv.test"
PORT = 8000
QUEUES: tuple[type[Job] | type[Delivery] | type[Received], ...] = (Job, Delivery, Received)

FARM = """\
upstream farm {{ server {address}:8080; keepalive 512; }}
server {{
  listen {address}:443 ssl backlog=4096;
  server_name *.{domain};
  ssl_certificate {chain}; ssl_certificate_key {key};
  location / {{
    proxy_pass http://farm; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  }}
}}
"""


class Cluster:
    """All machines of the node and what they need. `hosts`: how many other servers there are."""

    def __init__(self, network: Network, folder: Path, *, webs: int, hosts: int = 8, **settings: str) -> None:
        self.network, self.folder, self.hosts = network, folder, hosts
        self.settings = settings
        self.origin = f"https://{NAME}"
        self._ending = ExitStack()
        self._webs = [network.machine(f"web{number}") for number in range(webs)]
        self.running: dict[str, tuple[Machine, Process]] = {}
        self._workers = self._starts = 0

    def __enter__(self) -> "Cluster":
        try:
            self._set_up()
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ending.close()

    def _set_up(self) -> None:
        nginx = require_nginx()
        if postgres.programs() is None:
            from tests.missing import missing

            missing("PostgreSQL is not installed")
        self.ground = Ground(self.folder)
        self.ground.port = 443
        self._store_files()
        balancer, others, store = (self.network.machine(name) for name in ("balancer", "others", "database"))
        self.ground.addresses[NAME] = balancer.address
        for number in range(self.hosts):
            self.ground.addresses[farm.host(number)] = others.address
        self.database_url = self._ending.enter_context(postgres.running(store.address, store.within))
        self._chosen = Settings(origin=self.origin, data_dir=str(self.folder), database_url=self.database_url)
        make(self._chosen)
        self.database = Database(self.database_url, Node(self.origin, NAME))
        self._ending.callback(self.database.close)
        self.token = self.database.write(self._fill)
        self._ending.callback(self._stop_all)
        self._nginx(balancer, nginx, "balancer", self._balancing(balancer))
        self._nginx(others, nginx, "others", self._farming(others))
        command = [sys.executable, "-m", "tests.machines.farm", others.address, "8080"]
        farming = others.start(command, self.folder / "farm.log", self.environ(others), ROOT)
        self._ending.callback(farming.stop)
        self._farm = httpx.Client(base_url=f"http://{others.address}:8080", timeout=10, trust_env=False)
        self._ending.callback(self._farm.close)
        until("the other servers answer", lambda: _answers(self._farm, "/control"), tell=farming.tail)

    def _store_files(self) -> None:
        """A bucket that all machines share."""
        machine = self.network.machine("files")
        storage = self._ending.enter_context(objects.running(self.folder / "files", machine.address, machine.within))
        keys = {name.upper(): str(value) for name, value in storage.settings().items()}
        self.settings = {"MEDIA_STORE": "s3", **keys, **self.settings}

    def _nginx(self, machine: Machine, nginx: str, name: str, site: str) -> None:
        folder = self.folder / f"front-{name}"
        folder.mkdir()
        (folder / "site.conf").write_text(site)
        (folder / "nginx.conf").write_text("user root;\n" + AROUND.format(folder=folder))
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        self._ending.callback(machine.start(command, folder / "output.log", os.environ, folder).stop)

    def _balancing(self, machine: Machine) -> str:
        """The front of a node as an administrator installs it, with a line for each web machine."""
        chain, key = self.ground.certificate(NAME)
        backends = "; server ".join(f"{web.address}:{PORT} max_fails=1 fail_timeout=2s" for web in self._webs)
        return render(
            CONFIGURATION.read_text(), name=NAME, address=machine.address, port=443, plain_port=80, backend=backends,
            chain=chain, key=key,
        )  # fmt: skip

    def _farming(self, machine: Machine) -> str:
        chain, key = self.ground.certificate(f"*.{farm.DOMAIN}")
        return FARM.format(address=machine.address, domain=farm.DOMAIN, chain=chain, key=key)

    def _fill(self, db: Session) -> str:
        """Anna, and somebody on each other server who follows her."""
        anna = accounts.create(db, username="anna", email="anna@torv.test", password=PASSWORD, role="member")
        people = [
            {
                "id": new_id(), "uri": farm.actor_at(number), "type": "Person", "local": False, "username": f"u{number}",
                "username_key": f"u{number}", "domain": farm.host(number), "inbox": f"{farm.actor_at(number)}/inbox",
                "shared_inbox": f"https://{farm.host(number)}/inbox", "changed_at": now(),
            }
            for number in range(self.hosts)
        ]  # fmt: skip
        db.execute(insert(Actor), people)
        follows = [
            {
                "id": new_id(), "uri": f"{one['uri']}/f", "follower_id": one["id"], "target_id": anna.id,
                "state": "accepted",
            }
            for one in people
        ]  # fmt: skip
        db.execute(insert(Follow), follows)
        return oauth.issue_for(db, anna, "read write follow", app_name="tests")

    def environ(self, machine: Machine, **more: str) -> dict[str, str]:
        """The settings of a machine, as its administrator gives them."""
        chosen = {
            "ORIGIN": self.origin, "DATA_DIR": str(self.folder / machine.name), "DATABASE_URL": self.database_url,
            "LISTEN_HOST": machine.address, "LISTEN_PORT": str(PORT), "ADMIN_PORT": "0",
            "TRUSTED_PROXIES": f"{self.ground.addresses[NAME]}/32", "FETCH_ALLOW": f"{self.network.range}:443",
            "RESOLVE": ",".join(f"{name}={address}" for name, address in self.ground.addresses.items()),
            "CA_FILE": str(self.ground.ca_file), "WORKERS_IN_SERVE": "false", "API_CALLS": "1000000",
            **self.settings, **more,
        }  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TORV_", "DATABASE_URL"))}
        return kept | {f"TORV_{name}": value for name, value in chosen.items()} | {"PYTHONPATH": str(ROOT)}

    # Machines that come and go

    def start_web(self, number: int, **settings: str) -> str:
        """Start a web machine; its name."""
        self._start(self._webs[number], "serve", **settings)
        return self._webs[number].name

    def start_worker(self, **settings: str) -> str:
        """Start one more worker on a machine of its own; its name."""
        machine = self.network.machine(f"worker{self._workers}")
        self._workers += 1
        self._start(machine, "worker", **settings)
        return machine.name

    def ready(self, *names: str) -> None:
        """Wait until these work: all that run, without names."""
        for name in names or list(self.running):
            process = self.running[name][1]

            def working(process: Process = process) -> bool:
                assert process.running, process.tail()
                return b"[torv.serve]" in process.log.read_bytes() or b"[torv.worker]" in process.log.read_bytes()

            until(f"{name} works", working, seconds=40, tell=process.tail)

    def _start(self, machine: Machine, what: str, **settings: str) -> Process:
        self._starts += 1
        log, folder = self.folder / f"{machine.name}-{self._starts}.log", self.folder / machine.name
        process = machine.start([*TORV, what], log, self.environ(machine, **settings), folder)
        self.running[machine.name] = machine, process
        return process

    def kill(self, name: str) -> None:
        """kill -9."""
        self.running.pop(name)[1].kill()

    def stop(self, name: str) -> None:
        """Stop it in the orderly way."""
        self.running.pop(name)[1].stop()

    def cut(self, name: str) -> None:
        """Pull the cable of a machine that runs."""
        self.running[name][0].cut()

    def join(self, name: str) -> None:
        """Put it back."""
        self.running[name][0].join()

    def _stop_all(self) -> None:
        for name in list(self.running):
            self.kill(name)

    # Who uses it

    def client(self, **more: Any) -> httpx.Client:
        """An app of Anna's, by way of the load balancer."""
        made = browser(self.ground, self.origin, **more)
        made.headers["Authorization"] = f"Bearer {self.token}"
        return made

    def arrived(self) -> dict[str, Counter[str]]:
        """By activity: how often which other server got it."""
        got = self._farm.get("/control").json()
        return {id: Counter(hosts) for id, hosts in got.items()}

    def tell_others(self, **wish: Any) -> None:
        """`delay`: seconds they take to answer; `forget`: what came so far."""
        self._farm.post("/control", content=json.dumps(wish)).raise_for_status()

    # What is in it

    def read(self, work: Callable[[Session], T]) -> T:
        """Look into its database."""
        with self.database.reading() as db:
            return work(db)

    def waiting(self) -> int:
        """How much waits in its queues."""
        return sum(queue.waiting for queue in self.read(queues.overview))

    def only_leases_left(self) -> bool:
        """Whether all that still waits is held by somebody, or was tried and waits for its next time."""
        present = now()
        return not self.read(
            lambda db: any(
                db.scalar(
                    select(table.id).where(
                        table.run_at <= present,
                        (table.locked_until.is_(None)) | (table.locked_until <= present),
                        *([table.dead_at.is_(None)] if table is not Received else [Received.state == "waiting"]),
                    ).limit(1)
                )
                for table in QUEUES
            )
        )  # fmt: skip

    def let_leases_run_out(self) -> None:
        """Let an hour pass for all that waits: what the dead held comes free, and what failed is due."""
        step = timedelta(hours=1)

        def work(db: Session) -> None:
            for table in QUEUES:
                for row in db.scalars(select(table)):
                    earlier = {"run_at": row.run_at - step} if row.run_at.year < 9999 else {}
                    if row.locked_until is not None:
                        earlier["locked_until"] = row.locked_until - step
                    if earlier:
                        db.execute(update(table).where(table.id == row.id).values(earlier))

        self.database.write(work)

    def state(self) -> str:
        """Queues and the ends of the logs, for whoever wonders why something did not happen."""
        found = [f"{queue.name}: {queue.waiting} wait, {queue.dead} dead" for queue in self.read(queues.overview)]
        logs = [f"--- {name}\n{process.tail(1500)}" for name, (_, process) in self.running.items()]
        return "\n".join([*found, *logs])


def anna(db: Session) -> Actor:
    """She whose posts all follow."""
    found = actors.by_handle(db, "anna")
    assert found is not None
    return found


def retried(attempts: Sequence[float], deed: Callable[[], T | None]) -> T:
    """Do something until it succeeds, as clients and other servers do: a machine that is gone has promised nothing."""
    for wait in attempts:
        try:
            if (found := deed()) is not None:
                return found
        except httpx.TransportError:
            pass
        time.sleep(wait)
    raise AssertionError("it did not succeed in any of its attempts")


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False
