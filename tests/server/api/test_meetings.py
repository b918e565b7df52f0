"""Meetings in the client API: as themselves under Torv's own name, and as statuses for every other app."""

from typing import Any

import pytest

from models import attending, checking_in, posts
from models.database import Database
from models.meetings import Joining, Way
from tests.models.test_meetings import plan
from tests.models.test_minutes import go_to
from tests.server.api.counting import counted
from tests.server.apps import ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio
PATH = "/api/torv/v1/meetings"
SENT: dict[str, Any] = {
    "title": "Når jura siger nej",
    "theme": "Tre korte *oplæg*.",
    "starts": "2031-12-02T16:00",
    "ends": "2031-12-02T18:00",
    "place": "Rådhuset",
    "online_url": "https://meet.example/x",
    "online_hidden": True,
    "capacity": 1,
    "language": "da",
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def test_a_meeting_is_planned_signed_up_for_changed_and_cancelled(world: ApiWorld) -> None:
    with world.database.reading() as db:
        group, eva_id = (str(person(db, name).id) for name in ("udfordrere", "eva"))
    async with world.client("birk") as birk, world.client("eva") as eva, world.client("farid") as farid:
        made = await birk.post_json(PATH, {**SENT, "community_id": group})
        assert (made["kind"], made["starts_at"], made["place"]["name"]) == (
            "event", "2031-12-02T15:00:00.000Z", "Rådhuset",
        )  # fmt: skip
        assert (made["organised"], made["online_url"], made["my_state"]) == (True, "https://meet.example/x", None)
        own = f"{PATH}/{made['id']}"
        assert (await eva.get(own))["online_url"] is None
        assert (await eva.put_json(f"{own}/attendance", {}))["my_state"] == "going"
        assert (await eva.get(own))["online_url"] == "https://meet.example/x"
        assert (await farid.put_json(f"{own}/attendance", {}))["my_state"] == "waiting"
        assert [one["account"]["id"] for one in await eva.get(f"{own}/attendees")] == [eva_id]
        assert (await farid.call("GET", f"{own}/attendees")).status_code == 403
        everybody = await birk.get(f"{own}/attendees")
        assert [(one["state"], one["ways"]) for one in everybody] == [("going", ["web"]), ("waiting", ["web"])]
        assert len(await birk.get(f"{own}/attendees", after=everybody[0]["number"])) == 1
        changed = await birk.put_json(own, {**SENT, "capacity": 2})
        assert (changed["going"], changed["waiting"]) == (2, 0)
        left = await eva.call("DELETE", f"{own}/attendance")
        assert left.json()["my_state"] is None
        declined = await birk.put_json(f"{own}/attendees/{await _id(farid)}", {"let_in": False})
        assert declined["going"] == 0
        cancelled = await birk.post_json(f"{own}/cancel", {"why": "Syg"})
        assert (cancelled["status"], cancelled["cancelled_why"]) == ("cancelled", "Syg")
        assert (await eva.call("PUT", f"{own}/attendance")).status_code == 409


async def _id(client: Any) -> str:
    return str((await client.get("/api/v1/accounts/verify_credentials"))["id"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "Nej"},
        {"starts": "i morgen"},
        {"starts": "2031-12-02T16:00+01:00"},
        {"ends": "2031-12-01T16:00"},
        {"timezone": "Mars/Olympus"},
        {"place": "", "online_url": ""},
        {"latitude": 1.0},
        {"latitude": 400},
        {"joining": "alle"},
        {"joining": "external"},
        {"capacity": 0},
        {"remind_hours": 3},
        {"visibility": "direct"},
        {"online_url": "x"},
    ],
)
async def test_what_is_wrong_is_answered_with_what_and_changes_nothing(world: ApiWorld, wrong: dict[str, Any]) -> None:
    async with world.client("birk") as birk:
        assert (await birk.call("POST", PATH, json={**SENT, **wrong})).status_code == 422
        assert await birk.get(PATH) == []


async def test_only_its_organiser_changes_a_meeting_or_decides(world: ApiWorld) -> None:
    post = world.database.write(lambda db: plan(db, joining=Joining.APPROVAL))
    own = f"{PATH}/{post.id}"
    async with world.client("eva") as eva, world.client() as nobody:
        await eva.put_json(f"{own}/attendance", {})
        for method, path, body in (
            ("PUT", own, SENT),
            ("POST", f"{own}/cancel", {}),
            ("PUT", f"{own}/attendees/{await _id(eva)}", {"let_in": True}),
        ):
            assert (await eva.call(method, path, json=body)).status_code == 403, path
        assert (await nobody.call("GET", f"{own}/attendees")).status_code == 401
        assert (await nobody.call("PUT", f"{own}/attendance")).status_code == 401


