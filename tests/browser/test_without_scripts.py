"""The whole way from question to accepted answer in a browser with scripts switched off; and that none would run."""

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from models import actors, threads
from models.posts import Draft, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]


def test_a_question_is_asked_answered_voted_for_and_settled(site: Site) -> None:
    asker = site.signed_in("birk", java_script_enabled=False)
    asker.click("text=Stil et spørgsmål")
    asker.fill("#title", "Hvem har lånt en mødesal ud om aftenen?")
    asker.fill("#text", "Vi må ikke, siger **nogen**. Hvem?")
    asker.select_option("#community", label="Offentlige udfordrere")
    asker.check("#barrier-vaner")
    asker.click("text=Stil spørgsmålet")
    assert asker.locator("h1").inner_text() == "Hvem har lånt en mødesal ud om aftenen?"
    address = asker.url

    other = site.signed_in("eva", java_script_enabled=False)
    other.goto(address)
    other.fill("#text", "Det har vi. Nøglen ligger på biblioteket.")
    other.click("text=Send dit svar")
    assert "Dit svar er sendt." in other.locator(".said").inner_text()

    asker.goto(address)
    asker.click(".answer button:has-text('Nyttigt')")
    assert asker.locator(".answer [aria-pressed=true]").count() == 1
    asker.click("text=Acceptér svaret")
    assert "Accepteret svar" in asker.locator(".answer.accepted").inner_text()
    other.goto(f"{site.origin}/notifications")
    assert "accepterede dit svar" in other.locator("main").inner_text()

    asker.goto(address)
    asker.locator("article.post details > summary").first.click()
    asker.click("article.post >> text=Rediger")
    asker.fill("#title", "Hvem har lånt en sal ud om aftenen?")
    asker.click("main button[type=submit]")
    assert asker.locator("h1").inner_text() == "Hvem har lånt en sal ud om aftenen?"
    asker.click("text=redigeret")
    assert "mødesal" in asker.locator("main").inner_text()


def test_a_mistake_keeps_what_was_typed(site: Site) -> None:
    page = site.signed_in("birk", java_script_enabled=False)
    page.goto(f"{site.origin}/ask")
    page.fill("#title", "Hm?")
    page.fill("#text", "En lang forklaring")
    page.select_option("#community", label="Offentlige udfordrere")
    page.click("text=Stil spørgsmålet")
    assert page.locator("[role=alert]").is_visible()
    assert page.locator("#text").input_value() == "En lang forklaring"
    assert page.locator("#title").get_attribute("aria-invalid") == "true"


def test_the_language_is_changed_on_every_page(site: Site) -> None:
    page = site.open(java_script_enabled=False).new_page()
    page.goto(f"{site.origin}/questions")
    page.click("footer button:has-text('English')")
    assert page.url == f"{site.origin}/questions"
    assert page.locator("h1").inner_text() == "Questions"


def test_a_script_that_got_into_a_page_all_the_same_does_not_run(site: Site) -> None:
    """The policy is the second wall: here the first one, the cleaning, is taken down on purpose."""

    def smuggle(db: object) -> str:
        author, group = actors.by_handle(db, "birk"), actors.by_handle(db, "udfordrere")  # type: ignore[arg-type]
        assert author is not None
        assert group is not None
        post = threads.ask(db, author, group, Draft("x", "En side med et indsmuglet program"))  # type: ignore[arg-type]
        post.content = (
            "<p onclick='window.ran=1'>Læs mig</p><script>window.ran = 1; document.title = 'ran'</script>"
            "<img src='https://evil.example/x.png' onerror='window.ran=1'>"
            "<a id='trap' href='javascript:window.ran=1'>klik</a>"
            "<style>main{display:none}</style><p id='styled' style='display:none'>synlig</p>"
            "<form action='https://evil.example/'><button id='steal'>send</button></form>"
        )
        return post.url

    address = site.database.write(smuggle)
    page: Page = site.open().new_page()
    reached: list[str] = []
    page.on("requestfinished", lambda request: reached.append(request.url))  # "request" is also said of stopped ones
    stopped: list[str] = []
    page.on("requestfailed", lambda request: stopped.append(f"{request.url} {request.failure}"))
    page.goto(address)
    page.click("text=Læs mig")
    page.click("#trap")
    page.click("#steal", no_wait_after=True)
    page.wait_for_timeout(300)
    assert page.url.startswith(site.origin)
    assert page.evaluate("window.ran") is None
    assert page.locator("main").is_visible()
    assert page.locator("#styled").is_visible()
    assert not [url for url in reached if "evil.example" in url]
    assert "https://evil.example/x.png csp" in stopped
    with site.database.reading() as db:
        assert db.scalars(select(Post.id).where(Post.title == "En side med et indsmuglet program")).one()


def test_nothing_is_fetched_from_anywhere_but_this_node(site: Site) -> None:
    page = site.signed_in("anna")
    asked: list[str] = []
    missing: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    for path in ("/", "/questions", "/c/udfordrere", "/settings"):
        page.goto(site.origin + path)
    assert asked
    assert all(url.startswith(site.origin + "/") for url in asked)
    assert any(url.endswith(".woff2") for url in asked)
    assert not missing
