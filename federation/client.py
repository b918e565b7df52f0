"""The way out: every request that the node makes goes through here, and nothing else imports httpx.

What is promised for each request, and for each hop of a redirect anew:

- only https, only port 443, only servers with a public name whose every address is public; what the operator opened
  with `fetch_allow` comes on top. The connection goes to the very address that was checked, while TLS and the Host
  header speak of the name.
- a deadline over the whole exchange, not over each read; a limit on the size, as sent and unpacked.
- blocked domains are not asked. A signature is made for one hop and never shown to another host.

Nothing is retried, but for one thing: a kept connection that the other side had closed meanwhile is replaced once.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from federation import addresses, bodies, media_types, urls, wire
from federation.fetch_errors import BadAnswer, FetchError, Refused, TooLarge, Unreachable
from federation.names import Resolver, SystemResolver, check_name, checked_addresses
from federation.transports import TransportsByHost

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Answer",
    "BadAnswer",
    "Client",
    "FetchError",
    "Fetched",
    "Headers",
    "Refused",
    "Signer",
    "TooLarge",
    "Unreachable",
]

ADDRESSES_TRIED = 3
CONNECT_TIMEOUT = 5.0
CONNECTIONS_PER_HOST = 4
ERROR_TEXT = 4096
REDIRECTS = (301, 302, 303, 307, 308)


class Signer(Protocol):
    """Makes the headers that prove who asks; called anew for every attempt and hop."""

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Fresh headers for this very request."""


