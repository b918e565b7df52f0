"""Search: people by the beginnings of their names, posts by their words as far as authors allow, hashtags, addresses."""

import json
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy.orm import Session

from models import actors, arriving, blocks, composing, follows, leaving, moderation, names
from models.actors import RemoteActor
from models.arriving import RemotePost
from models.base import now
from models.database import Database
from models.names import ActorName
from models.posts import Draft, Post, Visibility
from server.api.entities.search import OlderSearch, Search
from tests.federation.elsewhere import remote
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

LISE = "https://by.example/users/anna_lise"
ANNA_LISE = RemoteActor(
    uri=LISE, type="Person", username="anna_lise", domain="by.example", inbox=f"{LISE}/inbox", name="Anna-Lise Ørsted"
)


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def _people(api: Api, q: str, **more: Any) -> list[str]:
    return [one["acct"] for one in await api.get("/api/v1/accounts/search", q=q, **more)]


async def _said(api: Api, q: str, **more: Any) -> list[str]:
    found = await api.get("/api/v2/search", q=q, type="statuses", limit=40, **more)
    return [one["id"] for one in found["statuses"]]


async def test_people_are_found_by_the_beginning_of_any_of_their_names(world: ApiWorld) -> None:
    world.database.write(lambda db: actors.record_remote(db, ANNA_LISE))
    async with world.client("eva") as api:
        assert await _people(api, "farid") == ["farid"]
        assert await _people(api, "RAH") == ["farid"]
        assert await _people(api, "holm an") == ["anna"]
        assert await _people(api, "ørst") == ["anna_lise@by.example"]
        assert await _people(api, "lise") == ["anna_lise@by.example"]
        assert await _people(api, "anna@by.ex") == ["anna_lise@by.example"]
        assert (await _people(api, "@anna"))[0] == "anna"
        assert await _people(api, "hol%") == ["anna"]
        assert await _people(api, "olm") == []
        assert await _people(api, "") == []
        assert await _people(api, "!!!") == []


async def test_the_very_name_comes_first_then_whom_one_follows_then_the_most_followed(world: ApiWorld) -> None:
    def arrive(db: Session) -> None:
        for name in ("bir", "birkelund", "birgit"):
            remote(db, "by.example", name)
        follows.accept(db, follows.request(db, person(db, "eva"), actors.find(db, "birkelund@by.example")))  # type: ignore[arg-type]

    world.database.write(arrive)
    async with world.client("eva") as api:
        found = await _people(api, "bir")
        assert found[:3] == ["bir@by.example", "birkelund@by.example", "birk"]
        assert await _people(api, "bir", limit=1, offset=1) == ["birkelund@by.example"]
        assert await _people(api, "bir", following="true") == ["birkelund@by.example"]


async def test_who_keeps_apart_or_is_gone_is_not_found(world: ApiWorld) -> None:
    def part(db: Session) -> None:
        blocks.block(db, person(db, "birk"), person(db, "eva"))
        moderation.suspend(db, person(db, "david"), by=None)
        leaving.delete_local(db, person(db, "camilla"))

    world.database.write(part)
    async with world.client("eva") as api:
        for name in ("birk", "david", "camilla"):
            assert await _people(api, name) == []
    with world.database.reading() as db:
        camilla = actors.by_handle(db, "camilla")
        assert camilla is not None
        assert db.query(ActorName).filter_by(actor_id=camilla.id).count() == 0


async def test_whom_one_blocked_is_found_by_the_exact_name_to_be_unblocked(world: ApiWorld) -> None:
    world.database.write(lambda db: blocks.block(db, person(db, "birk"), person(db, "eva")))
    async with world.client("birk") as api:
        assert await _people(api, "eva") == ["eva"]
        assert await _people(api, "ev") == []
        assert await _people(api, "lindqvist") == []


