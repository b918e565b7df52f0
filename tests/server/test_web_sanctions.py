"""Moderation through the pages: what is asked again, told, appealed and listed, and that others find no door to it."""

import re

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import accounts, appeals, house, moderation, sanctions, settings
from models.moderation import AuditEntry, Report
from models.sanctions import Sanction, SanctionKind
from tests.server.page_queries import queries
from tests.server.visiting import Browser, Visiting, person, question, words
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio


def reported(db: Session, comment: str = "Ren reklame") -> int:
    post = question(db, "Hvordan fik I løbere")
    row = moderation.report(db, person(db, "eva"), target=person(db, "birk"), post_uris=[post.uri], comment=comment)
    assert row is not None
    return row.id


def limited(db: Session, target: str = "birk") -> int:
    by = person(db, "camilla")
    return sanctions.impose(db, person(db, target), SanctionKind.LIMIT, by=by, reason="Reklame hver dag").id


def suspended(db: Session) -> int:
    by = person(db, "camilla")
    return sanctions.impose(db, person(db, "birk"), SanctionKind.SUSPEND, by=by, reason="Reklame hver dag").id


def counted(db: Session) -> list[int | None]:
    tables = (Sanction, AuditEntry, Report)
    ended = select(func.count()).where(Sanction.ended_at.is_(None), Sanction.appeal_state == "")
    return [*(db.scalar(select(func.count()).select_from(table)) for table in tables), db.scalar(ended)]


async def test_members_find_none_of_it(visiting: Visiting) -> None:
    async with visiting.browser("david") as browser:
        report, decision = browser.do(reported), browser.do(limited)
        birk = browser.do(lambda db: person(db, "birk").id)
        before = browser.do(counted)
        for path in (
            "/admin/reports",
            f"/admin/reports/{report}",
            f"/admin/actors/{birk}/act",
            "/admin/appeals",
            f"/sanctions/{decision}",
        ):
            assert (await browser.open(path)).status_code == 404, path
        for path, fields in (
            (f"/admin/reports/{report}/notes", {"note": "x"}),
            (f"/admin/reports/{report}/close", {"outcome": "acted"}),
            (f"/admin/actors/{birk}/act", {"kind": "suspend", "reason": "x"}),
            (f"/sanctions/{decision}/end", {}),
            (f"/sanctions/{decision}/appeal", {"appeal": "x"}),
            (f"/sanctions/{decision}/decide", {"verdict": "overturn", "answer": "x"}),
        ):
            assert (await browser.send(path, **fields)).status_code == 404, path
        assert browser.do(counted) == before


