"""Shutting somebody out of a community on its pages, and deleting for good: asked again, told, and for nobody else."""

import pytest
from sqlalchemy.orm import Session

from models import bans, exclusions, sanctions
from models.accounts import Account
from models.posts import Post
from tests.dumping import dumped
from tests.federation.elsewhere import remote
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

BANS = "/c/udfordrere/bans"
UNWRITTEN = frozenset({"accounts", "logins"})


def banned(db: Session, name: str = "birk") -> bool:
    return bans.is_banned(db, person(db, name).id, person(db, "udfordrere").id)


async def test_a_moderator_finds_somebody_sees_what_will_happen_says_why_and_lets_him_in_again(
    visiting: Visiting,
) -> None:
    async with visiting.browser("camilla") as camilla, visiting.browser("birk") as birk:
        birk_id, camilla_id = camilla.do(lambda db: (person(db, "birk").id, person(db, "camilla").id))
        assert "Ingen er udelukket" in words(await camilla.read(BANS))
        asked = await camilla.succeed(f"{BANS}/find", handle="birk")
        assert asked == f"{BANS}/new?actor={birk_id}"
        page = words(await camilla.read(asked))
        assert "kan læse fællesskabet, men ikke spørge" in page
        assert not camilla.do(banned)
        await camilla.succeed(BANS, actor=str(birk_id), reason="Tredje reklame", rule="2")
        assert camilla.do(banned)
        page = words(await camilla.read(BANS))
        assert "Tredje reklame" in page
        assert "Reglen: Ingen reklame." in page
        told = words(await birk.read("/notifications"))
        assert "moderatorerne" in told
        number = camilla.do(lambda db: sanctions.of(db, birk_id)[0].id)
        decision = words(await birk.read(f"/sanctions/{number}"))
        assert "Tredje reklame" in decision
        assert "Offentlige udfordrere" in decision
        answer = await birk.send(f"/posts/{birk.do(lambda db: question(db, 'Lederen').id)}/reply", text="Hej")
        assert answer.status_code == 403
        assert "Du er udelukket fra dette fællesskab" in answer.text
        await birk.succeed(f"/sanctions/{number}/appeal", appeal="Det var en fejl")
        await camilla.succeed(f"{BANS}/lift", actor=str(birk_id))
        assert not camilla.do(banned)
        assert (await camilla.send(f"{BANS}/find", handle=f"{camilla_id}")).status_code in {404, 422}


@pytest.mark.parametrize("who", ["anna", "david", "birk", ""])
async def test_to_others_there_is_no_such_page(visiting: Visiting, who: str) -> None:
    async with visiting.browser(who) as browser:
        eva = visiting.database.write(lambda db: person(db, "eva").id)
        visiting.database.write(
            lambda db: (
                exclusions.shut_out(
                    db, person(db, "camilla"), person(db, "udfordrere"), person(db, "farid"), reason="x"
                ).id
            )
        )
        before = dumped(visiting.database, without=UNWRITTEN)
        hidden = 404 if who else 303
        for path in (BANS, f"{BANS}/new?actor={eva}"):
            assert (await browser.open(path)).status_code == hidden
        farid = visiting.database.write(lambda db: person(db, "farid").id)
        for path, fields in (
            (BANS, {"actor": str(eva), "reason": "x"}),
            (f"{BANS}/find", {"handle": "eva"}),
            (f"{BANS}/lift", {"actor": str(farid)}),
        ):
            assert (await browser.send(path, **fields)).status_code in ({404} if who else {401, 403})
        assert dumped(visiting.database, without=UNWRITTEN) == before


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("", {"actor": "eva", "reason": ""}, 422),
        ("", {"actor": "eva", "reason": "x" * 2001}, 422),
        ("", {"actor": "camilla", "reason": "x"}, 409),
        ("", {"actor": "aabne_data", "reason": "x"}, 422),
        ("/find", {"handle": ""}, 422),
        ("/find", {"handle": "findesikke"}, 422),
        ("/find", {"handle": "camilla"}, 409),
        ("/lift", {"actor": "eva"}, 404),
    ],
)
async def test_what_cannot_be_done_is_told_and_changes_nothing(
    visiting: Visiting, path: str, fields: dict[str, str], status: int
) -> None:
    async with visiting.browser("camilla") as browser:
        if name := fields.get("actor"):
            fields = {**fields, "actor": str(browser.do(lambda db: person(db, name).id))}
        before = dumped(visiting.database, without=UNWRITTEN)
        answer = await browser.send(f"{BANS}{path}", **fields)
        assert answer.status_code == status
        assert dumped(visiting.database, without=UNWRITTEN) == before


