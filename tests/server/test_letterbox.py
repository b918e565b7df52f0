"""What comes whole to an inbox is taken without the application, and its sender notices nothing of that."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select
from starlette.routing import Route

from federation.receiving import IncomingRequest
from models import actors
from models.actors import ActorType
from models.database import Database
from models.inbox import Received
from server.activitypub import inbox
from server.activitypub.inbox import Intake
from server.letterbox import INBOX, SHARED
from tests.federation.neighbours import Fediverse, Inbox, Neighbour, neighbour
from tests.server.house import Answer, House, Line

pytestmark = pytest.mark.anyio
LENE = "https://a.example/u/lene"


@pytest.fixture
def fediverse() -> Fediverse:
    return Fediverse()


@pytest.fixture
def house(database: Database, fediverse: Fediverse) -> House:
    database.write(lambda db: actors.create_local(db, "lene", ActorType.PERSON))
    return House(database, fed=Inbox(database, fediverse).fed)


@pytest.fixture
def jonas(fediverse: Fediverse) -> Neighbour:
    return neighbour(fediverse)


def written(request: IncomingRequest, *more: str, without: str = "") -> tuple[bytes, bytes]:
    """Head and body of a request as they are sent."""
    fields = [f"{name}: {value}" for name, value in request.headers if name != without]
    if "Content-Length" not in (without, *(line.partition(":")[0] for line in more)):
        fields.append(f"Content-Length: {len(request.body)}")
    lines = "\r\n".join([f"POST {request.target} HTTP/1.1", *fields, *more])
    return f"{lines}\r\n\r\n".encode("latin-1"), request.body


def follow(jonas: Neighbour, label: object = 1, target: str = "/inbox") -> IncomingRequest:
    return jonas.sends(jonas.does("Follow", LENE, label), target=target)


def stored(house: House) -> int:
    with house.database.reading() as db:
        return db.scalar(select(func.count()).select_from(Received)) or 0


async def in_two(line: Line, head: bytes, body: bytes) -> Answer:
    """The answer to a request whose body comes after its head."""
    line.send(head)
    await line.writer.drain()
    await asyncio.sleep(0.05)
    return await line.ask(body)


@pytest.mark.parametrize("target", ["/inbox", "/u/lene/inbox", "/actor/inbox"])
async def test_what_comes_whole_is_taken_without_the_application(house: House, jonas: Neighbour, target: str) -> None:
    async with house.line() as line:
        answer = await line.ask(b"".join(written(follow(jonas, target=target))))
    assert (answer.status, answer.body) == (202, b"")
    assert (house.asked, stored(house)) == (0, 1)
    page = "shared_inbox" if target in SHARED else "actor_inbox"
    assert house.counted(page, "202", "POST") == 1


CASES: dict[str, tuple[int, Callable[[Neighbour], tuple[bytes, bytes]]]] = {
    "taken": (202, lambda jonas: written(follow(jonas))),
    "unsigned": (401, lambda jonas: written(follow(jonas), without="Signature")),
    "old": (401, lambda jonas: written(jonas.sends(jonas.does("Follow", LENE), age=90_000))),
    "of another type": (415, lambda jonas: written(follow(jonas), "Content-Type: text/plain", without="Content-Type")),
    "not JSON": (400, lambda jonas: written(jonas.sends(b"{"))),
    "for nobody": (404, lambda jonas: written(follow(jonas, target="/u/nobody/inbox"))),
    "by another": (403, lambda jonas: written(jonas.sends(jonas.does("Follow", LENE) | {"actor": f"{jonas.uri}x"}))),
}


@pytest.mark.parametrize("case", CASES)
async def test_its_sender_hears_the_same_as_from_the_application(house: House, fediverse: Fediverse, case: str) -> None:
    status, make = CASES[case]
    async with house.line() as line:
        taken = await line.ask(b"".join(make(neighbour(fediverse))))
        assert house.asked == 0
        before = stored(house)
        worked_out = await in_two(line, *make(neighbour(fediverse, "karla", "k.example")))
        assert house.asked == 1
    assert taken.status == status
    assert taken.lasting == worked_out.lasting
    assert taken.headers.keys() == worked_out.headers.keys()
    assert re.fullmatch("[0-9a-f]{16}", taken.headers["x-request-id"])
    assert before == (1 if status == 202 else 0)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (["Host: b.example"], 421),
        (["Transfer-Encoding: chunked"], 400),
        (["Content-Length: 2"], 400),
        (["Expect: 100-continue"], 202),
    ],
    ids=["two hosts", "two lengths", "lengths that differ", "who asks first"],
)
async def test_what_could_be_read_in_two_ways_is_not_read_here(
    house: House, jonas: Neighbour, more: list[str], status: int
) -> None:
    head, body = written(follow(jonas))
    head = head.replace(b"\r\n\r\n", "".join(f"\r\n{line}" for line in more).encode() + b"\r\n\r\n")
    async with house.line() as line:
        answer = await line.ask(head + body)
        if answer.status == 100:
            answer = await line.answer()
    assert answer.status == status
    assert stored(house) == (1 if status == 202 else 0)
    assert house.asked == (0 if status == 400 else 1)


@pytest.mark.parametrize(
    "target", ["/inbox?x=1", "/%69nbox", "/inbox/", "/u/lene/inbox;x", "//inbox", f"/u/{'x' * 65}/inbox"]
)
async def test_other_addresses_are_the_applications(house: House, jonas: Neighbour, target: str) -> None:
    async with house.line() as line:
        answer = await line.ask(b"".join(written(follow(jonas, target=target))))
    assert house.asked == 1
    assert answer.status in {202, 401, 404}


@pytest.mark.once
async def test_every_inbox_is_one_and_nothing_else(house: House) -> None:
    found = {}
    for route in house.node.router.routes:
        if isinstance(route, Route) and "POST" in (route.methods or ()):
            path = re.sub(r"\{[^}]*\}", "7", route.path)
            found[path] = INBOX.fullmatch(path.encode()) is not None
            endpoint = route.endpoint
            assert found[path] == (endpoint in (inbox.shared_inbox, inbox.actor_inbox)), path
            if found[path]:
                assert (path in SHARED) == (endpoint is inbox.shared_inbox)
    assert sum(found.values()) == 5


async def test_requests_behind_one_another_are_answered_in_order(house: House, jonas: Neighbour) -> None:
    finger = b"GET /.well-known/webfinger?resource=acct:lene@a.example HTTP/1.1\r\nHost: a.example\r\n\r\n"
    bad = b"".join(written(follow(jonas, 2), without="Signature"))
    first, last = (b"".join(written(follow(jonas, label))) for label in (1, 3))
    async with house.line() as line:
        line.send(first + bad + finger + last)
        statuses = [(await line.answer()).status for _ in range(4)]
    assert statuses == [202, 401, 200, 202]
    assert stored(house) == 2


async def test_a_request_whose_turn_comes_before_its_body_is_the_applications_to_wait_for(
    house: House, jonas: Neighbour
) -> None:
    head, body = written(follow(jonas, 2))
    async with house.line() as line, asyncio.timeout(10):
        line.send(b"".join(written(follow(jonas, 1))) + head)
        assert (await line.answer()).status == 202
        while not house.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert (await line.ask(body)).status == 202
    assert (house.asked, stored(house)) == (1, 2)


async def test_a_connection_ends_where_its_owner_wants_that(house: House, jonas: Neighbour) -> None:
    async with house.line() as line:
        answer = await line.ask(b"".join(written(follow(jonas), "Connection: close")))
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await line.ended()


class Slow:
    """An intake that takes what it is given when it is told to."""

    def __init__(self, house: House) -> None:
        self.reached, self.going_on = asyncio.Event(), asyncio.Event()
        self._intake: Intake = house.node.state.intake
        house.letterbox._intake = self  # type: ignore[assignment]

    async def take(self, head: IncomingRequest, client: str, read: Callable[[], Awaitable[bytes]]) -> object:
        self.reached.set()
        await self.going_on.wait()
        return await self._intake.take(head, client, read)


async def test_a_node_that_stops_still_answers_what_it_has_in_hand(house: House, jonas: Neighbour) -> None:
    slow = Slow(house)
    async with house.line() as line:
        line.send(b"".join(written(follow(jonas))))
        await slow.reached.wait()
        for connection in list(line.state.connections):
            connection.shutdown()
        slow.going_on.set()
        answer = await line.answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await line.ended()
    assert stored(house) == 1


async def test_what_was_sent_whole_is_kept_though_its_sender_left(house: House, jonas: Neighbour) -> None:
    slow = Slow(house)
    async with house.line() as line:
        line.send(b"".join(written(follow(jonas))))
        await slow.reached.wait()
        line.writer.close()
        while line.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        slow.going_on.set()
        while line.state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert stored(house) == 1


async def test_a_fault_of_ours_is_told_by_the_application(
    house: House, jonas: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise LookupError("of the letterbox")

    monkeypatch.setattr(house.letterbox, "answer", fail)
    async with house.line() as line:
        assert (await line.ask(b"".join(written(follow(jonas))))).status == 202
    assert (house.asked, stored(house)) == (1, 1)
