"""Nodes of one process reach each other without sockets, and the rules of the way out hold all the same."""

from typing import Any

import httpx
import pytest

from federation.client import Client, Refused, TooLarge, Unreachable

pytestmark = pytest.mark.anyio


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked."""
    message = await receive()
    path = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
    body = f"{scope['method']} {path} {message['body'].decode()}".encode()
    headers = [(b"content-type", b"application/activity+json")]
    if scope["path"] == "/old":
        headers.append((b"location", b"https://b.test/new"))
    await send({"type": "http.response.start", "status": 302 if scope["path"] == "/old" else 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def make(**kwargs: Any) -> Client:
    hosts = ("a.test", "b.test")
    return Client(
        user_agent="Torv/test",
        transport_factory=lambda host: httpx.ASGITransport(app=app) if host in hosts else None,
        **kwargs,
    )


async def test_requests_reach_the_app() -> None:
    client = make()
    assert (await client.get("https://a.test/u/x?y=1")).body == b"GET /u/x?y=1 "
    assert (await client.post("https://a.test/inbox", b"{}", headers={})).body == b"POST /inbox? {}"
    assert (await client.get("https://a.test/old")).url == "https://b.test/new"
    await client.aclose()


async def test_the_rules_hold() -> None:
    async def blocked(host: str) -> bool:
        return host == "b.test"

    client = make(blocked=blocked)
    for url in (
        "http://a.test/",
        "https://a.test:8443/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://b.test/",
    ):
        with pytest.raises(Refused):
            await client.get(url)
    with pytest.raises(Refused):
        await client.get("https://a.test/old")
    with pytest.raises(TooLarge):
        await client.get("https://a.test/u/x", max_bytes=5)
    with pytest.raises(Unreachable):
        await client.get("https://c.test/")
    await client.aclose()
