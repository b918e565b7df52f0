"""What belongs together: named in forms by ticks, addresses and words, and shown at both ends."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import composing, dogmas, links
from models.accounts import by_username
from models.links import Tie
from models.posts import Draft, Post
from tests.models.test_dogmas import adopted
from tests.models.test_experiences import publish
from tests.server.visiting import Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio


def dogma(visiting: Visiting) -> Post:
    return visiting.database.write(adopted)


async def ask(browser: Browser, title: str, *tied: str) -> str:
    group = browser.do(lambda db: person(db, "udfordrere").id)
    return await browser.succeed(
        "/ask", title=title, community=group, visibility="public", language="da", links=[*tied, ""]
    )


def titled(visiting: Visiting, title: str) -> Post:
    with visiting.database.reading() as db:
        return db.scalars(select(Post).where(Post.title == title)).one()


def belongs(page: str) -> str:
    """What the page says it belongs with."""
    found = re.search(r'<section class="tied" aria-labelledby="tied">(.*?)</section>', page, re.S)
    return words(found[1]) if found else ""


async def test_a_question_and_what_it_belongs_with_show_each_other(visiting: Visiting) -> None:
    report, rule = visiting.database.write(lambda db: publish(db)), dogma(visiting)
    async with visiting.browser("birk") as browser:
        where = await ask(browser, "Hvem har gjort det efter os?", report.uri, f"/p/{rule.id}")
        asked = belongs(await browser.read(where))
        assert asked.startswith("Hører sammen med Erfaringer ")
        assert report.title in asked
        assert f"Dogmer {rule.title}" in asked
        post = titled(visiting, "Hvem har gjort det efter os?")
        with visiting.database.reading() as db:
            assert links.uris(db, post) == {Tie.RELATED: [report.uri], Tie.PRACTISES: [rule.uri]}
        said = belongs(await browser.read(f"/p/{report.id}"))
        assert "Spørgsmål Hvem har gjort det efter os? Ubesvaret" in said
        page = words(await browser.read(f"/p/{rule.id}"))
        assert "1 åbent spørgsmål Hvem har gjort det efter os? Ubesvaret Stil et spørgsmål om det" in page
        assert "Ført ud i livet i" not in page


async def test_what_is_said_at_both_ends_is_shown_once(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await ask(browser, "Det første spørgsmål om løb")
        first = titled(visiting, "Det første spørgsmål om løb")
        await ask(browser, "Det andet spørgsmål om løb", first.uri)
        second = titled(visiting, "Det andet spørgsmål om løb")
        visiting.database.write(lambda db: links.write(db, db.get_one(Post, first.id), [db.get_one(Post, second.id)]))
        assert belongs(await browser.read(f"/p/{first.id}")).count("Det andet") == 1


async def test_a_question_for_something_begins_with_it_ticked_in_its_community(visiting: Visiting) -> None:
    rule = dogma(visiting)
    async with visiting.browser("birk") as browser:
        page = await browser.read(f"/ask?about={rule.id}")
        assert re.search(rf'name="links" value="{re.escape(rule.uri)}" checked', page)
        assert re.search(rf'<option value="{rule.community_id}" selected>', page)


async def test_a_dogma_is_proposed_with_what_it_belongs_with_and_both_ends_show_it(visiting: Visiting) -> None:
    report, rule = visiting.database.write(lambda db: publish(db)), dogma(visiting)
    async with visiting.browser("birk") as browser:
        assert "Hvad hører det sammen med?" in words(await browser.read("/dogma/new"))
        browser.do(lambda db: setattr(by_username(db, "birk"), "language", "en"))
        assert "What does it belong with?" in words(await browser.read("/dogma/new"))
        browser.do(lambda db: setattr(by_username(db, "birk"), "language", "da"))
        where = await browser.succeed(
            "/dogma/new",
            title="Vi måler kun det, vi bruger",
            text="Tal, ingen læser, samler vi ikke ind.",
            language="da",
            links=[report.uri, rule.uri, ""],
        )
        shown = belongs(await browser.read(where))
        assert report.title in shown
        assert f"Dogmer {rule.title}" in shown
        assert "måler kun det" in belongs(await browser.read(f"/p/{report.id}"))
        other = await browser.read(f"/p/{rule.id}")
        assert "måler kun det" in belongs(other)
        assert "Ført ud i livet i" not in words(other), "a dogma does not practise another"


async def test_what_a_dogma_belongs_with_is_changed_without_a_new_version(visiting: Visiting) -> None:
    rule, report = dogma(visiting), visiting.database.write(lambda db: publish(db))
    said = {"title": "Vi deler også det, der gik galt", "language": "da", "note": ""}
    with visiting.database.reading() as db:
        said["text"] = db.get_one(Post, rule.id).source
    path = f"/posts/{rule.id}/version"
    async with visiting.browser("birk") as browser:
        nothing = await browser.send(path, **said)
        assert nothing.status_code == 422
        await browser.succeed(path, **said, links=report.uri)
        assert report.title in belongs(await browser.read(f"/p/{rule.id}"))
        assert re.search(rf'name="links" value="{re.escape(report.uri)}" checked', await browser.read(path))
        words_wrong = await browser.send(path, **{**said, "links": "kvasistatisk"})
        assert 'id="links-error"' in words_wrong.text
        await browser.succeed(path, **{**said, "text": "Altid.", "note": "Kortere.", "links": ""})
        assert belongs(await browser.read(f"/p/{rule.id}")) == ""
    with visiting.database.reading() as db:
        assert [(one.version, one.note) for one in dogmas.versions(db, db.get_one(Post, rule.id))][1:] == [
            (2, "Kortere.")
        ]


async def test_words_find_what_is_known_and_are_answered_with_ticks(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        asked = browser.do(lambda db: question(db, "Hvordan fik I"))
        group = browser.do(lambda db: person(db, "udfordrere").id)
        sent = {"title": "Noget i forlængelse", "community": group, "visibility": "public", "language": "da"}
        answer = await browser.send("/ask", **sent, links=asked.title[:30])
        assert answer.status_code == 422
        assert "Sæt kryds ved det, du mener" in words(answer.text)
        offered = re.search(rf'name="links" value="{re.escape(asked.uri)}"( checked)?>', answer.text)
        assert offered
        assert not offered[1]
        assert asked.uri in (await browser.read(f"/posts/find?q={asked.title[:30]}"))
        answer = await browser.send("/ask", **sent, links="kvasistatisk")
        assert "Intet her passer til ordene" in words(answer.text)


@pytest.mark.parametrize(
    "address", ["/p/1", "https://a.example/p/99999999999999999999", "https://a.example/c/udfordrere"]
)
async def test_what_is_nothing_to_belong_with_is_refused_and_stays_in_the_form(
    address: str, visiting: Visiting
) -> None:
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        answer = await browser.send(
            "/ask",
            title="Hører ingen steder hjemme",
            community=group,
            visibility="public",
            language="da",
            links=address,
        )
        assert answer.status_code == 422
        assert 'id="links-error"' in answer.text
        assert address in answer.text


async def test_more_than_twenty_addresses_are_refused(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        many = "\n".join(f"https://b.example/p/{number}" for number in range(21))
        answer = await browser.send(
            "/ask", title="Alt for meget", community=group, visibility="public", language="da", links=many
        )
        assert answer.status_code == 422
        assert "højst tyve adresser" in words(answer.text)


async def test_what_others_may_not_see_is_found_by_nobody(visiting: Visiting) -> None:
    def write(db: Session) -> Post:
        return composing.note(
            db, person(db, "eva"), Draft("Kun til mig selv", visibility="direct", may_name_nobody=True)
        )

    hidden = visiting.database.write(write)
    async with visiting.browser("birk") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        answer = await browser.send(
            "/ask", title="Jeg har gættet en adresse", community=group, visibility="public", language="da",
            links=hidden.uri,
        )  # fmt: skip
        assert answer.status_code == 422
        assert "Kun til mig selv" not in answer.text


async def test_an_edit_changes_what_a_question_belongs_with_and_tells_others(visiting: Visiting) -> None:
    rule = dogma(visiting)
    async with visiting.browser("birk") as browser:
        where = await ask(browser, "Hvem har gjort det efter os?", rule.uri)
        post = titled(visiting, "Hvem har gjort det efter os?")
        page = await browser.read(f"/posts/{post.id}/edit")
        assert f'name="links" value="{rule.uri}" checked' in page
        await browser.succeed(f"/posts/{post.id}/edit", title=post.title, text="", language="da", links="")
        assert belongs(await browser.read(where)) == ""
        with visiting.database.reading() as db:
            assert links.uris(db, post) == {}


async def test_an_edit_elsewhere_than_in_that_form_leaves_what_it_belongs_with(visiting: Visiting) -> None:
    rule = dogma(visiting)
    async with visiting.browser("birk") as browser:
        await ask(browser, "Hvem har gjort det efter os?", rule.uri)
        post = titled(visiting, "Hvem har gjort det efter os?")
        await browser.succeed(f"/posts/{post.id}/edit", title="Hvem har gjort det siden?", text="", language="da")
        with visiting.database.reading() as db:
            assert links.uris(db, post) == {Tie.PRACTISES: [rule.uri]}


async def test_a_draft_keeps_what_was_ticked(visiting: Visiting) -> None:
    rule = dogma(visiting)
    async with visiting.browser("birk") as browser:
        where = await browser.succeed("/ask", do="draft", title="Halvt tænkt", links=[rule.uri, ""])
        assert f'name="links" value="{rule.uri}" checked' in await browser.read(where)
