"""Reporting through the pages: the moderators here learn of it, and those of the other server if one wants them to."""

import pytest
from sqlalchemy.orm import Session

from models import actors, arriving, cases, moderation
from models.arriving import RemotePost
from models.base import now
from models.outbox import Activity
from models.posts import Post, Visibility
from tests.federation.elsewhere import remote
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

ALSO = "Fortæl det også til moderatorerne på by.example"


def _arrive(db: Session) -> tuple[int, int]:
    there = remote(db, "by.example")
    post = RemotePost("https://by.example/p/1", there, Visibility.PUBLIC, now(), content="<p>Køb nu</p>")
    return there.id, arriving.record_remote(db, post)[0].id


def _flags(db: Session) -> list[object]:
    return [one.data["embed"] for one in db.query(Activity).filter_by(type="Flag").order_by(Activity.id)]


def _reported(db: Session) -> int:
    """Eva has reported Jonas of another server and what he wrote, to the moderators here only."""
    jonas, post = _arrive(db)
    uri = db.get_one(Post, post).uri
    row = moderation.report(
        db, person(db, "eva"), target=actors.get(db, jonas), post_uris=[uri], comment="Spam", category="spam"
    )
    assert row is not None
    return row.id


async def test_somebody_elsewhere_is_reported_to_his_server_only_if_ticked(visiting: Visiting) -> None:
    jonas, post = visiting.database.write(_arrive)
    async with visiting.browser("eva") as browser:
        assert ALSO in words(await browser.read(f"/actors/{jonas}/report"))
        await browser.succeed(f"/actors/{jonas}/report", comment="Spam")
        assert browser.do(_flags) == []
        await browser.succeed(f"/actors/{jonas}/report", comment="Spam", forward="1")
        assert ALSO in words(await browser.read(f"/posts/{post}/report"))
        await browser.succeed(f"/posts/{post}/report", comment="Reklame", forward="1")
        user = "https://by.example/users/jonas"
        assert browser.do(_flags) == [[user], [user, "https://by.example/p/1"]]
    async with visiting.browser("anna") as browser:
        page = words(await browser.read("/admin/reports"))
        assert page.count("Den anden server har fået det at vide.") == 2


async def test_somebody_here_has_no_other_server_to_tell(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        birk = browser.do(lambda db: person(db, "birk").id)
        for path in (f"/actors/{birk}/report", f"/posts/{browser.do(lambda db: question(db, 'Må vi').id)}/report"):
            assert 'name="forward"' not in await browser.read(path)
        await browser.succeed(f"/actors/{birk}/report", comment="Løber for hurtigt", forward="1")
        assert browser.do(_flags) == []
        assert [one.report.forwarded for one in browser.do(cases.waiting)] == [False]


async def test_a_moderator_takes_a_report_gives_it_on_and_lets_go_of_it(visiting: Visiting) -> None:
    number = visiting.database.write(_reported)
    page, assign = f"/admin/reports/{number}", f"/admin/reports/{number}/assign"
    async with visiting.browser("camilla") as camilla:
        me, other = (camilla.do(lambda db, name=name: person(db, name).id) for name in ("camilla", "anna"))
        assert "Ingen endnu." in words(await camilla.read(page))
        await camilla.succeed(assign, to=str(me))
        assert "taget af Camilla Dahl" in words(await camilla.read("/admin/reports"))
        assert "Om jonas" in words(await camilla.read("/admin/reports?state=mine"))
        assert (await camilla.send(assign, to=str(me))).status_code == 409
        await camilla.succeed(assign, to=str(other))
        assert "Om jonas" not in words(await camilla.read("/admin/reports?state=mine"))
    async with visiting.browser("anna") as anna:
        assert f'href="{page}"' in await anna.read("/notifications")
        assert "beder dig se på en anmeldelse" in words(await anna.read("/notifications"))
        await anna.succeed(assign)
        assert (await anna.send(assign)).status_code == 409
        told = words(await anna.read(page))
        assert told.index("Tog sig af") < told.index("Gav en anmeldelse") < told.index("Slap en anmeldelse")


@pytest.mark.parametrize("to", ["eva", "1", "x"])
async def test_only_moderators_are_given_reports(visiting: Visiting, to: str) -> None:
    number = visiting.database.write(_reported)
    async with visiting.browser("camilla") as camilla:
        eva = camilla.do(lambda db: person(db, "eva").id)
        answer = await camilla.send(f"/admin/reports/{number}/assign", to=str(eva) if to == "eva" else to)
        assert answer.status_code in {404, 422}
        assert camilla.do(lambda db: cases.get(db, number).assigned_id) is None


async def test_a_report_is_passed_on_afterwards_once_and_without_the_reporter(visiting: Visiting) -> None:
    number = visiting.database.write(_reported)
    async with visiting.browser("camilla") as camilla:
        await camilla.succeed(f"/admin/reports/{number}/forward")
        again = await camilla.send(f"/admin/reports/{number}/forward")
        assert again.status_code == 409
        (sent,) = camilla.do(lambda db: list(db.query(Activity).filter_by(type="Flag")))
        node = camilla.do(lambda db: actors.node_actor(db).id)
        assert (sent.actor_id, sent.to) == (node, ["https://by.example/users/jonas"])
        assert sent.data == {"embed": ["https://by.example/users/jonas", "https://by.example/p/1"], "content": "Spam"}
        assert "Gav en anmeldelse videre til en anden server: by.example" in words(
            await camilla.read(f"/admin/reports/{number}")
        )


async def test_a_closed_report_is_opened_again_by_who_then_has_it(visiting: Visiting) -> None:
    number = visiting.database.write(_reported)
    async with visiting.browser("camilla") as camilla:
        await camilla.succeed(f"/admin/reports/{number}/close", outcome="nothing_wrong")
        assert (await camilla.send(f"/admin/reports/{number}/assign", to="1")).status_code == 404
        await camilla.succeed(f"/admin/reports/{number}/reopen")
        assert (await camilla.send(f"/admin/reports/{number}/reopen")).status_code == 409
        (one,) = camilla.do(cases.waiting)
        assert (one.taken_by is not None and one.taken_by.username, one.report.outcome) == ("camilla", "")


@pytest.mark.parametrize("what", ["assign", "forward", "reopen"])
async def test_members_do_nothing_with_reports(visiting: Visiting, what: str) -> None:
    number = visiting.database.write(_reported)
    async with visiting.browser("eva") as eva:
        assert (await eva.send(f"/admin/reports/{number}/{what}")).status_code == 404
        assert eva.do(_flags) == []
