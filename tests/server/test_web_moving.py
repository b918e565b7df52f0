"""What is mine: a copy to take along, lists brought along, moving, and going for good; on the pages."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from federation.importing import take_in
from models import actors, blocks, calls, follows, imports, media, moving
from models.database import Database
from models.jobs import Job
from server import exporting
from server.settings import Settings
from tests.dumping import dumped
from tests.federation.elsewhere import remote
from tests.server.page_queries import queries
from tests.server.visiting import Browser, Visiting, person, question, words
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio
COUNTED = frozenset({"logins", "memory", "jobs"})
NEW = "https://m.example/users/birk"


@pytest.fixture
def visiting(lived_in: Database, tmp_path: Path) -> Visiting:
    settings = Settings(origin="https://a.example", node_name="Torv i a", data_dir=str(tmp_path))
    return Visiting(lived_in, settings=settings)


async def work(visiting: Visiting, kind: str) -> None:
    """Do the promised jobs of one kind."""

    def waiting(db: Any) -> list[dict[str, Any]]:
        return [job.payload for job in db.query(Job) if job.kind == kind]

    table = {**exporting.jobs(visiting.settings), "import": take_in}
    for payload in visiting.database.write(waiting):
        await table[kind](visiting.app.state.fed, payload)


def serve(visiting: Visiting, **more: Any) -> None:
    """Birk's new account, as its server shows it."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if "webfinger" in str(request.url):
            links = [{"rel": "self", "type": "application/activity+json", "href": NEW}]
            body: Any = {"subject": "acct:birk@m.example", "links": links}
            return httpx.Response(200, json=body, headers={"Content-Type": "application/jrd+json"})
        body = {"id": NEW, "type": "Person", "preferredUsername": "birk", "inbox": f"{NEW}/inbox", **more}
        return httpx.Response(200, json=body, headers={"Content-Type": "application/activity+json"})

    visiting.elsewhere.answers["m.example"] = answer


def moved_to(browser: Browser) -> str:
    return browser.do(lambda db: person(db, "birk").moved_to)


