"""The people with an account, for moderators to see and administrators to change."""

import re

import pytest
from sqlalchemy.orm import Session

from models import accounts, roster
from models.accounts import Login
from models.moderation import audit_log
from models.roster import Wish
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio


def role(db: Session, username: str) -> str:
    return accounts.by_username(db, username).role


def names(visiting: Visiting, **wish: object) -> list[str]:
    with visiting.database.reading() as db:
        return [actor.username for _, actor in roster.find(db, Wish(**wish))]  # type: ignore[arg-type]


async def test_to_members_there_is_no_such_page_and_moderators_change_nothing(visiting: Visiting) -> None:
    number = visiting.database.write(lambda db: person(db, "david").id)
    async with visiting.browser("birk") as birk, visiting.browser("camilla") as camilla:
        for path in ("/admin/people", f"/admin/people/{number}"):
            assert (await birk.open(path)).status_code == 404
            assert (await camilla.open(path)).status_code == 200
        assert f"/admin/people/{number}/role" not in await camilla.read(f"/admin/people/{number}")
        for browser in (birk, camilla):
            for deed in ("role", "sign-out"):
                answer = await browser.send(f"/admin/people/{number}/{deed}", role="admin", sure="1")
                assert answer.status_code == 404
        assert birk.do(lambda db: role(db, "david")) == "member"


@pytest.mark.parametrize("asked", ["bir", "@birk", "BIRK", "birk@a.ex"])
async def test_people_are_found_by_the_beginning_of_name_handle_and_address(visiting: Visiting, asked: str) -> None:
    assert names(visiting, asked=asked) == ["birk"]


async def test_an_address_is_a_way_to_somebody_whose_name_says_nothing(visiting: Visiting) -> None:
    def move(db: Session) -> None:
        accounts.change_email(db, accounts.by_username(db, "eva"), "x.borgmester@havby.dk")

    visiting.database.write(move)
    assert names(visiting, asked="x.borgm") == ["eva"]
    assert names(visiting, asked="borgm") == []
    for nothing in ("%", "_", "'", "\\", "birk@b.example"):
        assert names(visiting, asked=nothing) == []


async def test_the_list_is_narrowed_by_role_and_suspension(visiting: Visiting) -> None:
    visiting.database.write(lambda db: accounts.suspend(db, accounts.by_username(db, "eva")))
    assert names(visiting, role="admin") == ["anna"]
    assert names(visiting, suspended=True) == ["eva"]
    async with visiting.browser("camilla") as camilla:
        page = await camilla.read("/admin/people?suspended=1")
        assert "Eva" in page
        assert "birk" not in page
        assert "Ingen her passer" in words(await camilla.read("/admin/people?q=findesikke"))


async def test_it_goes_on_page_by_page_each_person_once(visiting: Visiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.roster.PAGE", 2)
    everybody, path, seen = names(visiting), "/admin/people?q=&role=member", []
    async with visiting.browser("anna") as anna:
        while path:
            page = await anna.read(path)
            seen += re.findall(r'class="name" href="/admin/people/(\d+)"', page)
            more = re.search(r'href="(\?[^"]*)" rel="next"', page)
            path = "/admin/people" + more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == len([name for name in everybody if name not in {"anna", "camilla"}])


async def test_a_role_changes_after_a_question_and_is_written_down(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: person(db, "birk").id)
        asked = await anna.send(f"/admin/people/{number}/role", role="moderator")
        assert asked.status_code == 200
        assert "Vil du skifte rolle" in words(asked.text)
        assert anna.do(lambda db: role(db, "birk")) == "member"
        await anna.succeed(f"/admin/people/{number}/role", role="moderator", sure="1")
        assert anna.do(lambda db: role(db, "birk")) == "moderator"
        [entry] = anna.do(lambda db: audit_log(db, action="account.role"))
        assert entry.detail == {"role": "moderator", "before": "member"}


@pytest.mark.parametrize("wanted", ["member", "moderator"])
async def test_the_last_administrator_stays_one(visiting: Visiting, wanted: str) -> None:
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: person(db, "anna").id)
        answer = await anna.send(f"/admin/people/{number}/role", role=wanted, sure="1")
        assert answer.status_code == 409
        assert 'class="form-error-message"' in answer.text
        assert anna.do(lambda db: role(db, "anna")) == "admin"
        assert anna.do(lambda db: audit_log(db, action="account.role")) == []


async def test_who_gives_the_role_away_is_taken_home(visiting: Visiting) -> None:
    visiting.database.write(lambda db: accounts.set_role(db, accounts.by_username(db, "eva"), "admin"))
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: person(db, "anna").id)
        assert await anna.succeed(f"/admin/people/{number}/role", role="member", sure="1") == "/"
        assert (await anna.open("/admin/people")).status_code == 404


@pytest.mark.parametrize("wanted", ["king", "", "x" * 3000])
async def test_a_role_that_is_none_is_refused(visiting: Visiting, wanted: str) -> None:
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: person(db, "birk").id)
        assert (await anna.send(f"/admin/people/{number}/role", role=wanted, sure="1")).status_code == 422
        assert (await anna.send("/admin/people/17/role", role="admin", sure="1")).status_code == 404
        assert anna.do(lambda db: role(db, "birk")) == "member"


async def test_somebody_is_signed_out_everywhere(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        number = anna.do(lambda db: person(db, "birk").id)
        await anna.succeed(f"/admin/people/{number}/sign-out")
        assert (await birk.open("/settings")).status_code == 303
        assert anna.do(lambda db: db.query(Login).filter_by(account_id=number).count()) == 0
        assert anna.do(lambda db: len(audit_log(db, action="account.sign_out"))) == 1


@pytest.mark.parametrize("path", ["/admin/people", "/admin/audit"])
async def test_a_page_takes_as_many_queries_for_many_as_for_few(
    visiting: Visiting, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = {"/admin/people": "roster", "/admin/audit": "auditing"}[path]
    async with visiting.browser("anna") as anna:
        many = await queries(anna, path)
        monkeypatch.setattr(f"server.web.{module}.PAGE", 1)
        assert await queries(anna, path) == many
