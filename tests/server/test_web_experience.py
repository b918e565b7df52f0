"""Reports on the pages: written in steps, read, followed up, done again, counted; whatever is sent."""

import csv
import io
import json
import re

import pytest
from sqlalchemy import select

from models import experience_people, gap, kle
from models.drafts import KeptDraft
from models.experience_people import As
from models.experiences import Experience
from models.links import Tie, uris
from models.posts import Kind, Post
from tests import world
from tests.models.test_experiences import publish
from tests.server.visiting import Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio

STEPS: tuple[dict[str, object], ...] = (
    {
        "title": "Sådan kom vi i gang",
        "abstract": "I korte træk.",
        "wanted": "Løbe.",
        "municipality": "0101",
        "kle": "05.04",
    },
    {"barriers": ["regler", "vaner"], "obstacle_regler": "Juristen sagde nej.", "obstacle_love": "ikke krydset af"},
    {"tried": "Vi spurgte.", "rule_url": "https://lov.example/2"},
    {"phase": "pilot", "outcome": "delvist", "happened": "Det gik.", "remind": "6"},
    {"contacts": "farid", "links": "", "visibility": "public", "language": "da"},
)


async def through(browser: Browser, **last: object) -> str:
    """All steps in order, the last with more in it; where one ends."""
    draft = ""
    for number, fields in enumerate(STEPS, 1):
        more = last if number == len(STEPS) else {}
        where = await browser.succeed("/experience/new", step=number, draft=draft, **{**fields, **more})
        if number < len(STEPS):
            draft = str(re.search(r"draft=(\d+)", where)[1])  # type: ignore[index]
            assert f"step={number + 1}" in where
    return where


def written(visiting: Visiting, title: str = "Sådan kom vi i gang") -> Post:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.title == title)).one()


async def test_a_report_is_written_one_thing_at_a_time_and_stands_where_it_was_sent(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, "Hvordan fik I").url)
        group = browser.do(lambda db: person(db, "udfordrere").id)
        where = await through(browser, community=group, links=asked, co_authors="eva")
        post = written(visiting)
        assert where.startswith(f"/p/{post.id}")
        said = words(await browser.read(where))
    assert "Sådan kom vi i gang" in said
    assert "Lykkedes delvist, pilot" in said.replace(" ,", ",").replace("Pilot", "pilot")
    with visiting.database.reading() as db:
        row = db.get_one(Experience, post.id)
        assert row.obstacles == {"regler": "Juristen sagde nej.", "vaner": ""}  # what was not ticked is not there
        assert [one.username for one in experience_people.people(db, post, As.CONTACT)] == ["farid"]
        assert [one.username for one in experience_people.people(db, post, As.CO_AUTHOR, asked_too=True)] == ["eva"]
        assert list(uris(db, post)) == [Tie.RELATED]
        assert row.remind_at is not None
        assert db.scalars(select(KeptDraft)).all() == []


