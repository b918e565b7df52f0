"""What stands around a status in its conversation."""

import pytest
from sqlalchemy.orm import Session

from models import communities, listings, posts, surroundings, threads
from models.database import Database
from models.posts import Draft, Post
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person, question

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def reply(api: Api, to: str, text: str = "Svar", **more: str) -> str:
    """The id of a new reply."""
    made = await api.post("/api/v1/statuses", status=text, in_reply_to_id=to, **more)
    return str(made["id"])


async def around(api: Api, status_id: str) -> tuple[list[str], list[str]]:
    """The ids above and below."""
    found = await api.get(f"/api/v1/statuses/{status_id}/context")
    assert set(found) == {"ancestors", "descendants"}
    return [one["id"] for one in found["ancestors"]], [one["id"] for one in found["descendants"]]


async def test_the_accepted_answer_comes_first_then_the_others_by_votes(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva, world.client("farid") as farid:
        asked = await birk.post("/api/v1/statuses", status="@udfordrere Hvem har prøvet det?")
        first, second, third = [await reply(eva, asked["id"], f"Svar {n}") for n in range(3)]
        below = await reply(birk, first, "Tak for det")
        await farid.post(f"/api/v1/statuses/{second}/favourite")
        assert await around(birk, asked["id"]) == ([], [second, first, below, third])

        def accept(db: Session) -> None:
            threads.accept(db, person(db, "birk"), posts.get(db, int(asked["id"])), posts.get(db, int(third)))

        world.database.write(accept)
        assert await around(birk, asked["id"]) == ([], [third, second, first, below])


async def test_every_reply_stands_under_what_it_answers(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as stranger:
        root = (await anna.post("/api/v1/statuses", status="Begyndelsen"))["id"]
        a, b = await reply(anna, root, "a"), await reply(anna, root, "b")
        aa = await reply(anna, a, "aa")
        aaa = await reply(anna, aa, "aaa")
        ba = await reply(anna, b, "ba")
        assert await around(stranger, root) == ([], [a, aa, aaa, b, ba])
        assert await around(stranger, aa) == ([root, a], [aaa])
        assert await around(stranger, aaa) == ([root, a, aa], [])


async def test_only_what_the_reader_may_see_is_there(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client() as stranger:
        root = (await anna.post("/api/v1/statuses", status="Åbent"))["id"]
        hidden = await reply(birk, root, "@anna kun dig", visibility="direct")
        shown = await reply(birk, root, "Alle")
        assert await around(stranger, root) == ([], [shown])
        assert await around(anna, root) == ([], [hidden, shown])
        await stranger.refused(404, "GET", f"/api/v1/statuses/{hidden}/context")


async def test_a_deleted_post_leaves_its_replies_where_they_were(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        root = (await anna.post("/api/v1/statuses", status="Åbent"))["id"]
        middle = await reply(birk, root)
        last = await reply(anna, middle)
        await birk.delete(f"/api/v1/statuses/{middle}")
        assert await around(anna, root) == ([], [last])
        assert await around(anna, last) == ([root], [])
        orphan = await anna.get(f"/api/v1/statuses/{last}")
    assert (orphan["in_reply_to_id"], orphan["in_reply_to_account_id"]) == (None, None)


async def test_held_and_removed_answers_show_to_whom_they_concern(world: ApiWorld) -> None:
    def hold(db: Session) -> tuple[str, str, str]:
        asked = question(db, "Hvordan fik I løbere")
        communities.settings(db, db.get_one(type(person(db, "birk")), asked.community_id)).holds_outside = True
        held = threads.answer(db, person(db, "eva"), asked, Draft("Udefra"))
        held.unreviewed = True
        removed = threads.answer(db, person(db, "farid"), asked, Draft("Fjernet"))
        listings.remove_post(db, person(db, "camilla"), removed, "Reklame")
        return str(asked.id), str(held.id), str(removed.id)

    asked, held, removed = world.database.write(hold)
    async with world.client("anna") as anna, world.client("eva") as eva, world.client("camilla") as camilla:
        assert not {held, removed} & set((await around(anna, asked))[1])
        assert held in (await around(eva, asked))[1]
        assert {held, removed} <= set((await around(camilla, asked))[1])


async def test_a_circle_of_replies_ends(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        one = (await anna.post("/api/v1/statuses", status="1"))["id"]
        two = await reply(anna, one, "2")
        three = await reply(anna, two, "3")

        def close(db: Session) -> None:
            first, last = posts.get(db, int(one)), posts.get(db, int(three))
            first.in_reply_to_id, first.in_reply_to_uri = last.id, last.uri

        world.database.write(close)
        above, below = await around(anna, two)
        assert set(above) | set(below) == {one, three}
        assert two not in {*above, *below}


@pytest.mark.usefixtures("nothing_kept")
async def test_a_context_costs_the_same_however_long_it_is(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        root = (await anna.post("/api/v1/statuses", status="Åbent"))["id"]
        last = await reply(birk, root)
        few = await _cost(world, anna, root)
        for number in range(12):
            last = await reply(
                birk if number % 2 else anna, last if number % 3 else root, f"Nr. {number} @eva #nr{number}"
            )
        assert await _cost(world, anna, root) == few
        assert len((await around(anna, root))[1]) == 13


async def _cost(world: ApiWorld, api: Api, root: str) -> int:
    with counted(world.database) as asked:
        await around(api, root)
    return len(asked)


def test_no_more_than_a_thousand_replies_are_read(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "MOST_BELOW", 5)

    def fill(db: Session) -> Post:
        from models import composing

        anna = person(db, "anna")
        root = composing.note(db, anna, Draft("Rod"))
        for number in range(8):
            composing.note(db, anna, Draft(str(number)), reply_to=root)
        return root

    root = lived_in.write(fill)
    with lived_in.reading() as db:
        assert len(surroundings.of(db, None, posts.get(db, root.id)).below) == 5