async def test_a_changed_name_is_found_and_the_old_one_is_not(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        await api.patch("/api/v1/accounts/update_credentials", display_name="Birk Zakariassen")
        assert await _people(api, "zakar") == ["birk"]
        assert await _people(api, "sørensen") == []
        assert await _people(api, "birk") == ["birk"]


async def test_the_index_of_names_can_be_made_anew(lived_in: Database) -> None:
    def kept(db: Session) -> set[tuple[str, int]]:
        return {(row.word, row.actor_id) for row in db.query(ActorName)}

    with lived_in.reading() as db:
        before = kept(db)
    assert len(before) > 20

    def again(db: Session) -> None:
        db.query(ActorName).delete()
        names.rebuild(db)

    lived_in.write(again)
    with lived_in.reading() as db:
        assert kept(db) == before


async def test_posts_are_found_by_all_their_words_in_any_letter_case(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v2/search", q="BRANDHANER privat", type="statuses")
        msgspec.convert(found, Search)
        assert (found["accounts"], found["hashtags"]) == ([], [])
        assert len(found["statuses"]) == 1
        assert "Må vi lægge vores brandhaner" in found["statuses"][0]["content"]
        assert await _said(api, '"privat grund"') == [found["statuses"][0]["id"]]
        assert await _said(api, '"grund privat"') == []
        assert await _said(api, "brandhaner forvaltningen") == []
        assert await _said(api, "h3") == []  # a tag's name is no word of the text
        assert await _said(api, "?!") == []


async def test_posts_come_newest_first_in_stretches_and_by_author(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        every = await _said(api, "det")
        assert len(every) > 4
        assert every == sorted(every, key=int, reverse=True)
        assert await _said(api, "det", offset=2) == every[2:]
        assert await _said(api, "det", max_id=every[1]) == every[2:]
        assert await _said(api, "det", min_id=every[2]) == every[:2]
        camilla = (await api.get("/api/v1/accounts/lookup", acct="camilla"))["id"]
        hers = await api.get("/api/v2/search", q="det", account_id=camilla)
        assert hers["statuses"]
        assert {one["account"]["id"] for one in hers["statuses"]} == {camilla}


async def test_only_what_its_author_lets_be_found_is_found(world: ApiWorld) -> None:
    def write(db: Session) -> None:
        eva, birk = person(db, "eva"), person(db, "birk")
        for visibility in ("public", "unlisted", "followers"):
            composing.note(db, eva, Draft(text=f"Xylofon {visibility}", visibility=visibility))
        composing.note(db, eva, Draft(text="Xylofon direct @birk", visibility="direct"))
        actors.update_profile(db, birk, indexable=False)
        composing.note(db, birk, Draft(text="Xylofon usøgelig"))
        there = remote(db, "by.example", "jonas")
        post = RemotePost("https://by.example/p/1", there, Visibility.PUBLIC, now(), content="<p>Xylofon fjern</p>")
        arriving.record_remote(db, post)

    world.database.write(write)
    async with world.client("eva") as eva, world.client("birk") as birk, world.client() as nobody:
        assert len(await _said(nobody, "xylofon")) == 1
        assert len(await _said(eva, "xylofon")) == 4
        assert len(await _said(birk, "xylofon")) == 2
        await eva.post(f"/api/v1/accounts/{(await eva.get('/api/v1/accounts/lookup', acct='birk'))['id']}/block")
        assert len(await _said(birk, "xylofon")) == 1


async def test_words_are_found_in_their_other_forms(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await _said(api, "brandhane privates")
        assert found == await _said(api, "brandhaner privat")
        assert len(found) == 1


async def test_hashtags_are_found_by_their_beginning(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        found = await api.get("/api/v2/search", q="#gåhj", type="hashtags")
        assert [one["name"] for one in found["hashtags"]] == ["gåhjemmøde"]
        assert [one["name"] for one in (await api.get("/api/v2/search", q="ÅBNE"))["hashtags"]] == ["åbnedata"]
        older = await api.get("/api/v1/search", q="gåhj")
        msgspec.convert(older, OlderSearch)
        assert older["hashtags"] == ["gåhjemmøde"]


async def test_an_address_of_ours_is_what_it_shows(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        question = (await api.get("/api/v2/search", q="brandhaner privat"))["statuses"][0]
        for address in (question["url"], question["uri"]):
            found = await api.get("/api/v2/search", q=address)
            assert [one["id"] for one in found["statuses"]] == [question["id"]]
        found = await api.get("/api/v2/search", q="https://a.example/u/anna", resolve="true")
        assert [one["acct"] for one in found["accounts"]] == ["anna"]
        empty = {"accounts": [], "statuses": [], "hashtags": []}
        assert await api.get("/api/v2/search", q="https://a.example/p/17", resolve="true") == empty
        assert await api.get("/api/v2/search", q=f"https://a.example/p/{'9' * 19}", resolve="true") == empty
    with world.database.reading() as db:
        private = next(one for one in db.query(Post).filter_by(visibility="followers"))
    async with world.client("birk") as birk, world.client("farid") as farid:
        assert await birk.get("/api/v2/search", q=private.uri, resolve="true") == empty
        assert (await farid.get("/api/v2/search", q=private.uri))["statuses"]


async def test_somebody_elsewhere_is_looked_up_only_if_asked_for(world: ApiWorld) -> None:
    uri = "https://by.example/users/jonas"
    jrd = {
        "subject": "acct:jonas@by.example",
        "links": [{"rel": "self", "type": "application/activity+json", "href": uri}],
    }
    actor = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": uri,
        "type": "Person",
        "preferredUsername": "jonas",
        "name": "Jonas",
        "inbox": f"{uri}/inbox",
        "outbox": f"{uri}/outbox",
    }

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/webfinger":
            if request.url.params["resource"] not in {"acct:jonas@by.example", uri}:
                return httpx.Response(404)
            return httpx.Response(200, content=json.dumps(jrd), headers={"Content-Type": "application/jrd+json"})
        if request.url.path == "/users/jonas":
            return httpx.Response(200, content=json.dumps(actor), headers={"Content-Type": "application/activity+json"})
        return httpx.Response(404)

    world.elsewhere.answers["by.example"] = answer
    async with world.client("anna") as api, world.client() as nobody:
        assert (await api.get("/api/v2/search", q="@jonas@by.example"))["accounts"] == []
        await nobody.refused(401, "GET", "/api/v2/search", params={"q": "@jonas@by.example", "resolve": "true"})
        assert not world.elsewhere.sent["by.example"]
        for asked in ("@jonas@by.example", uri):
            found = await api.get("/api/v2/search", q=asked, resolve="true")
            assert [one["acct"] for one in found["accounts"]] == ["jonas@by.example"]
        assert await _people(api, "jonas@by.example") == ["jonas@by.example"]
        assert await _people(api, "ukendt@by.example", resolve="true") == []


async def test_a_search_for_nothing_or_with_nonsense_is_refused(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        for wrong in ({}, {"q": " "}, {"q": "x" * 2001}, {"q": "x", "type": "people"}, {"q": "x", "offset": "-1"}):
            await api.refused(422, "GET", "/api/v2/search", params=wrong)
    async with world.client("anna", scopes="read:statuses") as api:
        await api.refused(403, "GET", "/api/v2/search", params={"q": "x"})
