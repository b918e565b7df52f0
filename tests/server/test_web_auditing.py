"""The log of what moderators and administrators did: complete, in words, and for administrators only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from models import communities, listings, moderation
from server.web.auditing import ACTIONS
from tests.server.visiting import ORIGIN, Visiting, person, question, words

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parent.parent.parent


def written_down() -> Iterator[str]:
    """Every action that code writes down, as far as it stands there word for word; of an f-string its beginning."""
    for path in [*(ROOT / "models").glob("*.py"), *(ROOT / "server").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) < 3:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"audit", "_audit"}:
                for part in ast.walk(node.args[2]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def test_every_deed_has_a_name_in_words() -> None:
    found = set(written_down())
    assert len(found) > 30
    assert {one for one in found if not any(key == one or key.startswith(one) for key in ACTIONS)} == set()


@pytest.mark.parametrize("username", ["birk", "camilla"])
async def test_members_and_moderators_do_not_find_it(visiting: Visiting, username: str) -> None:
    async with visiting.browser(username) as browser:
        assert (await browser.open("/admin/audit")).status_code == 404


async def test_it_says_who_did_what_and_why(visiting: Visiting) -> None:
    visiting.database.write(lambda db: moderation.set_rule(db, "evil.example", "block", "Reklamer"))
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: person(db, "birk").id)
        await anna.succeed(f"/admin/people/{number}/role", role="moderator", sure="1")
        page = words(await anna.read("/admin/audit"))
    assert "Skiftede en rolle : Birk" in page.replace("rolle:", "rolle :")
    assert "Blokerede en server : evil.example" in page.replace("server:", "server :")
    assert "Serveren selv eller dens kommandolinje" in page
    assert "hvorfor: Reklamer" in page
    assert "rolle nu: Moderator" in page


async def test_what_a_deed_is_about_is_a_link_where_it_is_shown_here(visiting: Visiting) -> None:
    def decide(db: Session) -> None:
        for subject in (f"{ORIGIN}/p/1", "https://m.example/p/2"):
            moderation.audit(db, None, "question.no_duplicate", subject)
        moderation.audit(db, None, "report.close", "3", outcome="acted")
        moderation.audit(db, None, "report.example", f"{ORIGIN}/p/5")
        moderation.audit(db, None, "question.duplicate", "x", of="https://m.example/p/2", sanction="4", odd=["a", "b"])

    visiting.database.write(decide)
    async with visiting.browser("anna") as anna:
        page = await anna.read("/admin/audit")
    assert 'href="/p/1"' in page
    assert 'href="/p/2"' not in page
    assert 'href="/admin/reports/3">se anmeldelsen' in page
    assert 'href="/p/5">se erfaringen' in page
    assert "udfald: Der er gjort noget" in words(page)
    assert "odd: a, b" in words(page)
    assert "sanction" not in words(page)


async def test_it_is_narrowed_by_deed_and_by_person(visiting: Visiting) -> None:
    def decide(db: Session) -> None:
        moderation.set_rule(db, "one.example", "block", by=person(db, "anna"))
        moderation.set_rule(db, "two.example", "limit", by=person(db, "anna"))
        moderation.set_rule(db, "three.example", "block", by=person(db, "camilla"))

    visiting.database.write(decide)
    async with visiting.browser("anna") as anna:
        blocked = await anna.read("/admin/audit?action=domain.block")
        assert ("one.example" in blocked, "two.example" in blocked, "three.example" in blocked) == (True, False, True)
        mine = await anna.read("/admin/audit?who=anna&action=domain.block")
        assert ("one.example" in mine, "two.example" in mine, "three.example" in mine) == (True, False, False)
        nobody = await anna.read("/admin/audit?who=findesikke")
        assert "Ingen hedder det." in words(nobody)
        assert "one.example" not in nobody


async def test_it_goes_on_from_where_it_stopped(visiting: Visiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.auditing.PAGE", 1)

    def decide(db: Session) -> None:
        for name in ("one.example", "two.example"):
            moderation.set_rule(db, name, "block", by=person(db, "anna"))

    visiting.database.write(decide)
    async with visiting.browser("anna") as anna:
        first = await anna.read("/admin/audit?action=domain.block")
        assert "two.example" in first
        assert "one.example" not in first
        rest = first.partition('href="?action=domain.block&amp;who=&amp;before=')[2].partition('"')[0]
        assert "one.example" in await anna.read(f"/admin/audit?action=domain.block&before={rest}")


async def test_what_administrators_change_through_the_pages_is_written_down(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await anna.succeed("/admin/house", rules="Et", description="", privacy="", shown="all")
        await anna.succeed("/admin/identity", name="Torvet", accent="#aa0000")
        await anna.succeed("/admin/announcements", text="Fredag.")
        await anna.succeed("/admin/tags", name="paragraf", main="jura")
        done = anna.do(lambda db: {entry.action for entry in moderation.audit_log(db)})
    assert {"house.change", "identity.change", "announcement.make", "tag.synonym"} <= done


async def test_what_moderators_of_a_community_do_is_written_down(visiting: Visiting) -> None:
    def moderate(db: Session) -> set[str]:
        camilla, group = person(db, "camilla"), person(db, "udfordrere")
        asked = question(db, "Lederen siger ja")
        listings.remove_post(db, camilla, asked, "Reklame")
        listings.restore_post(db, camilla, asked)
        communities.add_moderator(db, camilla, group, person(db, "eva"))
        communities.remove_moderator(db, camilla, group, person(db, "eva"))
        return {entry.action for entry in moderation.audit_log(db, actor_id=camilla.id)}

    done = visiting.database.write(moderate)
    assert {"post.remove", "post.restore", "community.moderator", "community.moderator_removed"} <= done
