"""Accounts as clients read them: every documented field, one's own profile, and what others may see of it."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from PIL import Image

from models import actors, follows, moderation
from models.database import Database
from models.windows import Window
from server.api import show_accounts
from server.api.entities.accounts import Account, CredentialAccount, Preferences
from server.settings import Settings
from tests.federation.elsewhere import newest, remote
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

DOCUMENTED = {
    *("id", "username", "acct", "url", "uri", "display_name", "note", "avatar", "avatar_static", "header"),
    *("header_static", "locked", "fields", "emojis", "bot", "group", "discoverable", "noindex", "indexable", "moved"),
    *("memorial", "suspended", "limited", "created_at", "last_status_at", "statuses_count", "followers_count"),
    *("following_count", "hide_collections", "roles", "avatar_description", "header_description"),
}
"""The keys of Mastodon's Account."""

SOURCE = {
    *("privacy", "sensitive", "language", "note", "fields", "follow_requests_count", "hide_collections"),
    *("discoverable", "indexable", "attribution_domains", "quote_policy"),
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def _id(api: Api, name: str) -> str:
    found: str = (await api.get("/api/v1/accounts/lookup", acct=name))["id"]
    return found


async def test_an_account_has_every_documented_field_in_its_form(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v1/accounts/lookup", acct="anna")
        assert set(found) == DOCUMENTED
        msgspec.convert(found, Account)
        assert found["id"].isdigit()
        assert found["acct"] == found["username"] == "anna"
        assert found["created_at"].endswith("T00:00:00.000Z")
        assert found["last_status_at"] == (await api.get(f"/api/v1/accounts/{found['id']}"))["last_status_at"]
        assert len(found["last_status_at"]) == len("2026-01-31")
        assert found["fields"][0] == {"name": "Arbejdsplads", "value": "Vesterlund Kommune", "verified_at": None}
        assert found["roles"] == [{"id": "2", "name": "Administrator", "color": "#7a3b00"}]
        assert found["moved"] is None
        assert not found["group"]


async def test_pictures_that_nobody_chose_can_be_fetched(world: ApiWorld) -> None:
    async with world.client() as api:
        for name in ("anna", "udfordrere"):
            found = await api.get("/api/v1/accounts/lookup", acct=name)
            for key in ("avatar", "avatar_static", "header", "header_static"):
                answer = await api.http.get(found[key])
                assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")


async def test_a_community_is_a_group_with_its_threads_counted(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v1/accounts/lookup", acct="udfordrere")
    assert found["group"]
    assert (found["statuses_count"], found["followers_count"]) == (3, 6)


async def test_somebody_elsewhere_has_his_domain_in_his_handle_and_what_we_know_of_him(world: ApiWorld) -> None:
    def arrive(db: Any) -> int:
        there = remote(db, "by.example", "jonas", icon_url="https://by.example/jonas.png")
        follows.request(db, there, person(db, "anna"), uri="https://by.example/follow/1")
        return there.id

    jonas = world.database.write(arrive)
    async with world.client("anna") as api:
        found = await api.get(f"/api/v1/accounts/{jonas}")
    assert found["acct"] == "jonas@by.example"
    assert found["avatar"].startswith("https://a.example/media/remote/")
    assert found["following_count"] == 1
    assert found["hide_collections"] is None


async def test_one_who_moved_shows_where_to(world: ApiWorld) -> None:
    def move(db: Any) -> None:
        old, new = remote(db, "by.example", "jonas"), remote(db, "ny.example", "jonas")
        old.moved_to = new.uri
        new.moved_to = old.uri

    world.database.write(move)
    async with world.client() as api:
        found = await api.get("/api/v1/accounts/lookup", acct="jonas@by.example")
    assert found["moved"]["acct"] == "jonas@ny.example"
    assert found["moved"]["moved"] is None


async def test_who_is_not_there_and_who_is_suspended_look_alike(world: ApiWorld) -> None:
    world.database.write(lambda db: moderation.suspend(db, person(db, "birk"), by=None))
    with world.database.reading() as db:
        birk = person(db, "birk").id
    async with world.client("anna") as api:
        for address in (birk, birk + 1, "abc", "9" * 30, "-1"):
            for rest in ("", "/statuses", "/followers", "/following", "/endorsements"):
                assert await api.refused(404, "GET", f"/api/v1/accounts/{address}{rest}")
        await api.refused(404, "GET", "/api/v1/accounts/lookup", params={"acct": "birk"})
        await api.refused(404, "GET", "/api/v1/accounts/lookup", params={"acct": ""})
        assert [
            one["id"] for one in await api.get("/api/v1/accounts", **{"id[]": [str(birk), await _id(api, "eva")]})
        ] == [await _id(api, "eva")]


async def test_ones_own_account_has_its_source_and_role(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        found = await api.get("/api/v1/accounts/verify_credentials")
        assert set(found) == DOCUMENTED | {"source", "role"}
        assert set(found["source"]) == SOURCE
        msgspec.convert(found, CredentialAccount)
        assert found["source"]["note"] == "Løber tirsdag og torsdag. Altid med nogen."
        assert found["source"]["fields"][1] == {"name": "Arbejde", "value": "Frivilligkoordinator", "verified_at": None}
        assert found["role"] == {"id": "-99", "name": "", "color": "", "permissions": "0", "highlighted": False}
    async with world.client("birk", scopes="profile") as api:
        assert (await api.get("/api/v1/accounts/verify_credentials"))["username"] == "birk"
    async with world.client("birk", scopes="write") as api:
        await api.refused(403, "GET", "/api/v1/accounts/verify_credentials")


@pytest.mark.parametrize("notation", ["json list", "json numbers", "brackets", "numbers"])
async def test_a_profile_is_changed_in_every_notation_clients_use(world: ApiWorld, notation: str) -> None:
    pairs = [("Web", "https://birk.example/om mig"), ("Klub", "Havby <Løb>")]
    fields = [{"name": name, "value": value} for name, value in pairs]
    async with world.client("birk") as api:
        path = "/api/v1/accounts/update_credentials"
        if notation.startswith("json"):
            written: Any = fields if notation == "json list" else {str(at): one for at, one in enumerate(fields)}
            body = {"display_name": "Birk", "fields_attributes": written, "source": {"privacy": "private"}}
            answer = await api.call("PATCH", path, json=body)
            assert answer.status_code == 200
        else:
            places = ["", ""] if notation == "brackets" else ["0", "1"]
            form = [("display_name", "Birk"), ("source[privacy]", "private")]
            for place, one in zip(places, fields, strict=True):
                form += [(f"fields_attributes[{place}][{key}]", value) for key, value in one.items()]
            body_bytes = urlencode(form).encode()
            answer = await api.call(
                "PATCH", path, content=body_bytes, headers={"Content-Type": "application/x-www-form-urlencoded"}
            )
            assert answer.status_code == 200, answer.text
        found = await api.get("/api/v1/accounts/verify_credentials")
    assert found["display_name"] == "Birk"
    assert found["source"]["privacy"] == "private"
    assert [(one["name"], one["value"]) for one in found["source"]["fields"]] == pairs
    web, club = (one["value"] for one in found["fields"])
    assert web.startswith('<a href="https://birk.example/om" rel="me nofollow noopener noreferrer"')
    assert club == "Havby &lt;Løb&gt;"


async def test_what_is_not_sent_stays_and_followers_elsewhere_hear_of_a_change_once(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        before = await api.get("/api/v1/accounts/verify_credentials")
        await api.patch("/api/v1/accounts/update_credentials", locked="true", bot="true")
        after = await api.get("/api/v1/accounts/verify_credentials")
        changed = {key for key in before if before[key] != after[key]}
        assert changed == {"locked", "bot"}
        with world.database.reading() as db:
            told = newest(db, "Update")
            assert told.actor_id == int(after["id"])
        await api.patch("/api/v1/accounts/update_credentials", locked="true", bot="true")
        with world.database.reading() as db:
            assert newest(db, "Update").id == told.id
        await api.patch("/api/v1/accounts/update_credentials", bot="false", locked="false")
        assert await api.get("/api/v1/accounts/verify_credentials") == before


async def test_a_description_is_plain_text_with_what_it_names_as_links(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        note = "1. maj *løber* jeg\nmed @anna #løb\n\n<b>"
        found = await api.patch("/api/v1/accounts/update_credentials", note=note)
    assert found["source"]["note"] == note
    assert found["note"].startswith("<p>1. maj *løber* jeg<br>med <span")
    assert 'class="u-url mention"' in found["note"]
    assert 'class="mention hashtag"' in found["note"]
    assert found["note"].endswith("<p>&lt;b&gt;</p>")


async def test_a_picture_has_a_description_until_another_takes_its_place(world: ApiWorld) -> None:
    world.database.write(lambda db: actors.update_profile(db, person(db, "birk"), icon_url="https://a.example/1.png"))
    async with world.client("birk") as api:
        before = await api.get("/api/v1/accounts/verify_credentials")
        path = "/api/v1/accounts/update_credentials"
        found = await api.patch(path, avatar_description="Birk løber", header_description="Havnen")
        assert (found["avatar_description"], found["header_description"]) == ("Birk løber", "")
        as_others = await api.http.get("https://a.example/u/birk", headers={"Accept": "application/activity+json"})
        icon = as_others.json()["icon"]
        assert (icon["url"], icon["name"]) == ("https://a.example/1.png", "Birk løber")
        bare = await api.delete("/api/v1/profile/avatar")
        assert (bare["avatar_description"], bare["source"]) == ("", before["source"])
        assert bare["avatar"].endswith("/avatars/missing.png")
        await api.refused(422, "PATCH", path, data={"avatar_description": "x" * 1501})


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def _picture(colour: str, size: tuple[int, int] = (900, 600)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


async def _size(api: Api, address: str) -> tuple[int, int]:
    answer = await api.http.get(address)
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content)).size


async def test_pictures_are_cut_to_size_and_take_the_place_of_those_before(world: ApiWorld, tmp_path: Path) -> None:
    world = ApiWorld(world.database, settings=Settings(origin="https://a.example", data_dir=str(tmp_path)))
    async with world.client("birk") as api:
        path = "/api/v1/accounts/update_credentials"
        files = {"avatar": ("a.png", _picture("red"), "image/png"), "header": ("h.png", _picture("blue"), "image/png")}
        found = await api.patch(path, files=files, display_name="Birk", avatar_description="Rød")
        assert (found["display_name"], found["avatar_description"]) == ("Birk", "Rød")
        assert (await _size(api, found["avatar"]), await _size(api, found["header"])) == ((400, 400), (1500, 500))
        again = await api.patch(path, files={"avatar": ("a.png", _picture("green"), "image/png")})
        assert again["avatar"] != found["avatar"]
        assert (again["avatar_description"], again["header"]) == ("", found["header"])
        assert (await api.delete("/api/v1/profile/avatar"))["avatar"].endswith("/avatars/missing.png")
        assert (await api.delete("/api/v1/profile/header"))["header"].endswith("/headers/missing.png")
        await api.delete("/api/v1/profile/header")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("avatar", b"GIF89a no", ""), ("header", b"plain text", ""), ("avatar", None, "x" * 101)],
)
async def test_a_picture_that_is_none_changes_nothing_and_leaves_no_file(
    world: ApiWorld, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    world = ApiWorld(world.database, settings=Settings(origin="https://a.example", data_dir=str(tmp_path)))
    async with world.client("birk") as api:
        before = await api.get("/api/v1/accounts/verify_credentials")
        files = {name: ("a.png", content or _picture("red"), "image/png")}
        changes = {"note": "Nyt", "display_name": words or "Nyt"}
        await api.refused(422, "PATCH", "/api/v1/accounts/update_credentials", files=files, data=changes)
        assert await api.get("/api/v1/accounts/verify_credentials") == before
    assert _files(tmp_path) == []


async def test_a_bot_is_a_service_to_other_servers(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        await api.patch("/api/v1/accounts/update_credentials", bot="1")
        answer = await api.http.get("https://a.example/u/birk", headers={"Accept": "application/activity+json"})
    assert answer.json()["type"] == "Service"
    assert "automated" not in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"display_name": "x" * 101},
        {"note": "x" * 5001},
        {"fields_attributes": [{"name": str(n), "value": "x"} for n in range(5)]},
        {"fields_attributes": [{"name": "", "value": "x"}]},
        {"fields_attributes": [{"name": "x", "value": "x" * 1001}]},
        {"fields_attributes": "x"},
        {"source": {"privacy": "node"}},
        {"source": {"language": "x" * 20}},
        {"source": {"quote_policy": "friends"}},
        {"locked": "perhaps"},
        {"attribution_domains": ["no domain"]},
        {"attribution_domains": [f"{number}.example" for number in range(101)]},
    ],
)
async def test_a_profile_that_cannot_be_is_refused_and_nothing_is_changed(
    world: ApiWorld, wrong: dict[str, Any]
) -> None:
    async with world.client("birk") as api:
        before = await api.get("/api/v1/accounts/verify_credentials")
        await api.refused(
            422, "PATCH", "/api/v1/accounts/update_credentials", json={"note": "Nyt", "display_name": "Nyt", **wrong}
        )
        assert await api.get("/api/v1/accounts/verify_credentials") == before


async def test_sites_that_may_name_their_author_are_given_back(world: ApiWorld) -> None:
    async with world.client("eva") as api:
        path, names = "/api/v1/accounts/update_credentials", ["bog.example", "Blog.example", "bog.example"]
        found = await api.patch(path, **{"attribution_domains[]": names})
        assert found["source"]["attribution_domains"] == ["bog.example", "blog.example"]
        assert (await api.patch(path, display_name="Eva"))["source"]["attribution_domains"] == [
            "bog.example",
            "blog.example",
        ]


async def test_preferences_say_what_was_chosen(world: ApiWorld) -> None:
    async with world.client("eva") as api:
        keys = {"source[privacy]": "unlisted", "source[sensitive]": "true", "source[language]": "da"}
        await api.patch("/api/v1/accounts/update_credentials", **keys)
        found = await api.get("/api/v1/preferences")
        msgspec.convert(found, Preferences)
        assert found["posting:default:visibility"] == "unlisted"
        assert found["posting:default:sensitive"] is True
        assert found["posting:default:language"] == "da"
        await api.patch("/api/v1/accounts/update_credentials", **{"source[language]": ""})
        assert (await api.get("/api/v1/preferences"))["posting:default:language"] is None


async def test_followers_come_in_pages_that_meet_each_once(world: ApiWorld) -> None:
    async with world.client() as api:
        group = await _id(api, "udfordrere")
        seen: list[str] = []
        path: str | None = f"/api/v1/accounts/{group}/followers?limit=2"
        while path:
            answer = await api.call("GET", path)
            seen += [one["username"] for one in answer.json()]
            path = answer.links["next"]["url"] if "next" in answer.links else None
        assert sorted(seen) == ["anna", "birk", "camilla", "david", "eva", "farid"]
        first = await api.call("GET", f"/api/v1/accounts/{group}/followers?limit=2")
        newer = await api.call("GET", first.links["prev"]["url"])
        assert newer.json() == []


async def test_who_hides_his_followers_shows_them_only_to_himself(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("anna") as anna, world.client() as nobody:
        me = await _id(birk, "birk")
        assert await nobody.get(f"/api/v1/accounts/{me}/followers")
        await birk.patch("/api/v1/accounts/update_credentials", hide_collections="true")
        for which in ("followers", "following"):
            assert await birk.get(f"/api/v1/accounts/{me}/{which}")
            assert await anna.get(f"/api/v1/accounts/{me}/{which}") == []
            assert await nobody.get(f"/api/v1/accounts/{me}/{which}") == []
        found = await anna.get("/api/v1/accounts/familiar_followers", **{"id[]": me})
        assert found == [{"id": me, "accounts": []}]


async def test_a_blocked_visitor_sees_neither_posts_nor_followers(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("anna") as anna:
        mine, theirs = await _id(birk, "birk"), await _id(birk, "anna")
        assert await anna.get(f"/api/v1/accounts/{mine}/statuses")
        await birk.post(f"/api/v1/accounts/{theirs}/block")
        assert (await anna.get(f"/api/v1/accounts/{mine}"))["username"] == "birk"
        for which in ("statuses", "followers", "following"):
            assert await anna.get(f"/api/v1/accounts/{mine}/{which}") == []


async def test_an_accounts_posts_can_be_narrowed_down(world: ApiWorld) -> None:
    async with world.client("birk") as api:
        birk = await _id(api, "birk")
        every = await api.get(f"/api/v1/accounts/{birk}/statuses", limit=40)
        assert any(one["reblog"] for one in every)
        assert any(one["in_reply_to_id"] for one in every)
        own = await api.get(f"/api/v1/accounts/{birk}/statuses", exclude_reblogs="true", exclude_replies="true")
        assert own
        assert not any(one["reblog"] or one["in_reply_to_id"] for one in own)
        assert await api.get(f"/api/v1/accounts/{birk}/statuses", only_media="true") == []
        assert await api.get(f"/api/v1/accounts/{birk}/statuses", pinned="true") == []
        camilla = await _id(api, "camilla")
        tagged = await api.get(f"/api/v1/accounts/{camilla}/statuses", tagged="gåhjemmøde")
        assert len(tagged) == 1


async def test_posts_for_followers_show_only_to_them(world: ApiWorld) -> None:
    async with world.client("farid") as farid, world.client("birk") as birk, world.client() as nobody:
        anna = await _id(nobody, "anna")

        async def private(api: Api) -> bool:
            found = await api.get(f"/api/v1/accounts/{anna}/statuses", limit=40)
            return any(one["visibility"] == "private" for one in found)

        assert await private(farid)
        assert not await private(birk)
        assert not await private(nobody)


@pytest.mark.usefixtures("nothing_kept")
async def test_a_list_of_people_costs_the_same_however_long(lived_in: Database) -> None:
    with lived_in.reading() as db:
        everybody = [actor for _, actor in follows.followers(db, person(db, "udfordrere").id, Window(limit=40))]
        show_accounts.account(db, everybody[0])  # what stays in memory is there from now on
        with counted(db) as few:
            show_accounts.accounts(db, everybody[:1])
        with counted(db) as many:
            show_accounts.accounts(db, everybody)
    assert len(everybody) == 6
    assert len(many) == len(few) <= 3


async def test_nobody_makes_an_account_by_app(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        error = await api.refused(403, "POST", "/api/v1/accounts", data={"username": "ny", "email": "ny@x.example"})
        assert "invitation" in error["error"]
    with world.database.reading() as db:
        assert actors.by_handle(db, "ny") is None