async def test_a_report_is_read_noted_acted_on_and_closed_and_its_reporter_hears_of_it(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser, visiting.browser("eva") as eva:
        browser.do(lambda db: house.set_rules(db, ["Ingen reklame"]))
        number = browser.do(reported)
        birk = browser.do(lambda db: person(db, "birk").id)
        assert f'href="/admin/reports/{number}"' in await browser.read("/admin/reports")
        page = words(await browser.read(f"/admin/reports/{number}"))
        assert "Ren reklame" in page
        assert "Forvaltningen siger, at vi skal have" in page
        await browser.succeed(f"/admin/reports/{number}/notes", note="Jeg skriver til ham")
        asks = await browser.read(f"/admin/actors/{birk}/act?kind=warn&report={number}")
        assert re.search(r'id="kind-warn"[^>]* checked', asks)
        rule = re.search(r'<option value="(\d+)">Ingen reklame', asks)
        assert rule
        act = {"kind": "warn", "report": str(number), "reason": "Lad være", "rule": rule[1]}
        assert await browser.succeed(f"/admin/actors/{birk}/act", **act) == f"/admin/reports/{number}"
        await browser.succeed(f"/admin/reports/{number}/close", outcome="acted")
        page = words(await browser.read(f"/admin/reports/{number}"))
        assert "Jeg skriver til ham" in page
        assert "Advaret" in page
        assert f'href="/admin/reports/{number}"' not in await browser.read("/admin/reports")
        assert f'href="/admin/reports/{number}"' in await browser.read("/admin/reports?state=closed")
        assert "De har gjort noget ved det." in words(await eva.read("/notifications"))
    async with visiting.browser("birk") as birks:
        link = re.search(r'href="(/sanctions/\d+)"', await birks.read("/notifications"))
        assert link
        page = words(await birks.read(link[1]))
        assert "Lad være" in page
        assert "Ingen reklame" in page
        assert "Camilla" not in page


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"kind": "warn", "reason": ""}, 422),
        ({"kind": "shoot", "reason": "Fordi"}, 422),
        ({"kind": "hide_post", "reason": "Fordi"}, 404),
        ({"kind": "warn", "reason": "Fordi", "post": "1"}, 404),
        ({"kind": "warn", "reason": "Fordi", "report": "1"}, 404),
        ({"kind": "limit", "reason": "Fordi igen"}, 409),
    ],
)
async def test_what_cannot_be_done_is_told_keeps_what_was_typed_and_changes_nothing(
    visiting: Visiting, fields: dict[str, str], status: int
) -> None:
    async with visiting.browser("camilla") as browser:
        browser.do(limited)
        birk, before = browser.do(lambda db: person(db, "birk").id), browser.do(counted)
        answer = await browser.send(f"/admin/actors/{birk}/act", **fields)
        assert answer.status_code == status
        if status != 404:
            assert 'class="form-error-message"' in answer.text
            assert fields["reason"] in answer.text
        assert browser.do(counted) == before


