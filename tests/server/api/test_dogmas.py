"""Dogmas in the client API: as themselves under Torv's own name, and as statuses for every other app."""

import pytest

from models.database import Database
from tests.models.test_dogmas import adopted, propose
from tests.server.apps import ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio
PATH = "/api/torv/v1/dogmas"
SAID = {"title": "Vi deler også det, der gik galt", "text": "Også **et nej**."}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def test_a_dogma_is_proposed_adopted_endorsed_and_changed(world: ApiWorld) -> None:
    with world.database.reading() as db:
        group, havby = (str(person(db, name).id) for name in ("udfordrere", "havby"))
    async with world.client("birk") as birk, world.client("camilla") as camilla, world.client() as nobody:
        made = await birk.post_json(PATH, {**SAID, "community_id": group})
        assert (made["status"], made["number"], made["statement"]) == ("proposed", None, SAID["title"])
        assert await nobody.get(PATH) == []
        assert [one["id"] for one in await nobody.get(PATH, status="proposed")] == [made["id"]]
        path = f"{PATH}/{made['id']}"
        done = await camilla.post_json(f"{path}/decide", {"verdict": "adopt", "reason": "Ja."})
        assert (done["status"], done["number"], done["reason"]) == ("adopted", 1, "Ja.")
        assert (await birk.post_json(f"{path}/endorse", {}))["endorsed_version"] == 1
        await birk.post_json(f"{path}/endorse", {"organization_id": havby})
        newer = await birk.put_json(path, {**SAID, "text": "Altid.", "note": "Kortere."})
        assert (newer["version"], newer["people"], newer["organizations"]) == (2, 1, 1)
        assert [(one["version"], one["note"]) for one in newer["versions"]] == [(1, ""), (2, "Kortere.")]
        assert (await birk.post_json(f"{path}/endorse", {}))["endorsed_version"] == 2
        behind = await nobody.get(f"{path}/endorsers")
        assert [(one["account"]["username"], one["endorsed_as"], one["version"]) for one in behind] == [
            ("havby", "organization", 1),
            ("birk", "person", 2),
        ]
        assert (await birk.post_json(f"{path}/withdraw", {"organization_id": havby}))["organizations"] == 0


async def test_a_dogma_names_what_it_belongs_with(world: ApiWorld) -> None:
    other = world.database.write(adopted)
    async with world.client("birk") as birk, world.client() as nobody:
        made = await birk.post_json(PATH, {**SAID, "title": "Vi siger det højt", "link_ids": [str(other.id)]})
        assert [(one["tie"], one["id"]) for one in made["links"]] == [("related", str(other.id))]
        back = await nobody.get(f"{PATH}/{other.id}")
        assert [(one["tie"], one["id"]) for one in back["linked_from"]] == [("related", made["id"])]
        path = f"{PATH}/{made['id']}"
        newer = await birk.put_json(path, {**SAID, "title": "Vi siger det højt", "text": "Altid."})
        assert (newer["version"], len(newer["links"])) == (2, 1)
        unlinked = {**SAID, "title": "Vi siger det højt", "text": "Altid.", "link_ids": []}
        assert (await birk.put_json(path, unlinked))["links"] == []
        assert (await birk.get(path))["version"] == 2
        await birk.refused(422, "PUT", path, json=unlinked)


async def test_every_other_app_endorses_it_by_making_it_a_favourite(world: ApiWorld) -> None:
    post = world.database.write(adopted)
    async with world.client("eva") as eva:
        status = await eva.post(f"/api/v1/statuses/{post.id}/favourite")
        assert (status["favourited"], status["favourites_count"]) == (True, 1)
        assert status["content"].startswith("<p><strong>Dogme 1: Vi deler også det, der gik galt</strong></p>")
        assert "synes godt om" in status["content"]
        found = await eva.get(f"{PATH}/{post.id}")
        assert (found["people"], found["endorsed_version"], found["my_vote"]) == (1, 1, 1)
        assert (await eva.post_json(f"{PATH}/{post.id}/endorse", {}))["people"] == 1
        await eva.post(f"/api/v1/statuses/{post.id}/unfavourite")
        assert (await eva.get(f"{PATH}/{post.id}"))["people"] == 0


async def test_what_is_wrong_is_answered_with_what_and_changes_nothing(world: ApiWorld) -> None:
    post = world.database.write(propose)
    with world.database.reading() as db:
        havby = str(person(db, "havby").id)
        asked = str(person(db, "farid").id)
    path = f"{PATH}/{post.id}"
    async with world.client("eva") as eva, world.client("birk") as birk:
        await eva.refused(403, "POST", f"{path}/decide", json={"verdict": "adopt", "reason": "Ja."})
        await eva.refused(403, "POST", f"{path}/endorse", json={"organization_id": havby})
        await eva.refused(404, "POST", f"{path}/endorse", json={"organization_id": asked})
        await eva.refused(403, "PUT", path, json={**SAID, "text": "Mit."})
        await eva.refused(404, "GET", f"{PATH}/{post.id + 1}")
        await birk.refused(422, "PUT", path, json={"title": post.title, "text": ""})
        await birk.refused(422, "POST", PATH, json={"title": "x" * 151, "text": "x"})
        await birk.refused(422, "POST", f"{path}/decide", json={"verdict": "burn"})
        await birk.refused(409, "PUT", f"/api/v1/statuses/{post.id}", json={"status": "Andet."})
        found = await birk.get(path)
    assert (found["status"], found["version"], found["people"]) == ("proposed", 1, 0)
