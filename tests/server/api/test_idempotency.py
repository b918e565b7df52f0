"""An attempt that is made twice is one status, however the attempts come."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from models import asking
from models.base import clock
from models.database import Database
from models.errors import Invalid
from models.posts import Post
from models.scheduled import ScheduledPost
from tests.conftest import NODE
from tests.server.apps import Api, ApiWorld

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


@pytest.fixture
def second(lived_in: Database) -> Iterator[ApiWorld]:
    """Another process of the same node: it shares nothing with the first but the database."""
    database = Database(lived_in.url.render_as_string(hide_password=False), NODE)
    yield ApiWorld(database)
    database.close()


async def attempt(api: Api, key: str, text: str = "Hej", **more: Any) -> dict[str, Any]:
    answer = await api.call("POST", "/api/v1/statuses", json={"status": text, **more}, headers={"Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def posts(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Post)) or 0


async def test_the_same_key_again_is_the_same_status(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        before = posts(world.database)
        first, again = await attempt(anna, "k1"), await attempt(anna, "k1", "Hej igen")
        assert (again["id"], again["content"]) == (first["id"], first["content"])
        assert posts(world.database) == before + 1


async def test_another_key_no_key_and_another_token_are_other_attempts(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("anna") as other, world.client("birk") as birk:
        made = [
            await attempt(anna, "k1"),
            await attempt(anna, "k2"),
            await attempt(anna, ""),
            await attempt(anna, ""),
            await attempt(other, "k1"),
            await attempt(birk, "k1"),
        ]
        assert len({one["id"] for one in made}) == len(made)


async def test_after_an_hour_the_key_is_forgotten(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        first = await attempt(anna, "k1")
        clock.offset += 3590
        assert (await attempt(anna, "k1"))["id"] == first["id"]
        clock.offset += 20
        assert (await attempt(anna, "k1"))["id"] != first["id"]


async def test_an_attempt_that_failed_leaves_the_key_free(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        await anna.refused(422, "POST", "/api/v1/statuses", json={"status": ""}, headers={"Idempotency-Key": "k1"})
        assert (await attempt(anna, "k1"))["content"] == "<p>Hej</p>"


async def test_two_processes_that_race_make_one_status(world: ApiWorld, second: ApiWorld) -> None:
    async with world.client("anna") as here, second.client() as there:
        there.token = here.token
        before = posts(world.database)
        made = await asyncio.gather(*(attempt(api, "k1") for api in (here, there) * 4))
        assert len({one["id"] for one in made}) == 1
        assert posts(world.database) == before + 1


async def test_whoever_waited_for_an_attempt_that_fails_makes_it_himself(
    world: ApiWorld, second: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, tries = asking.publish, iter([True])

    def fails_once(*args: Any, **how: Any) -> Post:
        post = publish(*args, **how)
        if next(tries, False):
            raise Invalid("No.")
        return post

    monkeypatch.setattr(asking, "publish", fails_once)
    async with world.client("anna") as here, second.client() as there:
        there.token = here.token
        how = {"json": {"status": "Hej"}, "headers": {"Idempotency-Key": "k1"}}
        answers = await asyncio.gather(*(api.call("POST", "/api/v1/statuses", **how) for api in (here, there)))
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_status_for_later_waits_once(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        later = {"scheduled_at": "2100-01-01T12:00:00Z"}
        first, again = await attempt(anna, "k1", **later), await attempt(anna, "k1", **later)
        assert again == first
        assert first["params"]["idempotency"] == "k1"
    with world.database.reading() as db:
        assert db.scalar(select(func.count()).select_from(ScheduledPost)) == 1
