"""Other servers, all in one process: actors whose keys can be had, and inboxes that keep count of what they got.

python -m tests.machines.farm ADDRESS PORT

    https://h7.farm.test/users/u7         an actor
    https://h7.farm.test/inbox            answers 202, after `delay` seconds
    /control                              GET: how often which host got which activity; POST: {"delay": 0.2, "forget": true}

It speaks HTTP in clear and stands behind TLS.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import httptools
import msgspec
import uvloop

from tests import keys

DOMAIN = "farm.test"
ACTIVITY = "application/activity+json"


def host(number: int) -> str:
    """The name of a server."""
    return f"h{number}.{DOMAIN}"


def actor_at(number: int) -> str:
    """The actor of that server."""
    return f"https://{host(number)}/users/u{number}"


@cache
def _drawer() -> list[tuple[str, str]]:
    return keys.drawer()


def key_of(number: int) -> tuple[str, str]:
    """His key as (private, public): one of a drawer of few, the same in every process."""
    return _drawer()[number % keys.HOW_MANY]


def actor(number: int) -> dict[str, Any]:
    """His document."""
    uri = actor_at(number)
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": uri, "type": "Person", "preferredUsername": f"u{number}", "name": f"U{number}",
        "inbox": f"{uri}/inbox", "outbox": f"{uri}/outbox", "followers": f"{uri}/followers",
        "endpoints": {"sharedInbox": f"https://{host(number)}/inbox"},
        "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": key_of(number)[1]},
    }  # fmt: skip


class Farm:
    """What all servers together know."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.got: dict[str, Counter[str]] = {}

    def answer(self, method: bytes, host: str, target: str, body: bytes) -> tuple[int, str, Any, float]:
        """(status, type, JSON, seconds until it is sent)."""
        if target == "/control":
            if method == b"POST":
                wish = msgspec.json.decode(body)
                self.delay = wish.get("delay", self.delay)
                if wish.get("forget"):
                    self.got.clear()
            return 200, "application/json", self.got, 0.0
        if method == b"POST":
            activity = msgspec.json.decode(body)
            self.got.setdefault(activity["id"], Counter())[host] += 1
            return 202, "application/json", {}, self.delay
        name = target.rpartition("/")[2]
        if target.startswith("/users/u") and name[1:].isdigit():
            return 200, ACTIVITY, actor(int(name[1:])), 0.0
        if target.startswith("/.well-known/webfinger"):
            name = target.partition("acct%3A")[2].partition("%40")[0] or target.partition("acct:")[2].partition("@")[0]
            link = {"rel": "self", "type": ACTIVITY, "href": f"https://{host}/users/{name}"}
            return 200, "application/jrd+json", {"subject": f"acct:{name}@{host}", "links": [link]}, 0.0
        return 404, "application/json", {}, 0.0


class _Visit(asyncio.Protocol):
    """One connection."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self._write: Callable[[bytes], None] = transport.write

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._target, self._host, self._body = b"", "", bytearray()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if name.lower() == b"host":
            self._host = value.decode()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser."""
        status, kind, found, wait = self._farm.answer(
            self._parser.get_method(), self._host, self._target.decode(), bytes(self._body)
        )
        body = msgspec.json.encode(found)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, head.encode() + body)
        else:
            self._write(head.encode() + body)


async def _run(address: str, port: int) -> None:
    farm = Farm()
    server = await asyncio.get_running_loop().create_server(lambda: _Visit(farm), address, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_run(sys.argv[1], int(sys.argv[2])))