async def test_a_moderator_cannot_act_on_an_administrator(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        anna, before = browser.do(lambda db: person(db, "anna").id), browser.do(counted)
        assert "Her kan du ikke gøre noget" in await browser.read(f"/admin/actors/{anna}/act")
        assert (await browser.send(f"/admin/actors/{anna}/act", kind="suspend", reason="x")).status_code == 403
        assert browser.do(counted) == before


async def test_a_decision_is_appealed_by_whom_it_is_about_and_answered_by_another_moderator(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("anna") as anna, visiting.browser("camilla") as other:
        number = birk.do(limited)
        path = f"/sanctions/{number}"
        assert (await birk.send(f"{path}/appeal", appeal="")).status_code == 422
        await birk.succeed(f"{path}/appeal", appeal="Det er ikke reklame")
        twice = await birk.send(f"{path}/appeal", appeal="Nu igen")
        assert twice.status_code == 409
        assert "Du kan klage én gang" in twice.text
        assert f"{path}/decide" not in await other.read(path)
        assert (await other.send(f"{path}/decide", verdict="uphold", answer="Jo")).status_code == 403
        assert f'href="{path}"' in await anna.read("/admin/appeals")
        assert (await anna.send(f"{path}/decide", verdict="overturn", answer="")).status_code == 422
        await anna.succeed(f"{path}/decide", verdict="overturn", answer="Du har ret")
        page = words(await birk.read(path))
        assert "Afgørelsen er omgjort." in page
        assert "Du har ret" in page
        assert birk.do(lambda db: person(db, "birk").standing) == ""


async def test_a_decision_can_be_taken_back(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        number = browser.do(suspended)
        await browser.succeed(f"/sanctions/{number}/end")
        assert browser.do(lambda db: accounts.by_username(db, "birk").suspended_at) is None
        assert (await browser.send(f"/sanctions/{number}/end")).status_code == 409


async def _shut_out(browser: Browser, password: str = PASSWORD) -> tuple[int, str]:
    await browser.take_token("/sign-in")
    answer = await browser.send("/sign-in", login="birk", password=password)
    assert "__Host-torv" not in answer.cookies
    return answer.status_code, answer.text


async def test_who_is_shut_out_reads_why_and_appeals_once_without_a_session(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        number = browser.do(suspended)
        assert (await _shut_out(browser, "en helt forkert"))[0] == 401
        status, page = await _shut_out(browser)
        assert status == 403
        assert "Reklame hver dag" in page
        proof = re.search(r'name="proof" value="([^"]+)"', page)
        assert proof
        empty = await browser.send("/appeal", proof=proof[1], appeal="")
        assert empty.status_code == 422
        assert proof[1] in empty.text
        assert (await browser.send("/appeal", proof=proof[1] + "x", appeal="Jo")).status_code == 403
        assert browser.do(lambda db: sanctions.get(db, number).appeal_state) == ""
        sent = await browser.send("/appeal", proof=proof[1], appeal="Det var ikke mig")
        assert sent.status_code == 200
        assert (await browser.send("/appeal", proof=proof[1], appeal="Nu igen")).status_code == 409
        assert browser.do(lambda db: sanctions.get(db, number).appeal) == "Det var ikke mig"
        assert 'name="proof"' not in (await _shut_out(browser))[1]
        assert (await browser.open("/settings")).status_code == 303


async def test_who_was_locked_out_by_hand_reads_that_he_is_and_whom_to_ask(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        browser.do(lambda db: accounts.suspend(db, accounts.by_username(db, "birk")))
        status, page = await _shut_out(browser)
        assert status == 403
        assert 'href="/contact"' in page
        assert 'name="proof"' not in page


async def test_the_public_list_names_nobody_and_can_be_closed(visiting: Visiting) -> None:
    async with visiting.browser() as nobody, visiting.browser("anna") as anna:
        anna.do(limited)
        anna.do(
            lambda db: sanctions.impose(
                db,
                person(db, "eva"),
                SanctionKind.WARN,
                by=person(db, "camilla"),
                reason="Eva ved hvorfor",
                rule="Gå efter bolden",
                summary="Hård tone",
            )
        )
        assert 'href="/moderation"' in await nobody.read("/about")
        page = words(await nobody.read("/moderation"))
        assert all(word in page for word in ("Begrænset", "Advaret", "Gå efter bolden", "Hård tone"))
        assert not any(word in page for word in ("Birk", "Camilla", "Reklame hver dag", "Eva"))
        await anna.succeed("/admin/house", rules="", description="", privacy="", terms="", shown="disabled")
        assert (await nobody.open("/moderation")).status_code == 404
        assert 'href="/moderation"' not in await nobody.read("/about")
        assert anna.do(lambda db: settings.get(db, "moderation_log")) is False


async def test_lists_go_on_where_they_were(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        for at in range(25):
            browser.do(lambda db, at=at: reported(db, f"Nummer {at} af mange"))  # type: ignore[misc]
        first = await browser.read("/admin/reports")
        following = re.search(r'href="(/admin/reports\?after=\d+)"', first)
        assert following
        second = await browser.read(following[1])
        assert [f"Nummer {at} af mange" in first for at in (0, 19, 20)] == [True, True, False]
        assert [f"Nummer {at} af mange" in second for at in (19, 20, 24)] == [False, True, True]


async def test_pages_ask_the_database_as_often_for_one_as_for_many(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        number, decision = browser.do(reported), browser.do(limited)
        browser.do(lambda db: appeals.appeal(db, sanctions.get(db, decision), "x", account_id=person(db, "birk").id))
        paths = (
            "/admin/reports",
            f"/admin/reports/{number}",
            "/admin/appeals",
            "/moderation",
            f"/sanctions/{decision}",
        )
        few = [await queries(browser, path) for path in paths]
        for _ in range(5):
            browser.do(reported)
        for name in ("david", "eva", "farid"):
            more = browser.do(lambda db, name=name: limited(db, name))  # type: ignore[misc]
            browser.do(
                lambda db, name=name, more=more: appeals.appeal(  # type: ignore[misc]
                    db, sanctions.get(db, more), "x", account_id=person(db, name).id
                )
            )
        assert [await queries(browser, path) for path in paths] == few
