"""A transport of httpx for the way out: HTTP/1.1 over TLS, one request at a time on a connection, kept for a while.

httpx's own transport takes most of the CPU of a delivery for what we never use: proxies, HTTP/2, three event loops, and
a pool for many hosts. The parts where one can go wrong are not ours here either: OpenSSL speaks TLS within asyncio, and
llhttp (of Node.js, by `httptools`, as in our own server) reads what comes back, strictly.

Who is asked, and whether, is decided in `client` alone: the URL that comes here has an address that was checked.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools
import httpx

KEPT_FOR = 20.0
"""Seconds an idle connection is good for: most servers close theirs some time later."""

HEAD_BYTES = 65_536
"""Most bytes of a status line and headers, those of interim answers included; and of trailers."""

FIELDS = 1000
"""Most header fields."""

FRAMING = 16
"""Most bytes that an answer may have around each byte of its body, besides HEAD_BYTES."""

AHEAD = 65_536
"""Bytes of a body that may wait to be read, before the other side is made to wait."""


class Wire(httpx.AsyncBaseTransport):
    """The connections to one host; of those that are idle the last used goes first.

    Read as httpx's own transport reads them: `sni_hostname`, `target` and the connect `timeout`, each for reaching the
    address and for TLS, from the request's extensions. How long the answer may take, and how large it may be, is up to
    the caller. The request has a Content-Length if it has a body.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._idle: list[Line] = []
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body comes, not unpacked, as it is read. A kept connection that turns out to be closed
        is replaced once: both GETs and deliveries can be repeated, because receivers know an activity by its id."""
        message = _head(request) + await request.aread()
        if (line := self._take()) is not None:
            try:
                return await self._ask(line, message)
            except httpx.TransportError:
                if line.heard:
                    raise
        return await self._ask(await _connect(request, self._tls), message)

    async def _ask(self, line: "Line", message: bytes) -> httpx.Response:
        try:
            status, headers = await line.ask(message)
        except BaseException:
            line.abort()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(self, line))

    def _take(self) -> "Line | None":
        """An idle connection that is likely to be still open."""
        while self._idle:
            line = self._idle.pop()
            if line.usable and time.monotonic() - line.idle_since < KEPT_FOR:
                return line
            line.abort()
        return None

    def give_back(self, line: "Line") -> None:
        """Keep a connection whose answer was read; close it where it can carry no other."""
        if line.end() and not self._closed:
            self._idle.append(line)
        else:
            line.abort()

    async def aclose(self) -> None:
        """Close all that are idle, and others when their answer was read."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back."""

    def __init__(self, wire: Wire, line: "Line") -> None:
        self._wire = wire
        self._line: Line | None = line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._line is not None and (chunk := await self._line.read()):
            yield chunk

    async def aclose(self) -> None:
        if self._line is not None:
            line, self._line = self._line, None
            self._wire.give_back(line)


def _head(request: httpx.Request) -> bytes:
    """A request's first line and headers. Raises LocalProtocolError for what would be read as another one."""
    target = request.extensions.get("target", request.url.raw_path)
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%b: %b" % field for field in request.headers.raw]
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\r") != breaks or head.count(b"\n") != breaks or b"\0" in head:
        raise httpx.LocalProtocolError("a line break in a header")
    return head + b"\r\n\r\n"


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.heard = False
        """Whether anything of the present answer has come."""
        self._transport: asyncio.Transport | None = None
        self._lost: httpx.TransportError | None = None
        self._begin()

    def _begin(self) -> None:
        # A parser of its own for each answer: nothing of one can be taken for a part of the next.
        self._parser = httptools.HttpResponseParser(self)
        self._asked = self.heard = self._headed = self._whole = self._goes_on = False
        self._around = HEAD_BYTES
        """How many more bytes that are no body may come."""
        self._waiting: deque[bytes] = deque()
        self._wait_bytes = 0
        self._paused = False
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._news = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._lost is None and self._transport is not None and not self._transport.is_closing()

    async def ask(self, message: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send a request and wait for status and headers of its answer. Raises a TransportError."""
        self._begin()
        self._asked = True
        assert self._transport is not None
        self._transport.write(message)
        while not self._headed:
            await self._hear()
        return self._status, self._headers

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises a TransportError."""
        while not self._waiting:
            if self._whole:
                return b""
            await self._hear()
        chunk = self._waiting.popleft()
        self._wait_bytes -= len(chunk)
        if self._paused and self._wait_bytes <= AHEAD // 2 and self.usable:
            assert self._transport is not None
            self._transport.resume_reading()
            self._paused = False
        return chunk

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
        self._around -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"no answer in HTTP: {type(error).__name__}")
            return
        if self._around < 0:
            self._fail("headers or chunks without end")
            return
        self._news.set()

    def eof_received(self) -> None:
        return None  # closes the transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._headed and not self._whole and error is None and self._until_the_end():
            self._whole = True
        if self._lost is None:
            closed = httpx.RemoteProtocolError("the connection was closed")
            self._lost = closed if error is None else httpx.ReadError(str(error))
        self._news.set()

    def _until_the_end(self) -> bool:
        """A body that says nothing of its length ends with the connection."""
        names = {name.lower() for name, _ in self._headers}
        return b"content-length" not in names and b"transfer-encoding" not in names

    def _fail(self, text: str) -> None:
        if self._lost is None:
            self._lost = httpx.RemoteProtocolError(text)
        self.abort()
        self._news.set()

    # -- what the parser calls

    def on_message_begin(self) -> None:
        if self._whole:
            self._fail("a second answer to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # else it is a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._whole:
            return  # of a second answer, for which the connection was given up
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._headers = []  # an interim answer; the real one follows
        elif len(self._headers) > FIELDS:
            self._fail("more headers than anybody needs")
        else:
            self._headed = True

    def on_body(self, body: bytes) -> None:
        if self._whole or not self._headed:
            return
        self._around += len(body) * (1 + FRAMING)
        self._waiting.append(body)
        self._wait_bytes += len(body)
        if self._wait_bytes > AHEAD and not self._paused and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True

    def on_message_complete(self) -> None:
        if self._headed and not self._whole:
            self._whole, self._goes_on = True, self._parser.should_keep_alive()


async def _connect(request: httpx.Request, tls: ssl.SSLContext) -> Line:
    """A new connection to the address in the URL. Raises ConnectError or ConnectTimeout; then nothing was sent."""
    loop = asyncio.get_running_loop()
    address, name = request.url.host, request.extensions.get("sni_hostname", request.url.host)
    seconds = request.extensions.get("timeout", {}).get("connect")
    plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    plain.setblocking(False)
    try:
        async with asyncio.timeout(seconds):
            await loop.sock_connect(plain, (address, request.url.port or 443))
    except BaseException as error:
        plain.close()
        if isinstance(error, TimeoutError):
            raise httpx.ConnectTimeout("it did not answer in time") from error
        if isinstance(error, OSError):
            raise httpx.ConnectError(str(error)) from error
        raise
    try:
        _, line = await loop.create_connection(
            Line, sock=plain, ssl=tls, server_hostname=name, ssl_handshake_timeout=seconds
        )
    except (TimeoutError, ConnectionAbortedError) as error:
        raise httpx.ConnectTimeout("TLS took too long") from error
    except OSError as error:  # a certificate that is not to be trusted among them
        raise httpx.ConnectError(str(error) or type(error).__name__) from error
    return line
