"""Statuses for later: they wait, can be moved and cancelled, and are published like any other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from federation import JOBS
from models import accounts, actors, moderation, scheduled
from models.base import clock, now
from models.database import Database
from models.jobs import Job
from tests.server.apps import Api, ApiWorld

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def at(later: timedelta) -> str:
    return (now() + later).isoformat()


async def wait(api: Api, later: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    """A status for later."""
    body = {"status": "Mødet begynder nu.", "scheduled_at": at(later), **more}
    found: dict[str, Any] = await api.post_json("/api/v1/statuses", body)
    return found


async def run_jobs(world: ApiWorld) -> None:
    """What is due now is done, each job once."""
    for job in world.database.write(lambda db: db.scalars(select(Job).where(Job.kind == "publish_scheduled")).all()):
        if job.run_at <= now():
            await JOBS[job.kind](world.app.state.fed, job.payload)


async def newest(api: Api, username: str = "anna") -> dict[str, Any]:
    account = await api.get("/api/v1/accounts/lookup", acct=username)
    statuses = await api.get(f"/api/v1/accounts/{account['id']}/statuses", limit=1)
    found: dict[str, Any] = statuses[0]
    return found


async def test_a_status_for_later_is_shown_as_it_was_sent_and_is_not_published_yet(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        before = await newest(anna)
        poll = {"options": ["Ja", "Nej"], "expires_in": 600}
        waiting = await wait(anna, poll=poll, spoiler_text="Møde", visibility="private", language="da", sensitive=True)
        assert set(waiting) == {"id", "scheduled_at", "params", "media_attachments"}
        params = waiting["params"]
        assert params["text"] == "Mødet begynder nu."
        assert params["poll"] == {**poll, "multiple": False, "hide_totals": False}
        assert (params["spoiler_text"], params["visibility"], params["language"]) == ("Møde", "private", "da")
        assert (params["media_ids"], params["in_reply_to_id"], params["scheduled_at"]) == (None, None, None)
        assert waiting["media_attachments"] == []
        assert (await newest(anna))["id"] == before["id"]
        assert await anna.get(f"/api/v1/scheduled_statuses/{waiting['id']}") == waiting
        assert await anna.get("/api/v1/scheduled_statuses") == [waiting]


async def test_at_its_time_it_is_published_once_by_the_way_of_every_status(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        poll = {"options": ["Ja", "Nej"], "expires_in": 600}
        waiting = await wait(anna, poll=poll, spoiler_text="Møde", visibility="unlisted", status="Kommer @birk?")
        await run_jobs(world)
        assert await anna.get("/api/v1/scheduled_statuses") == [waiting]
        clock.offset += HOUR.total_seconds()
        await run_jobs(world)
        await run_jobs(world)
        assert await anna.get("/api/v1/scheduled_statuses") == []
        status = await newest(anna)
        assert (status["spoiler_text"], status["visibility"]) == ("Møde", "unlisted")
        assert [option["title"] for option in status["poll"]["options"]] == ["Ja", "Nej"]
        assert [mention["acct"] for mention in status["mentions"]] == ["birk"]
        ends = datetime.fromisoformat(status["poll"]["expires_at"])
        assert timedelta(seconds=590) < ends - now() <= timedelta(seconds=600)
        assert datetime.fromisoformat(status["created_at"]) <= now()


async def test_an_answer_for_later_answers_then(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        asked = await birk.post("/api/v1/statuses", status="Hvem kommer?")
        await wait(anna, in_reply_to_id=asked["id"])
        clock.offset += HOUR.total_seconds()
        await run_jobs(world)
        context = await birk.get(f"/api/v1/statuses/{asked['id']}/context")
        assert [reply["account"]["acct"] for reply in context["descendants"]] == ["anna"]


async def test_it_can_be_moved(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        before = await newest(anna)
        waiting = await wait(anna)
        later = await anna.put(f"/api/v1/scheduled_statuses/{waiting['id']}", scheduled_at=at(3 * HOUR))
        assert later["scheduled_at"] > waiting["scheduled_at"]
        clock.offset += HOUR.total_seconds()
        await run_jobs(world)
        assert (await newest(anna))["id"] == before["id"]
        clock.offset += 2 * HOUR.total_seconds()
        await run_jobs(world)
        assert (await newest(anna))["id"] != before["id"]


async def test_it_can_be_cancelled(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        before = await newest(anna)
        path = f"/api/v1/scheduled_statuses/{(await wait(anna))['id']}"
        assert await anna.delete(path) == {}
        await anna.refused(404, "GET", path)
        clock.offset += HOUR.total_seconds()
        await run_jobs(world)
        assert (await newest(anna))["id"] == before["id"]


async def test_nobody_else_sees_or_touches_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        path = f"/api/v1/scheduled_statuses/{(await wait(anna))['id']}"
        assert await birk.get("/api/v1/scheduled_statuses") == []
        for method, how in (("GET", {}), ("DELETE", {}), ("PUT", {"json": {"scheduled_at": at(2 * HOUR)}})):
            await birk.refused(404, method, path, **how)


async def test_the_list_is_paged(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = [(await wait(anna))["id"] for _ in range(3)]
        answer = await anna.call("GET", "/api/v1/scheduled_statuses", params={"limit": 2})
        assert [one["id"] for one in answer.json()] == made[:0:-1]
        assert f"max_id={made[1]}" in answer.headers["link"]
        rest = await anna.get("/api/v1/scheduled_statuses", max_id=made[1])
        assert [one["id"] for one in rest] == made[:1]


@pytest.mark.parametrize(
    "time",
    [
        "i morgen",
        "2026-13-40",
        "12:00",
        "99999-01-01",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2020-01-01T00:00:00Z",
    ],
)
async def test_a_time_that_is_none_or_past_is_refused(time: str, world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        await anna.refused(422, "POST", "/api/v1/statuses", json={"status": "Hej", "scheduled_at": time})
        waiting = await wait(anna)
        await anna.refused(422, "PUT", f"/api/v1/scheduled_statuses/{waiting['id']}", json={"scheduled_at": time})
        assert await anna.get("/api/v1/scheduled_statuses") == [waiting]


async def test_less_than_five_minutes_ahead_is_too_soon(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        body = {"status": "Hej", "scheduled_at": at(timedelta(minutes=4, seconds=50))}
        refused = await anna.refused(422, "POST", "/api/v1/statuses", json=body)
        assert "5 minutes" in refused["error"]


@pytest.mark.parametrize(
    "more", [{"status": ""}, {"poll": {"options": ["En"], "expires_in": 600}}, {"status": "x" * 60_000}]
)
async def test_what_could_not_be_published_now_is_refused_now(more: dict[str, Any], world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        before = await newest(anna)
        await anna.refused(422, "POST", "/api/v1/statuses", json={"status": "Hej", "scheduled_at": at(HOUR), **more})
        await anna.refused(
            404, "POST", "/api/v1/statuses", json={"status": "Hej", "scheduled_at": at(HOUR), "in_reply_to_id": "1"}
        )
        assert await anna.get("/api/v1/scheduled_statuses") == []
        assert (await newest(anna))["id"] == before["id"]


async def test_at_most_25_wait_for_one_day_and_300_in_all(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled, "MAX_A_DAY", 2)
    monkeypatch.setattr(scheduled, "MAX_WAITING", 3)
    noon = now().replace(hour=12, minute=0) + timedelta(days=3)
    async with world.client("anna") as anna:

        async def put(day: int) -> int:
            body = {"status": "Hej", "scheduled_at": (noon + timedelta(days=day)).isoformat()}
            return (await anna.call("POST", "/api/v1/statuses", json=body)).status_code

        assert [await put(0), await put(0), await put(0)] == [200, 200, 422]
        assert [await put(1), await put(2)] == [200, 422]


async def test_the_limits_are_mastodons() -> None:
    assert (25, 300, timedelta(minutes=5)) == (scheduled.MAX_A_DAY, scheduled.MAX_WAITING, scheduled.AHEAD)


async def test_somebody_who_is_suspended_meanwhile_publishes_nothing(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client() as anybody:
        before = await newest(birk, "birk")
        await wait(birk)

        def suspend(db: Any) -> None:
            moderation.suspend(db, actors.get(db, accounts.by_username(db, "birk").id), by=None)

        world.database.write(suspend)
        clock.offset += HOUR.total_seconds()
        await run_jobs(world)
        world.database.write(
            lambda db: moderation.unsuspend(db, actors.get(db, accounts.by_username(db, "birk").id), by=None)
        )
        assert (await newest(anybody, "birk"))["id"] == before["id"]
