"""Lists: made, changed, filled and emptied by their owner, and unknown to everybody else."""

import msgspec
import pytest
from sqlalchemy.orm import Session

from models import follows, lists
from models.database import Database
from server.api import show_accounts
from server.api.entities.accounts import Account
from server.api.entities.lists import UserList
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def number(api: Api, name: str) -> str:
    with api.database.reading() as db:
        return str(person(db, name).id)


async def test_a_list_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        assert made == {"id": made["id"], "title": "Naboer", "replies_policy": "list", "exclusive": False}
        msgspec.convert(made, UserList)
        assert await api.get("/api/v1/lists") == [made]
        assert await api.get(f"/api/v1/lists/{made['id']}") == made


async def test_what_is_not_sent_stays_when_a_list_is_changed(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer", replies_policy="none", exclusive="true")
        changed = await api.put(f"/api/v1/lists/{made['id']}", title="Venner")
        assert changed == {**made, "title": "Venner"}
        changed = await api.put_json(f"/api/v1/lists/{made['id']}", {"exclusive": False, "replies_policy": "followed"})
        assert (changed["title"], changed["exclusive"], changed["replies_policy"]) == ("Venner", False, "followed")


async def test_a_deleted_list_is_gone(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        await api.post(f"/api/v1/lists/{made['id']}/accounts", **{"account_ids[]": number(api, "birk")})
        assert await api.delete(f"/api/v1/lists/{made['id']}") == {}
        await api.refused(404, "GET", f"/api/v1/lists/{made['id']}")
        assert await api.get(f"/api/v1/accounts/{number(api, 'birk')}/lists") == []


async def test_people_one_follows_are_put_on_and_taken_off(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        place = f"/api/v1/lists/{made['id']}/accounts"
        both = {"account_ids[]": [number(api, "birk"), number(api, "camilla")]}
        assert await api.post(place, **both) == {}
        assert [one["username"] for one in await api.get(place)] == ["camilla", "birk"]
        assert [one["username"] for one in await api.get(place, limit=0)] == ["camilla", "birk"]
        msgspec.convert((await api.get(place))[0], Account)
        assert await api.get(f"/api/v1/accounts/{number(api, 'birk')}/lists") == [made]
        assert await api.delete(place, **{"account_ids[]": number(api, "birk")}) == {}
        assert [one["username"] for one in await api.get(place)] == ["camilla"]


async def test_members_come_in_pages(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        place = f"/api/v1/lists/{made['id']}/accounts"
        await api.post_json(place, {"account_ids": [number(api, "birk"), number(api, "camilla")]})
        first = await api.call("GET", f"{place}?limit=1")
        second = await api.call("GET", first.links["next"]["url"])
        assert [one["username"] for one in first.json() + second.json()] == ["camilla", "birk"]


async def test_who_is_not_followed_cannot_be_put_on_a_list(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        place = f"/api/v1/lists/{made['id']}/accounts"
        ids = {"account_ids": [number(api, "birk"), number(api, "eva")]}
        await api.refused(404, "POST", place, json=ids)
        assert await api.get(place) == []
        await api.refused(404, "POST", place, json={"account_ids": ["1"]})


async def test_nobody_is_put_on_twice(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        place = f"/api/v1/lists/{made['id']}/accounts"
        await api.post_json(place, {"account_ids": [number(api, "birk")]})
        await api.refused(422, "POST", place, json={"account_ids": [number(api, "birk")]})


async def test_whom_one_no_longer_follows_leaves_the_list(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post("/api/v1/lists", title="Naboer")
        await api.post_json(f"/api/v1/lists/{made['id']}/accounts", {"account_ids": [number(api, "birk")]})
        world.database.write(lambda db: follows.undo(db, person(db, "anna"), person(db, "birk")))
        assert await api.get(f"/api/v1/lists/{made['id']}/accounts") == []


@pytest.mark.parametrize(
    "form", [{}, {"title": ""}, {"title": "  "}, {"title": "x" * 201}, {"title": "x", "replies_policy": "all"}]
)
async def test_a_list_that_will_not_do_is_refused(world: ApiWorld, form: dict[str, str]) -> None:
    async with world.client("anna") as api:
        await api.refused(422, "POST", "/api/v1/lists", data=form)


async def test_somebody_elses_list_is_none(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        theirs = await anna.post("/api/v1/lists", title="Naboer")
        place = f"/api/v1/lists/{theirs['id']}"
        for method, path in (("GET", place), ("DELETE", place), ("GET", f"{place}/accounts")):
            await birk.refused(404, method, path)
        await birk.refused(404, "PUT", place, json={"title": "Mine"})
        await birk.refused(404, "POST", f"{place}/accounts", json={"account_ids": [number(birk, "camilla")]})
        await birk.refused(404, "DELETE", f"{place}/accounts", json={"account_ids": []})
        await birk.refused(404, "GET", f"/api/v1/timelines/list/{theirs['id']}")
        assert await birk.get("/api/v1/lists") == []


async def test_the_home_timeline_leaves_out_who_is_on_an_exclusive_list(world: ApiWorld) -> None:
    async with world.client("david") as api:
        eva = number(api, "eva")

        async def authors(path: str) -> set[str]:
            return {one["account"]["id"] for one in await api.get(path, limit=40)}

        world.database.write(_note_of_eva)
        assert eva in await authors("/api/v1/timelines/home")
        made = await api.post("/api/v1/lists", title="For sig", exclusive="1")
        await api.post_json(f"/api/v1/lists/{made['id']}/accounts", {"account_ids": [eva]})
        assert eva not in await authors("/api/v1/timelines/home")
        assert eva in await authors(f"/api/v1/timelines/list/{made['id']}")


def _note_of_eva(db: Session) -> None:
    from models import composing
    from models.posts import Draft

    composing.note(db, person(db, "eva"), Draft(text="Kaffe kl. 10"))


def test_members_cost_as_many_queries_however_many_they_are(lived_in: Database) -> None:
    def fill(names: list[str]) -> int:
        def work(db: Session) -> int:
            me = person(db, "anna")
            row = lists.create(db, me.id, "Alle")
            lists.add(db, row, [person(db, name).id for name in names])
            return row.id

        made = lived_in.write(work)
        with lived_in.reading() as db:
            row = lists.get(db, person(db, "anna").id, made)
            with counted(db) as asked:
                assert len(show_accounts.accounts(db, [actor for _, actor in lists.members(db, row)])) == len(names)
            return len(asked)

    fill(["camilla"])  # what is found out once in the life of a process
    assert fill(["birk"]) == fill(["birk", "camilla"])
