"""The inbox as a door of the application: rate, type and size before anything else, and the right status at the end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from models import actors
from models.actors import ActorType
from models.database import Database
from models.inbox import Received
from server.app import create_app
from server.floods import Floods, Places
from server.settings import Settings
from tests.federation.neighbours import Fediverse, Inbox, Neighbour, neighbour

pytestmark = pytest.mark.anyio
LENE = "https://a.example/u/lene"


class Door:
    """The application, and how many rows its inbox holds."""

    def __init__(self, database: Database, seconds: float = 0.3) -> None:
        self.fediverse = Fediverse()
        self.inbox = Inbox(database, self.fediverse)
        settings = Settings(origin="https://a.example", data_dir="unused", receive_deadline=seconds, log_level="error")
        self.app = create_app(settings, federation=self.inbox.fed)
        # A slow machine gives no second chances: no time passes for the measures.
        self.has(floods=Floods(settings, clock=lambda: 0.0))

    def has(self, **other: Any) -> None:
        """Let its intake have something other than it has by itself."""
        self.app.state.intake = replace(self.app.state.intake, **other)

    async def post(
        self, who: Neighbour, body: Any, *, client: str = "192.0.2.7", target: str = "/inbox", **how: Any
    ) -> httpx.Response:
        """Send a request as it would be signed."""
        request = who.sends(body, target=target, **how)
        return await self.send(target, dict(request.headers), request.body, client=client)

    async def send(
        self, target: str, headers: dict[str, str], body: Any, *, client: str = "192.0.2.7"
    ) -> httpx.Response:
        """Send a request as it is."""
        transport = httpx.ASGITransport(self.app, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="https://a.example") as browser:
            return await browser.post(target, headers=headers, content=body)

    @property
    def stored(self) -> int:
        return self.inbox.read(lambda db: db.scalar(select(func.count()).select_from(Received)))  # type: ignore[no-any-return]


@pytest.fixture
def door(database: Database) -> Door:
    database.write(lambda db: actors.create_local(db, "lene", ActorType.PERSON))
    return Door(database)


@pytest.fixture
def jonas(door: Door) -> Neighbour:
    return neighbour(door.fediverse)


async def test_what_is_proven_is_stored_before_the_sender_hears_202(door: Door, jonas: Neighbour) -> None:
    for target in ("/inbox", "/u/lene/inbox", "/actor/inbox"):
        answer = await door.post(jonas, jonas.does("Follow", LENE, target.strip("/")), target=target)
        assert answer.status_code == 202
    assert door.stored == 3


async def test_an_inbox_that_is_not_there(door: Door, jonas: Neighbour) -> None:
    assert (await door.post(jonas, jonas.does("Follow", LENE), target="/u/nobody/inbox")).status_code == 404


@pytest.mark.once
async def test_inboxes_are_posted_to(door: Door) -> None:
    transport = httpx.ASGITransport(door.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://a.example") as browser:
        assert (await browser.get("/inbox")).status_code == 405


@pytest.mark.once
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Length": "9000000"}, 413),
        ({"Host": "evil.example"}, 421),
    ],
)
async def test_what_cannot_be_right_is_refused_without_reading_it(
    headers: dict[str, str], status: int, door: Door, jonas: Neighbour
) -> None:
    request = jonas.sends(jonas.does("Follow", LENE))

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = await door.send("/inbox", {**dict(request.headers), "Content-Length": "10", **headers}, never())
    assert answer.status_code == status
    assert door.stored == 0


@pytest.mark.once
async def test_a_body_without_a_stated_length_is_cut_off_at_a_megabyte(door: Door, jonas: Neighbour) -> None:
    request = jonas.sends(b"x" * 1_200_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b"x" * 65536

    answer = await door.send("/inbox", dict(request.headers), endless())
    assert answer.status_code == 413
    assert sent < 1_200_000


@pytest.mark.once
async def test_a_body_that_never_ends_is_not_waited_for(door: Door, jonas: Neighbour) -> None:
    request = jonas.sends(jonas.does("Follow", LENE))

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(20)
        yield b"}"

    async with asyncio.timeout(5):
        assert (await door.send("/inbox", dict(request.headers), slow())).status_code == 408


async def test_bodies_for_which_there_is_no_room_are_not_read_and_come_again(database: Database) -> None:
    """However many send at once, so many bodies are in memory and no more."""
    database.write(lambda db: actors.create_local(db, "lene", ActorType.PERSON))
    door = Door(database, 30)
    jonas = neighbour(door.fediverse)
    door.has(places=Places(4, 0.1))
    await door.inbox.knows(jonas)
    request, reading, going_on = jonas.sends(jonas.does("Follow", LENE)), 0, asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal reading
        reading += 1
        await going_on.wait()
        yield request.body

    first = asyncio.create_task(door.send("/inbox", dict(request.headers), body()))
    crowd = await asyncio.gather(*(door.send("/inbox", dict(request.headers), body()) for _ in range(50)))
    assert {(answer.status_code, answer.headers.get("retry-after")) for answer in crowd} == {(503, "30")}
    assert reading == 1
    other = await door.post(jonas, jonas.does("Follow", LENE, 2), client="198.51.100.9")
    assert other.status_code == 202
    going_on.set()
    assert (await first).status_code == 202
    assert door.stored == 2


async def test_a_flood_of_forgeries_hears_429_and_others_do_not(door: Door, jonas: Neighbour) -> None:
    karla = neighbour(door.fediverse, "karla", "k.example")
    await door.inbox.knows(jonas)
    statuses = [
        (await door.post(jonas, jonas.does("Follow", LENE, at), key=karla.private)).status_code for at in range(70)
    ]
    assert set(statuses) == {401, 429}
    assert statuses[-1] == 429
    limited = await door.post(jonas, jonas.does("Follow", LENE))
    assert (limited.status_code, int(limited.headers["retry-after"])) == (429, 30)
    assert (await door.post(karla, karla.does("Follow", LENE))).status_code == 202
    assert (await door.post(jonas, jonas.does("Follow", LENE), client="198.51.100.9")).status_code == 202
