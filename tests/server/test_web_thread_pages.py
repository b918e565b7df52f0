"""Long threads, followed ones, ones that were asked before; history, sharing, and what search engines read."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import answers, duplicates, sanctions, threads
from models.posts import Draft, Post, get
from server.web.posts import look
from tests.server.api.counting import counted
from tests.server.visiting import ORIGIN, Visiting, person, question, words

pytestmark = pytest.mark.anyio

RUNNERS = "Hvordan fik I løbere"
ECONOMY = "Lederen siger ja"


def crowd(db: Session, count: int) -> Post:
    root = threads.ask(db, person(db, "david"), person(db, "udfordrere"), Draft("x", "Hvor står jeres bedste bænk?"))
    for number in range(count):
        threads.answer(db, person(db, "birk"), root, Draft(f"Bænk nummer {number:03}"))
    return root


async def test_a_long_thread_is_leafed_through_and_sorted(visiting: Visiting) -> None:
    root = visiting.database.write(lambda db: crowd(db, answers.PAGE + 3))
    async with visiting.browser() as browser:
        first = await browser.read(f"/p/{root.id}")
        assert "33 svar" in words(first)
        assert "Bænk nummer 029" in first
        assert "Bænk nummer 030" not in first
        follow = re.search(r'href="([^"]+page=2[^"]*)" rel="next"', first)
        assert follow
        second = await browser.read(follow[1].replace("&amp;", "&"))
        assert "Bænk nummer 032" in second
        assert "Bænk nummer 000" not in second
        newest = await browser.read(f"/p/{root.id}?sort=newest")
        assert newest.index("Bænk nummer 032") < newest.index("Bænk nummer 031")
        for absurd in ("?sort=x&page=x", "?page=-1", "?page=0", f"?page={'9' * 18}"):
            assert (await browser.http.get(f"/p/{root.id}{absurd}", follow_redirects=True)).status_code == 200


async def test_an_answer_far_down_is_reached_by_its_number_and_after_it_is_written(visiting: Visiting) -> None:
    root = visiting.database.write(lambda db: crowd(db, answers.PAGE + 3))
    with visiting.database.reading() as db:
        last = db.scalars(select(Post.id).where(Post.source == "Bænk nummer 032")).one()
    async with visiting.browser("anna") as browser:
        assert (await browser.open(f"/p/{last}")).headers["location"].endswith(f"?page=2#p{last}")
        where = await browser.succeed(f"/posts/{root.id}/reply", text="Og en til")
        assert "?page=2#p" in where
        assert (await browser.succeed(f"/posts/{last}/vote", value="1", next=f"{root.url}?page=2")).endswith(
            f"#p{last}"
        )


async def test_the_page_costs_as_many_queries_for_many_answers_as_for_few(visiting: Visiting) -> None:
    numbers = [visiting.database.write(lambda db, count=count: crowd(db, count).id) for count in (2, answers.PAGE + 3)]
    asked = []
    for number in (numbers[0], *numbers):  # the first look of a process reads keys too
        with visiting.database.reading() as db:
            viewer = person(db, "anna")
            with counted(db) as queries:
                look(db, viewer, number)
            asked.append(len(queries))
    assert asked[1] == asked[2] <= 36, asked


async def test_a_thread_is_followed_listed_and_left(visiting: Visiting) -> None:
    async with visiting.browser("anna") as browser:
        asked = browser.do(lambda db: question(db, "Has anyone run"))
        await browser.succeed(f"/posts/{asked.id}/follow")
        page = await browser.read(f"/p/{asked.id}")
        assert 'aria-pressed="true"' in page.partition(f'action="/posts/{asked.id}/follow"')[2].partition("</form>")[0]
        assert asked.title in await browser.read("/followed")
        browser.do(lambda db: threads.answer(db, person(db, "eva"), get(db, asked.id), Draft("Yes.")))
        assert "svarede på et spørgsmål, du følger" in words(await browser.read("/notifications"))
        await browser.succeed(f"/posts/{asked.id}/follow", undo="1")
        assert "Du følger ingen spørgsmål endnu." in words(await browser.read("/followed"))
        assert (await browser.send("/posts/17/follow")).status_code == 404


async def test_a_moderator_points_a_question_to_the_earlier_one_and_back(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        later, earlier = (browser.do(lambda db, b=b: question(db, b)) for b in (ECONOMY, RUNNERS))
        assert f"/posts/{later.id}/duplicate" in await browser.read(f"/p/{later.id}")
        assert "Adressen på det tidligere spørgsmål" in await browser.read(f"/posts/{later.id}/duplicate")
        await browser.succeed(f"/posts/{later.id}/duplicate", original=earlier.url)
        page = await browser.read(f"/p/{later.id}")
        assert "Det er spurgt før:" in words(page)
        assert earlier.title in page
        assert "Økonomi først" in page  # its answers stay
        assert later.title in await browser.read(f"/p/{earlier.id}")
        assert "spurgt før" in words(await browser.read("/questions"))
        await browser.succeed(f"/posts/{later.id}/duplicate", undo="1")
        assert "Det er spurgt før:" not in words(await browser.read(f"/p/{later.id}"))


@pytest.mark.parametrize("original", ["", "hej", "https://a.example/p/17", "https://a.example/u/anna", "/p/abc"])
async def test_an_address_of_no_question_is_told_and_changes_nothing(visiting: Visiting, original: str) -> None:
    async with visiting.browser("camilla") as browser:
        later = browser.do(lambda db: question(db, ECONOMY))
        answer = await browser.send(f"/posts/{later.id}/duplicate", original=original)
        assert answer.status_code in {404, 422}
        assert later.title in answer.text
        with visiting.database.reading() as db:
            assert get(db, later.id).duplicate_of_id is None


async def test_for_others_there_is_no_such_page(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        later, earlier = (browser.do(lambda db, b=b: question(db, b)) for b in (ECONOMY, RUNNERS))
        assert f"/posts/{later.id}/duplicate" not in await browser.read(f"/p/{later.id}")
        assert (await browser.open(f"/posts/{later.id}/duplicate")).status_code == 404
        assert (await browser.send(f"/posts/{later.id}/duplicate", original=earlier.url)).status_code == 404
        with visiting.database.reading() as db:
            assert get(db, later.id).duplicate_of_id is None


async def test_history_marks_what_changed_in_words_and_for_the_ear(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        new = asked.source.replace("Tredje gang", "Fjerde gang")
        await browser.succeed(f"/posts/{asked.id}/edit", title=asked.title, text=new, language="da")
        page = await browser.read(f"/posts/{asked.id}/history")
        assert re.search(r"<del><span[^>]*>Fjernet: </span>Tredje</del>", page)
        assert re.search(r"<ins><span[^>]*>Tilføjet: </span>Fjerde</ins>", page)
        await browser.succeed(
            f"/posts/{asked.id}/edit", title=asked.title, text=new.replace("Fjerde", "*Fjerde*"), language="da"
        )
        assert "Ordene er de samme." in await browser.read(f"/posts/{asked.id}/history")


async def test_a_long_history_is_leafed_through(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        for number in range(12):
            await browser.succeed(f"/posts/{asked.id}/edit", title=asked.title, text=f"Udgave {number}", language="da")
        first = await browser.read(f"/posts/{asked.id}/history")
        assert "Tredje gang" not in first
        assert "Tredje gang" in await browser.read(f"/posts/{asked.id}/history?page=2")
        assert (await browser.open(f"/posts/{asked.id}/history?page=99")).status_code == 200


def data_of(page: str) -> dict[str, Any] | None:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1]) if found else None


async def test_search_engines_read_the_question_with_its_answers(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        data = data_of(await browser.read(f"/p/{asked.id}"))
        assert data is not None
        assert data["@type"] == "QAPage"
        thing = data["mainEntity"]
        assert (thing["@type"], thing["name"], thing["answerCount"]) == ("Question", asked.title, 3)
        assert thing["acceptedAnswer"]["author"]["name"] == "Camilla Dahl"
        assert thing["acceptedAnswer"]["url"].startswith(f"{ORIGIN}/p/")
        assert [one["@type"] for one in thing["suggestedAnswer"]] == ["Answer", "Answer"]
        assert thing["upvoteCount"] == 4


async def test_they_read_nothing_of_who_does_not_want_to_be_found(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: question(db, RUNNERS))
        browser.do(lambda db: setattr(person(db, "farid"), "indexable", False))
        data = data_of(await browser.read(f"/p/{asked.id}"))
        assert "Farid" not in json.dumps(data)
        browser.do(lambda db: setattr(person(db, "birk"), "indexable", False))
        page = await browser.read(f"/p/{asked.id}")
        assert data_of(page) is None
        assert 'name="robots" content="noindex"' in page
        assert "og:title" not in page


async def test_no_text_can_end_the_data_it_stands_in(visiting: Visiting) -> None:
    evil = "</script><script>alert(1)</script><!-- & \u2028"
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        where = await browser.succeed("/ask", title=f"Hvad nu {evil}", text=evil, community=group, language="da")
        page = await browser.read(where)
        inside = page.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
        assert not set(inside) & {"<", ">", "&", "\u2028"}
        data = data_of(page)
        assert data is not None
        assert "</script>" in data["mainEntity"]["name"]


@pytest.mark.parametrize(
    ("links", "answers_at", "shares_at"),
    [
        (
            {
                "https://w3id.org/fep/3b86/Create": "https://m.example/new?re={inReplyTo}&text={content}&back={on-success}",
                "https://w3id.org/fep/3b86/Object": "https://m.example/see?uri={object}",
                "https://w3id.org/fep/3b86/Announce": "https://m.example/boost?id={object}&x={on-cancel}{unknown}",
            },
            "https://m.example/new?re={uri}&text=&back={page}",
            "https://m.example/boost?id={uri}&x={page}",
        ),
        (
            {
                "https://w3id.org/fep/3b86/Create": "https://m.example/share?text={content}",
                "https://w3id.org/fep/3b86/Object": "https://m.example/see?uri={object}",
            },
            "https://m.example/see?uri={uri}",
            "https://m.example/share?text={title}%0A{page}",
        ),
        (
            {"http://ostatus.org/schema/1.0/subscribe": "https://m.example/go?uri={uri}"},
            "https://m.example/go?uri={uri}",
            "",
        ),
        (
            {"https://w3id.org/fep/3b86/object": "https://m.example/see?uri={object}"},
            "https://m.example/see?uri={uri}",
            "",
        ),
        ({"https://w3id.org/fep/3b86/Object": "javascript:alert('{object}')"}, "", ""),
        ({}, "", ""),
    ],
)
async def test_a_visitor_is_shown_the_doors_his_own_server_has(
    visiting: Visiting, links: dict[str, str], answers_at: str, shares_at: str
) -> None:
    jrd = {
        "subject": "acct:jonas@m.example",
        "links": [
            {"rel": "self", "type": "application/activity+json", "href": "https://m.example/users/jonas"},
            *({"rel": rel, "template": template} for rel, template in links.items()),
        ],
    }

    async def say(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=jrd, headers={"Content-Type": "application/jrd+json"})

    visiting.elsewhere.answers["m.example"] = say
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: question(db, ECONOMY))
        await browser.take_token(f"/posts/{asked.id}/from-home")
        answer = await browser.send(f"/posts/{asked.id}/from-home", handle="jonas@m.example")
        assert answer.status_code == (200 if answers_at or shares_at else 422)
        found = {unescape(one) for one in re.findall(r'href="(https://m\.example[^"]*)"', answer.text)}
        known = {"uri": asked.uri, "page": asked.url, "title": asked.title}
        wanted = {
            one.format(**{k: quote(v, safe="") for k, v in known.items()}) for one in (answers_at, shares_at) if one
        }
        assert found == wanted
        assert "javascript:" not in answer.text


async def test_a_question_that_was_asked_before_leads_on_without_losing_what_it_has(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        later, earlier = (browser.do(lambda db, b=b: question(db, b)) for b in (ECONOMY, RUNNERS))
        browser.do(lambda db: duplicates.mark(db, person(db, "camilla"), get(db, later.id), get(db, earlier.id)))
        answer = await browser.http.get(f"/p/{later.id}", headers={"Accept": "application/activity+json"})
        body = answer.json()
        assert body["torv:duplicateOf"] == earlier.uri
        assert "↪ Spurgt før:" in body["content"]
        assert earlier.uri in body["content"]
        status = (await browser.http.get(f"/api/v1/statuses/{later.id}")).json()
        assert "↪ Spurgt før:" in status["content"]


async def test_what_somebody_limited_says_is_folded_away_and_his_profile_says_why(visiting: Visiting) -> None:
    def limit(db: Session) -> int:
        sanctions.impose(db, person(db, "birk"), "limit", by=person(db, "camilla"), reason="Reklame")
        asked = question(db, "Lederen siger ja")
        threads.answer(db, person(db, "birk"), asked, Draft("Køb mit system."))
        threads.comment(db, person(db, "birk"), asked, Draft("Billigt i dag."))
        return asked.id

    number = visiting.database.write(limit)
    folded = "Fra en begrænset konto: vis"
    async with visiting.browser("eva") as eva, visiting.browser("anna") as anna, visiting.browser() as nobody:
        for browser, times in ((eva, 2), (nobody, 2), (anna, 0)):  # Anna follows him
            page = words(await browser.read(f"/p/{number}", **{"Accept-Language": "da"}))
            assert page.count(folded) == times
            assert "Køb mit system." in page
        data = (await nobody.read(f"/p/{number}")).partition("application/ld+json")[2].partition("</script>")[0]
        assert "Køb mit system" not in data
        assert "Moderatorerne har begrænset denne konto." in words(await eva.read("/u/birk"))
        assert "begrænset denne konto" not in words(await eva.read("/u/anna"))
