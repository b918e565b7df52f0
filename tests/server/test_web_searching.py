"""The search page: what is found, marked and narrowed, and that nothing typed or found can harm it."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from models import arriving, composing, threads
from models.arriving import RemotePost
from models.base import now
from models.posts import Draft, Visibility
from server.web import places, searching
from tests.federation.elsewhere import remote
from tests.server.test_web_scripts import CORPUS, Inspector
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio


def marked(html: str) -> list[str]:
    return re.findall(r"<mark>(.*?)</mark>", html)


def found(html: str) -> list[str]:
    """The titles of what was found."""
    listed = html.partition('class="stream hits"')[2].partition("</ul>")[0]
    return [words(title) for title in re.findall(r'<h2 class="title">(.*?)</h2>', listed, flags=re.DOTALL)]


async def test_an_inflected_form_finds_and_marks_the_word(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        html = await browser.read("/search?q=kommunernes")
        assert len(found(html)) == 2
        assert {"kommuner", "kommunen"} == set(marked(html))


async def test_a_heading_does_not_run_into_what_stands_below_it(visiting: Visiting) -> None:
    said = "## Det prøvede vi\n\nVi spurgte en fagfælle.\n\n- og så\n- igen"
    visiting.database.write(lambda db: composing.note(db, person(db, "birk"), Draft(said)))
    async with visiting.browser() as browser:
        page = words(await browser.read("/search?q=fagfælle"))
    assert "Det prøvede vi – Vi spurgte en fagfælle . og så – igen" in page.replace("fagfælle.", "fagfælle .")


async def test_the_search_box_is_on_every_page_and_needs_no_script(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        for path in ("/", "/questions", "/communities", "/settings", "/nowhere"):
            html = (await browser.open(path)).text
            assert '<form class="search" action="/search" role="search">' in html
            assert 'class="bell find" href="/search"' in html
        html = await browser.read("/search")
        assert html.count('role="search"') == 1
        assert "Søg i spørgsmål" in html


async def test_filters_narrow_and_are_kept_from_page_to_page(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "PAGE", 1)
    async with visiting.browser() as browser:
        everything = await browser.read("/search?q=vi")
        seen, path = [], "/search?q=vi&what=questions&barrier=regler"
        while path:
            html = await browser.read(path)
            seen += found(html)
            more = re.search(r'href="([^"]+)" rel="next"', html)
            path = more[1].replace("&amp;", "&") if more else ""
            assert "barrier=regler" in path or not path
        assert sorted(title[:11] for title in seen) == ["Hvordan fik", "Må vi lægge"]
        assert 'value="regler" selected' in html
        assert found(everything)


@pytest.mark.parametrize(
    "query",
    [
        *("q=%22", "q=%27%22%29%20OR%20(*", "q=NEAR(a+b)", "q=" + "a" * 3000, "q=%ED%A0%80", "q=a&at=zzz"),
        *("q=a&barrier=x&community=99999999999999999999&period=x&state=x&order=x&what=x", "q=a&municipality=9999"),
        *(
            "q=a&community=12345",
            "what=people",
            "what=communities&q=%25",
            "q=a&at=" + places.write(2**63 - 1, 5),
            "order=new",
        ),
    ],
)
async def test_whatever_stands_in_the_address_gives_a_page(visiting: Visiting, query: str) -> None:
    async with visiting.browser() as browser:
        assert (await browser.open(f"/search?{query}")).status_code == 200


async def test_a_sign_that_no_database_takes_is_refused_in_words(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        answer = await browser.open("/search?q=a%00b")
        assert answer.status_code == 422
        assert "<h1>" in answer.text


async def test_nothing_typed_or_found_runs(visiting: Visiting) -> None:
    def write(db):  # type: ignore[no-untyped-def]
        home = person(db, "udfordrere")
        for number, evil in enumerate(CORPUS):
            author = remote(db, "by.example", indexable=True, name=evil[:50], discoverable=True)
            content = f"<p>xylofon &lt;script&gt;alert(1)&lt;/script&gt; {number}</p>"
            arriving.record_remote(
                db,
                RemotePost(
                    f"https://by.example/{number}", author, Visibility.PUBLIC, now(), content=content,
                    title=f"xylofon {evil}"[:150], community=home,
                ),
            )  # fmt: skip

    visiting.database.write(write)
    async with visiting.browser() as browser:
        for typed in ("xylofon", *CORPUS):
            html = (await browser.http.get("/search", params={"q": typed})).text
            inspector = Inspector()
            inspector.feed(html)
            assert inspector.faults == [], typed


async def test_another_spelling_is_shown_and_said(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        html = await browser.read("/search?q=brnadhaner+privat")
        assert "Vi fandt intet om" in html
        assert found(html)[0].startswith("Må vi lægge")
        html = await browser.read("/search?q=xyzzy")
        assert "Vi fandt intet om" in html
        assert found(html) == []
        assert 'href="/ask?title=xyzzy"' in html


async def test_people_and_communities_have_lists_of_their_own(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        html = await browser.read("/search?q=jurist")
        assert "Farid Rahimi" in html
        html = await browser.read("/search?q=udfordrer&what=communities")
        assert "Offentlige udfordrere" in html.partition('class="people"')[2]
        assert "Farid Rahimi" in (await browser.read("/search?q=rahimi&what=people")).partition('class="people"')[2]


async def test_who_has_done_this_stands_beside(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        html = await browser.read("/search?q=brandhaner")
        assert "Farid Rahimi" in html.partition("Hvem har gjort det?")[2]


async def test_the_number_of_queries_does_not_grow_with_what_is_found(visiting: Visiting) -> None:
    counted: list[str] = []
    engine = visiting.database._reader

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        counted.append(statement)

    async with visiting.browser("eva") as browser:
        await browser.read("/search?q=xylofon")
        visiting.app.state.site._until = math.inf  # what the node calls itself is asked every few seconds

        def ask(number: int) -> None:
            def write(db):  # type: ignore[no-untyped-def]
                for n in range(number):
                    draft = Draft(text="Om en xylofon", title=f"Hvem har xylofon {n}?")
                    asked = threads.ask(db, person(db, "birk"), person(db, "udfordrere"), draft)
                    threads.answer(db, person(db, "david"), asked, Draft(text="Jeg har en xylofon"))
                    composing.note(db, person(db, "anna"), Draft(text="En xylofon til"))

            visiting.database.write(write)

        figures = []
        for more in (3, 5):
            ask(more)
            event.listen(engine, "before_cursor_execute", count)
            html = await browser.read("/search?q=xylofon&what=")
            event.remove(engine, "before_cursor_execute", count)
            assert len(found(html)) == (9 if more == 3 else 20)
            figures.append([" ".join(one.split()[:4]) for one in counted if one != "BEGIN"])
            counted.clear()
        assert figures[0] == figures[1]


@given(st.integers(0, 2**63 - 2), st.integers(0, 60_000))
def test_a_place_reads_as_it_was_written(newest: int, shown: int) -> None:
    assert places.read(places.write(newest, shown)) == (newest, shown)


@given(st.text(max_size=30))
def test_what_is_no_place_is_the_beginning_or_a_place(value: str) -> None:
    newest, shown = places.read(value)
    assert (newest is None and shown == 0) or places.read(places.write(newest or 0, shown)) == (newest, shown)
