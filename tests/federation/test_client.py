"""What is fetched and delivered, over real sockets and TLS on loopback."""

import asyncio
import ssl
from typing import Any

import pytest

from federation import media_types, urls
from federation.client import BadAnswer, Unreachable
from models.base import now

from .fetching import DOCUMENT, NAMES, Make, NodeSigner, refused
from .hostile import Peer, answer, redirect
from .signing import Signed

pytestmark = pytest.mark.anyio


async def test_a_document_is_fetched_with_our_name_and_without_compression(make: Make, peer: Peer) -> None:
    fetched = await make().get(peer.url("/u/anna#main-key"))
    assert (fetched.status, fetched.body, fetched.media_type) == (200, DOCUMENT, "application/activity+json")
    assert fetched.ok
    assert fetched.url == peer.url("/u/anna")
    assert fetched.headers["CONTENT-TYPE"] == "application/activity+json"
    sent = peer.log[0]
    assert (sent.method, sent.target) == ("GET", "/u/anna")
    assert sent.headers["host"] == f"good.test:{peer.port}"
    assert sent.headers["user-agent"] == "Torv/test (+https://ask.test)"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["accept"] == media_types.ACCEPT_ACTIVITY


async def test_path_and_query_go_out_as_they_are_written(make: Make, peer: Peer) -> None:
    """The HTTP library would tidy them, and then the signature would not fit."""
    target = "/post/https%3A%2F%2Fask.test%2Fp/../x?a=%7e&b=[1]&c=@:,"
    await make().get(peer.url(target))
    assert peer.log[0].target == target


async def test_a_signed_fetch_verifies_at_the_other_end(make: Make, peer: Peer) -> None:
    await make().get(peer.url("/u/anna?x=æ"), signer=NodeSigner())
    sent = peer.log[0]
    Signed("GET", sent.target, list(sent.headers.items()), b"").verify(origin=urls.parse(peer.url()).origin, now=now())


async def test_connections_are_kept_and_used_again(make: Make, peer: Peer) -> None:
    client = make()
    for _ in range(5):
        await client.get(peer.url("/u/anna"))
    assert (len(peer.log), peer.connections) == (5, 1)


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(make: Make, peer: Peer) -> None:
    client = make()
    await client.get(peer.url("/u/anna"))
    peer.hang_up()
    assert (await client.get(peer.url("/u/anna"))).ok
    assert (await client.post(peer.url("/inbox"), b"{}", headers={})).status == 404


async def test_a_connection_dropped_without_an_answer_is_a_passing_failure(make: Make, peer: Peer) -> None:
    async def drop(writer: asyncio.StreamWriter) -> None:
        writer.close()

    peer.routes["/drop"] = drop
    assert not (await refused(make().get(peer.url("/drop")), "network", Unreachable)).permanent
    assert len(peer.log) == 1


async def test_any_status_is_an_answer_and_only_its_start_is_kept(make: Make, peer: Peer) -> None:
    peer.routes["/gone"] = answer(410, b"x" * 9000)
    fetched = await make().get(peer.url("/gone"), content_types=media_types.is_activity_type)
    assert (fetched.status, len(fetched.body), fetched.ok) == (410, 4096, False)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/ld+json", "image/png", ""])
async def test_t17_a_document_of_another_type_is_not_read(make: Make, peer: Peer, kind: str) -> None:
    peer.routes["/page"] = answer(200, DOCUMENT, kind)
    work = make().get(peer.url("/page"), content_types=media_types.is_activity_type)
    await refused(work, "content-type", BadAnswer)


async def test_types_can_be_named_too(make: Make, peer: Peer) -> None:
    peer.routes["/jrd"] = answer(200, b"{}", "application/jrd+json; charset=utf-8")
    types = ("application/jrd+json", "application/json")
    assert (await make().get(peer.url("/jrd"), accept="application/jrd+json", content_types=types)).ok
    assert peer.log[0].headers["accept"] == "application/jrd+json"
    await refused(make().get(peer.url("/u/anna"), content_types=types), "content-type", BadAnswer)


async def test_a_delivery_carries_the_signed_bytes(make: Make, peer: Peer) -> None:
    peer.routes["/inbox"] = answer(202, b"taken", headers=("Retry-After: 120",))
    body = b'{"type":"Create"}'
    headers = NodeSigner().headers("POST", peer.url("/inbox"), body)
    reply = await make().post(peer.url("/inbox"), body, headers=headers)
    assert (reply.status, reply.body, reply.retry_after) == (202, b"taken", 120)
    sent = peer.log[0]
    assert (sent.method, sent.body, sent.headers["content-type"]) == ("POST", body, "application/activity+json")
    assert "accept" in sent.headers
    Signed("POST", sent.target, list(sent.headers.items()), body).verify(
        origin=urls.parse(peer.url()).origin, now=now()
    )


async def test_a_delivery_follows_no_redirect(make: Make, peer: Peer) -> None:
    peer.routes["/inbox"] = redirect(peer.url("/u/anna"), 307)
    assert (await make().post(peer.url("/inbox"), b"{}", headers={})).status == 307
    assert len(peer.log) == 1


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("0", 0, 0),
        ("86400", 86400, 86400),
        ("Mon, 23 Nov 2020 09:25:55 GMT", 0, 0),
        ("Mon, 23 Nov 2099 09:25:55 GMT", 1e9, 1e10),
        ("Mon, 23 Nov 2099 09:25:55", 1e9, 1e10),
    ],
)
async def test_retry_after_is_read_in_both_forms(make: Make, peer: Peer, value: str, least: float, most: float) -> None:
    peer.routes["/inbox"] = answer(429, headers=(f"Retry-After: {value}",))
    waits = (await make().post(peer.url("/inbox"), b"{}", headers={})).retry_after
    assert waits is not None
    assert least <= waits <= most


@pytest.mark.parametrize("value", ["", "soon", "-5", "1e9", "9" * 400, "Mon, 99 Xyz 9999", "\xe6"])
async def test_a_retry_after_that_is_none_is_ignored(make: Make, peer: Peer, value: str) -> None:
    peer.routes["/inbox"] = answer(503, headers=(f"Retry-After: {value}",))
    assert (await make().post(peer.url("/inbox"), b"{}", headers={})).retry_after is None


async def test_all_hosts_share_one_tls_context(make: Make, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each would cost 16 ms of the processor and its memory at every new host."""
    made: list[object] = []
    real = ssl.SSLContext.__new__

    def counted(cls: type[ssl.SSLContext], *args: Any, **how: Any) -> ssl.SSLContext:
        made.append(cls)
        return real(cls, *args, **how)

    client = make()
    monkeypatch.setattr(ssl.SSLContext, "__new__", counted)
    for host in NAMES[:2]:
        assert (await client.get(peer.url("/u/anna", host))).ok
    assert made == []
