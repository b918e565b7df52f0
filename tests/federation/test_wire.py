"""HTTP as other servers speak it, and as nobody should: what the client reads from a connection, and when it keeps it."""

import asyncio
from typing import Any

import pytest

from federation.client import Unreachable

from .fetching import DOCUMENT, Make, refused
from .hostile import Peer, answer

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