async def test_each_step_is_kept_and_can_be_gone_back_to(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/experience/new", step=1, **STEPS[0])
        draft = str(re.search(r"draft=(\d+)", where)[1])  # type: ignore[index]
        await browser.succeed("/experience/new", step=2, draft=draft, do="to-1", **STEPS[1])
        first = await browser.read(f"/experience/new?draft={draft}&step=1")
        assert 'value="Sådan kom vi i gang"' in first
        second = await browser.read(f"/experience/new?draft={draft}&step=2")
        assert "Juristen sagde nej." in second
        assert "Sådan kom vi i gang" in await browser.read("/drafts")
        await browser.succeed("/experience/new", step=2, draft=draft)  # nothing ticked any more
        assert 'value="regler" checked' not in await browser.read(f"/experience/new?draft={draft}&step=2")


async def test_the_script_that_keeps_a_draft_is_told_its_number(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        answer = await browser.send(
            "/experience/new", headers={"Accept": "application/json"}, step=1, do="draft", title="Halvt"
        )
        assert answer.json()["draft"].isdigit()


@pytest.mark.alike
@pytest.mark.parametrize(
    ("step", "fields", "field"),
    [
        (1, {"title": ""}, "title"),
        (1, {"wanted": ""}, "wanted"),
        (1, {"abstract": "x" * 301}, "abstract"),
        (1, {"municipality": "9999"}, "municipality"),
        (1, {"kle": "5,4"}, "kle"),
        (2, {"barriers": ["vejret"]}, "barriers"),
        (3, {"rule_url": "javascript:alert(1)"}, "rule_url"),
        (4, {"phase": ""}, "phase"),
        (4, {"outcome": "ja"}, "outcome"),
        (5, {"contacts": "findes_ikke"}, "contacts"),
        (5, {"links": "hvad som helst"}, "links"),
        (5, {"community": "99"}, "community"),
        (5, {"visibility": "alle"}, "visibility"),
    ],
)
async def test_what_is_wrong_is_said_at_its_step_and_nothing_is_lost(
    visiting: Visiting, step: int, fields: dict[str, object], field: str
) -> None:
    async with visiting.browser("birk") as browser:
        draft = ""
        for number, right in enumerate(STEPS, 1):
            sent = {**right, **(fields if number == step else {})}
            answer = await browser.send("/experience/new", step=number, draft=draft, **sent)
            if number == step:
                break
            draft = str(re.search(r"draft=(\d+)", answer.headers["location"])[1])  # type: ignore[index]
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert "Sådan kom vi i gang" in await browser.read("/drafts") or step == 1
    with visiting.database.reading() as db:
        assert db.scalar(select(Post).where(Post.kind == Kind.EXPERIENCE)) is None
        assert db.scalars(select(KeptDraft)).all()


async def test_a_preview_shows_the_whole_and_publishes_nothing(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/experience/new", step=1, **STEPS[0])
        draft = str(re.search(r"draft=(\d+)", where)[1])  # type: ignore[index]
        answer = await browser.send("/experience/new", step=5, draft=draft, do="preview", **STEPS[4])
        assert "<h3>Det ville vi</h3>" in answer.text
    with visiting.database.reading() as db:
        assert db.scalar(select(Post).where(Post.kind == Kind.EXPERIENCE)) is None


async def test_nobody_goes_on_with_the_draft_of_another(visiting: Visiting) -> None:
    async with visiting.browser("birk") as birk, visiting.browser("eva") as eva:
        where = await birk.succeed("/experience/new", step=1, **STEPS[0])
        draft = str(re.search(r"draft=(\d+)", where)[1])  # type: ignore[index]
        assert (await eva.open(f"/experience/new?draft={draft}")).status_code == 404
        where = await eva.succeed("/experience/new", step=2, draft=draft, do="draft", **STEPS[1])
        assert f"draft={draft}&" not in where + "&"
        assert "Løbe." not in await eva.read(where)


async def test_what_happened_since_stands_on_the_page_with_how_it_stood(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        case = browser.do(lambda db: publish(db).id)
        assert (await browser.send(f"/posts/{case}/since", text="", phase="drift", outcome="x")).status_code == 422
        where = await browser.succeed(
            f"/posts/{case}/since", text="Nu **virker** det.", phase="drift", outcome="lykkedes", remind="0"
        )
        page = await browser.read(where)
    said = re.sub(r"\s+,", ",", words(page))
    assert "Nu virker det." in said
    assert "Sådan stod det" in said
    assert said.index("Lykkedes, Drift") < said.index("Lykkedes delvist, Pilot")
    async with visiting.browser("eva") as eva:
        assert (await eva.open(f"/posts/{case}/since")).status_code == 404


async def test_another_begins_from_it_and_it_names_him(visiting: Visiting) -> None:
    async with visiting.browser("david") as browser:
        case = browser.do(lambda db: publish(db).id)
        where = await browser.succeed(f"/posts/{case}/replicate")
        assert await browser.succeed(f"/posts/{case}/replicate") == where  # pressed twice is begun once
        page = await browser.read(where)
        assert "Vi ville løbe." in page
        assert "Du begynder med" in page
        draft = str(re.search(r"draft=(\d+)", where)[1])  # type: ignore[index]
        first = {**STEPS[0], "title": "Det samme i Havby", "municipality": "0147"}
        for number, fields in enumerate((first, *STEPS[1:]), 1):
            where = await browser.succeed("/experience/new", step=number, draft=draft, **fields)
        assert "Bygger på" in words(await browser.read(where))
        original = words(await browser.read(f"/p/{case}"))
        assert "Gjort 1 andet sted" in original
        assert "Det samme i Havby Frederiksberg" in original
    async with visiting.browser("birk") as birk:
        assert "gør det samme som dig et andet sted" in words(await birk.read("/notifications"))


async def test_a_co_author_says_yes_on_the_page_and_can_change_it(visiting: Visiting) -> None:
    async with visiting.browser("eva") as eva, visiting.browser("birk") as birk:
        case = eva.do(lambda db: publish(db, co_authors=(person(db, "eva"),)).id)
        assert (await eva.open(f"/posts/{case}/experience")).status_code == 404
        assert "asks you" not in await birk.read(f"/p/{case}")
        assert "spørger, om du vil stå som medforfatter" in words(await eva.read(f"/p/{case}"))
        await eva.succeed(f"/posts/{case}/co-author", verdict="yes")
        assert "Skrevet sammen med Eva Lindqvist" in words(await birk.read(f"/p/{case}"))
        form = await eva.read(f"/posts/{case}/experience")
        assert "Vi ville løbe." in form
        sent = {**STEPS[0], **STEPS[1], **STEPS[2], **STEPS[3], "language": "da", "title": "Rettet af Eva"}
        await eva.succeed(f"/posts/{case}/experience", **sent)
        assert "Rettet af Eva" in await birk.read(f"/p/{case}")
        await eva.succeed(f"/posts/{case}/co-author", verdict="no")
        assert (await eva.open(f"/posts/{case}/experience")).status_code == 404


async def test_a_moderator_chooses_a_good_example_that_says_whom_to_ask(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as camilla, visiting.browser() as nobody, visiting.browser("eva") as eva:
        case = camilla.do(lambda db: publish(db, community="udfordrere", contacts=(person(db, "farid"),)).id)
        assert (await eva.send(f"/posts/{case}/example")).status_code == 403
        assert "Sådan kom vi i gang" not in await nobody.read("/experience/examples")
        await camilla.succeed(f"/posts/{case}/example")
        said = words(await nobody.read("/experience/examples"))
        assert "Sådan kom vi i gang" in said
        assert "Farid Rahimi" in said
        await camilla.succeed(f"/posts/{case}/example", undo="1")
        assert "Sådan kom vi i gang" not in await nobody.read("/experience/examples")


async def test_every_figure_of_the_gap_leads_to_as_many_reports(visiting: Visiting) -> None:
    visiting.database.write(lambda db: world.share(db, _world(db)))
    async with visiting.browser() as nobody:
        page = await nobody.read("/experience/gap")
        counted = re.findall(r'<a href="(/experience\?[^"]*)"><span class="sr-only">[^<]*</span>([\d.]+)</a>', page)
        assert len(counted) > 20
        for address, number in dict(counted).items():
            listed = await nobody.read(address.replace("&amp;", "&"))
            assert listed.count('<h2 class="title">') == int(number), address
        assert page.count("<title>") >= 4  # the page, the map, and three municipalities on it
        assert "https://" not in "".join(
            re.findall(r'(?:src|href)="([^"]*)"', page.split("<figure")[1].split("</figure>")[0])
        )


def _world(db):  # type: ignore[no-untyped-def]
    """The world as it stands in the database."""
    found = world.World()
    for one in world.PEOPLE:
        found.people[one.username] = person(db, one.username)
    for name in world.COMMUNITIES:
        found.communities[name] = person(db, name)
    for asked in world.QUESTIONS:
        found.questions[asked.key] = db.scalars(select(Post).where(Post.title == asked.title)).one()
    return found


async def test_the_open_data_are_the_cases_that_are_counted(visiting: Visiting) -> None:
    async with visiting.browser() as nobody:
        nobody.do(lambda db: publish(db, "birk"))
        nobody.do(lambda db: publish(db, "david", visibility="node"))
        table = await nobody.open("/experience/gap.csv?barrier=regler")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert 'rel="license"' in table.headers["link"]
        rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
        assert [(row["title"], row["barriers"], row["municipality_name"]) for row in rows] == [
            ("Sådan kom vi i gang", "vaner regler", "København")
        ]
        said = json.loads((await nobody.open("/experience/gap.json")).text)
        assert said["licence"] == "CC0-1.0"
        assert [case["title"] for case in said["cases"]] == ["Sådan kom vi i gang"]
        assert sum(one["cases"] for one in said["counts"]) == len(said["cases"])
        assert json.loads((await nobody.open("/experience/gap.json?barrier=love")).text)["cases"] == []


async def test_no_spreadsheet_takes_a_title_for_a_formula(visiting: Visiting) -> None:
    from tests.models.test_experiences import changed

    async with visiting.browser() as nobody:
        nobody.do(lambda db: publish(db, report=changed(title="=HYPERLINK(1)")))
        rows = list(csv.DictReader(io.StringIO((await nobody.open("/experience/gap.csv")).text.removeprefix("\ufeff"))))
        assert rows[0]["title"] == " =HYPERLINK(1)"


@pytest.mark.alike
@pytest.mark.parametrize("query", ["phase=<b>", "municipality=x", "kle='", "community=zz", "before=-1"])
async def test_a_filter_that_nobody_offers_is_no_error(visiting: Visiting, query: str) -> None:
    async with visiting.browser() as nobody:
        for path in ("/experience", "/experience/gap", "/experience/gap.csv", "/experience/gap.json"):
            assert (await nobody.open(f"{path}?{query}")).status_code == 200


async def test_reports_are_found_fed_and_shown_where_their_community_is(visiting: Visiting) -> None:
    async with visiting.browser("eva") as eva:
        eva.do(lambda db: publish(db, community="udfordrere"))
        for path in ("/search?q=juristens&what=experience", "/feeds/experience", "/c/udfordrere", "/experience?kle=05"):
            assert "Sådan kom vi i gang" in await eva.read(path), path


async def test_an_administrator_brings_the_kle_list_and_nobody_else(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("eva") as eva:
        assert (await eva.open("/admin/kle")).status_code == 404
        page = await anna.read("/admin/kle")
        token = re.search(r'name="token" value="([0-9a-f]+)"', page)
        assert token
        for data, status in ((b"intet", 422), (b"05;Veje\n05.04;Vinter\n", 303)):
            answer = await anna.http.post(
                "/admin/kle",
                data={"token": token[1]},
                files={"file": ("kle.csv", data, "text/csv")},
                headers={"Origin": "https://a.example", "Accept": "text/html"},
            )
            assert answer.status_code == status
        assert "05 Veje" in words(await anna.read("/admin/kle"))
        wrong = await eva.send("/experience/new", step=1, **{**STEPS[0], "kle": "vint"})
        assert wrong.status_code == 422
        assert "05.04 Vinter" in words(wrong.text)
        case = eva.do(lambda db: publish(db).id)
        assert "05.04 Vinter" in words(await eva.read(f"/p/{case}"))
    with visiting.database.reading() as db:
        assert kle.count(db) == 2
        assert gap.counts(db)
