"""The way out: every request that the node makes goes through here. httpx is the language, `wire` its transport.

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
from typing import Protocol

import httpx

from federation import addresses, bodies, media_types, urls, wire
from federation.fetch_errors import BadAnswer, FetchError, Refused, TooLarge, Unreachable
from federation.names import Resolver, SystemResolver, check_name, checked_addresses
from federation.transports import TransportsByHost

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
        transport_factory: Callable[[str], httpx.AsyncBaseTransport | None] | None = None,
        blocked: Callable[[str], Awaitable[bool]] = _nobody,
        hosts_kept: int = 512,
    ) -> None:
        self._user_agent = user_agent
        self._policy = addresses.Policy(fetch_allow)
        self._resolver: Resolver = SystemResolver() if resolver is None else resolver
        self._factory = transport_factory
        self._blocked = blocked
        if ca_file is not None:
            _trusting(ca_file)  # one that cannot be read is said at once; the system's wait for the first connection
        self._wires = TransportsByHost(
            lambda host: wire.Wire(_trusting(ca_file)), at_once=CONNECTIONS_PER_HOST, size=hosts_kept
        )

    async def aclose(self) -> None:
        """Close the connections; requests under way end first."""
        await self._wires.aclose()
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
                async with self._exchange("POST", _parse(url), headers, body, until) as response:
                    start = await bodies.read_start(_chunks(response), keep=ERROR_TEXT)
                    found = _headers(response)
                    return Answer(response.status_code, found, start, _retry_after(found.get("retry-after")))
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
            async with self._exchange("GET", url, headers, None, until) as response:
                found = _headers(response)
                location = found.get("location")
                if response.status_code not in REDIRECTS or location is None:
                    body = await _body(response, found, max_bytes, content_types)
                    kind = media_types.parse(found.get("content-type", "")).name
                    return Fetched(url.text, response.status_code, found, body, kind, len(seen) - 1)
            if len(seen) > redirects:
                raise BadAnswer("redirects", f"more than {redirects} redirects")
            try:
                url = urls.join(url, _utf8(location))
            except urls.BadUrl as error:
                raise Refused("redirect", f"a redirect to no place for us: {error}") from error

    @asynccontextmanager
    async def _exchange(
        self, method: str, url: urls.Url, headers: Mapping[str, str], body: bytes | None, until: float
    ) -> AsyncIterator[httpx.Response]:
        """Send one request to one checked address and give the answer, its body still to be read."""
        if await self._blocked(url.host):
            raise Refused("blocked", f"{url.host} is blocked")
        headers = {
            "Host": url.netloc,
            "User-Agent": self._user_agent,
            "Accept-Encoding": "identity",
            **{title: value for name, value in headers.items() if (title := name.title()) != "Host"},
        }
        if body is not None:
            headers["Content-Length"] = str(len(body))
        fields = _fields(headers)
        try:
            async with self._way_to(url) as (transport, places):
                response = await _send(
                    transport, places, lambda at: _request(method, url, at, fields, body or b"", until)
                )
                try:
                    yield response
                finally:
                    await response.aclose()
        except httpx.LocalProtocolError as error:
            raise Refused("request", f"a request that cannot be sent: {error}") from error
        except (httpx.TransportError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreachable(_code(error), f"{url.host}: {str(error) or type(error).__name__}") from error

    @asynccontextmanager
    async def _way_to(self, url: urls.Url) -> AsyncIterator[tuple[httpx.AsyncBaseTransport, list[httpx.URL]]]:
        """The transport for a host, and where to send the request: the checked addresses, to be tried in turn."""
        if self._factory is None:
            tried = (await checked_addresses(url, self._policy, self._resolver))[:ADDRESSES_TRIED]
            async with self._wires.lend(url.netloc) as kept:
                yield kept.transport, [_address_url(address, url.port) for address in tried]
            return
        check_name(url, self._policy)
        transport = self._factory(url.host)
        if transport is None:
            raise Unreachable("dns", f"{url.host} has no address")
        yield transport, [httpx.URL(url.text)]


def _parse(url: str) -> urls.Url:
    try:
        return urls.parse(url)
    except urls.BadUrl as error:
        raise Refused(error.code, f"not a URL to fetch: {error}") from error


@lru_cache(maxsize=2048)
def _address_url(address: str, port: int) -> httpx.URL:
    return httpx.URL(scheme="https", host=address, port=port, path="/")


def _fields(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    except UnicodeEncodeError:
        raise Refused("request", "a request that cannot be sent: a header beyond Latin-1") from None


def _request(
    method: str, url: urls.Url, at: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes, until: float
) -> httpx.Request:
    # Connecting and the TLS handshake get less than half of what is left each, so that the next address has its turn.
    left = max(0.01, until - asyncio.get_running_loop().time())
    return httpx.Request(
        method,
        at,
        headers=fields,
        stream=httpx.ByteStream(body),  # `content=` looks for headers to add, and costs thrice as much
        extensions={
            "sni_hostname": url.host,
            "target": url.target.encode("ascii"),
            "timeout": {"connect": min(CONNECT_TIMEOUT, left * 0.45)},
        },
    )


async def _send(
    transport: httpx.AsyncBaseTransport, places: Sequence[httpx.URL], request_to: Callable[[httpx.URL], httpx.Request]
) -> httpx.Response:
    """Try the places in turn as long as no connection comes about; nothing has been sent until then."""
    for place in places:
        try:
            return await transport.handle_async_request(request_to(place))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if place == places[-1]:
                raise
    raise AssertionError("no address to try")


async def _body(
    response: httpx.Response,
    headers: Headers,
    max_bytes: int,
    content_types: Callable[[str], bool] | Collection[str] | None,
) -> bytes:
    if response.status_code != 200:
        return await bodies.read_start(_chunks(response), keep=ERROR_TEXT)
    content_type = headers.get("content-type", "")
    if content_types is not None:
        judge = content_types if callable(content_types) else _among(content_types)
        if not judge(content_type):
            raise BadAnswer("content-type", f"an answer of type {content_type[:100]!r}")
    return await bodies.read_whole(
        _chunks(response),
        encoding=headers.get("content-encoding", ""),
        declared=headers.get("content-length", ""),
        limit=max_bytes,
    )


def _among(names: Collection[str]) -> Callable[[str], bool]:
    return lambda content_type: media_types.parse(content_type).name in names


def _chunks(response: httpx.Response) -> httpx.AsyncByteStream:
    """The body as it came, not unpacked."""
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    return stream


def _headers(response: httpx.Response) -> Headers:
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw])


def _utf8(text: str) -> str:
    """A header value that some servers send as raw UTF-8, read as such where it is."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _code(error: httpx.TransportError | OSError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    return "connect" if isinstance(error, httpx.ConnectError) else "network"


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