class Headers(Mapping[str, str]):
    """The header fields of an answer; names in any letter case. Repeated ones are joined with `, `."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        self._joined: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._joined[key] = f"{self._joined[key]}, {value}" if key in self._joined else value

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a GET, whatever its status. `url` is where it came from in the end, in canonical form."""

    url: str
    status: int
    headers: Headers
    body: bytes
    media_type: str
    hops: int

    @property
    def ok(self) -> bool:
        """True for 200, the only status that brings a document."""
        return self.status == 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a POST: the start of its body for the log, and how many seconds it asks us to wait."""

    status: int
    headers: Headers
    body: bytes
    retry_after: float | None


@lru_cache(maxsize=4)
def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """One TLS context for all: reading the certificate authorities costs 16 to 45 ms of CPU, and keeping them memory."""
    return ssl.create_default_context(cafile=ca_file)


async def _nobody(_host: str) -> bool:
    return False


class Client:
    """Fetches and delivers. One for each process; bound to the event loop that first uses it; `aclose` it.

    `fetch_allow`: networks and ports opened besides the public internet, e.g. `127.0.0.0/8:8443` (`:*` every port, none
    means 443). `ca_file`: a PEM file trusted instead of the system's. `resolver` replaces DNS and `transport_factory`
    the network (a host it gives None for does not exist); both are for tests. `blocked` says which hosts not to ask.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        ca_file: str | None = None,
        fetch_allow: Sequence[str] = (),
        resolver: Resolver | None = None,
        transport_factory: "Callable[[str], httpx.AsyncBaseTransport | None] | None" = None,
        blocked: Callable[[str], Awaitable[bool]] = _nobody,
        hosts_kept: int = 512,
    ) -> None:
        self._user_agent = user_agent
        self._policy = addresses.Policy(fetch_allow)
        self._resolver: Resolver = SystemResolver() if resolver is None else resolver
        self._factory = transport_factory
        self._blocked = blocked
        self._tls = _trusting(ca_file)
        self._lines = TransportsByHost(lambda host: wire.Lines(), at_once=CONNECTIONS_PER_HOST, size=hosts_kept)

    async def aclose(self) -> None:
        """Close the connections; requests under way end first."""
        await self._lines.aclose()
        if callable(close := getattr(self._resolver, "close", None)):
            close()

    async def get(
        self,
        url: str,
        *,
        accept: str = media_types.ACCEPT_ACTIVITY,
        max_bytes: int = 1_000_000,
        deadline: float = 10.0,
        redirects: int = 3,
        signer: Signer | None = None,
        content_types: Callable[[str], bool] | Collection[str] | None = None,
    ) -> Fetched:
        """Fetch a document, following at most `redirects` redirects, within `deadline` seconds in all.

        `content_types` (media types without parameters, or a judge of the whole header) is asked before the body of a
        200 is read; another type is a BadAnswer. Of other statuses only the start of the body is kept. With a `signer`
        its headers are sent, among them its own Accept. Raises FetchError.
        """
        try:
            async with asyncio.timeout(deadline):
                until = asyncio.get_running_loop().time() + deadline
                return await self._follow(_parse(url), accept, max_bytes, until, redirects, signer, content_types)
        except TimeoutError:
            raise Unreachable("timeout", f"no whole answer within {deadline:g} s") from None

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str], deadline: float = 15.0) -> Answer:
        """Deliver a body with headers signed for it. Redirects are not followed: a 3xx is just the answer.

        Raises FetchError.
        """
        try:
            async with asyncio.timeout(deadline):
                until = asyncio.get_running_loop().time() + deadline
                async with self._exchange("POST", _parse(url), headers, body, until) as reply:
                    start = await bodies.read_start(reply.chunks, keep=ERROR_TEXT)
                    found = Headers(reply.headers)
                    return Answer(reply.status, found, start, _retry_after(found.get("retry-after")))
        except TimeoutError:
            raise Unreachable("timeout", f"no whole answer within {deadline:g} s") from None

    async def _follow(
        self,
        url: urls.Url,
        accept: str,
        max_bytes: int,
        until: float,
        redirects: int,
        signer: Signer | None,
        content_types: Callable[[str], bool] | Collection[str] | None,
    ) -> Fetched:
        seen: set[str] = set()
        while True:
            if url.text in seen:
                raise BadAnswer("redirect-loop", "a redirect leads back")
            seen.add(url.text)
            headers = {"Accept": accept} if signer is None else signer.headers("GET", url.text, b"")
            async with self._exchange("GET", url, headers, None, until) as reply:
                found = Headers(reply.headers)
                location = found.get("location")
                if reply.status not in REDIRECTS or location is None:
                    body = await _body(reply, found, max_bytes, content_types)
                    kind = media_types.parse(found.get("content-type", "")).name
                    return Fetched(url.text, reply.status, found, body, kind, len(seen) - 1)
            if len(seen) > redirects:
                raise BadAnswer("redirects", f"more than {redirects} redirects")
            try:
                url = urls.join(url, _utf8(location))
            except urls.BadUrl as error:
                raise Refused("redirect", f"a redirect to no place for us: {error}") from error

    @asynccontextmanager
    async def _exchange(
        self, method: str, url: urls.Url, headers: Mapping[str, str], body: bytes | None, until: float
    ) -> AsyncIterator[wire.Reply]:
        """Send one request to one checked address and give the answer, its body still to be read."""
        if await self._blocked(url.host):
            raise Refused("blocked", f"{url.host} is blocked")
        headers = {
            "Host": url.netloc,
            "User-Agent": self._user_agent,
            "Accept-Encoding": "identity",
            **{title: value for name, value in headers.items() if (title := name.title()) != "Host"},
        }
        try:
            if self._factory is not None:
                async with self._in_process(method, url, headers, body) as reply:
                    yield reply
                return
            request = wire.head(method, url.target, headers, None if body is None else len(body)) + (body or b"")
            tried = (await checked_addresses(url, self._policy, self._resolver))[:ADDRESSES_TRIED]
            async with self._lines.lend(url.netloc) as kept:
                line, reply = await self._ask(kept.transport, tried, url, request, until)
                try:
                    yield reply
                except BaseException:
                    line.abort()
                    raise
                kept.transport.give_back(line)
        except wire.Unfit as error:
            raise Refused("request", f"a request that cannot be sent: {error}") from error
        except (wire.NoConnection, wire.Broken) as error:
            raise Unreachable(_code(error), f"{url.host}: {str(error) or type(error).__name__}") from error

    async def _ask(
        self, lines: wire.Lines, tried: Sequence[str], url: urls.Url, request: bytes, until: float
    ) -> tuple[wire.Line, wire.Reply]:
        """Ask on a kept connection, or else on a new one."""
        if (line := lines.take()) is not None:
            try:
                return line, await _reply(line, request)
            except wire.Broken:
                # The other side may have closed it just now. Both GETs and deliveries can be repeated: receivers know
                # an activity by its id.
                if line.heard:
                    raise
        line = await self._connected(tried, url, until)
        return line, await _reply(line, request)

    async def _connected(self, tried: Sequence[str], url: urls.Url, until: float) -> wire.Line:
        """Try the addresses in turn as long as no connection comes about; nothing has been sent until then."""
        for address in tried:
            # Connecting and the TLS handshake get less than half of what is left each.
            left = max(0.01, until - asyncio.get_running_loop().time())
            place = wire.Place(address, url.port, url.host, self._tls)
            try:
                return await wire.connect(place, min(CONNECT_TIMEOUT, left * 0.45))
            except wire.NoConnection:
                if address == tried[-1]:
                    raise
        raise AssertionError("no address to try")

    @asynccontextmanager
    async def _in_process(
        self, method: str, url: urls.Url, headers: dict[str, str], body: bytes | None
    ) -> AsyncIterator[wire.Reply]:
        import httpx  # here, because only nodes that meet in one process need it, and it is slow to load

        assert self._factory is not None
        check_name(url, self._policy)
        transport = self._factory(url.host)
        if transport is None:
            raise Unreachable("dns", f"{url.host} has no address")
        request = httpx.Request(method, httpx.URL(url.text), headers=headers, content=body)
        try:
            response = await transport.handle_async_request(request)
            stream = response.stream
            assert isinstance(stream, httpx.AsyncByteStream)
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
            try:
                yield wire.Reply(response.status_code, pairs, aiter(stream))
            finally:
                await response.aclose()
        except httpx.LocalProtocolError as error:
            raise wire.Unfit(str(error)) from error
        except httpx.TransportError as error:
            raise wire.Broken(str(error) or type(error).__name__) from error


