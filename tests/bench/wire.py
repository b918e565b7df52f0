"""A cheap HTTP/1.1 client: requests are bytes made beforehand, so that the measured server has the processor to itself.

Connections are kept and go in clear to the server's own port; what stands in `Host` is up to the request.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools

AGENT = "torv-bench/1"  # GoToSocial answers 418 to a request without one
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes


@dataclass
class Burst:
    """What came of many requests: `seconds` in all, how often each status, and how long each request took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many did not end in a 2xx."""
        return sum(number for status, number in self.statuses.items() if status // 100 != 2)


def request(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request for `url`."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "User-Agent": AGENT, **headers}
    if body or method == "POST":
        fields["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Answer] | None = None
        self._body = bytearray()
        self.open = False

    def connection_made(self, transport: Any) -> None:
        self._transport, self.open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser."""
        answer = Answer(self._parser.get_status_code(), bytes(self._body))
        self._body.clear()
        if not self._parser.should_keep_alive():
            self.close()
        self._parser = httptools.HttpResponseParser(self)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    async def ask(self, message: bytes) -> Answer:
        """Send a request and wait for its answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        async with asyncio.timeout(PATIENCE):
            return await self._waiting

    def close(self) -> None:
        """Close it."""
        self.open = False
        self._transport.close()


class Wire:
    """The way to one server at `host:port`."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._idle: list[_Connection] = []

    async def ask(self, message: bytes) -> Answer:
        """One request over a kept connection, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                break
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
        answer = await connection.ask(message)
        if connection.open:
            self._idle.append(connection)
        return answer

    async def burst(self, messages: Iterable[bytes], at_once: int) -> Burst:
        """Send all of them, `at_once` at a time."""
        found, left = Burst(), iter(messages)

        async def sender() -> None:
            for message in left:
                begun = time.perf_counter()
                answer = await self.ask(message)
                found.took.append(time.perf_counter() - begun)
                found.statuses[answer.status] += 1

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as senders:
            for _ in range(at_once):
                senders.create_task(sender())
        found.seconds = time.perf_counter() - begun
        return found

    def close(self) -> None:
        """Close what is open."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
