"""Hashtags: what is known of one, following, featuring; and what many people write about."""

import msgspec
import pytest
from sqlalchemy.orm import Session

from models import composing, hashtags
from models.database import Database
from models.posts import Draft
from models.tag_follows import MAX_FOLLOWED
from server.api import show_tags
from server.api.entities.statuses import Status
from server.api.entities.tags import FeaturedTag, Tag
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def write(world: ApiWorld, name: str, text: str, visibility: str = "public") -> int:
    return world.database.write(
        lambda db: composing.note(db, person(db, name), Draft(text=text, visibility=visibility)).id
    )


def number(api: Api, name: str) -> str:
    with api.database.reading() as db:
        return str(person(db, name).id)


async def test_a_tag_has_every_documented_field_and_seven_days(world: ApiWorld) -> None:
    write(world, "anna", "Suppe #Frokost")
    write(world, "birk", "Igen #frokost")
    async with world.client("anna") as api, world.client() as anybody:
        found = await api.get("/api/v1/tags/FROKOST")
        assert set(found) == {"id", "name", "url", "history", "following", "featuring"}
        msgspec.convert(found, Tag)
        assert (found["name"], found["url"]) == ("frokost", "https://a.example/t/frokost")
        assert len(found["history"]) == 7
        assert set(found["history"][0]) == {"day", "uses", "accounts"}
        assert (found["history"][0]["uses"], found["history"][0]["accounts"]) == ("2", "2")
        days = [int(day["day"]) for day in found["history"]]
        assert days == [days[0] - 86400 * back for back in range(7)]
        assert days[0] % 86400 == 0
        assert set(await anybody.get("/api/v1/tags/frokost")) == {"id", "name", "url", "history"}


async def test_a_tag_in_any_script_has_pages(world: ApiWorld) -> None:
    ids = [write(world, "anna", f"{number} #тест") for number in range(3)]
    async with world.client() as api:
        answer = await api.call("GET", "/api/v1/timelines/tag/тест", params={"limit": 2})
        assert [one["id"] for one in answer.json()] == [str(ids[2]), str(ids[1])]
        older = await api.http.get(answer.links["next"]["url"])
        assert [one["id"] for one in older.json()] == [str(ids[0])]


