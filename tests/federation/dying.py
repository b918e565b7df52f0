"""Processes that die at a chosen point, without a process: from that moment nothing they do reaches the disk or others.

kill -9 leaves a database as it was after the last commit, and other servers with what they were sent by then. A worker
whose database and network have gone dead leaves exactly the same, so the points between two lines can be tested too;
`tests/fediverse/test_kill.py` kills real processes besides, at moments nobody chose.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from sqlalchemy.orm import Session

import federation
from federation import delivering, receiving, working
from federation.client import Client
from federation.context import Federation, Limits
from federation.receiving import IncomingRequest
from models import deliveries, inbox, jobs
from models.database import Database
from models.errors import Unavailable
from tests.federation.elsewhere import Elsewhere

T = TypeVar("T")


class Life:
    """One life of a worker process of a node: its database, its network, and the loops that run in it."""

    def __init__(self, database: Database, elsewhere: Elsewhere) -> None:
        self.dead = False
        self._elsewhere = elsewhere
        self._death = asyncio.Event()
        mortal: Any = _MortalDatabase(database, self)
        client = Client(user_agent="Torv/test", transport_factory=self._transport)
        self.fed = Federation(mortal, client, Limits(delivery_deadline=5.0))

    def die(self) -> None:
        """Now."""
        self.dead = True
        self._death.set()

    async def die_here(self) -> None:
        """Now, and in the middle of whatever awaits this."""
        self.die()
        await asyncio.Event().wait()

    def _transport(self, host: str) -> httpx.AsyncBaseTransport:
        inner = self._elsewhere.transport(host)

        async def handle(request: httpx.Request) -> httpx.Response:
            if self.dead:
                raise httpx.ConnectError("dead men send nothing", request=request)
            return await inner.handle_async_request(request)

        return httpx.MockTransport(handle)

    async def run(self, until: Callable[[], bool] = lambda: False, *, seconds: float = 60.0) -> None:
        """Work until death, or until `until` holds and the process is stopped in the orderly way."""
        stop = asyncio.Event()
        loops = asyncio.gather(
            working.run_jobs(self.fed, stop, federation.JOBS),
            delivering.run(self.fed, stop),
            receiving.run(self.fed, stop),
        )
        async with asyncio.timeout(seconds):
            while not self.dead and not until():
                assert not loops.done(), loops.exception()
                await asyncio.sleep(0.005)
        if self.dead:
            loops.cancel()
            await asyncio.gather(loops, return_exceptions=True)
        else:
            stop.set()
            await loops
        await self.fed.client.aclose()


class _MortalDatabase:
    """A database that takes nothing more from the dead; what was under way and not committed is rolled back."""

    def __init__(self, database: Database, life: Life) -> None:
        self._database = database
        self._life = life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self._check()
        with self._database.reading() as db:
            yield db

    def write(self, work: Callable[[Session], T]) -> T:
        def until_death(db: Session) -> T:
            self._check()
            result = work(db)
            self._check()
            return result

        return self._database.write(until_death)

    def _check(self) -> None:
        if self._life.dead:
            raise Unavailable("dead")


def takes_at_door(elsewhere: Elsewhere, host: str, fed: Callable[[], Federation]) -> None:
    """Let a host of the test's world be a node of ours: what is posted there goes through its inbox."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return httpx.Response(404)
        incoming = IncomingRequest(
            request.method,
            request.url.raw_path.decode(),
            tuple((name.decode(), value.decode()) for name, value in request.headers.raw),
            request.content,
        )
        reply = await receiving.accept(fed(), incoming)
        return httpx.Response(reply.status, text=reply.text, headers=reply.headers)

    elsewhere.answers[host] = answer


def nothing_waits(database: Database) -> bool:
    """Whether the node's three queues are empty."""
    with database.reading() as db:
        waiting = jobs.depth(db) + deliveries.stats(db).waiting + inbox.stats(db)["waiting"]
    return waiting == 0
