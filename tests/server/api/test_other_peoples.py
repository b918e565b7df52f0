"""Somebody else's thing is not there: no id opens what is not one's own, and nothing of it changes (T115)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.base import now
from models.database import Database
from server.settings import Settings
from tests.server.apps import ORIGIN, Api, ApiWorld
from tests.server.pictures import picture

pytestmark = pytest.mark.anyio


async def a_list(birk: Api) -> str:
    return str((await birk.post("/api/v1/lists", title="Mine"))["id"])


async def a_filter(birk: Api) -> str:
    made = {"title": "Mit", "context": ["home"], "keywords_attributes": [{"keyword": "ord"}]}
    return str((await birk.post_json("/api/v2/filters", made))["id"])


async def a_keyword(birk: Api) -> str:
    return str((await birk.get(f"/api/v2/filters/{await a_filter(birk)}/keywords"))[0]["id"])


async def a_scheduled_status(birk: Api) -> str:
    made = {"status": "Senere", "scheduled_at": (now() + timedelta(hours=1)).isoformat()}
    return str((await birk.post_json("/api/v1/statuses", made))["id"])


async def a_notification(birk: Api) -> str:
    return str((await birk.get("/api/v1/notifications"))[0]["id"])


async def a_conversation(birk: Api) -> str:
    await birk.post("/api/v1/statuses", status="@camilla@a.example hej", visibility="direct")
    return str((await birk.get("/api/v1/conversations"))[0]["id"])


async def a_status(birk: Api) -> str:
    return str((await birk.post("/api/v1/statuses", status="Min tekst"))["id"])


async def a_featured_tag(birk: Api) -> str:
    return str((await birk.post("/api/v1/featured_tags", name="mit"))["id"])


async def a_picture(birk: Api) -> str:
    return str((await birk.post("/api/v2/media", files={"file": ("a.png", picture(), "image/png")}))["id"])


L, F, K = "/api/v1/lists/{id}", "/api/v2/filters/{id}", "/api/v2/filters/keywords/{id}"
S, N, C = "/api/v1/scheduled_statuses/{id}", "/api/v1/notifications/{id}", "/api/v1/conversations/{id}"
P, M = "/api/v1/statuses/{id}", "/api/v1/media/{id}"
NOUNS: dict[str, tuple[Any, str, list[tuple[str, str, Any]]]] = {
    "list": (a_list, L, [
        ("GET", L, None), ("PUT", L, {"title": "x"}), ("DELETE", L, None), ("GET", f"{L}/accounts", None),
        ("POST", f"{L}/accounts", {"account_ids": ["1"]}), ("DELETE", f"{L}/accounts", {"account_ids": ["1"]}),
        ("GET", "/api/v1/timelines/list/{id}", None),
    ]),
    "filter": (a_filter, F, [
        ("GET", F, None), ("PUT", F, {"title": "x"}), ("DELETE", F, None), ("GET", f"{F}/keywords", None),
        ("POST", f"{F}/keywords", {"keyword": "x"}), ("GET", f"{F}/statuses", None),
        ("POST", f"{F}/statuses", {"status_id": "1"}),
    ]),
    "filter keyword": (a_keyword, K, [
        ("GET", K, None), ("PUT", K, {"keyword": "x"}), ("DELETE", K, None),
        ("GET", "/api/v1/filters/{id}", None), ("DELETE", "/api/v1/filters/{id}", None),
        ("PUT", "/api/v1/filters/{id}", {"phrase": "x", "context": ["home"]}),
    ]),
    "scheduled status": (a_scheduled_status, S, [
        ("GET", S, None), ("PUT", S, {"scheduled_at": "2099-01-01T00:00:00Z"}), ("DELETE", S, None),
    ]),
    "notification": (a_notification, N, [("GET", N, None), ("POST", f"{N}/dismiss", None)]),
    "conversation": (a_conversation, "/api/v1/conversations", [
        ("POST", f"{C}/read", None), ("POST", f"{C}/unread", None), ("DELETE", C, None),
    ]),
    "status": (a_status, P, [("PUT", P, {"status": "x"}), ("DELETE", P, None)]),
    "featured tag": (a_featured_tag, "/api/v1/featured_tags", [("DELETE", "/api/v1/featured_tags/{id}", None)]),
    "picture": (a_picture, M, [("GET", M, None), ("PUT", M, {"description": "x"}), ("DELETE", M, None)]),
}  # fmt: skip


@pytest.fixture
def world(lived_in: Database, tmp_path: Path) -> ApiWorld:
    return ApiWorld(lived_in, settings=Settings(origin=ORIGIN, data_dir=str(tmp_path), contact_email="t@a.example"))


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_is_somebody_elses_is_not_found_and_stays_as_it_is(world: ApiWorld, noun: str) -> None:
    make, shown, tries = NOUNS[noun]
    async with world.client("birk") as birk, world.client("eva") as eva:
        id = await make(birk)
        before = await birk.get(shown.format(id=id))
        for method, path, body in tries:
            await eva.refused(404, method, path.format(id=id), json=body)
        assert await birk.get(shown.format(id=id)) == before