async def test_a_copy_holds_everything_and_only_its_owner_can_fetch_it(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as camilla, visiting.browser("birk") as birk, visiting.browser() as nobody:
        camilla.do(lambda db: blocks.block(db, person(db, "camilla"), remote(db, "m.example", "spam")).id)
        await camilla.succeed("/settings/data/copy")
        assert "Din kopi bliver lavet" in words(await camilla.read("/settings/data"))
        await work(visiting, "export")
        page = await camilla.read("/settings/data")
        address = page.split('href="/settings/data/copy/')[1].split('"')[0]
        path = f"/settings/data/copy/{address}"
        answer = await camilla.open(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "private, no-store"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            outbox = json.loads(archive.read("outbox.json"))
            said = archive.read("following_accounts.csv").decode()
            blocked = archive.read("blocked_accounts.csv").decode()
            actor, likes = json.loads(archive.read("actor.json")), json.loads(archive.read("likes.json"))
        assert actor["id"] == "https://a.example/u/camilla"
        assert outbox["totalItems"] == len(outbox["orderedItems"]) >= 3
        assert any("elleve dage" in item["object"]["content"] for item in outbox["orderedItems"])
        assert likes["totalItems"] > 0
        assert blocked == "spam@m.example\n"
        assert next(csv.reader(io.StringIO(said)))[0] == "Account address"
        assert "udfordrere@a.example,true,false," in said
        assert "har kopien af dine data klar" in words(await camilla.read("/notifications"))
        assert (await birk.open(path)).status_code == 404
        assert (await nobody.open(path)).status_code == 303
        assert (await birk.open("/settings/data/copy/17")).status_code == 404


async def test_a_copy_says_to_which_meetings_somebody_comes_or_would_come(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("camilla") as camilla:
        asked = birk.do(lambda db: question(db, "Hvordan fik I"))
        birk.do(lambda db: calls.call(db, actors.get(db, asked.author_id), asked))
        await birk.succeed(f"/posts/{asked.id}/come")
        sent = {"starts": "2031-12-02T16:00", "timezone": "Europe/Copenhagen", "joining": "free", "place": "Torvet"}
        where = await camilla.succeed("/meeting/new", title="Lad os mødes", theme="Om det", **sent)
        await birk.succeed(f"/posts/{where.split('/')[2]}/sign-up")
        await birk.succeed("/settings/data/copy")
        await work(visiting, "export")
        (file,) = exporting.folder(visiting.settings).glob("*.zip")
        with zipfile.ZipFile(file) as archive:
            said, signed_up = (archive.read(name).decode() for name in ("would_come.csv", "meetings.csv"))
        assert f"{asked.uri},{asked.title}," in said
        assert ",Lad os mødes,2031-12-02T15:00:00+00:00,going," in signed_up


async def test_what_a_copy_says_of_follows_can_be_taken_in_again(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        await birk.succeed("/settings/data/copy")
        await work(visiting, "export")
        (file,) = exporting.folder(visiting.settings).glob("*.zip")
        with zipfile.ZipFile(file) as archive:
            rows = imports.read("follows", archive.read("following_accounts.csv"))
        assert len(rows) == eva.do(lambda db: follows.count_following(db, person(db, "birk").id))


async def test_a_second_copy_of_the_day_is_refused_and_nothing_is_changed(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await browser.succeed("/settings/data/copy")
        before = dumped(visiting.database, without=COUNTED)
        answer = await browser.send("/settings/data/copy")
        assert answer.status_code == 409
        assert "Der bliver allerede lavet en kopi" in words(answer.text)
        assert dumped(visiting.database, without=COUNTED) == before


async def test_an_archive_that_cannot_be_finished_leaves_no_half_file(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(media, "files_of", fail)
    async with visiting.browser("birk") as browser:
        await browser.succeed("/settings/data/copy")
        with pytest.raises(OSError, match="No space"):
            await work(visiting, "export")
    assert list(exporting.folder(visiting.settings).iterdir()) == []


async def test_a_file_that_is_no_name_of_a_copy_is_never_touched(visiting: Visiting, tmp_path: Path) -> None:
    for name in ("../torv.db", "x", "0" * 48, "/etc/passwd", "0" * 47 + "/.zip"):
        assert exporting.place(visiting.settings, name) is None


async def bring(browser: Browser, kind: str, content: bytes) -> httpx.Response:
    return await browser.http.post(
        "/settings/data/lists",
        data={"token": browser.token, "kind": kind},
        files={"file": ("list.csv", content, "text/csv")},
        headers={"Accept": "text/html", "Origin": "https://a.example"},
    )


async def test_a_list_is_taken_in_and_its_faults_are_shown(visiting: Visiting) -> None:
    serve(visiting)
    visiting.elsewhere.dead("x.example")
    async with visiting.browser("eva") as browser:
        content = (
            b"Account address,Show boosts\nbirk@m.example,true\nno address,true\ny@x.example,true\ncamilla@a.example,\n"
        )
        assert (await bring(browser, "follows", content)).status_code == 303
        assert "0 af 4 indtil nu" in words(await browser.read("/settings/data"))
        await work(visiting, "import")
        page = words(await browser.read("/settings/data"))
        assert "Færdig: 2 af 4" in page
        assert "no address : Det er ikke en adresse" in page
        assert "y@x.example : Den anden server svarer ikke" in page
        assert "har indlæst din liste" in words(await browser.read("/notifications"))
        new = browser.do(lambda db: actors.by_uri(db, NEW))
        assert new is not None
        assert browser.do(lambda db: follows.state(db, person(db, "eva").id, new.id)) == "pending"


@pytest.mark.alike
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("follows", b""),
        ("follows", b"nothing here"),
        ("follows", b"\xff\xfe"),
        ("friends", b"a@b.example"),
        ("blocks", b"a@b.example\n" * 5001),
    ],
)
async def test_a_file_that_is_no_list_changes_nothing(visiting: Visiting, kind: str, content: bytes) -> None:
    async with visiting.browser("eva") as browser:
        before = dumped(visiting.database)
        answer = await bring(browser, kind, content)
        assert answer.status_code == 422
        assert "form-error-message" in answer.text
        assert dumped(visiting.database) == before


async def test_a_file_larger_than_any_form_is_turned_away_at_the_door(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        before = dumped(visiting.database)
        assert (await bring(browser, "blocks", b"a@b.example\n" * 100_000)).status_code == 413
        assert dumped(visiting.database) == before


async def test_moving_away_asks_the_new_account_and_for_the_password(visiting: Visiting) -> None:
    serve(visiting, alsoKnownAs=["https://a.example/u/birk"])
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/settings/move", target="@birk@m.example", password=PASSWORD)
        assert where == "/settings/move"
        assert moved_to(browser) == NEW
        assert "Er flyttet til birk @birk@m.example" in words(await browser.read("/u/birk"))
        await browser.succeed("/settings/move/back")
        assert moved_to(browser) == ""


@pytest.mark.alike
@pytest.mark.parametrize(
    ("aliases", "fields", "said"),
    [
        ([], {}, "siger ikke, at den er din"),
        (["https://a.example/u/birk"], {"password": "wrong"}, "Det er ikke din adgangskode"),
        (["https://a.example/u/birk"], {"password": ""}, "Skriv noget her"),
        (["https://a.example/u/birk"], {"target": "nobody"}, ""),
        (["https://a.example/u/birk"], {"target": "eva"}, "siger ikke, at den er din"),
        (["https://a.example/u/birk"], {"target": "birk"}, "Det er denne konto selv"),
        (["https://a.example/u/birk"], {"target": "udfordrere"}, "ikke en persons konto"),
    ],
)
async def test_a_move_that_is_not_proven_moves_nobody(
    visiting: Visiting, aliases: list[str], fields: dict[str, str], said: str
) -> None:
    serve(visiting, alsoKnownAs=aliases)
    async with visiting.browser("birk") as browser:
        browser.do(lambda db: remote(db, "m.example", "birk", also_known_as=["https://a.example/u/birk"]).id)
        before = dumped(visiting.database, without=COUNTED | {"actors", "actor_names"})
        answer = await browser.send("/settings/move", **{"target": "birk@m.example", "password": PASSWORD, **fields})
        assert answer.status_code == 422
        assert said in words(answer.text)
        assert moved_to(browser) == ""
        assert dumped(visiting.database, without=COUNTED | {"actors", "actor_names"}) == before


async def test_an_account_elsewhere_is_named_as_mine_and_taken_back(visiting: Visiting) -> None:
    serve(visiting)
    async with visiting.browser("birk") as browser:
        await browser.succeed("/settings/move/aliases", alias="birk@m.example")
        assert "@birk@m.example" in words(await browser.read("/settings/move"))
        actor = (await browser.http.get("/u/birk", headers={"Accept": "application/activity+json"})).json()
        assert actor["alsoKnownAs"] == [NEW]
        assert (await browser.send("/settings/move/aliases", alias="birk@m.example")).status_code == 422
        await browser.succeed("/settings/move/aliases/remove", uri=NEW)
        assert browser.do(lambda db: person(db, "birk").also_known_as) == []


async def test_a_server_that_does_not_answer_is_told_beside_the_field(visiting: Visiting) -> None:
    visiting.elsewhere.dead("m.example")
    async with visiting.browser("birk") as browser:
        before = dumped(visiting.database, without=COUNTED)
        answer = await browser.send("/settings/move/aliases", alias="birk@m.example")
        assert answer.status_code == 422
        assert 'id="alias-error"' in answer.text
        assert dumped(visiting.database, without=COUNTED) == before


async def test_deleting_an_account_asks_says_and_does(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser, visiting.browser("anna") as anna:
        page = words(await browser.read("/settings/delete"))
        assert "Vi kan ikke tvinge nogen" in page
        where = await browser.succeed("/settings/delete", username="@birk", password=PASSWORD)
        assert where == "/"
        assert "Din konto er slettet" in words(await browser.read("/"))
        assert (await browser.open("/settings")).status_code == 303
        assert (await anna.open("/u/birk")).status_code == 404
        gone = await anna.http.get("/u/birk", headers={"Accept": "application/activity+json"})
        assert (gone.status_code, gone.json()["type"]) == (410, "Tombstone")
        assert (await browser.send("/sign-in", login="birk", password=PASSWORD)).status_code in {401, 403}


@pytest.mark.alike
@pytest.mark.parametrize(
    ("who", "fields"),
    [
        ("birk", {"username": "anna", "password": PASSWORD}),
        ("birk", {"username": "birk", "password": "wrong"}),
        ("birk", {"username": "birk", "password": ""}),
        ("birk", {"username": "", "password": PASSWORD}),
        ("anna", {"username": "anna", "password": PASSWORD}),  # the only administrator
    ],
)
async def test_nothing_is_deleted_by_mistake(visiting: Visiting, who: str, fields: dict[str, str]) -> None:
    async with visiting.browser(who) as browser:
        before = dumped(visiting.database, without=COUNTED)
        answer = await browser.send("/settings/delete", **fields)
        assert answer.status_code == 422
        assert "form-error-message" in answer.text
        assert dumped(visiting.database, without=COUNTED) == before


async def test_the_pages_ask_the_database_equally_often_however_much_there_is(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        few = [await queries(browser, path) for path in ("/settings/data", "/settings/move")]

        def more(db: Any) -> None:
            for number in range(5):
                moving.add_alias(db, person(db, "birk"), remote(db, f"m{number}.example", "birk"))
                row = imports.start(db, person(db, "birk").id, "blocks", imports.read("blocks", b"a@b.example\n"))
                imports.take(db, row.id, 0, None, "unknown")
                imports.finish(db, row.id)

        browser.do(more)
        assert [await queries(browser, path) for path in ("/settings/data", "/settings/move")] == few
