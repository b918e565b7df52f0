"""Feeds: readable whatever people write, the same for everybody, and cheap to ask for again."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models import composing, listings, threads
from models.posts import Draft, Post, Visibility, get
from server.i18n import LANGUAGES
from server.web.feeds import Entry, legal, rfc3339
from server.web.rendering import render
from tests.federation.elsewhere import remote
from tests.server.visiting import ORIGIN, Browser, Visiting, person, question

pytestmark = pytest.mark.anyio

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = (
    *("/feeds/questions", "/feeds/unanswered", "/feeds/public", "/feeds/community/udfordrere", "/feeds/tag/regler"),
    *("/feeds/person/eva", "/feeds/thread/{q}"),
)
PAGES = {
    "/questions": "/feeds/questions",
    "/questions?order=unanswered": "/feeds/unanswered",
    "/": "/feeds/public",
    "/c/udfordrere": "/feeds/community/udfordrere",
    "/t/regler": "/feeds/tag/regler",
    "/u/eva": "/feeds/person/eva",
    "/p/{q}": "/feeds/thread/{q}",
}


def number(visiting: Visiting) -> int:
    with visiting.database.reading() as db:
        return question(db, "Lederen siger ja").id


async def titles(browser: Browser, path: str) -> list[str]:
    answer = await browser.http.get(path)
    assert answer.status_code == 200, path
    return [
        entry.findtext(f"{ATOM}title") or "" for entry in ElementTree.fromstring(answer.content).iter(f"{ATOM}entry")
    ]


@pytest.mark.parametrize("path", FEEDS)
async def test_every_feed_is_valid_atom(visiting: Visiting, path: str) -> None:
    async with visiting.browser() as browser:
        answer = await browser.http.get(path.format(q=number(visiting)))
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
        feed = ElementTree.fromstring(answer.content)
        assert feed.tag == f"{ATOM}feed"
        assert feed.findtext(f"{ATOM}id") == ORIGIN + path.format(q=number(visiting))
        entries = list(feed.iter(f"{ATOM}entry"))
        assert entries
        for entry in (feed, *entries):
            for name in ("id", "title", "updated"):
                assert entry.findtext(f"{ATOM}{name}")
            moment = entry.findtext(f"{ATOM}updated") or ""
            assert datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        for entry in entries:
            assert entry.findtext(f"{ATOM}author/{ATOM}name")
            assert entry.find(f"{ATOM}content").get("type") == "html"  # type: ignore[union-attr]


@pytest.mark.alike
@pytest.mark.parametrize(("page", "feed"), PAGES.items())
async def test_pages_name_their_feed(visiting: Visiting, page: str, feed: str) -> None:
    q = number(visiting)
    async with visiting.browser() as browser:
        html = await browser.read(page.format(q=q))
        link = f'<link rel="alternate" type="application/atom+xml" href="{feed.format(q=q)}">'
        assert link in html
        assert (await browser.http.get(feed.format(q=q))).status_code == 200


async def test_only_what_everybody_may_read_of_who_lets_himself_be_found_stands_there(visiting: Visiting) -> None:
    def write(db: Session) -> None:
        eva, group = person(db, "eva"), person(db, "udfordrere")
        for visibility, title in ((Visibility.NODE, "Kun for os herinde"), (Visibility.PUBLIC, "Ude i det fri")):
            threads.ask(db, eva, group, Draft("#regler", title, visibility=visibility))
        for visibility in (Visibility.UNLISTED, Visibility.FOLLOWERS):
            composing.note(db, eva, Draft(f"Hviskende {visibility} #regler", visibility=visibility))
        taken_out = threads.ask(db, eva, group, Draft("#regler", "Taget ud af fællesskabet"))
        listings.remove_post(db, person(db, "camilla"), taken_out, "")

    visiting.database.write(write)
    async with visiting.browser() as browser:
        for path in FEEDS:
            if path == "/feeds/thread/{q}":
                continue
            found = await titles(browser, path)
            assert "Ude i det fri" in found, path
            assert not {"Kun for os herinde", "Taget ud af fællesskabet"} & set(found), path
            assert not [title for title in found if "Hviskende" in title], path
        browser.do(lambda db: setattr(person(db, "eva"), "indexable", False))
        for path in ("/feeds/questions", "/feeds/public", "/feeds/community/udfordrere", "/feeds/tag/regler"):
            assert "Ude i det fri" not in await titles(browser, path), path
        assert (await browser.http.get("/feeds/person/eva")).status_code == 404
        assert (await browser.http.get(f"/feeds/thread/{number(visiting)}")).status_code == 404  # Eva's question


async def test_a_signed_in_reader_gets_what_a_stranger_gets(visiting: Visiting) -> None:
    async with visiting.browser() as stranger, visiting.browser("eva") as eva:
        for path in FEEDS:
            path = path.format(q=number(visiting))
            assert (await stranger.http.get(path)).content == (await eva.http.get(path)).content, path


async def test_a_reader_who_has_it_is_told_so(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        first = await browser.http.get("/feeds/questions")
        tag, since = first.headers["etag"], first.headers["last-modified"]
        assert (await browser.http.get("/feeds/questions", headers={"If-None-Match": tag})).status_code == 304
        assert (await browser.http.get("/feeds/questions", headers={"If-Modified-Since": since})).status_code == 304
        for header in ("nonsense", "Mon, 01 Jan 2001 00:00:00 GMT", ""):
            answer = await browser.http.get("/feeds/questions", headers={"If-Modified-Since": header})
            assert answer.status_code == 200
        both = {"If-None-Match": 'W/"old"', "If-Modified-Since": since}
        assert (await browser.http.get("/feeds/questions", headers=both)).status_code == 200
        browser.do(
            lambda db: threads.ask(db, person(db, "eva"), person(db, "udfordrere"), Draft("x", "Noget helt nyt"))
        )
        fresh = await browser.http.get("/feeds/questions", headers={"If-None-Match": tag})
        assert fresh.status_code == 200
        assert "Noget helt nyt" in fresh.text


@pytest.mark.alike
@pytest.mark.parametrize(
    "path",
    ["/feeds/community/eva", "/feeds/community/none", "/feeds/person/udfordrere", "/feeds/person/none", "/feeds/x"],
)
async def test_there_is_no_feed_of_what_is_not_there(visiting: Visiting, path: str) -> None:
    async with visiting.browser() as browser:
        assert (await browser.http.get(path)).status_code == 404


async def test_a_reply_has_no_feed_and_an_absurd_number_neither(visiting: Visiting) -> None:
    with visiting.database.reading() as db:
        answer = threads.read(db, None, get(db, number(visiting))).answers[0].id
    async with visiting.browser() as browser:
        for post in (answer, 17, 10**30):
            assert (await browser.http.get(f"/feeds/thread/{post}")).status_code == 404


async def test_the_feed_of_a_thread_has_its_answers_and_says_what_they_answer(visiting: Visiting) -> None:
    q = number(visiting)
    async with visiting.browser() as browser:
        asked = browser.do(lambda db: get(db, q))
        found = await titles(browser, f"/feeds/thread/{q}")
        assert asked.title in found
        assert f"Re: {asked.title}" in found
        text = (await browser.http.get(f"/feeds/thread/{q}")).text
        assert f'<thr:in-reply-to ref="{asked.uri}"/>' in text


@pytest.mark.once
async def test_what_others_write_breaks_no_feed(visiting: Visiting) -> None:
    def arrive(db: Session) -> None:
        eve = remote(db, "m.example", "eve", indexable=True, url="javascript:alert(1)")
        eve.name = "]]> <b>&\x08\ufffe"
        post = threads.answer(db, person(db, "birk"), question(db, "Lederen siger ja"), Draft("x"))
        post.author_id, post.local = eve.id, False
        post.content, post.url = "<p>]]>&amp;\x0b</p>", "https://m.example/?a=1&b=<2>"

    visiting.database.write(arrive)
    async with visiting.browser() as browser:
        answer = await browser.http.get(f"/feeds/thread/{number(visiting)}")
        assert ElementTree.fromstring(answer.content) is not None
        assert "javascript:" not in answer.text


TEXT = st.text(max_size=60) | st.sampled_from(["]]>", "<a>", "&amp;", "\ud7ff", "\ufffe", "\x1b[0m", "{{ 7*7 }}"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words=st.lists(TEXT, min_size=8, max_size=8), language=st.sampled_from(LANGUAGES))
async def test_whatever_the_text_it_is_xml_and_comes_out_as_it_went_in(words: list[str], language: str) -> None:
    title, link, author, content, tag, spoken, name, own = (legal(word) for word in words)
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    entry = Entry("https://a.example/p/1", title, link, at, at, author, link, content, spoken, (tag,), own, link)
    values = {
        "title": name,
        "own": own,
        "page": link,
        "origin": ORIGIN,
        "entries": [entry],
        "updated": at,
        "rfc3339": rfc3339,
    }
    feed = ElementTree.fromstring(render("feed.xml", language, "Europe/Copenhagen", values).encode())
    found = feed.find(f"{ATOM}entry")
    assert found is not None

    def as_xml_has_it(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n")

    assert (found.findtext(f"{ATOM}title") or "") == as_xml_has_it(title)
    assert (found.findtext(f"{ATOM}content") or "") == as_xml_has_it(content)
    assert (feed.findtext(f"{ATOM}title") or "") == as_xml_has_it(name)


async def test_a_question_by_nobody_is_a_question_in_the_feed_too(visiting: Visiting) -> None:
    def ask(db: Session) -> Post:
        draft = Draft("x", "Hvem tør sige det højt?", anonymous=True)
        return threads.ask(db, person(db, "eva"), person(db, "udfordrere"), draft)

    visiting.database.write(ask)
    async with visiting.browser() as browser:
        assert "Hvem tør sige det højt?" in await titles(browser, "/feeds/person/anonym-udfordrere")
        assert "Hvem tør sige det højt?" not in await titles(browser, "/feeds/person/eva")
