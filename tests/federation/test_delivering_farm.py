"""Delivering over real TLS on loopback: one healthy server beside a dead, a silent, a failing and a busy one."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from federation import delivering
from federation.client import Client
from federation.context import Federation, Limits
from models import accounts, actors, deliveries, outbox
from models.actors import Actor
from models.database import Database
from models.queues import hosts
from tests.federation.fetching import Resolver
from tests.federation.hostile import Certificates, Peer, answer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
T = TypeVar("T")
EACH = 300
LOCAL = ["127.0.0.1"]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port on which connections are neither taken nor refused: its queue is full and nobody accepts."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    try:
        yield listener.getsockname()[1]
    finally:
        for one in (*fillers, listener):
            one.close()


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Farm:
    """The servers, and the node that delivers to them."""

    database: Database
    fed: Federation
    peers: dict[str, Peer]
    inboxes: dict[str, str]

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def queue(self, name: str, how_many: int) -> None:
        inbox = self.inboxes[name]
        host = inbox.split("/")[2]

        def work(db: Session) -> None:
            lene = _lene(db)
            for _ in range(how_many):
                row = outbox.record(db, "Like", lene, object_uri=inbox, public=True)
                row.body = '{"type":"Like"}'
                row.object_uri = row.uri
                deliveries.add_batch(db, row, [(inbox, host)])

        self.do(work)

    async def deliver(self, enough: Callable[[], bool], seconds: float) -> float:
        """Deliver until it is enough; how many seconds that took."""
        stop = asyncio.Event()
        begun = time.monotonic()
        task = asyncio.create_task(delivering.run(self.fed, stop))
        try:
            async with asyncio.timeout(seconds):
                while not enough():  # noqa: ASYNC110 - the servers are outside
                    await asyncio.sleep(0.01)
            return time.monotonic() - begun
        finally:
            stop.set()
            await asyncio.wait_for(task, 20)


def _lene(db: Session) -> Actor:
    found = actors.by_handle(db, "lene")
    if found is None:
        account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
        found = actors.get(db, account.id)
    return found


@pytest.fixture
async def farm(database: Database, certificates: Certificates) -> AsyncIterator[Farm]:
    busy = answer(429, headers=["Retry-After: 60"])
    peers = {
        "healthy": await Peer(certificates.server, {"/inbox": answer(202)}).start(),
        "failing": await Peer(certificates.server, {"/inbox": answer(500)}).start(),
        "busy": await Peer(certificates.server, {"/inbox": busy}).start(),
        "expired": await Peer(certificates.server, {"/inbox": answer(202)}).start(),
    }
    with black_hole() as hole:
        ports = {name: peer.port for name, peer in peers.items()} | {"dead": _unused_port(), "silent": hole}
        names = {name: f"{name}.good.test" for name in ports} | {"expired": "not-in-the-certificate.example"}
        inboxes = {name: f"https://{names[name]}:{port}/inbox" for name, port in ports.items()}
        inboxes["nowhere"] = f"https://nowhere.good.test:{ports['healthy']}/inbox"
        client = Client(
            user_agent="Torv/test",
            ca_file=certificates.ca_file,
            fetch_allow=[f"127.0.0.0/8:{port}" for port in ports.values()],
            resolver=Resolver(dict.fromkeys(names.values(), LOCAL)),
        )
        fed = Federation(database, client, Limits(delivery_deadline=4.0))
        yield Farm(database, fed, peers, inboxes)
        await client.aclose()
    for peer in peers.values():
        await peer.stop()


async def test_the_healthy_server_is_not_held_up_by_hundreds_of_deliveries_to_each_of_the_others(farm: Farm) -> None:
    for name in farm.inboxes:
        if name != "healthy":
            farm.queue(name, EACH)
    farm.queue("healthy", 1)
    took = await farm.deliver(lambda: len(farm.peers["healthy"].log) == 1, 5)
    assert took < 2


async def test_the_healthy_server_gets_its_hundreds_while_the_others_are_let_be(farm: Farm) -> None:
    for name in farm.inboxes:
        farm.queue(name, EACH)
    took = await farm.deliver(lambda: len(farm.peers["healthy"].log) >= EACH, 60)
    print(f"{EACH} deliveries to the healthy server beside six bad ones: {took:.1f} s")
    assert len(farm.peers["failing"].log) <= 7
    assert len(farm.peers["busy"].log) <= 2
    assert farm.peers["expired"].log == []
    left = {queue.host.split(".")[0]: queue.waiting for queue in farm.do(hosts)}
    assert left["failing"] == left["dead"] == left["nowhere"] == EACH


async def test_what_was_delivered_is_what_was_signed(farm: Farm) -> None:
    farm.queue("healthy", 3)
    await farm.deliver(lambda: len(farm.peers["healthy"].log) == 3, 10)
    assert {request.body for request in farm.peers["healthy"].log} == {b'{"type":"Like"}'}
    assert all("signature" in {key.lower() for key in request.headers} for request in farm.peers["healthy"].log)
