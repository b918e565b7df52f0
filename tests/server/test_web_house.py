"""The rules and texts of the node and its announcements, on the pages."""

from typing import Any

import pytest

from models import announcements, house
from models.house import Page, Shown
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio

RULES = "Skriv, hvad du selv har prøvet.\n\n  Gå efter bolden.  \nGå efter bolden."


@pytest.mark.parametrize("path", ["/admin/house", "/admin/announcements"])
async def test_only_an_administrator_finds_these_pages(visiting: Visiting, path: str) -> None:
    async with visiting.browser("camilla") as moderator, visiting.browser("birk") as member:
        for browser in (moderator, member):
            assert (await browser.open(path)).status_code == 404
            assert (await browser.send(path, rules="x", text="x", shown="all")).status_code == 404


async def test_rules_and_texts_stand_on_the_page_about_this_place(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as reader:
        assert "Datatilsynet" in await reader.read("/privacy-policy")
        await anna.succeed(
            "/admin/house", rules=RULES, description="Drevet af *os alle*.", privacy="Intet.", shown="all"
        )
        about = await reader.read("/about")
        assert "Drevet af <em>os alle</em>." in about
        assert about.count("Gå efter bolden.") == 1
        assert "Intet." in words(await reader.read("/privacy-policy"))
        assert (await reader.open("/terms-of-service")).status_code == 404
        assert anna.do(house.blocks_shown_to) == Shown.ALL


async def test_a_rule_keeps_its_number_while_its_words_stay(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await anna.succeed("/admin/house", rules="Et\nTo\nTre")
        await anna.succeed("/admin/house", rules="Tre\nFire\nEt")
        assert [(rule.id, rule.text) for rule in anna.do(house.rules)] == [(3, "Tre"), (4, "Fire"), (1, "Et")]
        assert "Tre\nFire\nEt" in (await anna.read("/admin/house"))


async def test_a_text_that_did_not_change_keeps_its_date(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await anna.succeed("/admin/house", privacy="Intet.")
        before = anna.do(lambda db: house.page(db, Page.PRIVACY))
        await anna.succeed("/admin/house", privacy="Intet.", rules="Ny")
        assert anna.do(lambda db: house.page(db, Page.PRIVACY)) == before


@pytest.mark.alike
@pytest.mark.parametrize(
    "form",
    [{"rules": "x" * 400}, {"rules": "\n".join(map(str, range(50)))}, {"shown": "some"}, {"terms": "x" * 100_001}],
)
async def test_what_does_not_fit_is_told_and_nothing_is_saved(visiting: Visiting, form: dict[str, str]) -> None:
    async with visiting.browser("anna") as anna:
        fields: dict[str, Any] = {"rules": "En", **form}
        answer = await anna.send("/admin/house", **fields)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert anna.do(house.rules) == []


async def test_an_announcement_stands_first_until_it_is_marked_read(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        await anna.succeed("/admin/announcements", text="Vi flytter *på fredag*.", ends="2999-12-31")
        assert "Vi flytter <em>på fredag</em>." in await birk.read("/")
        row = anna.do(announcements.everything)[0]
        await birk.succeed(f"/announcements/{row.id}/dismiss")
        assert "Vi flytter" not in await birk.read("/")
        assert "Vi flytter" in await anna.read("/")


async def test_an_announcement_is_changed_and_taken_back(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await anna.succeed("/admin/announcements", text="Fredag.", starts="2999-01-01", ends="2999-01-02")
        row = anna.do(announcements.everything)[0]
        page = await anna.read(f"/admin/announcements/{row.id}")
        assert 'value="2999-01-01"' in page
        assert 'value="2999-01-02"' in page
        await anna.succeed(f"/admin/announcements/{row.id}", text="Lørdag.", ends="2999-01-03")
        assert "Lørdag." in await anna.read("/")
        await anna.succeed(f"/admin/announcements/{row.id}/withdraw")
        assert anna.do(announcements.everything) == []


@pytest.mark.alike
@pytest.mark.parametrize(
    "form",
    [{"text": ""}, {"text": "x" * 5001}, {"ends": "i morgen"}, {"starts": "0001-01-01"},
     {"starts": "2999-02-02", "ends": "2999-01-01"}],
)  # fmt: skip
async def test_an_announcement_that_will_not_do_is_told(visiting: Visiting, form: dict[str, str]) -> None:
    async with visiting.browser("anna") as anna:
        fields: dict[str, Any] = {"text": "Godt", **form}
        answer = await anna.send("/admin/announcements", **fields)
        assert answer.status_code == 422
        assert 'class="form-error-message"' in answer.text
        assert anna.do(announcements.everything) == []


async def test_what_has_ended_is_shown_to_nobody(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await anna.succeed("/admin/announcements", text="Forbi.", ends="2020-01-01")
        assert "Forbi." not in await anna.read("/")
        assert anna.do(lambda db: announcements.current(db, person(db, "anna").id)) == []
