"""What belongs together, calls for a meeting, and writing polls, in a real browser: with scripts and without, on a phone,
in both languages, and nothing for axe to find."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, calls, planning, threads
from models.actors import Actor
from models.meetings import Plan, Way
from models.planning import Around
from models.posts import Draft, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]
Faults = Callable[[Page], list[str]]
PHONE = {"width": 360, "height": 740}


def one(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def asked(site: Site, title: str) -> int:
    """A question of Camilla's that calls for a meeting, to which David and Eva would come."""

    def write(db: Session) -> int:
        question = threads.ask(db, one(db, "camilla"), one(db, "udfordrere"), Draft("", title, language="da"))
        calls.call(db, one(db, "camilla"), question)
        for name, code in (("david", "0751"), ("eva", "0461")):
            one(db, name).municipality = code
            calls.come(db, one(db, name), question, Way.WEB)
        return question.id

    return site.database.write(write)


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_words_in_the_field_find_posts_which_are_ticked_with_the_keyboard(site: Site, faults: Faults) -> None:
    asked(site, "Hvem låner en ladcykel ud?")
    page = site.signed_in("birk", viewport=PHONE)
    page.goto(f"{site.origin}/ask")
    page.locator("details.more summary").first.click()
    page.locator("#links-more").fill("ladcykel")
    box = page.locator("[data-found] input").first
    box.wait_for()
    assert faults(page) == []
    assert fits(page)
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_selector("[data-chosen] input:checked")
    assert page.locator("#links-more").input_value() == ""
    page.locator("#title").fill("Hvem betaler for ladcyklen?")
    page.locator("#community").select_option(label="Offentlige udfordrere")
    page.locator("main form button.button-primary").click()
    page.wait_for_selector("section.tied")
    assert "Hvem låner en ladcykel ud?" in page.locator("section.tied").inner_text()
    assert faults(page) == []


@pytest.mark.parametrize(("locale", "theme"), [("da-DK", "light"), ("en-GB", "dark")])
def test_somebody_would_come_without_scripts_on_a_phone(site: Site, faults: Faults, locale: str, theme: str) -> None:
    number = asked(site, f"Skal vi mødes om dørtelefoner ({theme})?")
    page = site.signed_in("birk", viewport=PHONE, locale=locale, color_scheme=theme, java_script_enabled=False)
    page.goto(f"{site.origin}/p/{number}")
    call = page.locator("#call")
    assert "Aarhus" in call.inner_text()
    call.locator("form[action$='/come'] button").click()
    page.wait_for_selector("#call [aria-pressed=true]")
    assert call.locator("a[href^='/meeting/new']").is_visible()
    seen = site.signed_in("anna", viewport=PHONE, locale=locale, color_scheme=theme)
    seen.goto(f"{site.origin}/p/{number}")
    assert "3" in seen.locator("#call").inner_text()
    assert faults(seen) == []
    assert fits(seen)


def test_a_meeting_is_planned_from_a_call_and_has_its_questions(site: Site, faults: Faults) -> None:
    number = asked(site, "Skal vi mødes om byhaver?")
    page = site.signed_in("camilla", viewport=PHONE)
    page.goto(f"{site.origin}/meeting/new?from={number}")
    assert page.locator("#title").input_value() == "Skal vi mødes om byhaver?"
    assert faults(page) == []
    assert fits(page)

    def plan(db: Session) -> int:
        made = Plan("Om byhaver", starts=datetime(2031, 12, 2, 16), place="Rådhuset")  # noqa: DTZ001 - a wall clock's
        question = db.get_one(Post, number)
        return planning.publish(db, one(db, "camilla"), made, Around(linked=(question,))).id

    meeting = site.database.write(plan)
    page.goto(f"{site.origin}/p/{meeting}")
    assert "Skal vi mødes om byhaver?" in page.locator("section.tied").first.inner_text()
    assert faults(page) == []
    assert fits(page)
    page.locator(f"a[href='/ask?about={meeting}']").click()
    page.wait_for_selector("[data-chosen] input:checked")


@pytest.mark.parametrize("locale", ["da-DK", "en-GB"])
def test_a_poll_is_written_in_a_community_on_a_phone_without_scripts(site: Site, faults: Faults, locale: str) -> None:
    text = f"Hvilket tema ({locale})?"
    page = site.signed_in("anna", viewport=PHONE, locale=locale)
    page.goto(f"{site.origin}/post")
    page.locator("details.more summary").first.click()
    assert faults(page) == []
    assert fits(page)
    page = site.signed_in("anna", viewport=PHONE, locale=locale, java_script_enabled=False)
    page.goto(f"{site.origin}/post")
    page.locator("#text").fill(text)
    page.locator("#community").select_option(label="Offentlige udfordrere")
    page.locator("details.more summary").first.click()
    page.locator("#options").fill("Regler\nPolitik\nVaner")
    page.locator("#multiple").check()
    page.locator("main form button.button-primary").click()
    page.wait_for_selector("table.figures")
    number = site.database.write(lambda db: db.scalar(select(Post.id).where(Post.source == text)))
    page = site.signed_in("anna", viewport=PHONE, locale=locale)
    page.goto(f"{site.origin}/posts/{number}/edit")
    assert page.locator("#options").input_value() == "Regler\nPolitik\nVaner"
    assert page.locator("#multiple").is_checked()
    assert faults(page) == []
    assert fits(page)
