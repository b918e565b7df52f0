"""Threads in a browser: what the scripts add, and that everything goes without them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from sqlalchemy import select

from models import actors, notifications, posts, reactions, threads
from models.posts import Draft, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]

Faults = Callable[[Page], list[str]]
ECONOMY = "Lederen siger ja"


def number(site: Site, beginning: str = ECONOMY) -> int:
    with site.database.reading() as db:
        return db.scalars(select(Post.id).where(Post.title.startswith(beginning))).one()


def listen(page: Page) -> list[str]:
    """What the browser complains about from now on: scripts it stopped, and those that failed."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def test_data_for_search_engines_breaks_no_policy_and_scripts_run(site: Site) -> None:
    page = site.signed_in("farid")
    said = listen(page)
    page.goto(f"{site.origin}/p/{number(site)}")
    assert page.locator('script[type="application/ld+json"]').count() == 1
    page.wait_for_load_state("networkidle")
    assert said == []


def test_a_vote_counts_without_loading_the_page_again(site: Site) -> None:
    page = site.signed_in("farid")
    said = listen(page)
    page.goto(f"{site.origin}/p/{number(site)}")
    with site.database.reading() as db:
        before = posts.get(db, number(site)).up
    page.evaluate("window.here = true")
    button = page.locator("article.post form.voting button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("Your vote is counted.")
    expect(button).to_contain_text(str(before + 1))
    assert page.evaluate("document.activeElement.closest('form.voting') !== null")
    assert page.evaluate("window.here") is True
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_have_text("Your vote is taken back.")
    with site.database.reading() as db:
        assert posts.get(db, number(site)).up == before
    assert said == []


def test_a_vote_that_the_script_cannot_bring_is_told_by_a_page(site: Site) -> None:
    page = site.signed_in("farid")
    page.goto(f"{site.origin}/p/{number(site)}")
    page.evaluate("document.querySelector('article.post form.voting [name=token]').value = 'old'")
    page.locator("article.post form.voting button").first.click()
    expect(page.locator("h1")).to_have_text("That is not allowed")


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_what_else_can_be_done_is_read_whole(site: Site, width: int) -> None:
    page = site.signed_in("anna", viewport={"width": width, "height": 900})
    page.goto(f"{site.origin}/p/{number(site)}")
    for more in page.locator(".doings summary").all():
        more.click()
        box = more.locator("xpath=..").locator(".sheet").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        more.click()


def test_the_count_of_notices_grows_while_the_page_is_open(site: Site) -> None:
    page = site.signed_in("eva")
    site.database.write(lambda db: notifications.mark_read(db, actors.by_handle(db, "eva").id))  # type: ignore[union-attr]
    page.goto(f"{site.origin}/questions")
    bell = page.locator('a.bell[href="/notifications"]')
    expect(bell.locator(".count")).to_have_count(0)

    def answer(db: object) -> None:
        farid = actors.by_handle(db, "farid")  # type: ignore[arg-type]
        threads.answer(db, farid, posts.get(db, number(site)), Draft("Spørg mig."))  # type: ignore[arg-type]

    site.database.write(answer)
    bell.dispatch_event("torv:ask")
    expect(bell.locator(".figure")).to_have_text("1")
    expect(page.locator("#live")).to_have_text("Ulæste beskeder: 1")
    site.database.write(lambda db: notifications.mark_read(db, actors.by_handle(db, "eva").id))  # type: ignore[union-attr]
    bell.dispatch_event("torv:ask")
    expect(bell.locator(".count")).to_have_count(0)


def test_a_draft_keeps_itself_while_one_writes(site: Site) -> None:
    page = site.signed_in("birk")
    page.clock.install()
    page.goto(f"{site.origin}/ask")
    page.fill("#title", "Hvem har lånt en mødesal ud?")
    page.fill("#text", "Vi må ikke, siger nogen.")
    page.clock.run_for(16_000)
    expect(page.locator(".drafted")).to_have_text("Din kladde er gemt.")
    page.goto(f"{site.origin}/drafts")
    page.click("text=Hvem har lånt en mødesal ud?")
    expect(page.locator("#text")).to_have_value("Vi må ikke, siger nogen.")


def test_preview_and_draft_work_without_scripts(site: Site) -> None:
    page = site.signed_in("birk", java_script_enabled=False)
    page.goto(f"{site.origin}/ask")
    page.fill("#title", "Hvem har lånt et kamera?")
    page.fill("#text", "Et **rigtigt** kamera.")
    page.click("text=Forhåndsvis")
    expect(page.locator("#preview strong")).to_have_text("rigtigt")
    page.click("text=Gem som kladde")
    expect(page.locator("[role=status]").first).to_contain_text("Din kladde er gemt.")
    page.select_option("#community", label="Offentlige udfordrere")
    page.click("text=Stil spørgsmålet")
    assert page.locator("h1").inner_text() == "Hvem har lånt et kamera?"
    page.goto(f"{site.origin}/drafts")
    assert "Hvem har lånt et kamera?" not in page.locator("main").inner_text()


def test_asking_anonymously_without_scripts(site: Site) -> None:
    page = site.signed_in("eva", java_script_enabled=False)
    page.goto(f"{site.origin}/ask")
    page.fill("#title", "Hvordan siger I det til en chef?")
    page.select_option("#community", label="Offentlige udfordrere")
    page.check("#face-anonymous")
    page.click("text=Stil spørgsmålet")
    assert "Det er dit." in page.locator("main").inner_text()
    stranger = site.open(java_script_enabled=False).new_page()
    stranger.goto(page.url)
    assert "Anonym" in stranger.locator("main").inner_text()
    assert "Eva" not in stranger.locator("main").inner_text()
    assert "Lindqvist" not in stranger.content()


def test_the_link_is_copied_with_one_press(site: Site) -> None:
    page = site.open(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(f"{site.origin}/posts/{number(site)}/from-home")
    page.click("text=Kopiér linket")
    expect(page.locator("text=Kopieret").first).to_be_visible()
    assert f"/p/{number(site)}/" in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_history_previews_and_long_threads_are_accessible(site: Site, faults: Faults, theme: str) -> None:
    page = site.signed_in("eva", color_scheme=theme, viewport={"width": 360, "height": 800})
    page.goto(f"{site.origin}/posts/{number(site)}/edit")
    page.fill("#text", f"Helt andre ord, {theme}. Tager I økonomi med fra begyndelsen?")
    page.click("text=Forhåndsvis")
    assert faults(page) == []
    page.click("main button.button-primary")
    page.goto(f"{site.origin}/posts/{number(site)}/history")
    assert page.locator("del").count()
    assert faults(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def crowd(db: object) -> int:
        one = lambda name: actors.by_handle(db, name)  # type: ignore[arg-type]  # noqa: E731
        root = threads.ask(db, one("david"), one("udfordrere"), Draft("x", f"Hvor står jeres bænk, {theme}?"))  # type: ignore[arg-type]
        for at in range(33):
            reactions.vote(db, one("eva"), threads.answer(db, one("birk"), root, Draft(f"Nummer {at}")))  # type: ignore[arg-type]
        return root.id

    page.goto(f"{site.origin}/p/{site.database.write(crowd)}")
    assert faults(page) == []
    page.click("a[rel=next]")
    assert "page=2" in page.url
    assert faults(page) == []


def test_similar_questions_come_to_stand_beside_one_and_are_a_link_without_scripts(site: Site) -> None:
    def ask(db: object) -> int:
        author, group = actors.by_handle(db, "birk"), actors.by_handle(db, "udfordrere")  # type: ignore[arg-type]
        assert author is not None
        assert group is not None
        titles = ("Hvem har malet en busskurtavle?", "Må man male en busskurtavle grøn?")
        made = [threads.ask(db, author, group, Draft("x", title)) for title in titles]  # type: ignore[arg-type]
        return made[0].id

    asked = site.database.write(ask)
    page = site.open().new_page()
    said = listen(page)
    page.goto(f"{site.origin}/p/{asked}")
    page.get_by_role("heading", name="Lignende spørgsmål").scroll_into_view_if_needed()
    expect(page.locator("aside [data-alike] li")).to_contain_text("Må man male en busskurtavle grøn?")
    assert said == []
    plain = site.open(java_script_enabled=False).new_page()
    plain.goto(f"{site.origin}/p/{asked}")
    plain.get_by_role("link", name="Se lignende spørgsmål").click()
    expect(plain.locator("main")).to_contain_text("Må man male en busskurtavle grøn?")


def test_the_slash_leads_to_the_page_of_searching_where_there_is_no_room_for_a_box(site: Site) -> None:
    page = site.open(viewport={"width": 640, "height": 512}).new_page()
    page.goto(f"{site.origin}/questions")
    page.keyboard.press("/")
    page.wait_for_url(f"{site.origin}/search")
