"""Reports in the client API: as themselves under Torv's own name, and as statuses for every other app."""

import pytest

from models.database import Database
from tests.models.test_experiences import publish
from tests.server.apps import ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio
PATH = "/api/torv/v1/experiences"


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def test_a_report_is_published_read_changed_and_followed_up(world: ApiWorld) -> None:
    with world.database.reading() as db:
        farid, eva, group = (str(person(db, name).id) for name in ("farid", "eva", "udfordrere"))
    async with world.client("birk") as birk, world.client() as nobody:
        sent = {
            "title": "Sådan kom vi i gang",
            "summary": "Kort.",
            "parts": {"wanted": "Løbe **sammen**."},
            "barriers": {"regler": "Attesten."},
            "phase": "pilot",
            "outcome": "delvist",
            "municipality": "0101",
            "contact_ids": [farid],
            "co_author_ids": [eva],
        }
        made = await birk.post_json(PATH, {**sent, "community_id": group})
        assert made["kind"] == "experience"
        assert made["contacts"][0]["id"] == farid
        assert made["co_authors"] == []  # she is only asked yet
        changed = await birk.put_json(f"{PATH}/{made['id']}", {**sent, "title": "Sådan blev vi ved"})
        assert changed["title"] == "Sådan blev vi ved"
        since = await birk.post_json(
            f"{PATH}/{made['id']}/follow_ups", {"text": "Nu.", "phase": "drift", "outcome": "lykkedes"}
        )
        assert since["follow_up"]
        read = await nobody.get(f"{PATH}/{made['id']}")
        assert [(one["phase"], one["outcome"]) for one in read["states"]] == [
            ("pilot", "delvist"),
            ("drift", "lykkedes"),
        ]
        assert [one["tie"] for one in read["linked_from"]] == ["followUpOf"]
        listed = await nobody.get(PATH, barrier="regler", outcome="lykkedes")
        assert [one["id"] for one in listed] == [made["id"]]
        assert await nobody.get(PATH, barrier="love") == []
        assert await nobody.get(f"{PATH}/counts") == [
            {"barriers": ["regler"], "phase": "drift", "outcome": "lykkedes", "municipality": "0101", "cases": 1}
        ]


async def test_what_is_wrong_is_answered_with_what_and_changes_nothing(world: ApiWorld) -> None:
    right = {"title": "Sådan kom vi i gang", "parts": {"wanted": "Løbe."}}
    async with world.client("birk") as birk:
        for wrong in (
            {"title": ""},
            {"title": "Nej"},
            {"parts": {"andet": "x"}},
            {"phase": "måske"},
            {"barriers": {"vejret": ""}},
            {"municipality": "9999"},
            {"kle": "x"},
            {"contact_ids": ["1"]},
            {"link_ids": ["1"]},
            {"visibility": "direct"},
            {"remind_months": 5},
        ):
            answer = await birk.call("POST", PATH, json={**right, **wrong})
            assert answer.status_code == 422, wrong
        assert await birk.get(PATH) == []
        assert (await birk.call("GET", PATH, params={"barrier": "x"})).status_code == 422


async def test_only_its_authors_change_a_report(world: ApiWorld) -> None:
    made = world.database.write(lambda db: publish(db).id)
    async with world.client("eva") as eva:
        sent = {"title": "Noget andet her", "parts": {"wanted": "x"}}
        assert (await eva.call("PUT", f"{PATH}/{made}", json=sent)).status_code == 403
        since = {"text": "x", "phase": "drift", "outcome": "nej"}
        assert (await eva.call("POST", f"{PATH}/{made}/follow_ups", json=since)).status_code == 403


async def test_a_mastodon_app_reads_title_facts_abstract_and_link(world: ApiWorld) -> None:
    made = world.database.write(lambda db: publish(db, community="udfordrere").id)
    async with world.client("birk") as birk:
        status = await birk.get(f"/api/v1/statuses/{made}")
        assert status["content"].startswith(
            "<p><strong>Sådan kom vi i gang</strong></p><p><strong>Barrierer:</strong> vaner, regler."
        )
        assert status["url"] in status["content"]
        assert status["spoiler_text"] == ""
        assert not status["sensitive"]
        refused = await birk.call("PUT", f"/api/v1/statuses/{made}", json={"status": "Kort."})
        assert refused.status_code == 409
