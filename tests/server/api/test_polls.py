"""Polls in the client API: written with a status, read, voted in, edited, over."""

from typing import Any

import pytest

from models import polls
from models.base import clock
from models.database import Database
from tests.server.apps import Api, ApiWorld

pytestmark = pytest.mark.anyio
DAY = 86_400
THEMES = ["Regler", "Politik", "Vaner"]
ENTITY = {
    "id", "expires_at", "expired", "multiple", "votes_count", "voters_count", "options", "emojis", "voted", "own_votes",
}  # fmt: skip


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def ask(api: Api, **more: Any) -> dict[str, Any]:
    """A new status with a poll."""
    poll = {"options": THEMES, "expires_in": DAY, **more}
    status: dict[str, Any] = await api.post_json("/api/v1/statuses", {"status": "Hvilket tema?", "poll": poll})
    return status


async def test_a_status_with_a_poll_carries_it_with_every_field(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        status = await ask(anna)
        poll = status["poll"]
        assert set(poll) == ENTITY
        assert poll == {
            "id": status["id"],
            "expires_at": poll["expires_at"],
            "expired": False,
            "multiple": False,
            "votes_count": 0,
            "voters_count": 0,
            "options": [{"title": title, "votes_count": 0} for title in THEMES],
            "emojis": [],
            "voted": True,
            "own_votes": [],
        }
        assert await anna.get(f"/api/v1/polls/{poll['id']}") == poll
        assert (await anna.get(f"/api/v1/statuses/{status['id']}"))["poll"] == poll


async def test_forms_say_the_same_as_json(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        form = {
            "poll[options][]": THEMES,
            "poll[expires_in]": "600",
            "poll[multiple]": "true",
            "poll[hide_totals]": "1",
        }
        poll = (await anna.post("/api/v1/statuses", status="Hvilke temaer?", **form))["poll"]
        assert poll["multiple"]
        assert [option["votes_count"] for option in poll["options"]] == [None, None, None]
        voted = await birk.post(f"/api/v1/polls/{poll['id']}/votes", **{"choices[]": ["0", "2"]})
        assert (voted["own_votes"], voted["votes_count"], voted["voters_count"]) == ([0, 2], 2, 1)


async def test_a_vote_counts_once(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client() as anybody:
        path = f"/api/v1/polls/{(await ask(anna))['id']}"
        assert ((await birk.get(path))["voted"], (await birk.get(path))["own_votes"]) == (False, [])
        voted = await birk.post_json(f"{path}/votes", {"choices": [1]})
        assert (voted["voted"], voted["own_votes"]) == (True, [1])
        assert [option["votes_count"] for option in voted["options"]] == [0, 1, 0]
        again = await birk.refused(422, "POST", f"{path}/votes", json={"choices": [1]})
        assert again["error"] == "You have already voted on this poll."
        seen = await anybody.get(path)
        assert (seen["votes_count"], seen["voted"], seen["own_votes"]) == (1, None, None)


@pytest.mark.parametrize("choices", [[], [3], [-1], [0, 1], ["a"], [2**40], "", None, [None]])
async def test_a_ballot_that_is_not_filled_in_rightly_is_refused(choices: Any, world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        path = f"/api/v1/polls/{(await ask(anna))['id']}"
        await birk.refused(422, "POST", f"{path}/votes", json={"choices": choices})
        assert (await birk.get(path))["votes_count"] == 0


async def test_ones_own_poll_and_one_that_is_over_take_no_votes(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        path = f"/api/v1/polls/{(await ask(anna))['id']}"
        await anna.refused(422, "POST", f"{path}/votes", json={"choices": [0]})
        clock.offset += DAY
        await birk.refused(422, "POST", f"{path}/votes", json={"choices": [0]})
        assert (await birk.get(path))["expired"]


async def test_what_one_may_not_see_has_no_poll(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client() as anybody:
        poll = {"options": THEMES, "expires_in": DAY}
        secret = await anna.post_json(
            "/api/v1/statuses", {"status": "@eva hvornår?", "visibility": "direct", "poll": poll}
        )
        note = await anna.post("/api/v1/statuses", status="Uden valg")
        for path in (f"/api/v1/polls/{secret['id']}", f"/api/v1/polls/{note['id']}", "/api/v1/polls/1"):
            await birk.refused(404, "GET", path)
            await anybody.refused(404, "GET", path)
            await birk.refused(404, "POST", f"{path}/votes", json={"choices": [0]})


async def test_votes_need_the_scope_for_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk", scopes="read") as birk:
        await birk.refused(403, "POST", f"/api/v1/polls/{(await ask(anna))['id']}/votes", json={"choices": [0]})


@pytest.mark.parametrize(
    "poll",
    [
        {"options": ["En"], "expires_in": DAY},
        {"options": ["Samme", "Samme"], "expires_in": DAY},
        {"options": ["Ja", ""], "expires_in": DAY},
        {"options": ["Ja", "N" * (polls.MAX_OPTION_CHARS + 1)], "expires_in": DAY},
        {"options": [str(number) for number in range(polls.MAX_OPTIONS + 1)], "expires_in": DAY},
        {"options": THEMES},
        {"options": THEMES, "expires_in": 10},
        {"options": THEMES, "expires_in": 10 * 365 * DAY},
        {"options": THEMES, "expires_in": "snart"},
        {"options": {"a": 1}, "expires_in": DAY},
    ],
)
async def test_a_poll_that_cannot_be_is_refused_with_its_status(poll: Any, world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        me = await anna.get("/api/v1/accounts/verify_credentials")
        await anna.refused(422, "POST", "/api/v1/statuses", json={"status": "Hvilket tema?", "poll": poll})
        assert (await anna.get("/api/v1/accounts/verify_credentials"))["statuses_count"] == me["statuses_count"]


async def test_an_edit_with_the_same_poll_keeps_the_votes_and_one_without_ends_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        status = await ask(anna)
        await birk.post_json(f"/api/v1/polls/{status['id']}/votes", {"choices": [0]})
        same = {"status": "Hvilket tema nu?", "poll": {"options": THEMES, "expires_in": DAY}}
        assert (await anna.put_json(f"/api/v1/statuses/{status['id']}", same))["poll"]["votes_count"] == 1
        other = {"status": "Hvilket tema nu?", "poll": {"options": ["Ja", "Nej"], "expires_in": DAY}}
        assert (await anna.put_json(f"/api/v1/statuses/{status['id']}", other))["poll"]["votes_count"] == 0
        assert (await anna.put_json(f"/api/v1/statuses/{status['id']}", {"status": "Intet valg"}))["poll"] is None


async def test_the_end_is_a_notification_of_its_own_type(world: ApiWorld) -> None:
    from models import ballots

    async with world.client("anna") as anna, world.client("birk") as birk:
        status = await ask(anna)
        await birk.post_json(f"/api/v1/polls/{status['id']}/votes", {"choices": [0]})
        clock.offset += DAY
        world.database.write(lambda db: ballots.end(db, int(status["id"])))
        for api in (anna, birk):
            (told,) = await api.get("/api/v1/notifications", **{"types[]": ["poll"]})
            assert (told["type"], told["status"]["id"]) == ("poll", status["id"])
            assert told["status"]["poll"]["expired"]
