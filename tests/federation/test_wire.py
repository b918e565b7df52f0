"""HTTP as other servers speak it, and as nobody should: what the client reads from a connection, and when it keeps it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from federation import media_types, wire
from federation.client import BadAnswer, Unreachable

from .fetching import DOCUMENT, Make, refused
from .hostile import Certificates, Peer, answer

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + HEAD + b"Content-Length: 4\r\n\r\n{  }",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n3;ext=1\r\n  }\r\n0\r\nTrailer: x\r\n\r\n",
        HEAD.replace(b"\r\n", b"\r\nX-Odd: \xe6\xf8\xe5\r\n", 1) + b"content-length:4\r\n\r\n{  }",
    ],
    ids=["interim answer", "chunks and trailer", "bytes beyond ASCII"],
)
async def test_an_answer_is_read_and_its_connection_kept(make: Make, peer: Peer, reply: bytes) -> None:
    peer.routes["/odd"] = reply
    client = make()
    for _ in range(3):
        got = await client.get(peer.url("/odd"))
        assert (got.status, got.body) == (200, b"{  }")
        assert "trailer" not in got.headers
    assert peer.connections == 1


async def test_a_body_without_a_length_ends_with_the_connection(make: Make, peer: Peer) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Connection: close\r\n\r\n{  }")
        writer.close()

    peer.routes["/old"] = reply
    assert (await make().get(peer.url("/old"))).body == b"{  }"


async def test_a_body_that_ends_too_early_is_no_answer(make: Make, peer: Peer) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 10\r\n\r\n{  }")
        writer.close()

    peer.routes["/cut"] = reply
    await refused(make().get(peer.url("/cut")), kind=Unreachable)


@pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"x"])
async def test_what_nobody_asked_for_is_never_the_answer_to_the_next_question(
    make: Make, peer: Peer, more: bytes
) -> None:
    peer.routes["/two"] = HEAD + b"Content-Length: 4\r\n\r\n{  }" + more
    client = make()
    for _ in range(3):
        try:
            assert (await client.get(peer.url("/two"))).body == b"{  }"
        except Unreachable:
            pass
        assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT


async def test_two_lengths_are_no_answer(make: Make, peer: Peer) -> None:
    peer.routes["/smuggled"] = HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    await refused(make().get(peer.url("/smuggled")), kind=Unreachable)


async def test_a_connection_that_the_other_side_closes_is_not_kept(make: Make, peer: Peer) -> None:
    peer.routes["/last"] = answer(200, DOCUMENT, headers=["Connection: close"])
    client = make()
    for _ in range(3):
        assert (await client.get(peer.url("/last"))).body == DOCUMENT
    assert peer.connections == 3


async def test_an_answer_that_was_not_read_to_its_end_takes_its_connection_with_it(make: Make, peer: Peer) -> None:
    peer.routes["/long"] = answer(500, b"x" * 300_000)
    client = make()
    assert len((await client.get(peer.url("/long"))).body) == 4096
    assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT
    assert peer.connections == 2


async def test_a_large_answer_comes_whole_though_it_waits_to_be_read(make: Make, peer: Peer) -> None:
    peer.routes["/large"] = answer(200, b"x" * 900_000)
    assert len((await make().get(peer.url("/large"))).body) == 900_000


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "Łódź"])
async def test_a_header_that_would_be_read_as_another_request_is_not_sent(make: Make, peer: Peer, value: Any) -> None:
    await refused(make().post(peer.url("/inbox"), b"{}", headers={"Signature": value}), code="request")
    assert peer.connections == 0


def endless(head: bytes, piece: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """As fast as it is taken, but no more than 20 MB, at which it stops and keeps the connection open."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(20_000_000 // len(piece)):
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(60)

    return reply


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 ", b"O" * 8192),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 8192),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 200),
        (CHUNKED + b"0\r\n", b"X-Trailer: b\r\n" * 500),
        (CHUNKED + b"0\r\nX-Trailer: ", b"x" * 8192),
        (CHUNKED + b"1;ext=", b"x" * 8192),
        (CHUNKED, (b"1;" + b"x" * 800 + b"\r\nx\r\n") * 10),
        (CHUNKED, b"0" * 8192),
    ],
    ids=["reason", "headers", "header", "interim", "trailers", "trailer", "extension", "extensions", "size"],
)
async def test_what_has_no_end_is_given_up_at_once_and_not_at_the_deadline(
    make: Make, peer: Peer, head: bytes, piece: bytes
) -> None:
    peer.routes["/endless"] = endless(head, piece)
    client = make()
    await refused(client.get(peer.url("/endless"), deadline=30), "network", Unreachable)
    await refused(client.post(peer.url("/endless"), b"{}", headers={}, deadline=30), "network", Unreachable)
    assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT


async def test_more_header_fields_than_anybody_needs_are_no_answer(make: Make, peer: Peer) -> None:
    peer.routes["/many"] = b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 2000 + b"Content-Length: 0\r\n\r\n"
    await refused(make().get(peer.url("/many")), "network", Unreachable)


@pytest.mark.parametrize("status", [204, 304])
async def test_a_body_where_there_can_be_none_is_never_another_answer(make: Make, peer: Peer, status: int) -> None:
    evil = answer(200, b"[]")
    peer.routes["/none"] = f"HTTP/1.1 {status} X\r\nContent-Length: {len(evil)}\r\n\r\n".encode() + evil
    client = make()
    for _ in range(3):
        got = await client.get(peer.url("/none"))
        assert (got.status, got.body) == (status, b"")
        assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT


async def test_an_answer_that_was_refused_unread_is_never_another_answer(make: Make, peer: Peer) -> None:
    peer.routes["/page"] = answer(200, answer(200, b"[]"), "text/html")
    client = make()
    for _ in range(3):
        await refused(client.get(peer.url("/page"), content_types=media_types.is_activity_type), kind=BadAnswer)
        assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT


@pytest.mark.parametrize(("length", "whole"), [(4, True), (5, False)])
async def test_an_end_without_a_goodbye_of_tls_makes_no_answer_whole(
    make: Make, peer: Peer, length: int, whole: bool
) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + f"Content-Length: {length}\r\n\r\n{{  }}".encode())
        await asyncio.sleep(0.05)
        writer.transport.abort()

    peer.routes["/cut"] = reply
    client = make()
    if whole:
        assert (await client.get(peer.url("/cut"))).body == b"{  }"
    else:
        await refused(client.get(peer.url("/cut")), "network", Unreachable)
    assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT


async def test_a_kept_connection_whose_other_side_fell_silent_is_not_used_again(make: Make, peer: Peer) -> None:
    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    peer.routes["/silent"] = silence
    client = make()
    await client.get(peer.url("/u/anna"))
    await refused(client.get(peer.url("/silent"), deadline=0.2), "timeout", Unreachable)
    assert (await client.get(peer.url("/u/anna"))).body == DOCUMENT
    assert [request.connection for request in peer.log] == [1, 1, 2]


@pytest.fixture
async def plain_httpx(certificates: Certificates) -> AsyncIterator[httpx.AsyncClient]:
    """The library's own client over our transport: what it knows of transports holds for this one."""
    transport = wire.Wire(ssl.create_default_context(cafile=certificates.ca_file))
    async with httpx.AsyncClient(transport=transport, timeout=2, trust_env=False) as client:
        yield client


async def test_it_is_a_transport_like_any_other(plain_httpx: httpx.AsyncClient, peer: Peer) -> None:
    peer.routes["/inbox"] = answer(202, b"taken")
    for _ in range(2):
        reply = await plain_httpx.post(f"https://127.0.0.1:{peer.port}/inbox?x=1", content=b"{}")
        assert (reply.status_code, reply.text) == (202, "taken")
    sent = peer.log[1]
    assert (sent.method, sent.target, sent.body, sent.connection) == ("POST", "/inbox?x=1", b"{}", 1)


async def test_it_fails_in_the_words_of_httpx(plain_httpx: httpx.AsyncClient, peer: Peer) -> None:
    url = f"https://127.0.0.1:{peer.port}"
    peer.routes["/x"] = b"SSH-2.0-OpenSSH\r\n\r\n"
    with pytest.raises(httpx.RemoteProtocolError):
        await plain_httpx.get(url + "/x")
    with pytest.raises(httpx.LocalProtocolError):
        await plain_httpx.get(url, headers={"X-Odd": "a\nb"})
    with pytest.raises(httpx.ConnectError):
        await plain_httpx.get(url, extensions={"sni_hostname": "somebody.else"})
    await peer.stop()
    with pytest.raises(httpx.ConnectError):
        await plain_httpx.get("https://127.0.0.1:1/")
