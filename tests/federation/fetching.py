"""Shared by the client tests: a resolver to lie with, a signer, and what a refusal looks like."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from federation import signatures
from federation.client import Client, FetchError, Refused
from models.base import now

from .signing import KEY_ID, keypair

DOCUMENT = b'{"id":"https://good.test/u/anna","type":"Person"}'
NAMES = ("good.test", "other.test", "evil.test")
Make = Callable[..., Client]


class Resolver:
    """Names to addresses; a callable instead of a list answers anew each time."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        found = self.known.get(host, [])
        return found() if callable(found) else found  # type: ignore[no-any-return]


class NodeSigner:
    """Signs as the node does."""

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        return signatures.sign_cavage(keypair()[0], KEY_ID, method, url, body, now())


async def refused(work: Awaitable[Any], code: str | None = None, kind: type[FetchError] = Refused) -> FetchError:
    with pytest.raises(kind) as caught:
        await work
    if code is not None:
        assert caught.value.code == code, caught.value
    return caught.value
