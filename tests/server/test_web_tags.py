"""Pages of tags: under their main names, with counts and people; following them; and who says what means the same."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import composing, posts, tag_follows, tag_synonyms, threads
from models.posts import Draft
from models.tag_follows import TagFollow
from models.tags import TagSynonym
from server.web import tags
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio


def _write(db: Session) -> None:
    for text in ("Ét #jura", "To #paragraffer"):
        composing.note(db, person(db, "david"), Draft(text=text))
    draft = Draft(text="Om #jura", title="Hvem kender en jurist?")
    threads.ask(db, person(db, "birk"), person(db, "udfordrere"), draft)
    asked = threads.ask(
        db, person(db, "birk"), person(db, "udfordrere"), Draft(text="#jura igen", title="Hvem er jurist?")
    )
    threads.accept(db, person(db, "birk"), asked, threads.answer(db, person(db, "farid"), asked, Draft(text="Mig")))
    tag_synonyms.add(db, "paragraffer", "jura", by=None)


def synonyms(visiting: Visiting) -> dict[str, str]:
    with visiting.database.reading() as db:
        return {row.name: row.main for row in db.scalars(select(TagSynonym))}


async def test_a_tag_is_shown_under_its_main_name_with_all_that_means_it(visiting: Visiting) -> None:
    visiting.database.write(_write)
    async with visiting.browser() as browser:
        moved = await browser.open("/t/Paragraffer")
        assert (moved.status_code, moved.headers["location"]) == (302, "/t/jura")
        html = words(await browser.read("/t/jura"))
        for part in ("4 indlæg", "2 spørgsmål", "1 ubesvaret", "Skrives også #paragraffer", "Ét", "To"):
            assert part in html
        assert "Farid Rahimi 1 svar, 1 accepteret" in html


async def test_posts_with_a_tag_are_counted_so_far_and_the_page_says_that_there_are_more(
    visiting: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "MANY", 2)
    visiting.database.write(_write)
    async with visiting.browser() as browser:
        html = words(await browser.read("/t/jura"))
        for part in ("2+ indlæg", "2 spørgsmål", "1 ubesvaret"):
            assert part in html


async def test_a_tag_on_a_post_stands_there_under_its_main_name(visiting: Visiting) -> None:
    def tag(db: Session) -> int:
        tag_synonyms.add(db, "paragraffer", "jura", by=None)
        asked = question(db, "Lederen siger ja")
        posts.set_tags(db, asked, ["Paragraffer"])
        return asked.id

    number = visiting.database.write(tag)
    async with visiting.browser() as browser:
        assert '<a class="tag" href="/t/jura">#jura</a>' in await browser.read(f"/p/{number}")


async def test_questions_and_unanswered_ones_have_lists(visiting: Visiting) -> None:
    visiting.database.write(_write)
    async with visiting.browser() as browser:
        assert "Hvem er jurist?" in await browser.read("/t/jura?list=questions")
        waiting = await browser.read("/t/jura?list=unanswered")
        assert "Hvem kender en jurist?" in waiting
        assert "Hvem er jurist?" not in waiting
        assert (await browser.open("/t/jura?list=x")).status_code == 404
        assert "Nobody" in await browser.read("/t/findesikke", **{"Accept-Language": "en"})


async def test_the_tag_of_a_barrier_is_the_barrier(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        assert "<h1>Barriere: Lov" in (await browser.read("/t/lovgivning"))


async def test_a_tag_is_followed_under_its_main_name_and_let_go_under_all(visiting: Visiting) -> None:
    visiting.database.write(_write)
    visiting.database.write(lambda db: tag_follows.follow(db, person(db, "eva").id, "paragraffer"))
    async with visiting.browser("eva") as browser:
        assert 'name="undo"' in (await browser.read("/t/jura")).partition("/t/jura/follow")[2].partition("</form>")[0]
        assert await browser.succeed("/t/jura/follow", undo="1") == "/t/jura"
        assert await browser.succeed("/t/paragraffer/follow") == "/t/paragraffer"
    with visiting.database.reading() as db:
        assert [row.name for row in db.scalars(select(TagFollow))] == ["jura"]


async def test_what_is_no_tag_cannot_be_followed(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        for name in ("123", "a b", "%22"):
            assert (await browser.send(f"/t/{name}/follow")).status_code == 404
    with visiting.database.reading() as db:
        assert list(db.scalars(select(TagFollow))) == []


async def test_moderators_say_what_means_the_same_and_take_it_back(visiting: Visiting) -> None:
    async with visiting.browser("camilla") as browser:
        assert await browser.succeed("/admin/tags", name="#Paragraf", main="jura") == "/admin/tags"
        assert synonyms(visiting) == {"paragraf": "jura"}
        assert "paragraf" in await browser.read("/admin/tags")
        await browser.succeed("/admin/tags/drop", name="paragraf")
        assert synonyms(visiting) == {}


@pytest.mark.alike
@pytest.mark.parametrize(
    ("name", "main", "status"),
    [("", "jura", 422), ("a b", "jura", 422), ("jura", "jura", 422), ("regler", "jura", 409), ("jura", "1", 422)],
)
async def test_what_makes_no_sense_is_said_at_the_form_and_changes_nothing(
    visiting: Visiting, name: str, main: str, status: int
) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/admin/tags", name=name, main=main)
        assert answer.status_code == status
        assert 'class="form-group form-error"' in answer.text
    assert synonyms(visiting) == {}


async def test_others_find_no_such_page(visiting: Visiting) -> None:
    visiting.database.write(lambda db: tag_synonyms.add(db, "paragraf", "jura", by=None))
    async with visiting.browser("eva") as browser:
        assert (await browser.open("/admin/tags")).status_code == 404
        assert (await browser.send("/admin/tags", name="lov", main="jura")).status_code == 404
        assert (await browser.send("/admin/tags/drop", name="paragraf")).status_code == 404
    assert synonyms(visiting) == {"paragraf": "jura"}
    async with visiting.browser("anna") as browser:
        assert (await browser.send("/admin/tags/drop", name="nej")).status_code == 404
