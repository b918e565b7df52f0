"""Who the node says it is, chosen on a page and seen everywhere; and the pages that say whom to turn to."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models import identity
from models.database import Database
from models.identity import Identity
from models.jobs import Job
from server.settings import Settings
from tests.server.pictures import picture
from tests.server.visiting import ORIGIN, Browser, Visiting, words

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(lived_in: Database, tmp_path: Path) -> Visiting:
    chosen = Settings(origin=ORIGIN, node_name="Torv i a", data_dir=str(tmp_path), contact_email="t@a.example")
    return Visiting(lived_in, settings=chosen)


def chosen(browser: Browser) -> Identity:
    return browser.do(lambda db: identity.of(db, Identity(name="Torv i a", contact_email="t@a.example")))


async def send_logo(browser: Browser, content: bytes, **fields: str) -> Any:
    return await browser.http.post(
        "/admin/identity",
        data={"token": browser.token, **fields},
        files={"logo": ("logo.png", content, "image/png")},
        headers={"Accept": "text/html", "Origin": ORIGIN},
    )


async def test_only_an_administrator_says_who_the_node_is(site: Visiting) -> None:
    async with site.browser("camilla") as moderator, site.browser("birk") as member:
        for browser in (moderator, member):
            assert (await browser.open("/admin/identity")).status_code == 404
            assert (await browser.send("/admin/identity", name="Mit")).status_code == 404
            assert chosen(browser).name == "Torv i a"


async def test_what_is_chosen_stands_on_pages_in_apps_and_in_nodeinfo(site: Visiting) -> None:
    async with site.browser("anna") as anna, site.browser() as reader:
        await anna.succeed(
            "/admin/identity", name="Torvet", run_by="Vesterlund Kommune", description="For os alle.", accent="#AA0000"
        )
        page = await reader.read("/about")
        assert "Om Torvet" in words(page)
        assert "Drives af Vesterlund Kommune" in words(page)
        told = (await reader.http.get("/api/v2/instance")).json()
        assert (told["title"], told["description"]) == ("Torvet", "For os alle.")
        assert (await reader.http.get("/nodeinfo/2.1")).json()["metadata"]["nodeName"] == "Torvet"
        style = await reader.http.get(re.findall(r"/colours/[0-9a-f]+\.css", page)[0])
        assert style.headers["content-type"].startswith("text/css")
        assert "immutable" in style.headers["cache-control"]
        assert "--accent: #aa0000" in style.text


async def test_an_empty_choice_goes_back_to_what_the_settings_say(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        await anna.succeed("/admin/identity", name="Torvet", accent="#aa0000")
        await anna.succeed("/admin/identity", name="", accent="#aa0000", **{"own-colour": "1"})
        assert chosen(anna) == Identity(name="Torv i a", contact_email="t@a.example")
        assert "/colours/" not in await anna.read("/about")
        assert (await anna.http.get("/colours/0.css")).status_code == 404


@pytest.mark.alike
@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 61},
        {"run_by": "x" * 61},
        {"description": "x" * 501},
        {"accent": "red; } body { display: none"},
        {"accent": "#12345"},
        {"contact_email": "t(at)a.example"},
        {"accessibility_url": "javascript:alert(1)"},
    ],
)
async def test_what_does_not_fit_is_told_beside_its_field_and_nothing_is_saved(
    site: Visiting, fields: dict[str, str]
) -> None:
    async with site.browser("anna") as anna:
        answer = await anna.send("/admin/identity", **{"name": "Torvet", **fields})
        assert answer.status_code == 422
        assert f'id="{next(iter(fields))}-error"' in answer.text
        assert chosen(anna) == Identity(name="Torv i a", contact_email="t@a.example")


@pytest.mark.once
async def test_a_mark_is_fitted_in_whole_shown_and_removed(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        assert (await send_logo(anna, picture("PNG", (900, 300), "RGBA"), name="Torvet")).status_code == 303
        address = re.findall(r'<a class="brand" href="/"><img src="(/media/[^"]+)"', await anna.read("/about"))[0]
        sent = await anna.http.get(address)
        assert sent.headers["content-type"] == "image/png"
        assert "sandbox" in sent.headers["content-security-policy"]
        await anna.succeed("/admin/identity", name="Torvet", **{"no-logo": "1"})
        assert "/media/" not in await anna.read("/about")
        gone = anna.do(lambda db: [job.payload for job in db.scalars(select(Job).where(Job.kind == "media_gone"))])
        assert gone == [{"files": [address.removeprefix("/media/")], "uploads": []}]


@pytest.mark.once
async def test_a_mark_that_is_no_picture_is_refused_and_nothing_is_saved(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        answer = await send_logo(anna, b"<svg onload=alert(1)>", name="Torvet")
        assert answer.status_code == 422
        assert chosen(anna).name == "Torv i a"
        assert chosen(anna).logo == ""


async def test_the_contact_page_names_those_who_look_after_the_place(site: Visiting) -> None:
    async with site.browser() as reader:
        page = words(await reader.read("/contact"))
        assert "t@a.example" in page
        assert "Anna Holm" in page
        assert "Birk" not in page
