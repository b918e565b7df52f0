"""Announcements as apps show them."""

from datetime import timedelta

import msgspec
import pytest

from models import announcements
from models.announcements import MAX_REACTIONS
from models.base import now
from models.database import Database
from server.api.entities.announcements import Announcement
from tests.server.apps import ApiWorld

pytestmark = pytest.mark.anyio

PATH = "/api/v1/announcements"
KEYS = {
    *("id", "content", "starts_at", "ends_at", "all_day", "published", "published_at", "updated_at", "read"),
    *("mentions", "statuses", "tags", "emojis", "reactions"),
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def announce(world: ApiWorld, text: str = "Vi flytter på fredag, siger @anna. #flytning") -> str:
    end = now() + timedelta(days=3)
    return str(world.database.write(lambda db: announcements.announce(db, text, ends_at=end).id))


async def test_an_announcement_has_every_documented_field(world: ApiWorld) -> None:
    announce(world)
    async with world.client("birk") as api:
        (found,) = await api.get(PATH)
        assert set(found) == KEYS
        msgspec.convert(found, Announcement)
        assert found["read"] is False
        assert found["starts_at"] is None
        assert [one["username"] for one in found["mentions"]] == ["anna"]
        assert found["tags"] == [{"name": "flytning", "url": "https://a.example/t/flytning"}]
        assert found["content"].startswith("<p>Vi flytter")


async def test_they_are_for_people_with_an_account(world: ApiWorld) -> None:
    async with world.client() as api:
        await api.refused(401, "GET", PATH)


async def test_a_dismissed_one_is_no_longer_shown_unless_asked_for(world: ApiWorld) -> None:
    number = announce(world)
    async with world.client("birk") as birk, world.client("eva") as eva:
        for _ in range(2):
            assert await birk.post(f"{PATH}/{number}/dismiss") == {}
        assert await birk.get(PATH) == []
        assert [one["read"] for one in await birk.get(PATH, with_dismissed="true")] == [True]
        assert len(await eva.get(PATH)) == 1


async def test_reactions_are_counted_and_taken_back(world: ApiWorld) -> None:
    place = f"{PATH}/{announce(world)}/reactions"
    async with world.client("birk") as birk, world.client("eva") as eva:
        for _ in range(2):
            assert await birk.call("PUT", f"{place}/🎉") is not None
        await eva.put(f"{place}/🎉")
        await eva.put(f"{place}/❤️")
        (found,) = await birk.get(PATH)
        assert found["reactions"] == [
            {"name": "🎉", "count": 2, "me": True},
            {"name": "❤️", "count": 1, "me": False},
        ]
        assert await birk.delete(f"{place}/🎉") == {}
        await birk.refused(404, "DELETE", f"{place}/🎉")
        (found,) = await birk.get(PATH)
        assert found["reactions"][0] == {"name": "🎉", "count": 1, "me": False}


@pytest.mark.parametrize("name", ["a", "hurra", "1", "%20", "🎉x", "<b>", "🎉" * 30, "%E2%80%8B"])
async def test_only_an_emoji_is_a_reaction(world: ApiWorld, name: str) -> None:
    async with world.client("birk") as api:
        await api.refused(422, "PUT", f"{PATH}/{announce(world)}/reactions/{name}")


@pytest.mark.parametrize("name", ["🎉", "👍🏽", "❤", "❤️", "1️⃣", "👨‍👩‍👧", "🇩🇰", "⭐"])
def test_every_sort_of_emoji_is_one(name: str) -> None:
    assert announcements.is_emoji(name)


async def test_there_is_room_for_so_many_sorts_of_emoji(world: ApiWorld) -> None:
    place = f"{PATH}/{announce(world)}/reactions"
    async with world.client("birk") as birk, world.client("eva") as eva:
        emojis = "🎉⭐🌍🌲🌻🍞🍰🏃🏠"
        for one in emojis[:MAX_REACTIONS]:
            await birk.put(f"{place}/{one}")
        await birk.refused(422, "PUT", f"{place}/{emojis[MAX_REACTIONS]}")
        await eva.put(f"{place}/{emojis[0]}")


async def test_one_that_is_not_there_is_not_found(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        await api.refused(404, "POST", f"{PATH}/1/dismiss")
        await api.refused(404, "PUT", f"{PATH}/1/reactions/🎉")
        await api.refused(404, "DELETE", f"{PATH}/x/reactions/🎉")


async def test_what_has_ended_is_shown_to_nobody(world: ApiWorld) -> None:
    past = now() - timedelta(minutes=1)
    world.database.write(lambda db: announcements.announce(db, "Forbi", ends_at=past).id)
    async with world.client("birk") as api:
        assert await api.get(PATH, with_dismissed=1) == []
