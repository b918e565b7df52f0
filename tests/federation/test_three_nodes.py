"""Three nodes whose communities are all twins of one another: each hears everything once, and nothing goes round."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation.client import Client
from federation.context import Federation
from federation.resolving import Budget, by_handle
from models import actors, communities, follows, posts, threads
from models.actors import Actor, ActorType
from models.database import Database, Node
from models.listings import Listing
from models.outbox import Activity
from models.posts import Draft, Post
from models.reactions import Boost
from server.app import create_app
from server.settings import Settings
from server.worker import run_worker
from tests.federation.dying import nothing_waits

pytestmark = pytest.mark.anyio
NAMES = ("a", "b", "c")
PATIENCE = 60.0


class Ring:
    """a.example, b.example and c.example, each with a person and the community `torvet`; in one process, with workers."""

    def __init__(self, new_database: Callable[[Node], Database]) -> None:
        self.nodes: dict[str, Federation] = {}
        self.apps: dict[str, Any] = {}
        self.settings: dict[str, Settings] = {}
        for name in NAMES:
            host = f"{name}.example"
            client = Client(user_agent="Torv/test", transport_factory=self._transport)
            fed = Federation(new_database(Node(f"https://{host}", host)), client)
            self.nodes[name] = fed
            self.settings[name] = Settings(origin=f"https://{host}", data_dir="unused", log_level="error")
            self.apps[host] = create_app(self.settings[name], federation=fed)
            self.write(name, lambda db, name=name: _people(db, name))

    def _transport(self, host: str) -> httpx.AsyncBaseTransport | None:
        return httpx.ASGITransport(self.apps[host]) if host in self.apps else None

    def write(self, name: str, work: Callable[[Session], Any]) -> Any:
        return self.nodes[name].database.write(work)

    def read(self, name: str, work: Callable[[Session], Any]) -> Any:
        with self.nodes[name].database.reading() as db:
            return work(db)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        workers = [asyncio.create_task(run_worker(self.nodes[name], stop, self.settings[name])) for name in NAMES]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*workers)

    async def settle(self) -> None:
        """Wait until nothing waits anywhere."""
        async with asyncio.timeout(PATIENCE):
            quiet = 0
            while quiet < 3:
                await asyncio.sleep(0.1)
                quiet = quiet + 1 if all(nothing_waits(fed.database) for fed in self.nodes.values()) else 0


def _people(db: Session, name: str) -> None:
    person = actors.create_local(db, f"anna_{name}", ActorType.PERSON)
    communities.create(db, "torvet", "Torvet", creator=person)


def _torvet(db: Session) -> Actor:
    found = actors.by_handle(db, "torvet")
    assert found is not None
    return found


def _person(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, f"anna_{name}")
    assert found is not None
    return found


async def test_a_thread_goes_round_three_twins_and_comes_to_rest(new_database: Callable[[Node], Database]) -> None:
    ring = Ring(new_database)
    pairs = [(one, other) for one in NAMES for other in NAMES if one != other]
    async with ring.working():
        for one, other in pairs:
            met = await by_handle(ring.nodes[one], f"torvet@{other}.example", Budget())
            ring.write(one, lambda db, met=met: communities.twin(db, None, _torvet(db), actors.get(db, met.id)))
        await ring.settle()
        for one, other in pairs:
            asking = f"https://{other}.example/c/torvet"

            def take(db: Session, asking: str = asking) -> None:
                follower = actors.by_uri(db, asking)
                assert follower is not None
                communities.answer_twin(db, None, _torvet(db), follower, accept=True)

            ring.write(one, take)
        await ring.settle()
        for name in NAMES:
            assert len(ring.read(name, lambda db: follows.local_followers(db, _torvet(db)))) == 1  # its own person
            assert len(ring.read(name, lambda db: communities.twins(db, _torvet(db)))) == 2

        draft = Draft("Kører dette i ring?", "Hvorfor kører dette ikke i ring?")
        question = ring.write("a", lambda db: threads.ask(db, _person(db, "a"), _torvet(db), draft).uri)
        await ring.settle()

        def reply(db: Session, name: str, to: str, text: str) -> str:
            parent = posts.by_uri(db, to)
            assert parent is not None
            return threads.reply(db, _person(db, name), parent, Draft(text)).uri

        answer = ring.write("b", lambda db: reply(db, "b", question, "Fordi kun hjemmet råber."))
        await ring.settle()
        comment = ring.write("c", lambda db: reply(db, "c", answer, "Det er til at forstå."))
        await ring.settle()

    everything = [question, answer, comment]
    for name in NAMES:
        seen = ring.read(name, lambda db: Counter(db.scalars(select(Post.uri))))
        assert seen == dict.fromkeys(everything, 1), name
        kinds = ring.read(name, lambda db: [posts.by_uri(db, uri).kind for uri in everything])  # type: ignore[union-attr]
        assert kinds == ["question", "answer", "comment"]
        homes = ring.read(name, lambda db: {actors.get(db, id).uri for id in db.scalars(select(Post.community_id))})
        assert homes == {"https://a.example/c/torvet"}
        assert ring.read(name, lambda db: db.scalar(select(func.count()).select_from(Boost))) == 0
        listed = ring.read(name, lambda db: list(db.scalars(select(Listing.community_id))))
        assert len(listed) == len(set(listed)) == (1 if name == "a" else 2)
        announced = ring.read(name, lambda db: list(db.scalars(select(Activity).where(Activity.type == "Announce"))))
        assert len(announced) == (4 if name == "a" else 0)  # the question in both forms, each reply wrapped