async def test_a_meeting_is_a_status_for_every_other_app(world: ApiWorld) -> None:
    post = world.database.write(lambda db: plan(db))
    async with world.client("birk") as birk, world.client("eva") as eva:
        status = await eva.get(f"/api/v1/statuses/{post.id}")
        assert status["spoiler_text"] == ""
        assert not status["sensitive"]
        assert status["content"].startswith("<p><strong>Når jura siger nej</strong></p><p>tirsdag 2. december 2031")
        assert "<em>oplæg</em>" in status["content"]
        assert (await birk.call("PUT", f"/api/v1/statuses/{post.id}", json={"status": "x"})).status_code == 409
        await eva.call("POST", f"/api/v1/statuses/{post.id}/favourite")
        assert (await eva.get(f"{PATH}/{post.id}"))["my_state"] == "going"
        assert (await birk.call("DELETE", f"/api/v1/statuses/{post.id}")).status_code == 409
        await eva.call("POST", f"/api/v1/statuses/{post.id}/unfavourite")
        assert (await eva.get(f"{PATH}/{post.id}"))["my_state"] is None
        notices = await birk.get("/api/v1/notifications")
        assert "admin.report" not in [one["type"] for one in notices]


@pytest.mark.usefixtures("nothing_kept")
async def test_lists_go_on_and_ask_as_often_however_many_there_are(world: ApiWorld) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            post = world.database.write(lambda db: plan(db, "anna", online_hidden=True))
            world.database.write(
                lambda db, id=post.id: attending.sign_up(db, person(db, "eva"), posts.get(db, id), Way.WEB)
            )

    async with world.client("eva") as eva:
        add(2)
        few = await _queries(world, eva)
        add(5)
        assert await _queries(world, eva) == few
        first = await eva.get(PATH, limit=3)
        rest = await eva.get(PATH, after_id=first[-1]["id"])
        assert [len(first), len(rest)] == [3, 4]
        assert not {one["id"] for one in first} & {one["id"] for one in rest}
        assert await eva.get(PATH, past="true") == []


async def _queries(world: ApiWorld, client: Any) -> int:
    await client.get(PATH)  # the token is known from now on, and what else is looked up now and then
    world.app.state.site._until = float("inf")
    with counted(world.database) as asked:
        await client.get(PATH)
    return len(asked)


async def test_meetings_are_narrowed_by_place_way_and_time(world: ApiWorld) -> None:
    world.database.write(lambda db: plan(db, title="I Odense", town="Odense", latitude=None, longitude=None))
    world.database.write(
        lambda db: plan(db, title="Uden net", town="Aalborg", latitude=None, longitude=None, online_url="")
    )
    async with world.client("eva") as eva:
        for asked, titles in (
            ({"municipality": "0461"}, {"I Odense"}),
            ({"online": "true"}, {"I Odense"}),
            ({"online": "false"}, {"I Odense", "Uden net"}),
            ({"until": "2031-01-01T00:00:00Z"}, set()),
            ({"until": "2032-01-01T00:00:00+01:00"}, {"I Odense", "Uden net"}),
        ):
            assert {one["title"] for one in await eva.get(PATH, **asked)} == titles, asked
        assert (await eva.call("GET", PATH, params={"until": "soon"})).status_code == 422


async def test_a_series_minutes_and_who_was_there(world: ApiWorld) -> None:
    post = world.database.write(lambda db: plan(db, capacity=None))
    own = f"{PATH}/{post.id}"
    async with world.client("birk") as birk, world.client("eva") as eva:
        made = await birk.post_json(f"{own}/series", {"every": "month_weekday", "count": 3})
        assert [one["starts_at"][:10] for one in made] == ["2032-01-06", "2032-02-03"]
        assert len(await eva.get(f"{own}/series")) == 3 and (await eva.get(own))["series"] is True
        assert (await eva.call("GET", f"{own}/minutes")).status_code == 404
        code = world.database.write(lambda db: checking_in.code(db, post))
        assert (await eva.call("POST", f"{own}/check_in", json={"code": code})).status_code == 409
        world.database.write(lambda db: go_to(db, post, 5))
        assert (await eva.post_json(f"{own}/check_in", {"code": code}))["my_state"] == "going"
        people = await birk.get(f"{own}/attendees")
        assert people[0]["checked_in_at"] is not None
        there = f"{own}/attendees/{people[0]['account']['id']}/checked_in"
        await birk.put_json(there, {"there": False})
        assert (await birk.get(f"{own}/attendees"))[0]["checked_in_at"] is None
        assert (await eva.call("PUT", there, json={"there": True})).status_code == 403
        written = await birk.put_json(f"{own}/minutes", {"text": "- Hvem spørger økonomi?"})
        assert (await eva.get(f"{own}/minutes"))["id"] == written["id"] == (await eva.get(own))["minutes_id"]
        assert (await eva.call("PUT", f"{own}/minutes", json={"text": "x"})).status_code == 403
