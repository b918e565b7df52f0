"""HTTP/1.1 over TLS as we need it on the way out: one request at a time on a connection, connections kept for a while.

A delivery to a thousand hosts spent most of its CPU in the layers of a general HTTP library, which knows proxies,
redirects, HTTP/2 and three event loops. The parts where one can go wrong are not ours here either: OpenSSL speaks TLS
within asyncio, and llhttp (of Node.js, by `httptools`, as in our own server) reads what comes back, strictly.

Who is asked, and whether, is decided in `client` alone: what comes here is an address that was checked.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import httptools

KEPT_FOR = 20.0
"""Seconds an idle connection is good for: most servers close theirs some time later."""

HEAD_BYTES = 65_536
"""Most bytes of a status line and headers, those of interim answers included."""

AHEAD = 65_536
"""Bytes of a body that may wait to be read, before the other side is made to wait."""


class Unfit(Exception):
    """The request cannot be written as one."""


class NoConnection(OSError):
    """No connection came about; nothing was sent. `slow`: because it took too long."""

    def __init__(self, text: str, *, slow: bool = False) -> None:
        super().__init__(text)
        self.slow = slow


class Broken(OSError):
    """The connection ended, or what came over it is not HTTP."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to: an address that was checked, and the name that TLS asks a certificate for."""

    address: str
    port: int
    name: str
    tls: ssl.SSLContext


@dataclass(slots=True)
class Reply:
    """The answer's head; its body is read by `chunks`, as it comes and not unpacked."""

    status: int
    headers: list[tuple[str, str]]
    chunks: AsyncIterator[bytes]


def head(method: str, target: str, headers: Mapping[str, str], length: int | None) -> bytes:
    """The first lines of a request. Raises Unfit for what would be read as another one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise Unfit("a line break in a header")
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise Unfit("a header beyond Latin-1") from None


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.heard = False
        """Whether anything of the present answer has come."""
        self._transport: asyncio.Transport | None = None
        self._lost: Broken | None = None
        self._begin()

    def _begin(self) -> None:
        # A parser of its own for each answer: nothing of one can be taken for a part of the next.
        self._parser = httptools.HttpResponseParser(self)
        self._asked = self.heard = self._headed = self._whole = self._goes_on = False
        self._bytes = 0
        self._waiting: deque[bytes] = deque()
        self._wait_bytes = 0
        self._paused = False
        self._headers: list[tuple[str, str]] = []
        self._news = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._lost is None and self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Reply:
        """Send a request and wait for the head of its answer. Raises Broken."""
        self._begin()
        self._asked = True
        assert self._transport is not None
        self._transport.write(request)
        while not self._headed:
            await self._hear()
        return Reply(self._parser.get_status_code(), self._headers, self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            while self._waiting:
                chunk = self._waiting.popleft()
                self._wait_bytes -= len(chunk)
                if self._paused and self._wait_bytes <= AHEAD // 2 and self.usable:
                    assert self._transport is not None
                    self._transport.resume_reading()
                    self._paused = False
                yield chunk
            if self._whole:
                return
            await self._hear()

    async def _hear(self) -> None:
        """Wait until there is more, or raise what ended the connection."""
        if self._lost is not None:
            raise self._lost
        self._news.clear()
        await self._news.wait()

    def end(self) -> bool:
        """The answer was read as far as anybody wants it. False if the connection is good for no other request."""
        good = self._whole and self._goes_on and not self._waiting and self.usable
        self._asked = False
        self.idle_since = time.monotonic()
        return good

    def abort(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        if not self._asked or self._whole:
            self._fail("an answer that nobody asked for")
            return
        self.heard = True
        if not self._headed:
            self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"no answer in HTTP: {type(error).__name__}")
            return
        if not self._headed and self._bytes > HEAD_BYTES:
            self._fail("a head without end")
        self._news.set()

    def eof_received(self) -> None:
        return None  # closes the transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._headed and not self._whole and error is None and self._until_the_end():
            self._whole = True
        if self._lost is None:
            self._lost = Broken(str(error) if error else "the connection was closed")
        self._news.set()

    def _until_the_end(self) -> bool:
        """A body that says nothing of its length ends with the connection."""
        names = {name.lower() for name, _ in self._headers}
        return "content-length" not in names and "transfer-encoding" not in names

    def _fail(self, text: str) -> None:
        if self._lost is None:
            self._lost = Broken(text)
        self.abort()
        self._news.set()

    # -- what the parser calls

    def on_message_begin(self) -> None:
        if self._whole:
            self._fail("a second answer to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # else it is a trailer
            self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._whole:
            return  # of a second answer, for which the connection was given up
        if self._parser.get_status_code() < 200:
            self._headers = []  # an interim answer; the real one follows
            return
        self._headed = True

    def on_body(self, body: bytes) -> None:
        if self._whole:
            return
        self._waiting.append(body)
        self._wait_bytes += len(body)
        if self._wait_bytes > AHEAD and not self._paused and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True

    def on_message_complete(self) -> None:
        if self._headed and not self._whole:
            self._whole, self._goes_on = True, self._parser.should_keep_alive()


async def connect(place: Place, seconds: float) -> Line:
    """A new connection, within `seconds` for reaching the address and as many for TLS. Raises NoConnection."""
    loop = asyncio.get_running_loop()
    plain = socket.socket(socket.AF_INET6 if ":" in place.address else socket.AF_INET, socket.SOCK_STREAM)
    plain.setblocking(False)
    try:
        async with asyncio.timeout(seconds):
            await loop.sock_connect(plain, (place.address, place.port))
    except BaseException as error:
        plain.close()
        if isinstance(error, TimeoutError):
            raise NoConnection("it did not answer in time", slow=True) from error
        if isinstance(error, OSError):
            raise NoConnection(str(error)) from error
        raise
    try:
        _, line = await loop.create_connection(
            Line, sock=plain, ssl=place.tls, server_hostname=place.name, ssl_handshake_timeout=seconds
        )
    except (TimeoutError, ConnectionAbortedError) as error:
        raise NoConnection("TLS took too long", slow=True) from error
    except OSError as error:  # a certificate that is not to be trusted among them
        raise NoConnection(str(error) or type(error).__name__) from error
    return line


@dataclass(eq=False)
class Lines:
    """The connections to one host: those that are idle, the last used first."""

    _idle: list[Line] = field(default_factory=list)
    closed: bool = False

    def take(self) -> Line | None:
        """An idle connection that is likely to be still open."""
        while self._idle:
            line = self._idle.pop()
            if line.usable and time.monotonic() - line.idle_since < KEPT_FOR:
                return line
            line.abort()
        return None

    def give_back(self, line: Line) -> None:
        """Keep a connection whose answer was read; close it where it can carry no other."""
        if line.end() and not self.closed:
            self._idle.append(line)
        else:
            line.abort()

    async def aclose(self) -> None:
        """Close all that are idle, and others when they are given back."""
        self.closed = True
        while self._idle:
            self._idle.pop().abort()
