"""Many fake servers in one process: their names, their handles, and the way in, in clear HTTP behind TLS.

    https://h7.farm.test/users/u7         the actor of server 7

What they answer is for those who farm: `bench.peers`, `machines.farm`.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httptools
import msgspec

DOMAIN = "farm.test"
ACTIVITY = "application/activity+json"
JSON = "application/json"

Answer = Callable[[bytes, str, str, bytes], tuple[int, str, Any, float]]
"""(method, host, target, body) to (status, type, what becomes JSON, seconds until it is sent)."""


def host(number: int) -> str:
    """The name of a server."""
    return f"h{number}.{DOMAIN}"


def actor_at(number: int, port: int = 443) -> str:
    """The actor of that server."""
    return f"https://{host(number)}{'' if port == 443 else f':{port}'}/users/u{number}"


def handle_at(number: int, port: int = 443) -> str:
    """His handle."""
    return f"@u{number}@{host(number)}{'' if port == 443 else f':{port}'}"


def web_finger(host: str, query: str) -> tuple[int, str, Any]:
    """(status, type, JSON) of who has a handle on a host."""
    name = parse_qs(query).get("resource", [""])[0].removeprefix("acct:").partition("@")[0]
    link = {"rel": "self", "type": ACTIVITY, "href": f"https://{host}/users/{name}"}
    return 200, "application/jrd+json", {"subject": f"acct:{name}@{host}", "links": [link]}


class _Visit(asyncio.Protocol):
    """One connection."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
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
        status, kind, found, wait = self._answer(
            self._parser.get_method(), self._host, self._target.decode(), bytes(self._body)
        )
        body = msgspec.json.encode(found)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, head.encode() + body)
        else:
            self._write(head.encode() + body)


async def listen(answer: Answer, address: str, port: int = 0) -> asyncio.Server:
    """Take visits at an address; port 0 is any that is free."""
    return await asyncio.get_running_loop().create_server(lambda: _Visit(answer), address, port, backlog=4096)