async def _reply(line: wire.Line, request: bytes) -> wire.Reply:
    try:
        return await line.ask(request)
    except BaseException:
        line.abort()
        raise


def _parse(url: str) -> urls.Url:
    try:
        return urls.parse(url)
    except urls.BadUrl as error:
        raise Refused(error.code, f"not a URL to fetch: {error}") from error


async def _body(
    reply: wire.Reply,
    headers: Headers,
    max_bytes: int,
    content_types: Callable[[str], bool] | Collection[str] | None,
) -> bytes:
    if reply.status != 200:
        return await bodies.read_start(reply.chunks, keep=ERROR_TEXT)
    content_type = headers.get("content-type", "")
    if content_types is not None:
        judge = content_types if callable(content_types) else _among(content_types)
        if not judge(content_type):
            raise BadAnswer("content-type", f"an answer of type {content_type[:100]!r}")
    return await bodies.read_whole(
        reply.chunks,
        encoding=headers.get("content-encoding", ""),
        declared=headers.get("content-length", ""),
        limit=max_bytes,
    )


def _among(names: Collection[str]) -> Callable[[str], bool]:
    return lambda content_type: media_types.parse(content_type).name in names


def _utf8(text: str) -> str:
    """A header value that some servers send as raw UTF-8, read as such where it is."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _code(error: wire.NoConnection | wire.Broken) -> str:
    if isinstance(error, wire.NoConnection):
        return "timeout" if error.slow else "connect"
    return "network"


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, of either form that RFC 9110 allows; None if there is none that can be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