async def test_a_tag_nobody_used_is_known_too(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v1/tags/Snevejr")
        assert found["name"] == "Snevejr"
        assert {day["uses"] for day in found["history"]} == {"0"}
        await api.refused(404, "GET", "/api/v1/tags/12")
        await api.refused(404, "GET", "/api/v1/tags/to%20ord")


async def test_what_is_not_public_counts_for_nothing(world: ApiWorld) -> None:
    write(world, "anna", "#hemmeligt", "followers")
    write(world, "anna", "#hemmeligt", "unlisted")
    async with world.client("anna") as api:
        assert (await api.get("/api/v1/tags/hemmeligt"))["history"][0]["uses"] == "0"


async def test_a_followed_tag_brings_posts_home(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        assert (await api.post("/api/v1/tags/Frokost/follow"))["following"] is True
        assert (await api.post("/api/v1/tags/frokost/follow"))["following"] is True
        assert [tag["name"] for tag in await api.get("/api/v1/followed_tags")] == ["Frokost"]
        status = str(write(world, "eva", "Suppe #frokost"))  # anna does not follow eva
        assert status in [one["id"] for one in await api.get("/api/v1/timelines/home")]
        assert (await api.post("/api/v1/tags/frokost/unfollow"))["following"] is False
        assert await api.get("/api/v1/followed_tags") == []
        assert status not in [one["id"] for one in await api.get("/api/v1/timelines/home")]


async def test_followed_tags_come_in_pages(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        for name in ("en", "to", "tre"):
            await api.post(f"/api/v1/tags/{name}/follow")
        first = await api.call("GET", "/api/v1/followed_tags?limit=2")
        second = await api.call("GET", first.links["next"]["url"])
        assert [tag["name"] for tag in first.json() + second.json()] == ["tre", "to", "en"]


async def test_there_is_an_end_to_following(world: ApiWorld) -> None:
    from models import tag_follows

    async with world.client("anna") as api:
        me = int(number(api, "anna"))

        def follow(db: Session) -> None:
            for n in range(MAX_FOLLOWED):
                tag_follows.follow(db, me, f"x{n}")

        world.database.write(follow)
        await api.refused(422, "POST", "/api/v1/tags/y/follow")


async def test_featured_tags_stand_on_the_profile_with_their_use(world: ApiWorld) -> None:
    write(world, "anna", "Suppe #Frokost")
    async with world.client("anna") as api, world.client() as anybody:
        assert "Frokost" in [tag["name"] for tag in await api.get("/api/v1/featured_tags/suggestions")]
        made = await api.post("/api/v1/featured_tags", name="#Frokost")
        assert set(made) == {"id", "name", "url", "statuses_count", "last_status_at"}
        msgspec.convert(made, FeaturedTag)
        assert (made["name"], made["statuses_count"]) == ("Frokost", "1")
        assert len(made["last_status_at"]) == len("2026-01-31")
        assert await api.get("/api/v1/featured_tags") == [made]
        assert await anybody.get(f"/api/v1/accounts/{number(api, 'anna')}/featured_tags") == [made]
        assert "Frokost" not in [tag["name"] for tag in await api.get("/api/v1/featured_tags/suggestions")]
        await api.refused(422, "POST", "/api/v1/featured_tags", data={"name": "frokost"})
        assert await api.delete(f"/api/v1/featured_tags/{made['id']}") == {}
        assert await api.get("/api/v1/featured_tags") == []


async def test_a_tag_is_featured_by_its_name_too(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        for _ in range(2):
            assert (await api.post("/api/v1/tags/frokost/feature"))["featuring"] is True
        assert [tag["name"] for tag in await api.get("/api/v1/featured_tags")] == ["frokost"]
        assert (await api.post("/api/v1/tags/frokost/unfeature"))["featuring"] is False


@pytest.mark.parametrize("name", ["", "to ord", "123", "x" * 101, "#"])
async def test_what_is_no_tag_cannot_be_featured(world: ApiWorld, name: str) -> None:
    async with world.client("anna") as api:
        await api.refused(422, "POST", "/api/v1/featured_tags", data={"name": name})


async def test_an_eleventh_featured_tag_is_refused(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        for name in range(10):
            await api.post("/api/v1/featured_tags", name=f"tag{name}")
        await api.refused(422, "POST", "/api/v1/featured_tags", data={"name": "tag10"})


async def test_somebody_elses_featured_tag_is_none(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await anna.post("/api/v1/featured_tags", name="frokost")
        await birk.refused(404, "DELETE", f"/api/v1/featured_tags/{made['id']}")
        assert await birk.get("/api/v1/featured_tags") == []


async def test_trending_tags_are_those_of_many_people(world: ApiWorld) -> None:
    for name in ("anna", "birk", "camilla", "david"):
        write(world, name, "#Frokost")
    for _ in range(9):
        write(world, "eva", "#kun_mig")
    async with world.client() as api:
        for path in ("/api/v1/trends/tags", "/api/v1/trends"):
            found = await api.get(path)
            assert found[0]["name"] == "Frokost"
            msgspec.convert(found, list[Tag])
        first = await api.call("GET", "/api/v1/trends/tags?limit=1")
        second = await api.call("GET", first.links["next"]["url"])
        assert [one["name"] for one in first.json() + second.json()] == [one["name"] for one in found[:2]]


async def test_trending_statuses_are_public_and_reacted_to(world: ApiWorld) -> None:
    loud, quiet = write(world, "anna", "Hurra"), write(world, "anna", "Pst", "followers")
    async with world.client("birk") as birk, world.client("farid") as farid, world.client() as anybody:
        for status in (loud, quiet):
            await farid.post(f"/api/v1/statuses/{status}/favourite")
        await birk.post(f"/api/v1/statuses/{loud}/favourite")
        found = await anybody.get("/api/v1/trends/statuses", limit=40)
        msgspec.convert(found, list[Status])
        assert str(loud) in [one["id"] for one in found]
        assert str(quiet) not in [one["id"] for one in found]
        assert await anybody.get("/api/v1/trends/statuses", offset=500) == []
        first = await anybody.get("/api/v1/trends/statuses", limit=2)
        assert await anybody.get("/api/v1/trends/statuses", limit=2, offset=2) == found[2:4] != first


async def test_links_are_never_trending(world: ApiWorld) -> None:
    async with world.client() as api:
        assert await api.get("/api/v1/trends/links") == []


@pytest.mark.parametrize("query", [{"limit": "x"}, {"offset": "-1"}, {"offset": "9" * 30}])
async def test_a_rank_that_is_none_is_refused(world: ApiWorld, query: dict[str, str]) -> None:
    async with world.client() as api:
        for path in ("statuses", "tags", "links"):
            await api.refused(422, "GET", f"/api/v1/trends/{path}", params=query)


def test_many_tags_cost_as_many_queries_as_one(lived_in: Database) -> None:
    with lived_in.reading() as db:
        me = person(db, "anna")

        def cost(names: list[str]) -> int:
            with counted(db) as asked:
                assert len(show_tags.tags(db, me, names)) == len(names)
            return len(asked)

        assert cost(["en"]) == cost(hashtags.popular(db, 20)) == 3
