"""What was asked before: shown while somebody writes, and without scripts with the preview; and the lists of questions."""

import pytest
from sqlalchemy.orm import Session

from models import duplicates, threads
from models.posts import Draft, Post
from tests.server.visiting import Visiting, person, question, words

pytestmark = pytest.mark.anyio

LIKE = "Er der spurgt om det før?"


async def test_like_questions_come_as_a_part_of_a_page(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        part = await browser.open("/ask/similar", **{"Accept-Language": "da"})
        assert (part.status_code, part.text.strip()) == (200, "")
        part = await browser.http.get("/ask/similar", params={"title": "Må man vise brandha"})
        assert "Må vi lægge vores brandhaner" in part.text
        assert "<html" not in part.text
        assert part.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("title", ["", "%22", "NEAR(a b)", "x" * 5000, "hvordan", "' OR 1=1"])
async def test_whatever_is_typed_gives_a_part(visiting: Visiting, title: str) -> None:
    async with visiting.browser() as browser:
        assert (await browser.http.get("/ask/similar", params={"title": title})).status_code == 200


async def test_without_scripts_the_preview_shows_them_and_keeps_what_was_typed(visiting: Visiting) -> None:
    async with visiting.browser("eva") as browser:
        assert LIKE not in await browser.read("/ask")
        shown = await browser.send("/ask", title="Brandhaner på privat grund?", text="Nå", do="preview")
        assert shown.status_code == 200
        assert LIKE in shown.text and "Må vi lægge vores brandhaner" in shown.text
        assert 'value="Brandhaner på privat grund?"' in shown.text
        refused = await browser.send("/ask", title="Brandhaner på privat grund?", text="Nå")
        assert refused.status_code == 422
        assert LIKE in refused.text
        assert 'value="brandhaner"' in await browser.read("/ask?title=brandhaner")


def _ask(db: Session) -> None:
    group = person(db, "udfordrere")
    for number, barrier in enumerate(("regler", "kultur", "regler")):
        draft = Draft(text="#musik" if number else "Ja", title=f"Spørgsmål {number} om musik", barriers=(barrier,))
        draft = Draft(**{**draft.__dict__, "municipality": "0101" if number == 1 else ""})
        threads.ask(db, person(db, "birk"), group, draft)


def listed(html: str) -> list[str]:
    rows = html.partition('<ul class="rows">')[2].partition("</ul>")[0]
    return [part.partition("</a>")[0].rpartition(">")[2] for part in rows.split('class="title"')[1:]]


async def test_the_unanswered_can_be_narrowed_to_what_one_knows_about(visiting: Visiting) -> None:
    visiting.database.write(_ask)
    with visiting.database.reading() as db:
        group = person(db, "udfordrere").id
    async with visiting.browser("farid") as browser:
        assert len(listed(await browser.read("/questions?order=unanswered"))) == 4
        assert listed(await browser.read("/questions?order=unanswered&barrier=kultur")) == ["Spørgsmål 1 om musik"]
        assert listed(await browser.read("/questions?order=unanswered&municipality=0101")) == ["Spørgsmål 1 om musik"]
        assert len(listed(await browser.read(f"/questions?order=unanswered&community={group}"))) == 4
        mine = await browser.read("/questions?order=unanswered&mine=1")
        assert listed(mine) == ["Spørgsmål 2 om musik", "Spørgsmål 0 om musik"]
        assert "#regler" in words(mine)
    async with visiting.browser("anna") as browser:
        assert "Hvordan fik I" in (await browser.read("/questions?order=top&barrier=regler"))
        accepted = listed(await browser.read("/questions?order=accepted&barrier=regler"))
        assert [title[:11] for title in accepted] == ["Må vi lægge", "Hvordan fik"]
        assert "Intet spørgsmål passer" in await browser.read("/questions?community=1")


async def test_who_answered_nothing_yet_is_told_what_to_do(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        html = await browser.read("/questions?order=unanswered&mine=1")
        assert listed(html) == []
        assert "Du har endnu ikke svaret" in html
    async with visiting.browser() as browser:
        assert listed(await browser.read("/questions?order=unanswered&mine=1"))


async def test_a_narrowed_list_goes_on(visiting: Visiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.question_lists.PAGE", 1)
    visiting.database.write(_ask)
    async with visiting.browser() as browser:
        for order in ("", "order=top&", "order=unanswered&"):
            seen, path = [], f"/questions?{order}barrier=regler"
            while path:
                html = await browser.read(path)
                seen += listed(html)
                path = html.partition('class="pages"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
            assert len(seen) == len(set(seen)) == (2 if "unanswered" in order else 4)


async def test_beside_a_question_stand_others_about_the_same_but_none_twice(visiting: Visiting) -> None:
    def ask(db: Session) -> tuple[str, str]:
        group = person(db, "udfordrere")
        first = threads.ask(db, person(db, "birk"), group, Draft("Ja", "Hvem har malet en busskurtavle?"))
        second = threads.ask(db, person(db, "eva"), group, Draft("Ja", "Må man male en busskurtavle grøn?"))
        third = threads.ask(db, person(db, "eva"), group, Draft("Ja", "Hvor køber man en busskurtavle?"))
        duplicates.mark(db, person(db, "camilla"), third, first)
        return f"/posts/{first.id}", second.title

    path, title = visiting.database.write(ask)
    async with visiting.browser() as browser:
        link = f'href="{path}/similar"'
        assert link in (await browser.read(path.replace("/posts/", "/p/"))).partition("<aside>")[2]
        alike = words((await browser.read(f"{path}/similar")).partition('id="alike"')[2])
        assert title in alike
        assert "Hvor køber man" not in alike, "that one is named as asked before"
        assert "Hvem har malet" not in alike


async def test_who_may_not_see_a_question_learns_nothing_from_those_like_it(visiting: Visiting) -> None:
    def ask(db: Session) -> tuple[int, int]:
        draft = Draft("Ja", "Hvem har malet en busskurtavle?", visibility="node")
        asked = threads.ask(db, person(db, "birk"), person(db, "udfordrere"), draft)
        return asked.id, threads.answer(db, person(db, "eva"), asked, Draft("Jeg har.")).id

    asked, answer = visiting.database.write(ask)
    async with visiting.browser() as nobody, visiting.browser("eva") as eva:
        assert (await nobody.open(f"/posts/{asked}/similar")).status_code == 404
        assert "Vi kender ingen spørgsmål, der ligner." in words(await eva.read(f"/posts/{asked}/similar"))
        assert (await eva.open(f"/posts/{answer}/similar")).status_code == 404


async def test_the_list_can_be_narrowed_to_a_barrier_with_one_click_and_widened_with_another(
    visiting: Visiting,
) -> None:
    async with visiting.browser() as browser:
        assert 'class="tag" href="/questions?barrier=regler"' in await browser.read("/questions")
        page = await browser.read("/questions?barrier=regler")
        assert 'class="tag" href="/questions" aria-current="true">' in page


async def test_a_moderator_merges_two_questions_and_takes_them_apart_again(visiting: Visiting) -> None:
    with visiting.database.reading() as db:
        earlier, later = question(db, "Hvordan fik I").id, question(db, "Lederen siger ja").id
    form = f"/posts/{later}/duplicate"
    async with visiting.browser("camilla") as camilla, visiting.browser("eva") as eva:
        assert (await eva.send(f"/posts/{later}/merge")).status_code == 404
        assert "Sæt svarene under det tidligere spørgsmål" in words(await camilla.read(form))
        address = camilla.do(lambda db: db.get_one(Post, earlier).uri)
        await camilla.succeed(form, original=address, merge="1")
        led = await eva.open(f"/p/{later}")
        assert led.status_code == 303
        assert led.headers["location"].startswith(f"/p/{earlier}/")
        assert led.headers["location"].endswith(f"#p{later}")
        page = await eva.read(f"/p/{earlier}")
        assert "Lederen siger ja" in words(page)
        assert "Svarer på det senere spørgsmål" in words(page)
        assert f'id="p{later}"' in page
        assert "Skil de to spørgsmål ad" not in words(page)
        assert "Sæt svarene tilbage" in words(await camilla.read(form))
        await camilla.succeed(f"/posts/{later}/merge", undo="1")
        assert "Økonomi først" in words(await eva.read(f"/p/{later}"))
        assert (await camilla.send(f"/posts/{later}/merge", undo="1")).status_code == 409
