"""Filters in both versions, and what they say of statuses."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.database import Database
from models.filters import MAX_FILTERS
from server.api import show_filters, show_statuses
from server.api.entities.filters import Filter, FilterKeyword, FilterStatus, V1Filter
from server.api.entities.statuses import FilterResult
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person, question

pytestmark = pytest.mark.anyio

V2, V1 = "/api/v2/filters", "/api/v1/filters"
SNOW: dict[str, Any] = {
    "title": "Sne",
    "context": ["home", "thread"],
    "filter_action": "hide",
    "expires_in": 3600,
    "keywords_attributes": [{"keyword": "brandhane", "whole_word": False}, {"keyword": "sne"}],
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def number(api: Api, beginning: str = "Må vi") -> str:
    with api.database.reading() as db:
        return str(question(db, beginning).id)


async def test_a_filter_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, SNOW)
        assert set(made) == {"id", "title", "context", "expires_at", "filter_action", "keywords", "statuses"}
        msgspec.convert(made, Filter)
        assert (made["title"], made["context"], made["filter_action"]) == ("Sne", ["home", "thread"], "hide")
        assert made["expires_at"].endswith("Z")
        assert [(one["keyword"], one["whole_word"]) for one in made["keywords"]] == [
            ("brandhane", False),
            ("sne", True),
        ]
        assert made["statuses"] == []
        assert await api.get(V2) == [made]
        assert await api.get(f"{V2}/{made['id']}") == made


async def test_a_form_says_the_same_as_json(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        form = {
            "title": "Sne", "context[]": ["home", "public"], "filter_action": "warn", "expires_in": "",
            "keywords_attributes[0][keyword]": "sne", "keywords_attributes[0][whole_word]": "false",
        }  # fmt: skip
        made = await api.post(V2, **form)
        assert made["context"] == ["home", "public"]
        assert made["expires_at"] is None
        assert [(one["keyword"], one["whole_word"]) for one in made["keywords"]] == [("sne", False)]


async def test_a_change_keeps_what_it_does_not_name(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, SNOW)
        changed = await api.put_json(f"{V2}/{made['id']}", {"title": "Vinter"})
        assert changed == {**made, "title": "Vinter"}
        changed = await api.put_json(f"{V2}/{made['id']}", {"expires_in": None, "context": ["public"]})
        assert changed["expires_at"] is None
        assert changed["context"] == ["public"]


async def test_words_are_changed_added_and_taken_away_with_their_filter(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, SNOW)
        first, second = made["keywords"]
        change = [
            {"id": first["id"], "keyword": "hane"},
            {"id": second["id"], "_destroy": True},
            {"keyword": "is", "whole_word": True},
        ]
        changed = await api.put_json(f"{V2}/{made['id']}", {"keywords_attributes": change})
        assert [one["keyword"] for one in changed["keywords"]] == ["hane", "is"]


async def test_words_have_addresses_of_their_own(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, {**SNOW, "keywords_attributes": []})
        words = f"{V2}/{made['id']}/keywords"
        word = await api.post(words, keyword="sne", whole_word="1")
        assert word == {"id": word["id"], "keyword": "sne", "whole_word": True}
        msgspec.convert(word, FilterKeyword)
        assert await api.get(words) == [word]
        one = f"{V2}/keywords/{word['id']}"
        assert await api.get(one) == word
        assert (await api.put(one, keyword="is"))["keyword"] == "is"
        assert await api.delete(one) == {}
        assert await api.get(words) == []


async def test_statuses_are_named_one_by_one(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, {**SNOW, "keywords_attributes": []})
        named = f"{V2}/{made['id']}/statuses"
        entry = await api.post(named, status_id=number(api))
        assert entry == {"id": entry["id"], "status_id": number(api)}
        msgspec.convert(entry, FilterStatus)
        await api.refused(422, "POST", named, data={"status_id": number(api)})
        assert await api.get(named) == [entry]
        assert await api.get(f"{V2}/statuses/{entry['id']}") == entry
        shown = await api.get(f"/api/v1/statuses/{number(api)}")
        assert shown["filtered"][0]["status_matches"] == [number(api)]
        assert shown["filtered"][0]["keyword_matches"] is None
        assert await api.delete(f"{V2}/statuses/{entry['id']}") == {}
        assert await api.get(named) == []


async def test_a_status_says_which_filters_it_fits(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, SNOW)
        fits = (await api.get(f"/api/v1/statuses/{number(api)}"))["filtered"]
        assert len(fits) == 1
        msgspec.convert(fits[0], FilterResult)
        assert set(fits[0]["filter"]) == {"id", "title", "context", "expires_at", "filter_action"}
        assert fits[0]["filter"]["id"] == made["id"]
        assert fits[0]["keyword_matches"] == ["brandhane", "sne"]
        assert fits[0]["status_matches"] is None
        assert (await api.get(f"/api/v1/statuses/{number(api, 'Lederen')}"))["filtered"] == []


async def test_a_filter_concerns_nobody_else_and_not_ones_own_posts(world: ApiWorld) -> None:
    async with world.client("david") as david, world.client("birk") as birk:
        await david.post_json(V2, SNOW)
        for api in (david, birk):  # the question is David's own
            assert (await api.get(f"/api/v1/statuses/{number(api)}"))["filtered"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""}, {"title": "x" * 257}, {"context": []}, {"context": ["everywhere"]}, {"filter_action": "burn"},
        {"expires_in": -1}, {"expires_in": 10**12}, {"expires_in": "soon"}, {"keywords_attributes": [{"keyword": ""}]},
        {"keywords_attributes": [{}]}, {"keywords_attributes": [{"keyword": "x" * 513}]}, {"title": None},
    ],
)  # fmt: skip
async def test_a_filter_that_will_not_do_is_refused_whole(world: ApiWorld, change: dict[str, Any]) -> None:
    async with world.client("anna") as api:
        await api.refused(422, "POST", V2, json={**SNOW, **change})
        assert await api.get(V2) == []


async def test_there_is_an_end_to_how_many(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        from models import filters

        me = person_id(api, "anna")
        for _ in range(MAX_FILTERS):
            world.database.write(lambda db: filters.create(db, me, "x", ["home"]).id)
        await api.refused(422, "POST", V2, json=SNOW)


def person_id(api: Api, name: str) -> int:
    with api.database.reading() as db:
        return person(db, name).id


async def test_somebody_elses_filter_is_none(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        theirs = await anna.post_json(V2, SNOW)
        entry = await anna.post(f"{V2}/{theirs['id']}/statuses", status_id=number(anna))
        word = theirs["keywords"][0]["id"]
        own = await birk.post_json(V2, SNOW)
        for path in (f"{V2}/{theirs['id']}", f"{V2}/keywords/{word}", f"{V1}/{word}"):
            await birk.refused(404, "GET", path)
            await birk.refused(404, "PUT", path, json={"title": "Min", "keyword": "Min", "phrase": "Min"})
            await birk.refused(404, "DELETE", path)
        for path in (f"{V2}/{theirs['id']}/keywords", f"{V2}/{theirs['id']}/statuses"):
            await birk.refused(404, "GET", path)
            await birk.refused(404, "POST", path, json={"keyword": "x", "status_id": number(birk)})
        await birk.refused(404, "GET", f"{V2}/statuses/{entry['id']}")
        await birk.refused(404, "DELETE", f"{V2}/statuses/{entry['id']}")
        stolen = {"keywords_attributes": [{"id": word, "keyword": "x"}]}
        await birk.refused(404, "PUT", f"{V2}/{own['id']}", json=stolen)
        assert (await anna.get(f"{V2}/{theirs['id']}"))["keywords"][0]["keyword"] == "brandhane"


async def test_the_first_version_sees_single_phrases(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post(V1, phrase="sne", **{"context[]": ["home", "account"]}, irreversible="true")
        keys = {"id", "phrase", "context", "whole_word", "expires_at", "irreversible"}
        assert set(made) == keys
        msgspec.convert(made, V1Filter)
        assert (made["phrase"], made["context"], made["irreversible"]) == ("sne", ["home", "account"], True)
        assert await api.get(V1) == [made]
        assert await api.get(f"{V1}/{made['id']}") == made
        second = (await api.get(V2))[0]
        assert (second["title"], second["filter_action"]) == ("sne", "hide")
        assert second["keywords"][0]["id"] == made["id"]
        changed = await api.put(f"{V1}/{made['id']}", phrase="is", **{"context[]": "home"}, whole_word="true")
        assert (changed["phrase"], changed["context"], changed["whole_word"]) == ("is", ["home"], True)
        assert await api.delete(f"{V1}/{made['id']}") == {}
        assert await api.get(V2) == []


async def test_the_first_version_leaves_alone_what_it_cannot_show(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        made = await api.post_json(V2, SNOW)
        first, second = await api.get(V1)
        await api.refused(422, "PUT", f"{V1}/{first['id']}", json={"phrase": "x", "context": ["public"]})
        assert (await api.put_json(f"{V1}/{first['id']}", {"phrase": "x"}))["phrase"] == "x"
        await api.delete(f"{V1}/{second['id']}")
        left = await api.get(f"{V2}/{made['id']}")
        assert [one["keyword"] for one in left["keywords"]] == ["x"]
        assert left["context"] == made["context"]


def test_many_filters_cost_as_many_queries_as_one(lived_in: Database) -> None:
    from models import filters
    from models.posts import Post

    def more(count: int) -> int:
        def work(db: Session) -> None:
            for _ in range(count):
                row = filters.create(db, person(db, "anna").id, "Sne", ["home"])
                filters.add_keyword(db, row, "brandhane")

        lived_in.write(work)
        with lived_in.reading() as db:
            me = person(db, "anna")
            found = list(db.scalars(select(Post).limit(15)))
            with counted(db) as asked:
                show_filters.several(db, filters.mine(db, me.id))
                show_statuses.statuses(db, me, found)
            return len(asked)

    more(0)  # what is found out once in the life of a process
    assert more(1) == more(9)
