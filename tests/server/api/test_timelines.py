"""Timelines through an app: pages, links between them, and what each costs."""

import msgspec
import pytest
from sqlalchemy.orm import Session

from models import composing, follows, lists, reactions, threads
from models.database import Database
from models.posts import Draft
from server.api.entities.statuses import Status
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

TIMELINES = ("home", "public", "tag/regler", "list")


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def a_list(world: ApiWorld) -> str:
    """The id of a list of birk's, with anna and a community on it."""

    def make(db: Session) -> str:
        birk = person(db, "birk")
        for name in ("anna", "udfordrere"):
            follows.request(db, birk, person(db, name))
        row = lists.create(db, birk.id, "Gode folk")
        lists.add(db, row, [person(db, "anna").id, person(db, "udfordrere").id])
        return str(row.id)

    return world.database.write(make)


async def every_page(api: Api, path: str, limit: int, rel: str) -> list[str]:
    """The ids on all pages, by following the Link header."""
    found: list[str] = []
    start = {"limit": limit} if rel == "next" else {"limit": limit, "min_id": "0"}
    answer = await api.call("GET", path, params=start)
    while answer.json():
        ids = [one["id"] for one in answer.json()]
        found = [*found, *ids] if rel == "next" else [*ids, *found]
        [link] = [part for part in answer.headers["link"].split(", ") if part.endswith(f'rel="{rel}"')]
        answer = await api.call("GET", link.split(";")[0].strip("<>").removeprefix("https://a.example"))
    return found


@pytest.mark.parametrize("name", TIMELINES)
async def test_following_the_links_meets_everything_once_in_both_directions(world: ApiWorld, name: str) -> None:
    path = f"/api/v1/timelines/{name if name != 'list' else f'list/{a_list(world)}'}"
    async with world.client("birk") as birk:
        everything = [one["id"] for one in await birk.get(path, limit=40)]
        assert len(everything) == len(set(everything)) > 1
        assert await every_page(birk, path, 2, "next") == everything
        assert await every_page(birk, path, 2, "prev") == everything


@pytest.mark.parametrize("name", TIMELINES)
async def test_every_timeline_is_made_of_statuses(world: ApiWorld, name: str) -> None:
    path = f"/api/v1/timelines/{name if name != 'list' else f'list/{a_list(world)}'}"
    async with world.client("birk") as birk:
        for one in await birk.get(path):
            msgspec.convert(one, Status)


async def test_a_thread_of_a_community_one_follows_comes_home_through_it(world: ApiWorld) -> None:
    def ask(db: Session) -> int:
        follows.undo(db, person(db, "eva"), person(db, "farid"))
        follows.request(db, person(db, "eva"), person(db, "udfordrere"))
        draft = Draft("Tekst", "Hvem ved, hvad fællesnævneren er?")
        return threads.ask(db, person(db, "farid"), person(db, "udfordrere"), draft).id

    asked = str(world.database.write(ask))
    async with world.client("eva") as eva:
        found = [
            one for one in await eva.get("/api/v1/timelines/home") if one["reblog"] and one["reblog"]["id"] == asked
        ]
    assert [one["account"]["acct"] for one in found] == ["udfordrere"]
    assert found[0]["account"]["group"]


async def test_lists_of_others_are_not_found(world: ApiWorld) -> None:
    row = a_list(world)
    async with world.client("anna") as anna:
        await anna.refused(404, "GET", f"/api/v1/timelines/list/{row}")


async def test_no_links_trend_here(world: ApiWorld) -> None:
    async with world.client() as api:
        await api.refused(404, "GET", "/api/v1/timelines/link", params={"url": "https://www.dr.dk"})
        await api.refused(422, "GET", "/api/v1/timelines/link")


async def test_home_is_for_those_who_are_signed_in(world: ApiWorld) -> None:
    async with world.client() as api:
        await api.refused(401, "GET", "/api/v1/timelines/home")
        assert await api.get("/api/v1/timelines/public")


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "100000"}, {"limit": "-5"}, {"min_id": "0", "max_id": "1"}]
)
async def test_odd_pages_are_pages(world: ApiWorld, query: dict[str, str]) -> None:
    async with world.client("birk") as birk:
        assert len(await birk.get("/api/v1/timelines/home", **query)) <= 40


@pytest.mark.parametrize("query", [{"limit": "x"}, {"max_id": "x"}, {"local": "perhaps"}, {"min_id": "-1"}])
async def test_what_is_no_page_is_refused(world: ApiWorld, query: dict[str, str]) -> None:
    async with world.client("birk") as birk:
        await birk.refused(422, "GET", "/api/v1/timelines/public", params=query)


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("name", TIMELINES)
async def test_a_timeline_costs_the_same_however_long_it_is(world: ApiWorld, name: str) -> None:
    path = f"/api/v1/timelines/{name if name != 'list' else f'list/{a_list(world)}'}"

    def fill(db: Session) -> None:
        anna, birk, eva = person(db, "anna"), person(db, "birk"), person(db, "eva")
        for number in range(8):
            root = composing.note(db, anna, Draft(f"Nr. {number} @eva @farid #regler #nr{number}"))
            composing.note(db, birk, Draft("@anna Tak #regler"), reply_to=root)
            reactions.boost(db, eva, root)
            reactions.vote(db, birk, root)

    world.database.write(fill)
    async with world.client("birk") as birk:
        await birk.get(path)
        costs = []
        for limit in (4, 40):
            with counted(world.database) as queries:
                assert await birk.get(path, limit=limit)
            costs.append(len(queries))
    assert costs[1] <= costs[0] + 6  # kinds of things that a short list may not have, not things
    assert costs[1] <= 32
