"""No answer takes more memory or time than was allowed for it."""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from federation.bodies import Unpacker
from federation.client import BadAnswer, TooLarge, Unreachable

from .fetching import DOCUMENT, Make, refused
from .hostile import Peer, answer, redirect

pytestmark = pytest.mark.anyio


async def test_t85_an_answer_may_be_as_large_as_allowed_and_no_larger(make: Make, peer: Peer) -> None:
    peer.routes["/fits"] = answer(200, b"x" * 1000)
    peer.routes["/large"] = answer(200, b"x" * 1001)
    assert len((await make().get(peer.url("/fits"), max_bytes=1000)).body) == 1000
    assert (await refused(make().get(peer.url("/large"), max_bytes=1000), "size", TooLarge)).permanent


async def test_t85_an_endless_answer_is_cut_off(make: Make, peer: Peer) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 50_000_000:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
            sent += 65536

    peer.routes["/endless"] = endless
    await refused(make().get(peer.url("/endless")), "size", TooLarge)
    assert sent < 10_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_unpacked_within_bounds(make: Make, peer: Peer, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    header = (f"Content-Encoding: {encoding}",)
    peer.routes["/packed"] = answer(200, pack(DOCUMENT), headers=header)
    peer.routes["/bomb"] = answer(200, pack(b"\0" * 60_000_000), headers=header)
    assert (await make().get(peer.url("/packed"))).body == DOCUMENT
    before = time.process_time()
    await refused(make().get(peer.url("/bomb")), "size", TooLarge)
    assert time.process_time() - before < 0.5


def test_t85_what_was_packed_is_never_unpacked_beyond_the_limit() -> None:
    """One chunk of 60 kB that would be 60 MB: it is the memory on the way that counts."""
    packed = gzip.compress(b"\0" * 60_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            Unpacker("gzip", 1_000_000).take(packed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"x"), ("zstd", b"x"), ("gzip", b"no gzip"), ("gzip, gzip", b"x")]
)
async def test_other_and_damaged_encodings_are_bad_answers(make: Make, peer: Peer, encoding: str, body: bytes) -> None:
    peer.routes["/odd"] = answer(200, body, headers=(f"Content-Encoding: {encoding}",))
    await refused(make().get(peer.url("/odd")), "encoding", BadAnswer)


async def test_a_lie_in_content_length_is_seen_through(make: Make, peer: Peer) -> None:
    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nonly this")
        await writer.drain()
        writer.close()

    peer.routes["/short"] = short
    await refused(make().get(peer.url("/short")), "network", Unreachable)


@pytest.mark.parametrize(
    "bytes_", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff" * 100 + b"\r\n\r\n"]
)
async def test_what_does_not_speak_http_is_a_failure(make: Make, peer: Peer, bytes_: bytes) -> None:
    peer.routes["/x"] = bytes_
    await refused(make().get(peer.url("/x")), "network", Unreachable)


async def test_a_million_headers_are_a_failure(make: Make, peer: Peer) -> None:
    peer.routes["/x"] = b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 1_000_000
    await refused(make().get(peer.url("/x")), "network", Unreachable)


def drip(head: bytes, piece: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)

    return reply


@pytest.mark.parametrize(
    "reply",
    [
        drip(b"", b""),
        drip(b"HTTP/1.1 200 X\r\n", b"A: b\r\n"),
        drip(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "headers", "body", "chunks", "continue"],
)
async def test_t86_the_deadline_is_over_the_whole_exchange(make: Make, peer: Peer, reply: Any) -> None:
    peer.routes["/slow"] = reply
    client = make()
    before = time.monotonic()
    await refused(client.get(peer.url("/slow"), deadline=0.4), "timeout", Unreachable)
    await refused(client.post(peer.url("/slow"), b"{}", headers={}, deadline=0.4), "timeout", Unreachable)
    assert 0.7 < time.monotonic() - before < 1.5
    assert (await client.get(peer.url("/u/anna"), deadline=2)).ok, "the host is usable again at once"


async def test_t86_a_chain_of_slow_redirects_has_one_deadline(make: Make, peer: Peer) -> None:
    def slow(step: int) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
        async def reply(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.25)
            writer.write(redirect(f"/{step + 1}"))

        return reply

    peer.routes |= {f"/{step}": slow(step) for step in range(3)}
    before = time.monotonic()
    await refused(make().get(peer.url("/0"), deadline=0.4), "timeout", Unreachable)
    assert time.monotonic() - before < 0.7


async def test_t86_a_tls_handshake_that_hangs_is_given_up_and_its_socket_closed(make: Make) -> None:
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = make(fetch_allow=[f"127.0.0.0/8:{port}"])
    await refused(client.get(f"https://good.test:{port}/", deadline=0.4), "timeout", Unreachable)
    async with asyncio.timeout(1):
        await closed.wait()
    server.close()


async def test_t86_slow_dns_counts_too(make: Make, peer: Peer) -> None:
    async def never(host: str) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    await refused(make(resolver=never).get(peer.url(), deadline=0.2), "timeout", Unreachable)


async def test_many_that_run_out_of_time_block_nobody(make: Make, peer: Peer) -> None:
    """More than the host has connections: cancelled requests give theirs back."""
    peer.routes["/slow"] = drip(b"", b"")
    client = make()
    work = [client.post(peer.url("/slow"), b"{}", headers={}, deadline=0.3) for _ in range(30)]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(result, Unreachable) for result in results)
    assert (await client.get(peer.url("/u/anna"), deadline=2)).ok
