"""Stamps of quotes at their addresses, and the page on which an author takes them back."""

import pytest
from sqlalchemy.orm import Session

from models import actors, composing, posts, quotes
from models.posts import Draft, Post
from models.quotes import QuoteStamp
from tests.federation.elsewhere import remote
from tests.server.asking import ACTIVITY
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio
QUOTE = "https://m.example/notes/9"


def quoted(visiting: Visiting) -> tuple[Post, QuoteStamp]:
    """A note of Anna's that Jonas elsewhere quotes."""

    def write(db: Session) -> tuple[Post, QuoteStamp]:
        post = composing.note(db, person(db, "anna"), Draft("Prøv det."))
        request = {"id": f"{QUOTE}/quote", "type": "QuoteRequest", "instrument": QUOTE}
        quotes.answer(db, post, remote(db, "m.example"), QUOTE, request)
        ((stamp, _),) = quotes.of(db, post)
        return post, stamp

    return visiting.database.write(write)


async def test_a_stamp_says_which_post_may_quote_which(visiting: Visiting) -> None:
    post, stamp = quoted(visiting)
    async with visiting.browser() as browser:
        answer = await browser.http.get(f"/p/{post.id}/quotes/{stamp.id}", headers={"Accept": ACTIVITY})
    assert answer.headers["content-type"] == ACTIVITY
    body = answer.json()
    assert body["type"] == "QuoteAuthorization"
    assert body["id"] == f"{post.uri}/quotes/{stamp.id}"
    assert (body["interactingObject"], body["interactionTarget"]) == (QUOTE, post.uri)
    assert body["attributedTo"] == "https://a.example/u/anna"


async def test_there_is_no_stamp_at_another_address_nor_once_it_is_taken_back(visiting: Visiting) -> None:
    post, stamp = quoted(visiting)
    other = visiting.database.write(lambda db: composing.note(db, person(db, "anna"), Draft("Et andet.")))
    async with visiting.browser() as browser:
        for path in (f"/p/{other.id}/quotes/{stamp.id}", f"/p/{post.id}/quotes/1", f"/p/{post.id}/quotes/{'9' * 30}"):
            assert (await browser.http.get(path, headers={"Accept": ACTIVITY})).status_code == 404
        visiting.database.write(lambda db: quotes.revoke(db, person(db, "anna"), posts.get(db, post.id), stamp.id))
        path = f"/p/{post.id}/quotes/{stamp.id}"
        assert (await browser.http.get(path, headers={"Accept": ACTIVITY})).status_code == 404


async def test_no_stamp_of_somebody_suspended_holds(visiting: Visiting) -> None:
    post, stamp = quoted(visiting)
    visiting.database.write(lambda db: actors.suspend(db, person(db, "anna")))
    async with visiting.browser() as browser:
        answer = await browser.http.get(f"/p/{post.id}/quotes/{stamp.id}", headers={"Accept": ACTIVITY})
    assert answer.status_code == 404


async def test_the_author_sees_who_quotes_and_takes_it_back(visiting: Visiting) -> None:
    post, stamp = quoted(visiting)
    async with visiting.browser("anna") as browser:
        assert f"/posts/{post.id}/quotes" in await browser.read(f"/p/{post.id}")
        page = await browser.read(f"/posts/{post.id}/quotes")
        assert "jonas@m.example" in page
        assert f'href="{QUOTE}"' in page
        where = await browser.succeed(f"/posts/{post.id}/quotes", stamp=str(stamp.id))
        page = await browser.read(where)
        assert "Citatet er ikke længere tilladt." in page
        assert "Ingen på en anden server har bedt om at citere det her." in words(page)


async def test_nobody_else_sees_or_does_that(visiting: Visiting) -> None:
    post, stamp = quoted(visiting)
    async with visiting.browser("birk") as browser:
        assert (await browser.open(f"/posts/{post.id}/quotes")).status_code == 403
        answer = await browser.send(f"/posts/{post.id}/quotes", stamp=str(stamp.id))
        assert answer.status_code == 403
    with visiting.database.reading() as db:
        assert quotes.stamp(db, post.id, stamp.id) is not None
