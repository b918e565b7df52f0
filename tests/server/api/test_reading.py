"""Markers and direct conversations."""

import msgspec
import pytest
from sqlalchemy.orm import Session

from models import blocks, conversations, markers, posts, removing
from models.database import Database
from models.errors import Conflict
from server.api import show_conversations
from server.api.entities.reading import Conversation, Marker
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

MARKERS, CONVERSATIONS = "/api/v1/markers", "/api/v1/conversations"


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def test_a_marker_has_every_documented_field_and_counts_its_changes(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        first = await api.post(MARKERS, **{"home[last_read_id]": "103194548672408537"})
        assert set(first) == {"home"}
        msgspec.convert(first, dict[str, Marker])
        assert first["home"]["last_read_id"] == "103194548672408537"
        both = {"home": {"last_read_id": "7"}, "notifications": {"last_read_id": "9"}}
        second = await api.post_json(MARKERS, both)
        assert second["home"]["version"] == first["home"]["version"] + 1
        assert await api.get(MARKERS, **{"timeline[]": ["home", "notifications"]}) == second
        assert await api.get(MARKERS, **{"timeline[]": "notifications"}) == {"notifications": second["notifications"]}


async def test_what_was_not_asked_for_or_never_set_is_left_out(world: ApiWorld) -> None:
    async with world.client("anna") as api, world.client("birk") as birk:
        assert await api.get(MARKERS, **{"timeline[]": "home"}) == {}
        await api.post_json(MARKERS, {"home": {"last_read_id": "7"}})
        assert await api.get(MARKERS) == {}
        assert await birk.get(MARKERS, **{"timeline[]": "home"}) == {}


@pytest.mark.parametrize("body", [{"home": {}}, {"home": {"last_read_id": "x"}}, {"home": {"last_read_id": -1}}])
async def test_a_marker_that_is_none_is_refused(world: ApiWorld, body: dict[str, object]) -> None:
    async with world.client("anna") as api:
        await api.refused(422, "POST", MARKERS, json=body)


def test_of_two_who_set_a_marker_in_the_same_moment_one_is_told_to_try_again(lived_in: Database) -> None:
    with lived_in.reading() as db:
        me = person(db, "anna").id
    lived_in.write(lambda db: markers.put(db, me, "home", 1))

    def late(db: Session) -> None:
        known = markers.of(db, me)["home"]
        markers.put(db, me, "home", 2)
        known.version -= 1  # as it was when somebody else read it
        with db.no_autoflush:
            markers.put(db, me, "home", 3)

    with pytest.raises(Conflict):
        lived_in.write(late)
    with lived_in.reading() as db:
        assert markers.of(db, me)["home"].last_read_id == 1


async def send(api: Api, text: str, reply_to: str = "") -> dict[str, str]:
    form = {"status": text, "visibility": "direct", **({"in_reply_to_id": reply_to} if reply_to else {})}
    found: dict[str, str] = await api.post("/api/v1/statuses", **form)
    return found


async def test_a_conversation_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        sent = await send(anna, "@birk Kaffe?")
        found = await birk.get(CONVERSATIONS)
        assert len(found) == 1
        assert set(found[0]) == {"id", "unread", "accounts", "last_status"}
        msgspec.convert(found[0], Conversation)
        assert found[0]["unread"] is True
        assert [one["username"] for one in found[0]["accounts"]] == ["anna"]
        assert found[0]["last_status"]["id"] == sent["id"]
        own = (await anna.get(CONVERSATIONS))[0]
        assert own["unread"] is False
        assert [one["username"] for one in own["accounts"]] == ["birk"]


async def test_an_answer_makes_it_unread_for_the_other_and_read_for_its_writer(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        sent = await send(anna, "@birk Kaffe?")
        answer = await send(birk, "@anna Ja!", sent["id"])
        mine, theirs = (await birk.get(CONVERSATIONS))[0], (await anna.get(CONVERSATIONS))[0]
        assert mine["last_status"]["id"] == theirs["last_status"]["id"] == answer["id"]
        assert (mine["unread"], theirs["unread"]) == (False, True)
        read = await anna.post(f"{CONVERSATIONS}/{theirs['id']}/read")
        assert (read["id"], read["unread"]) == (theirs["id"], False)
        assert (await anna.post(f"{CONVERSATIONS}/{theirs['id']}/unread"))["unread"] is True


async def test_a_conversation_taken_off_the_list_comes_back_with_a_new_post(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        sent = await send(anna, "@birk Kaffe?")
        number = (await birk.get(CONVERSATIONS))[0]["id"]
        assert await birk.delete(f"{CONVERSATIONS}/{number}") == {}
        assert await birk.get(CONVERSATIONS) == []
        assert len(await anna.get(CONVERSATIONS)) == 1
        await birk.get(f"/api/v1/statuses/{sent['id']}")
        await send(anna, "@birk Nå?", sent["id"])
        assert len(await birk.get(CONVERSATIONS)) == 1


async def test_conversations_come_in_pages_by_their_last_post(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        first = await send(anna, "@birk Kaffe?")
        await send(anna, "@camilla Kaffe?")
        await send(anna, "@birk Nå?", first["id"])
        newest = await anna.call("GET", f"{CONVERSATIONS}?limit=1")
        assert [one["username"] for one in newest.json()[0]["accounts"]] == ["birk"]
        older = await anna.call("GET", newest.links["next"]["url"])
        assert [one["username"] for one in older.json()[0]["accounts"]] == ["camilla"]


async def test_a_deleted_last_post_gives_way_to_the_one_before(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        first = await send(anna, "@birk Kaffe?")
        second = await send(anna, "@birk Nå?", first["id"])
        for status, left in ((second, [first["id"]]), (first, [])):
            delete(world, int(status["id"]))
            assert [one["last_status"]["id"] for one in await birk.get(CONVERSATIONS)] == left


def delete(world: ApiWorld, number: int) -> None:
    world.database.write(lambda db: removing.delete_post(db, person(db, "anna"), posts.get(db, number)))


async def test_who_blocked_the_writer_hears_nothing_of_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        await send(anna, "@birk Kaffe?")
        world.database.write(lambda db: blocks.block(db, person(db, "birk"), person(db, "anna")))
        assert await birk.get(CONVERSATIONS) == []


async def test_somebody_elses_conversation_is_none(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client("eva") as eva:
        await send(anna, "@birk Kaffe?")
        for api in (anna, birk):
            number = (await api.get(CONVERSATIONS))[0]["id"]
            await eva.refused(404, "POST", f"{CONVERSATIONS}/{number}/read")
            await eva.refused(404, "POST", f"{CONVERSATIONS}/{number}/unread")
            await eva.refused(404, "DELETE", f"{CONVERSATIONS}/{number}")
        assert await eva.get(CONVERSATIONS) == []


@pytest.mark.usefixtures("nothing_kept")
async def test_many_conversations_cost_as_many_queries_as_few(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        counts = []
        for names in (["birk", "camilla"], ["david", "eva", "farid"]):
            for name in names:
                await send(anna, f"@{name} Kaffe?")
            with world.database.reading() as db:
                me = person(db, "anna")
                with counted(db) as asked:
                    show_conversations.several(db, me, conversations.page(db, me))
            counts.append(len(asked))
        assert counts[0] == counts[1]
