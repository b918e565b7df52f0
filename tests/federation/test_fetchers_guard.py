"""Whoever makes us fetch, and whatever for: an address inside our network is never connected to (T12)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from federation import backfill, delivering, discovery, resolving
from federation.budget import Budget
from federation.client import Client
from federation.context import Federation
from federation.documents import FetchFailed, fetch_collection
from federation.forwarding import forward
from federation.urls import BadUrl
from models import accounts, actors, deliveries, inbox, outbox
from models.database import Database
from models.errors import DomainError
from tests.federation.fetching import Resolver
from tests.federation.hostile import Certificates, Peer

pytestmark = [pytest.mark.anyio, pytest.mark.once]
HOST = "inside.good.test"
"""Its name leads to this machine."""

Node = Callable[[str], Federation]


@pytest.fixture
async def inside(certificates: Certificates) -> AsyncIterator[Peer]:
    peer = await Peer(certificates.server).start()
    yield peer
    await peer.stop()


@pytest.fixture
async def node(database: Database, certificates: Certificates, inside: Peer) -> AsyncIterator[Node]:
    """The node, with nothing opened at the peer's port but the network that the test names."""
    database.write(
        lambda db: accounts.create(db, username="lene", email="lene@a.example", password="lang nok til alle")
    )
    clients: list[Client] = []

    def opened(network: str) -> Federation:
        client = Client(
            user_agent="Torv/test",
            ca_file=certificates.ca_file,
            fetch_allow=[f"{network}:{inside.port}"],
            resolver=Resolver({HOST: ["127.0.0.1"]}),
        )
        clients.append(client)
        return Federation(database, client)

    yield opened
    for client in clients:
        await client.aclose()


async def _deliver(fed: Federation, url: str) -> None:
    """One attempt of the courier."""

    def queue(db: Any) -> None:
        activity = outbox.record(db, "Like", actors.by_handle(db, "lene"), object_uri=url, public=True)
        activity.body = "{}"
        deliveries.add_batch(db, activity, [(url, url.split("/")[2])])

    fed.database.write(queue)
    (claimed,) = fed.database.write(lambda db: deliveries.claim(db, 1, 60))
    await delivering._Courier(fed)._attempt(claimed)


async def _forward(fed: Federation, url: str) -> None:
    def keep(db: Any) -> tuple[int, int]:
        inbox.store(
            db, sender_key="x", body="{}", body_sha256="x", type="Create", key_owner="x", proof="signed", host="x"
        )
        lene = actors.by_handle(db, "lene")
        assert lene is not None
        return db.query(inbox.Received).one().id, lene.id

    received, actor = fed.database.write(keep)
    await forward(fed, {"inbox": url, "received": received, "actor": actor})


FETCHERS: dict[str, Callable[[Federation, str], Awaitable[Any]]] = {
    "an actor": lambda fed, url: resolving.actor(fed, url, Budget()),
    "a post": lambda fed, url: resolving.fetch_post(fed, url, Budget()),
    "a collection": lambda fed, url: fetch_collection(fed, url, Budget()),
    "a thread": lambda fed, url: backfill.complete_thread(fed, {"uri": url}),
    "webfinger": lambda fed, url: resolving.look_up(fed, f"@jonas@{url.split('/')[2]}"),
    "what was typed": lambda fed, url: resolving.look_up(fed, url),
    "nodeinfo": lambda fed, url: discovery.note_software(fed, {"host": url.split("/")[2]}),
    "a delivery": _deliver,
    "a forwarded reply": _forward,
}


@pytest.mark.parametrize("what", FETCHERS)
@pytest.mark.parametrize("host", [HOST, "127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "2130706433"])
async def test_t12_nothing_is_fetched_from_inside(what: str, host: str, node: Node, inside: Peer) -> None:
    with suppress(FetchFailed, DomainError, BadUrl):
        await FETCHERS[what](node("10.9.8.0/24"), f"https://{host}:{inside.port}/users/jonas")
    assert inside.connections == 0


@pytest.mark.parametrize("what", FETCHERS)
async def test_where_the_operator_opened_the_network_each_of_them_does_connect(
    what: str, node: Node, inside: Peer
) -> None:
    with suppress(FetchFailed, DomainError, TimeoutError):
        await FETCHERS[what](node("127.0.0.0/8"), f"https://{HOST}:{inside.port}/users/jonas")
    assert inside.connections > 0
