"""Communities on the pages: found, changed, closed, joined, looked up, twinned; and what holds before one writes."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import actors, affiliations, communities, figures, follows, organizations, posts, threads
from models.actors import Actor
from models.communities import CLASSES, Ways
from models.database import Database
from models.follows import Follow
from models.organizations import Facts
from models.posts import Draft, Post
from server.settings import Settings
from tests.federation.elsewhere import remote
from tests.server.page_queries import queries
from tests.server.pictures import picture
from tests.server.visiting import ORIGIN, Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio

ALL = {"askers": list(CLASSES), "answerers": list(CLASSES)}


def works(browser: Browser, **ways: object) -> None:
    browser.do(lambda db: Ways(**ways).put(communities.settings(db, person(db, "udfordrere"))))  # type: ignore[arg-type]


def supplier(browser: Browser, username: str) -> None:
    def make(db: Session) -> None:
        firm = organizations.create(db, None, "hydrant", Facts("Hydrant A/S", kind="supplier"))
        affiliations.accept_invited(db, person(db, username), firm, "supplier")

    browser.do(make)


def count(browser: Browser, table: type) -> int:
    return browser.do(lambda db: db.scalar(select(func.count()).select_from(table)) or 0)


async def test_an_administrator_founds_a_community_with_everything_about_it(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as nobody:
        assert "Opret et fællesskab" in await anna.read("/communities")
        filled = {"name": "Byhaver", "username": "Byhaver", "summary": "Om haver.", "rules": "Vær god\nVær kort"}
        more = {"max_links": "2", "questions_only": "1", "language": "en", "askers": ["public-body"]}
        assert await anna.succeed("/communities/new", **{**filled, **ALL, **more}) == "/c/byhaver"
        page = words(await nobody.read("/c/byhaver"))
        for said in (
            "Om haver.",
            "Vær god",
            "Må spørge Folk fra offentlige myndigheder",
            "Kun spørgsmål",
            "højst 2 i et",
        ):
            assert said in page
        assert "Må svare" not in page
        assert "Byhaver" in words(await nobody.read("/communities"))


async def test_members_found_communities_where_an_administrator_lets_them(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("anna") as anna:
        before = count(birk, Actor)
        assert (await birk.open("/communities/new")).status_code == 404
        assert (await birk.send("/communities/new", name="X", username="x", **ALL)).status_code == 404
        assert (await birk.send("/admin/communities", founders="member")).status_code == 404
        assert count(birk, Actor) == before
        await anna.succeed("/admin/communities", founders="member")
        assert await birk.succeed("/communities/new", name="Veje", username="veje", **ALL) == "/c/veje"
        assert (await anna.send("/admin/communities", founders="moderator")).status_code == 422


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"name": ""}, "name"),
        ({"username": "udfordrere"}, "username"),
        ({"username": "to ord"}, "username"),
        ({"askers": []}, "askers"),
        ({"answerers": "martian"}, "answerers"),
        ({"max_links": "51"}, "max_links"),
        ({"own_links_a_week": "mange"}, "own_links_a_week"),
        ({"where": "nowhere"}, "where"),
        ({"language": "xx"}, "language"),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    visiting: Visiting, fault: dict[str, object], field: str
) -> None:
    async with visiting.browser("anna") as anna:
        before = count(anna, Actor)
        answer = await anna.send(
            "/communities/new", **{"name": "Byhaver", "username": "haver", "summary": "Om roser", **ALL, **fault}
        )
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert "Om roser" in answer.text
        assert count(anna, Actor) == before


async def test_a_picture_is_shown_and_taken_away(lived_in: Database, tmp_path: Path) -> None:
    site = Visiting(lived_in, settings=Settings(origin=ORIGIN, data_dir=str(tmp_path)))
    async with site.browser("camilla") as camilla:
        fields = {"token": camilla.token, "name": "Udfordrere", **ALL}
        files = {"avatar": ("p.png", picture(), "image/png")}
        headers = {"Accept": "text/html", "Origin": ORIGIN}
        sent = await camilla.http.post("/c/udfordrere/settings", data=fields, files=files, headers=headers)
        assert sent.status_code == 303, sent.text[-500:]
        address = camilla.do(lambda db: person(db, "udfordrere").icon_url)
        assert address.startswith("https://a.example/media/")
        assert address.rpartition("/")[2] in await camilla.read("/c/udfordrere")
        await camilla.succeed("/c/udfordrere/settings", **{"name": "Udfordrere", "no-avatar": "1", **ALL})
        assert camilla.do(lambda db: person(db, "udfordrere").icon_url) == ""
        wrong = await camilla.http.post(
            "/c/udfordrere/settings", data=fields, files={"avatar": ("p.png", b"none", "image/png")}, headers=headers
        )
        assert wrong.status_code == 422
        assert camilla.do(lambda db: person(db, "udfordrere").icon_url) == ""


async def test_closing_asks_first_and_the_page_says_that_it_is_closed(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as camilla, visiting.browser("birk") as birk:
        assert (await birk.open("/c/udfordrere/close")).status_code == 404
        assert (await birk.send("/c/udfordrere/close")).status_code == 404
        assert "Ingen kan begynde nye tråde" in await camilla.read("/c/udfordrere/close")
        await camilla.succeed("/c/udfordrere/close")
        group = birk.do(lambda db: person(db, "udfordrere").id)
        page = await birk.read("/c/udfordrere")
        assert "Fællesskabet er lukket" in page
        assert f'value="{group}"' not in await birk.read("/ask")
        refused = await birk.send("/ask", title="Hvem har prøvet det her?", text="x", community=str(group))
        assert refused.status_code == 403
        assert "Fællesskabet er lukket" in words(refused.text)
        await camilla.succeed("/c/udfordrere/close", undo="1")
        assert "Fællesskabet er lukket" not in await birk.read("/c/udfordrere")


async def test_who_may_not_write_hears_it_before_and_can_comment(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk:
        supplier(birk, "birk")
        works(birk, askers=("public-body",), answerers=("public-body",))
        group = birk.do(lambda db: person(db, "udfordrere").id)
        assert "Du kan ikke spørge her" in await birk.read("/c/udfordrere")
        assert "Du kan ikke spørge i" in await birk.read(f"/ask?community={group}")
        asked = birk.do(lambda db: question(db, "Lederen siger ja"))
        page = await birk.read(f"/p/{asked.id}")
        assert "må kun nogle svare" in page
        assert "Send svaret" not in page
        before = count(birk, Post)
        refused = await birk.send(f"/posts/{asked.id}/reply", text="Jo!")
        assert refused.status_code == 403
        assert "må kun nogle svare" in refused.text
        assert count(birk, Post) == before
        await birk.succeed(f"/posts/{asked.id}/reply", text="En kommentar", **{"as": "comment"})


async def test_a_suppliers_interest_is_asked_for_shown_and_kept(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser() as nobody:
        asked = birk.do(lambda db: question(db, "Lederen siger ja"))
        assert 'name="disclosure"' not in await birk.read(f"/p/{asked.id}")
        supplier(birk, "birk")
        works(birk, wants_disclosure=True)
        assert 'name="disclosure"' in await birk.read(f"/p/{asked.id}")
        assert 'name="disclosure"' in await birk.read("/ask")
        refused = await birk.send(f"/posts/{asked.id}/reply", text="Køb vores.")
        assert refused.status_code == 422
        assert 'href="#disclosure"' in refused.text
        where = await birk.succeed(f"/posts/{asked.id}/reply", text="Køb vores.", disclosure="Jeg sælger <dem>.")
        page = await nobody.read(where.split("#")[0])
        assert "Jeg sælger &lt;dem&gt;." in page
        number = where.rpartition("#p")[2]
        assert "Jeg sælger &lt;dem&gt;." in await birk.read(f"/posts/{number}/edit")
        group = birk.do(lambda db: person(db, "udfordrere").id)
        await birk.succeed(
            "/ask", title="Hvem har brug for brandhaner?", text="x", community=str(group), disclosure="Vi laver dem."
        )
        assert "Vi laver dem." in await nobody.read("/c/udfordrere")


async def test_a_post_with_a_listed_word_waits_on_the_moderators_page(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("camilla") as camilla, visiting.browser() as nobody:
        works(birk, held_words=("tilbud",))
        group = birk.do(lambda db: person(db, "udfordrere").id)
        asks = {"title": "Hvem vil have et tilbud i dag?", "text": "x", "community": str(group)}
        path = await birk.succeed("/ask", **asks)
        assert "venter på en moderator" in words(await birk.read(path)).lower()
        assert (await nobody.open(path)).status_code == 404
        assert "tilbud i dag" not in await nobody.read("/questions")
        assert "1 indlæg venter på dig" in await camilla.read("/c/udfordrere")
        manage = await camilla.read("/c/udfordrere/manage")
        assert "1 indlæg venter på dig" in manage
        assert "“tilbud”" in manage
        number = path.split("/")[2]
        assert (await birk.send("/c/udfordrere/held", post=number, verdict="in")).status_code == 404
        assert (await camilla.send("/c/udfordrere/held", post=number, verdict="perhaps")).status_code == 403
        assert (await camilla.send("/c/aabne_data/held", post=number, verdict="in")).status_code == 404
        await camilla.succeed("/c/udfordrere/held", post=number, verdict="in")
        assert "tilbud i dag" in await nobody.read(path)
        again = await birk.succeed("/ask", **asks)
        await camilla.succeed("/c/udfordrere/held", post=again.split("/")[2], verdict="out")
        assert (await nobody.open(again)).status_code == 404
        assert "Holdt ude af en moderator" in await birk.read(again)


async def test_one_joins_and_leaves_and_stands_among_the_members_since_then(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as nobody:
        group = anna.do(lambda db: communities.create(db, "veje", "Veje", creator=None).id)
        assert "Ingen er med endnu" in await anna.read("/c/veje/members")
        assert "Vær med" in await anna.read("/c/veje")
        await anna.succeed(f"/actors/{group}/follow", next="/c/veje")
        page = await anna.read("/c/veje")
        assert "Meld dig ud" in page
        assert "du har været med siden" in page
        assert "medlem siden" in await anna.read("/c/veje/members")
        assert (await nobody.open("/c/veje/members")).headers["location"].startswith("/sign-in")
        await anna.succeed(f"/actors/{group}/follow", undo="1", next="/c/veje")
        assert "Ingen er med endnu" in await anna.read("/c/veje/members")


async def test_the_list_of_members_goes_on_where_it_was(visiting: Visiting) -> None:
    def fill(db: Session) -> None:
        group = communities.create(db, "veje", "Veje", creator=None)
        for number in range(45):
            follows.request(db, remote(db, "m.example", f"n{number:02}"), group, uri=f"https://m.example/f/{number}")

    async with visiting.browser("anna") as anna:
        anna.do(fill)
        first = await anna.read("/c/veje/members")
        following = first.split('href="?before=')[1].split('"')[0]
        second = await anna.read(f"/c/veje/members?before={following}")
        shown = [f"@n{number:02}@" in page for page in (first, second) for number in range(45)]
        assert sum(shown) == 45
        assert 'rel="next"' not in second


async def test_communities_are_found_by_words_and_by_being_a_member(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk:
        birk.do(lambda db: communities.create(db, "aergerligt", "Ærgerligt", creator=None, summary="Om ÆRGRELSER"))
        assert "Ærgerligt" in words(await birk.read("/communities?q=ærgrelser"))
        page = words(await birk.read("/communities?q=zebra"))
        assert "Intet fællesskab, vi kender her, har »zebra«" in page
        mine = words(await birk.read("/communities?mine=1&order=active"))
        assert "Ærgerligt" not in mine
        assert "Meld dig ud" in mine
        assert (await birk.open("/communities?order=wrong")).status_code == 404


async def test_where_there_is_no_community_the_page_says_what_to_do(visiting: Visiting) -> None:
    def empty(db: Session) -> None:
        for group in communities.all_local(db):
            group.deleted_at = group.published

    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        anna.do(empty)
        assert "Opret det første" in await anna.read("/communities")
        assert "Administratoren" in (await birk.read("/communities")).replace("administrator", "Administrator")


async def test_a_twin_is_looked_up_and_shown_before_it_is_asked_and_can_be_let_be(visiting: Visiting) -> None:
    def meet(db: Session) -> int:
        other = remote(db, "b.example", "spoerg", type="Group")
        other.name, other.summary = "Spørg Nordby", "<p>Om det nordlige.</p>"
        return other.id

    async with visiting.browser("camilla") as camilla, visiting.browser() as nobody:
        other, before = camilla.do(meet), count(camilla, Follow)
        shown = await camilla.send("/c/udfordrere/twins", twin="spoerg@b.example")
        assert shown.status_code == 200
        assert "Om det nordlige." in shown.text
        assert count(camilla, Follow) == before
        await camilla.succeed("/c/udfordrere/twins", actor=str(other))
        assert "Intet svar endnu" in words(await camilla.read("/c/udfordrere"))
        assert "Spørg Nordby" not in await nobody.read("/c/udfordrere")
        again = await camilla.send("/c/udfordrere/twins", twin="spoerg@b.example")
        assert again.status_code == 422
        await camilla.succeed("/c/udfordrere/twins/end", actor=str(other), withdraw="1")
        assert count(camilla, Follow) == before
        person_found = await camilla.send("/c/udfordrere/twins", twin="eva")
        assert person_found.status_code == 422
        assert 'href="#twin"' in person_found.text


async def test_the_figures_stand_on_the_page_of_a_community_of_ours(visiting: Visiting) -> None:
    async with visiting.browser() as nobody:
        page = words(await nobody.read("/c/udfordrere"))
        assert "Ubesvarede nu" in page
        assert "Halvdelen får svar inden" in page
        assert "Nye spørgsmål, uge for uge" in page


async def test_pages_of_communities_cost_as_many_queries_however_much_there_is(visiting: Visiting) -> None:
    def more(db: Session) -> None:
        for number in range(8):
            group = communities.create(db, f"emne{number}", f"Emne {number}", creator=person(db, "anna"))
            threads.ask(db, person(db, "eva"), group, Draft("x", "Hvem ved noget om det?"))
        home = person(db, "udfordrere")
        for number in range(12):
            follows.request(db, remote(db, "m.example", f"n{number}"), home, uri=f"https://m.example/f/{number}")
            draft = Draft("x", f"Hvem ved noget om nummer {number}?")
            asked = threads.ask(db, person(db, "eva"), home, draft)
            threads.answer(db, person(db, "birk"), posts.get(db, asked.id), Draft("Ja."))

    async with visiting.browser("anna") as anna:
        paths = ("/communities", "/c/udfordrere", "/c/udfordrere/members", "/ask", "/communities/new")
        few = [await queries(anna, path) for path in paths]
        anna.do(more)
        assert [await queries(anna, path) for path in paths] == few
        assert anna.do(lambda db: figures.of(db, person(db, "udfordrere").id).followers) > 12
        assert anna.do(lambda db: actors.by_handle(db, "emne0")) is not None
