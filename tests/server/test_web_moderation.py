"""What moderators and administrators do through the pages, and that nobody else finds the door."""

import pytest

from models import domains, follows, listings, timelines
from models.communities import CLASSES
from tests.federation.elsewhere import remote
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

MANAGE = "/c/udfordrere/manage"
EVERYBODY = {"askers": list(CLASSES), "answerers": list(CLASSES)}


@pytest.mark.parametrize("path", ["/admin/reports", "/admin/domains", MANAGE, "/c/aabne_data/manage"])
async def test_to_everybody_else_administration_is_a_page_that_does_not_exist(visiting: Visiting, path: str) -> None:
    async with visiting.browser("birk") as browser:
        answer, missing = await browser.open(path), await browser.open("/nowhere")
        assert answer.status_code == missing.status_code == 404
        assert words(answer.text) == words(missing.text)


async def test_a_moderator_of_the_node_sees_reports_but_no_domain_rules(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        assert (await browser.open("/admin/reports")).status_code == 200
        assert (await browser.open("/admin/domains")).status_code == 404
        assert (await browser.send("/admin/domains", domain="x.example", action="block")).status_code == 404


async def test_a_domain_rule_is_set_shown_and_lifted(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        await browser.succeed("/admin/domains", domain="EVIL.example.", action="block", reason="Reklamer")
        assert "evil.example" in words(await browser.read("/admin/domains"))
        assert browser.do(lambda db: domains.is_blocked(db, "sub.evil.example"))
        await browser.succeed("/admin/domains/drop", domain="evil.example")
        assert not browser.do(lambda db: domains.is_blocked(db, "evil.example"))


@pytest.mark.parametrize("domain", ["", "a.example", "not a domain", "-", "x" * 400, "\u202e"])
async def test_a_domain_that_is_none_is_told(visiting: Visiting, domain: str) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/admin/domains", domain=domain, action="block")
        assert answer.status_code in {409, 422}
        assert 'class="form-error-message"' in answer.text


async def test_the_allow_list_is_switched_on_and_off(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        await browser.succeed("/admin/allow-list", on="1")
        assert browser.do(lambda db: domains.is_blocked(db, "unknown.example"))
        await browser.succeed("/admin/allow-list")
        assert not browser.do(lambda db: domains.is_blocked(db, "unknown.example"))


async def test_moderators_change_name_rules_and_settings(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        await browser.succeed(
            "/c/udfordrere/settings",
            name="Udfordrere",
            summary="Ny tekst",
            rules="Én\n\nTo",
            allows_down="1",
            **EVERYBODY,
        )
        page = await browser.read("/c/udfordrere")
        assert "Ny tekst" in page
        assert "<li>Én</li><li>To</li>" in page
        many = await browser.send("/c/udfordrere/settings", name="Udfordrere", rules="\n".join("x" * 51), **EVERYBODY)
        assert many.status_code == 422
        assert "Højst 50 regler" in many.text
        assert (await browser.send("/c/udfordrere/settings", name=" ", rules="x", **EVERYBODY)).status_code == 422


async def test_moderators_come_and_go_but_the_last_one_stays(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        own, other = browser.do(lambda db: (person(db, "camilla").id, person(db, "eva").id))
        await browser.succeed("/c/udfordrere/moderators", handle="eva")
        await browser.succeed("/c/udfordrere/moderators/remove", actor=str(other))
        assert (await browser.send("/c/udfordrere/moderators/remove", actor=str(own))).status_code == 409
        wrong = await browser.send("/c/udfordrere/moderators", handle="nobody_here")
        assert wrong.status_code in {404, 422}
        assert 'value="nobody_here"' in wrong.text


async def test_a_twin_is_accepted_its_threads_are_marked_and_can_be_hidden(visiting: Visiting) -> None:
    from models import arriving, base
    from models.posts import Visibility

    def meet(db: object) -> int:
        twin = remote(db, "b.example", "spoerg", type="Group")  # type: ignore[arg-type]
        twin.name = "Spørg Nordby"
        follows.request(db, twin, person(db, "udfordrere"), uri="https://b.example/f/1")  # type: ignore[arg-type]
        return twin.id

    def announce(db: object) -> int:
        twin = remote(db, "b.example", "spoerg", type="Group")  # type: ignore[arg-type]
        twin.name = "Spørg Nordby"
        row = follows.find(db, person(db, "udfordrere").id, twin.id)  # type: ignore[arg-type]
        assert row is not None
        follows.accept(db, row)  # type: ignore[arg-type]
        post, _ = arriving.record_remote(
            db,  # type: ignore[arg-type]
            arriving.RemotePost(
                uri="https://b.example/p/77",
                author=remote(db, "b.example", "christina"),  # type: ignore[arg-type]
                visibility=Visibility.PUBLIC,
                published=base.now(),
                title="Hvem har adopteret et busskur?",
                content="<p>x</p>",
                community=twin,
            ),
        )
        listings.announced(db, twin, post, "https://b.example/a/1")  # type: ignore[arg-type]
        return post.id

    async with visiting.browser("camilla") as browser, visiting.browser() as nobody:
        twin = browser.do(meet)
        assert "De vil være venskabsfællesskab" in await browser.read(MANAGE)
        assert (await browser.send("/c/udfordrere/twins/answer", actor=str(twin), verdict="maybe")).status_code == 403
        await browser.succeed("/c/udfordrere/twins/answer", actor=str(twin), verdict="accept", back="1")
        number = browser.do(announce)
        page = words(await nobody.read("/c/udfordrere"))
        assert "Hvem har adopteret et busskur?" in page
        assert "fra Spørg Nordby (b.example)" in page.replace("  ", " ")
        await browser.succeed("/c/udfordrere/hide", post=str(number))
        assert "busskur" not in await nobody.read("/c/udfordrere")
        await browser.succeed("/c/udfordrere/hide", post=str(number), undo="1")
        assert "busskur" in await nobody.read("/c/udfordrere")
        await browser.succeed("/c/udfordrere/twins/end", actor=str(twin))
        assert "Spørg Nordby" not in words(await nobody.read("/about"))


async def test_a_moderator_takes_a_post_out_and_puts_it_back(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser, visiting.browser() as nobody:
        asked = browser.do(lambda db: question(db, "Lederen siger ja"))
        await browser.succeed("/c/udfordrere/remove", post=str(asked.id), reason="Reklame")
        assert "Lederen siger ja" not in await nobody.read("/c/udfordrere")
        assert "Lederen siger ja" in await browser.read(MANAGE)
        await browser.succeed("/c/udfordrere/remove", post=str(asked.id), undo="1")
        assert "Lederen siger ja" in await nobody.read("/c/udfordrere")
        assert browser.do(lambda db: len(timelines.questions(db, None))) > 0


async def test_a_moderator_of_one_community_has_no_say_in_another(visiting: Visiting) -> None:
    async with visiting.browser("david") as browser:
        asked = browser.do(lambda db: question(db, "Lederen siger ja"))
        for path in ("/c/udfordrere/remove", "/c/aabne_data/remove"):
            answer = await browser.send(path, post=str(asked.id))
            assert answer.status_code in {403, 404}
        assert "Lederen siger ja" in await browser.read("/c/udfordrere")
