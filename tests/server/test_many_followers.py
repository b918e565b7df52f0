"""Somebody whom a hundred thousand follow posts: the answer comes at once, and nothing grows with their number (T140)."""

import statistics
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from federation import publishing
from models import accounts, actors
from models.actors import Actor, ActorType
from models.base import new_id, now
from models.database import Database
from models.follows import Follow
from models.jobs import Job
from models.outbox import Delivery
from tests.conftest import NODE, Templates
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.server.apps import ApiWorld
from tests.world import PASSWORD

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
FOLLOWERS, HOSTS = 100_000, 1000
POSTS = 7


def _followed(db: Session) -> None:
    actors.create_local(db, NODE.domain, ActorType.APPLICATION)
    account = accounts.create(db, username="lene", email="lene@a.example", password=PASSWORD)
    present = now()
    people = []
    for number in range(FOLLOWERS):
        host = f"h{number % HOSTS}.example"
        uri = f"https://{host}/users/{number}"
        people.append(
            {
                "id": new_id(), "uri": uri, "type": "Person", "local": False, "username": str(number),
                "username_key": str(number), "domain": host, "inbox": f"{uri}/inbox",
                "shared_inbox": f"https://{host}/inbox", "changed_at": present,
            }
        )  # fmt: skip
    db.execute(insert(Actor), people)
    rows = [
        {
            "id": new_id(),
            "uri": f"{one['uri']}/f",
            "follower_id": one["id"],
            "target_id": account.id,
            "state": "accepted",
        }
        for one in people
    ]
    db.execute(insert(Follow), rows)


@pytest.fixture
def followed(templates: Templates) -> Iterator[ApiWorld]:
    url, drop = templates.fresh("many_followers", NODE, lambda database: database.write(_followed))
    database = Database(url, NODE)
    yield ApiWorld(database)
    database.close()
    drop()


def _count(database: Database, table: type[Job] | type[Delivery]) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


async def test_t140_the_answer_comes_at_once_and_promises_one_thing(followed: ApiWorld) -> None:
    took: list[float] = []
    async with followed.client("lene") as lene:
        await lene.get("/api/v1/accounts/verify_credentials")
        for number in range(POSTS):
            before = _count(followed.database, Job), _count(followed.database, Delivery)
            begun = time.perf_counter()
            await lene.post("/api/v1/statuses", status=f"Nummer {number}")
            took.append(time.perf_counter() - begun)
            after = _count(followed.database, Job), _count(followed.database, Delivery)
            assert (after[0] - before[0], after[1] - before[1]) == (1, 0)
    print(f"{POSTS} posts before {FOLLOWERS} followers: {', '.join(f'{one * 1000:.0f} ms' for one in took)}")
    assert statistics.median(took) < 0.3


async def test_t140_handing_out_takes_no_memory_for_each_follower(followed: ApiWorld) -> None:
    async with followed.client("lene") as lene:
        await lene.post("/api/v1/statuses", status="Hej alle")
    with followed.database.reading() as db:
        payload = db.scalars(select(Job.payload).where(Job.kind == "publish")).one()
    fed = federation_with(followed.database, Elsewhere())
    tracemalloc.start()
    try:
        await publishing.publish(fed, payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert _count(followed.database, Delivery) == HOSTS
    print(f"{HOSTS} deliveries for {FOLLOWERS} followers: at most {peak / 1e6:.1f} MB at once")
    assert peak < 8_000_000
