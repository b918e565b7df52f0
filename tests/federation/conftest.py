"""Fixtures of the client tests: a hostile peer on loopback, and clients that may reach it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from federation.client import Client

from .fetching import DOCUMENT, NAMES, Make, Resolver
from .hostile import Certificates, Peer, answer, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def peer(certificates: Certificates) -> AsyncIterator[Peer]:
    made = await Peer(certificates.server, {"/u/anna": answer(200, DOCUMENT)}).start()
    yield made
    await made.stop()


@pytest.fixture
async def make(certificates: Certificates, peer: Peer) -> AsyncIterator[Make]:
    made: list[Client] = []

    def client(**kwargs: Any) -> Client:
        settings: dict[str, Any] = {
            "user_agent": "Torv/test (+https://ask.test)",
            "ca_file": certificates.ca_file,
            "fetch_allow": [f"127.0.0.0/8:{peer.port}"],
            "resolver": Resolver({name: ["127.0.0.1"] for name in NAMES}),
        }
        made.append(Client(**settings | kwargs))
        return made[-1]

    yield client
    for each in made:
        await each.aclose()