async def test_the_page_takes_as_many_queries_however_many_are_shut_out(visiting: Visiting) -> None:
    def shut_out(db: Session, names: tuple[str, ...]) -> None:
        for name in names:
            exclusions.shut_out(db, person(db, "camilla"), person(db, "udfordrere"), person(db, name), reason="x")

    async with visiting.browser("camilla") as browser:
        browser.do(lambda db: shut_out(db, ("birk",)))
        few = await queries(browser, BANS)
        browser.do(lambda db: shut_out(db, ("david", "eva", "farid", "anna")))
        assert await queries(browser, BANS) == few


async def test_deleting_is_asked_again_before_anything_happens(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        birk = anna.do(lambda db: person(db, "birk").id)
        post = anna.do(lambda db: question(db, "Hvordan fik I").id)
        act = f"/admin/actors/{birk}/act"
        before = dumped(visiting.database, without=UNWRITTEN)
        asks = await anna.send(act, kind="delete_post", post=str(post), reason="Ulovligt")
        assert asks.status_code == 200
        assert "Det kan ikke gøres om." in words(asks.text)
        asks = await anna.send(act, kind="delete", reason="Spam")
        assert "Slet kontoen for Birk Sørensen?" in words(asks.text)
        assert dumped(visiting.database, without=UNWRITTEN) == before
        await anna.succeed(act, kind="delete_post", post=str(post), reason="Ulovligt", sure="1")
        assert anna.do(lambda db: db.get_one(Post, post).deleted_at is not None)
        place = await anna.succeed(act, kind="delete", reason="Spam", sure="1")
        assert anna.do(lambda db: db.get(Account, birk)) is None
        assert "Tag afgørelsen tilbage" not in words(await anna.read(place))
        assert "En konto er slettet" in words(await anna.read("/moderation"))
        assert "Birk" not in await anna.read("/moderation")


async def test_a_moderator_is_not_offered_to_delete_accounts_and_cannot(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as camilla:
        birk = camilla.do(lambda db: person(db, "birk").id)
        assert 'value="delete"' not in await camilla.read(f"/admin/actors/{birk}/act")
        before = dumped(visiting.database, without=UNWRITTEN)
        for sure in ({}, {"sure": "1"}):
            answer = await camilla.send(f"/admin/actors/{birk}/act", kind="delete", reason="x", **sure)
            assert answer.status_code == 403
        assert dumped(visiting.database, without=UNWRITTEN) == before


async def test_somebody_elsewhere_is_looked_up_and_his_server_told(visiting: Visiting) -> None:
    tove = visiting.database.write(lambda db: remote(db, "by.example").id)
    async with visiting.browser("camilla") as camilla:
        page = words(await camilla.read(f"{BANS}/new?actor={tove}"))
        assert "Personens server får besked, men ikke din begrundelse." in page
        await camilla.succeed(BANS, actor=str(tove), reason="Spam")
        assert camilla.do(lambda db: bans.is_banned(db, tove, person(db, "udfordrere").id))


async def test_for_how_long_is_chosen_and_both_read_it(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as camilla, visiting.browser("birk") as birk:
        number = camilla.do(lambda db: person(db, "birk").id)
        assert (await camilla.send(BANS, actor=str(number), reason="Ro på", days="3")).status_code == 422
        assert not camilla.do(banned)
        await camilla.succeed(BANS, actor=str(number), reason="Ro på", days="7")
        assert ", indtil " in words(await camilla.read(BANS))
        decision = camilla.do(lambda db: sanctions.of(db, number)[0].id)
        page = words(await birk.read(f"/sanctions/{decision}"))
        assert "Til" in page
        assert "en moderator tager den tilbage" not in page
