"""Two workers empty one inbox: what is about one thing may be in the hands of both, and ends as it was meant."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from federation import receiving
from models import accounts, actors, composing, posts
from models.base import now
from models.database import Database
from models.inbox import Received
from models.posts import Draft, Post
from models.reactions import Vote
from tests.federation.neighbours import Fediverse, Inbox, Neighbour, neighbour

pytestmark = pytest.mark.anyio
THREADS = 12


@pytest.fixture
def second(database: Database) -> Iterator[Database]:
    made = Database(database.url.render_as_string(hide_password=False), database.node)
    yield made
    made.close()


class Workers:
    """An inbox with two workers on it."""

    def __init__(self, database: Database, second: Database) -> None:
        fediverse = Fediverse()
        self.inbox, self.other = Inbox(database, fediverse), Inbox(second, fediverse)
        self.jonas = neighbour(fediverse)

    async def stored(self, *activities: Any) -> None:
        """All of these came in, in this order."""
        for activity in activities:
            reply = await receiving.accept(self.inbox.fed, self.jonas.sends(activity))
            assert reply.status == 202, reply.text

    async def work(self, seconds: float = 30.0) -> None:
        """Both work until nothing waits."""
        stop = asyncio.Event()
        running = [asyncio.create_task(receiving.run(one.fed, stop)) for one in (self.inbox, self.other)]
        waiting = select(func.count()).where(Received.state == "waiting")
        async with asyncio.timeout(seconds):
            while self.inbox.read(lambda db: db.scalar(waiting)):  # noqa: ASYNC110 - it happens in threads
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*running)

    def notes(self) -> str:
        """What became of each activity."""
        rows = self.inbox.read(lambda db: list(db.scalars(select(Received).order_by(Received.id))))
        return "\n".join(f"{row.sender_key}: {row.state}, {row.note}" for row in rows)

    def post(self, uri: str) -> Post:
        found = self.inbox.read(lambda db: posts.by_uri(db, uri))
        assert found is not None, uri
        return found  # type: ignore[no-any-return]


@pytest.fixture
def workers(database: Database, second: Database, monkeypatch: pytest.MonkeyPatch) -> Workers:
    monkeypatch.setattr("federation.receiving.working.TAKEN_AT_ONCE", 3)  # so that neither gets all about one thing
    database.write(
        lambda db: accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    )
    return Workers(database, second)


def mentioning(jonas: Neighbour, label: str, content: str) -> dict[str, Any]:
    lene = "https://a.example/u/lene"
    tag = [{"type": "Mention", "href": lene, "name": "@lene@a.example"}]
    return jonas.note(label, content, tag=tag, cc=[lene])


async def test_editions_end_with_the_newest_and_deletions_stay(workers: Workers) -> None:
    jonas = workers.jonas
    edited, deleted = [], []
    for number in range(THREADS):
        begun = now()
        first = mentioning(jonas, f"e{number}", "<p>Et</p>")
        editions = [
            {**first, "content": f"<p>{text}</p>", "updated": (begun + timedelta(seconds=at)).isoformat()}
            for at, text in ((1, "To"), (2, "Tre"))
        ]
        updates = [jonas.does("Update", one, f"u{number}-{at}", to=first["to"]) for at, one in enumerate(editions)]
        await workers.stored(jonas.creates(first), *updates)
        edited.append(first["id"])
        gone = mentioning(jonas, f"d{number}", "<p>Væk</p>")
        tombstone = {"id": gone["id"], "type": "Tombstone"}
        await workers.stored(jonas.creates(gone), jonas.does("Delete", tombstone, f"x{number}", to=gone["to"]))
        deleted.append(gone["id"])
    await workers.work()
    assert {workers.post(uri).content for uri in edited} == {"<p>Tre</p>"}, workers.notes()
    with workers.other.database.reading() as db:
        alive = db.scalars(select(Post.uri).where(Post.uri.in_(deleted), Post.deleted_at.is_(None))).all()
    assert list(alive) == []


async def test_a_like_that_is_taken_back_is_taken_back(workers: Workers) -> None:
    def write(db: Any) -> list[str]:
        lene = actors.by_handle(db, "lene")
        assert lene is not None
        return [composing.note(db, lene, Draft(f"Nummer {number}")).uri for number in range(THREADS)]

    targets = workers.inbox.write(write)
    jonas = workers.jonas
    for number, target in enumerate(targets):
        like = jonas.does("Like", target, f"like{number}")
        await workers.stored(like, jonas.does("Undo", like, f"undo{number}"))
    await workers.work()
    with workers.other.database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Vote)) == 0
        assert db.scalar(select(func.sum(Post.up)).where(Post.local)) == 0


async def test_the_same_activity_in_both_hands_has_one_effect(workers: Workers) -> None:
    jonas = workers.jonas
    made = mentioning(jonas, "n", "<p>Hej</p>")
    # the same act under two bodies: servers write their activities anew when they try again
    await workers.stored(jonas.creates(made), {**jonas.creates(made), "published": now().isoformat()})
    await workers.work()
    with workers.other.database.reading() as db:
        assert db.scalar(select(func.count()).where(Post.uri == made["id"])) == 1
