"""Where people belong, on the pages: asking, confirming, the word at the name, and the organisation's own pages."""

import re
from typing import Any

import pytest

from models import accounts, affiliations, claims, organizations
from models.accounts import Account
from tests.dumping import dumped
from tests.federation.elsewhere import remote
from tests.server.page_queries import queries
from tests.server.visiting import Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio
COUNTED = frozenset({"logins", "memory"})


def choice(browser: Browser, organization: str, kind: str) -> str:
    return browser.do(lambda db: f"{person(db, organization).id} {kind}")


async def ask(browser: Browser, organization: str = "vesterlund", kind: str = "citizen", note: str = "") -> str:
    return await browser.succeed("/settings/affiliations", choice=choice(browser, organization, kind), note=note)


def row_of(browser: Browser, username: str, organization: str) -> int:
    def find(db: Any) -> int:
        rows = affiliations.of(db, person(db, username).id)
        return next(row.id for row, org in rows if org.username == organization)

    return browser.do(find)


async def test_the_word_stands_at_the_name_in_threads_lists_and_on_the_profile(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        thread = browser.do(lambda db: question(db, "Hvordan fik I").id)
        profile = words(await browser.read("/u/birk"))
        assert "Offentlig , Havby Kommune" in words(await browser.read(f"/p/{thread}"))
        assert "Birk Sørensen Offentlig , Havby Kommune" in words(await browser.read("/questions"))
        assert "Offentlig , Havby Kommune" in profile
        assert "Spørg mig om frivillige løbeklubber" in profile
        assert "1 spørgsmål" in profile
        assert "Offentlig , Havby Kommune" in words(await browser.read("/org/havby/members"))


async def test_somebody_asks_the_editor_confirms_and_it_is_shown(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        await ask(birk, note="Jeg bor i byen")
        assert "Jeg bor i byen" not in words(await birk.read("/u/birk"))
        page = words(await eva.read("/org/vesterlund/manage"))
        assert "Jeg bor i byen" in page
        assert "siger at høre til en organisation, du passer" in words(await eva.read("/notifications"))
        await eva.succeed(f"/affiliations/{row_of(birk, 'birk', 'vesterlund')}", verdict="confirm", reason="")
        assert "Borger , Vesterlund Kommune" in words(await birk.read("/u/birk"))
        assert "har bekræftet, at du hører til der" in words(await birk.read("/notifications"))


async def test_a_refusal_reaches_the_person_with_its_reason(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("camilla") as camilla:
        await ask(birk)
        number = row_of(birk, "birk", "vesterlund")
        assert "Birk Sørensen" in words(await camilla.read("/admin/organizations"))
        await camilla.succeed(f"/affiliations/{number}", verdict="refuse", reason="Du bor i Havby")
        assert "Ikke bekræftet. Du bor i Havby" in words(await birk.read("/settings/affiliations"))


@pytest.mark.parametrize(
    ("username", "fields", "status"),
    [
        ("david", {"verdict": "confirm"}, 403),
        ("eva", {"verdict": "refuse"}, 422),
        ("eva", {"verdict": "crown"}, 404),
        ("", {"verdict": "confirm"}, 401),
    ],
)
async def test_a_decision_that_is_not_taken_changes_nothing(
    visiting: Visiting, username: str, fields: dict[str, str], status: int
) -> None:
    async with visiting.browser("birk") as birk, visiting.browser(username) as other:
        await ask(birk)
        number = row_of(birk, "birk", "vesterlund")
        before = dumped(visiting.database, without=COUNTED)
        assert (await other.send(f"/affiliations/{number}", **fields)).status_code == status
        assert dumped(visiting.database, without=COUNTED) == before


@pytest.mark.parametrize(
    "chosen", ["", "x", "17 citizen", "99999999999999999999 citizen", "{vesterlund} king", "{havby} citizen"]
)
async def test_a_choice_that_is_none_is_told_beside_the_field(visiting: Visiting, chosen: str) -> None:
    async with visiting.browser("birk") as browser:
        for name in ("vesterlund", "havby"):
            chosen = chosen.replace(f"{{{name}}}", choice(browser, name, "").strip())
        before = dumped(visiting.database, without=COUNTED)
        answer = await browser.send("/settings/affiliations", choice=chosen, note="Bevar mig")
        assert answer.status_code in {404, 409, 422}
        assert 'id="choice-error"' in answer.text
        assert "Bevar mig" in answer.text
        assert dumped(visiting.database, without=COUNTED) == before


async def test_an_offer_is_shown_only_to_its_person_until_he_says_yes(visiting: Visiting) -> None:
    def gry(db: Any) -> None:
        account = accounts.create(db, username="gry", email="gry@havby.example", password="correct horse battery")
        accounts.confirm_email(db, account)

    visiting.database.write(gry)
    async with visiting.browser("gry") as browser, visiting.browser("birk") as birk:
        number = row_of(browser, "gry", "havby")
        assert "siger, at du arbejder her" in words(await browser.read("/settings/affiliations"))
        assert "gry" not in words(await birk.read("/org/havby/members"))
        assert (await birk.send(f"/settings/affiliations/{number}/accept")).status_code == 404
        await browser.succeed(f"/settings/affiliations/{number}/accept")
        assert "@gry@a.example" in words(await birk.read("/org/havby/members"))
        await browser.succeed(f"/settings/affiliations/{number}/leave")
        assert "@gry@a.example" not in words(await birk.read("/org/havby/members"))


async def test_an_administrator_makes_an_organisation_and_gives_it_an_editor(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("david") as david:
        where = await anna.succeed(
            "/admin/organizations", username="koege", name="Køge Kommune", kind="public-body", summary="Ved bugten.",
            website="https://koege.example", municipality_code="0259", cvr="29 18 93 74", email_domains="koege.example",
        )  # fmt: skip
        assert where == "/org/koege/manage"
        await anna.succeed("/org/koege/editors", editor="david")
        page = words(await david.read("/org/koege"))
        assert "Køge Kommune" in page
        assert "CVR 29189374" in page
        await david.succeed("/org/koege/manage", name="Køge", summary="Ny", municipality_code="0259", cvr="29189374")
        assert david.do(lambda db: organizations.facts_of(db, person(db, "koege")).email_domains) == ("koege.example",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "Køge!"),
        ("username", "birk"),
        ("name", ""),
        ("kind", "citizen"),
        ("municipality_code", "9999"),
        ("cvr", "12"),
    ],
)
async def test_an_organisation_with_a_fault_is_not_made_and_keeps_what_was_typed(
    visiting: Visiting, field: str, value: str
) -> None:
    typed = {"username": "koege", "name": "Køge Kommune", "kind": "public-body", "summary": "Ved bugten."}
    async with visiting.browser("anna") as anna:
        before = dumped(visiting.database, without=COUNTED)
        answer = await anna.send("/admin/organizations", **{**typed, field: value})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert "Ved bugten." in answer.text
        assert dumped(visiting.database, without=COUNTED) == before


@pytest.mark.parametrize("username", ["", "david"])
async def test_nobody_else_comes_near_the_pages_of_those_who_look_after_it(visiting: Visiting, username: str) -> None:
    async with visiting.browser(username) as browser:
        before = dumped(visiting.database, without=COUNTED)
        for path in ("/org/havby/manage", "/admin/organizations"):
            assert (await browser.open(path)).status_code == (404 if username else 303)
        for path, fields in (
            ("/org/havby/manage", {"name": "x", "kind": "public-body"}),
            ("/org/havby/editors", {"editor": "david"}),
            ("/org/havby/editors/remove", {"person": "1"}),
            ("/org/havby/invitations", {"class": "public-body"}),
            ("/admin/organizations", {"username": "x", "name": "x"}),
        ):
            assert (await browser.send(path, **fields)).status_code == (404 if username else 401), path
        assert dumped(visiting.database, without=COUNTED) == before


async def test_an_invitation_says_what_it_confirms_and_confirms_it(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as guest:
        answer = await anna.send("/org/havby/invitations", **{"class": "public-body", "email": "gry@nowhere.example"})
        found = re.search(r"https://a\.example(/invitations/[\w-]+)", answer.text)
        assert found is not None
        page = await guest.read(found[1])
        assert "Havby Kommune bekræfter, at du hører til der" in words(page)
        await guest.take_token(found[1])
        await guest.succeed(
            found[1], username="gry", name="Gry", email="gry@nowhere.example", password="correct horse battery"
        )
        assert "Offentlig , Havby Kommune" in words(await guest.read("/u/gry"))
        assert guest.do(lambda db: db.get_one(Account, person(db, "gry").id).email_confirmed_at) is not None


async def test_role_municipality_topics_and_lines_are_kept_and_shown(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        await browser.succeed(
            "/settings", name="Eva", language="da", role="Bibliotekar", municipality="0259",
            topics="lån, #ensomhed,\nlån", field1="Blog", value1="https://eva.example/om",
        )  # fmt: skip
        page = await browser.read("/u/eva")
        assert "Bibliotekar Køge Kommune" in words(page)
        assert 'href="/search?q=ensomhed"' in page
        assert words(page).count("ensomhed") == 1
        assert "eva.example/om" in page
        assert 'value="https://eva.example/om"' in await browser.read("/settings")


@pytest.mark.parametrize(
    ("field", "value"),
    [("municipality", "9999"), ("topics", ",".join(map(str, range(11)))), ("topics", "x" * 51), ("role", "x" * 101)],
)
async def test_a_fault_in_the_profile_is_told_and_nothing_is_changed(
    visiting: Visiting, field: str, value: str
) -> None:
    async with visiting.browser("eva") as browser:
        before = dumped(visiting.database, without=COUNTED)
        answer = await browser.send("/settings", name="Eva", language="da", **{field: value})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert dumped(visiting.database, without=COUNTED) == before


async def test_pages_ask_the_database_as_often_for_many_people_as_for_few(
    visiting: Visiting,
) -> None:
    async with visiting.browser("anna") as browser:
        paths = (
            "/organizations",
            "/org/havby/members",
            "/org/havby/manage",
            "/admin/organizations",
            "/u/birk",
            "/settings/affiliations",
        )
        await ask(browser, "havby")
        few = [await queries(browser, path) for path in paths]

        def more(db: Any) -> None:
            havby = person(db, "havby")
            for number in range(12):
                account = accounts.create(
                    db, username=f"gry{number}", email=f"gry{number}@b.example", password="correct horse battery"
                )
                gry = person(db, f"gry{number}")
                if number % 2:
                    affiliations.accept_invited(db, gry, havby, "public-body")
                else:
                    affiliations.request(db, gry, havby, "citizen")
                assert account.id == gry.id

        browser.do(more)
        assert [await queries(browser, path) for path in paths] == few


async def test_nothing_that_people_or_servers_write_here_becomes_markup(visiting: Visiting) -> None:
    """T95"""
    evil = "\u202e<img src=x onerror=alert(1)>\"'</option><script>alert(1)</script>"

    def stranger(db: Any) -> None:
        organization = remote(db, "m.example", "malmo", type="Organization")
        organization.name = evil
        claim = claims.Claim(organization.uri, "supplier")
        tove = remote(
            db,
            "m.example",
            "tove",
            extra={"affiliation": [{"organization": claim.organization, "class": claim.affiliation_class}]},
        )
        claims.record_checked(db, tove, {claim: organization.id})

    visiting.database.write(stranger)
    async with visiting.browser("birk") as birk, visiting.browser("anna") as anna:
        await birk.succeed(
            "/settings", name="Birk", language="da", role=evil[:100], topics=evil[:40], field1=evil, value1=evil
        )
        await ask(birk, note=evil)
        facts = {"name": evil[:100], "kind": "public-body", "summary": evil}
        await anna.succeed("/admin/organizations", username="ond", **facts)
        number = row_of(birk, "birk", "vesterlund")
        pages = ["/org/vesterlund/manage", "/admin/organizations", "/org/ond", "/org/ond/manage", "/organizations"]
        for path in [*pages, "/u/birk", "/@tove@m.example", "/org/havby/members"]:
            page = await anna.read(path)
            assert "<img src=x" not in page, path
            assert "<script>alert" not in page, path
        await anna.succeed(f"/affiliations/{number}", verdict="refuse", reason=evil)
        for path in ("/settings/affiliations", "/settings", "/notifications"):
            page = await birk.read(path)
            assert "<img src=x" not in page, path
            assert "<script>alert" not in page, path
