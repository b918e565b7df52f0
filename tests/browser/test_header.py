"""The head of every page: the whole name of a municipality, all ways, and what is one's own, however wide the window."""

import pytest
from playwright.sync_api import Page

from models import identity
from tests.browser.conftest import Site
from tests.browser.test_pages import overflows

pytestmark = [pytest.mark.browser]

NAME = "Ringkøbing-Skjern Kommunes udfordrere"
MORE = ("Møder", "Dogmer", "Afstemninger")
CUT = """() => [...document.querySelectorAll('header.site > .wide > *, header.site .own > *')]
    .filter((part) => part.checkVisibility() && !part.matches('.own, .bell'))
    .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.outerHTML.slice(0, 80))"""


@pytest.fixture
def page_of(site: Site) -> Page:
    site.database.write(lambda db: identity.choose(db, name=NAME))
    return site.signed_in("anna", java_script_enabled=True, locale="da-DK")


@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1280, 1440])
def test_a_long_name_and_seven_ways_are_there_whole(site: Site, page_of: Page, width: int) -> None:
    page_of.set_viewport_size({"width": width, "height": 800})
    page_of.goto(f"{site.origin}/questions")
    for name in MORE:
        page_of.evaluate(
            """(name) => { for (const list of document.querySelectorAll('header.site nav ul'))
            list.append(Object.assign(list.firstElementChild.cloneNode(true), { textContent: name })); }""",
            name,
        )
    assert page_of.locator(".brand").inner_text() == NAME
    assert page_of.evaluate(CUT) == []
    assert not overflows(page_of)
    box = page_of.locator("header.site").bounding_box()
    assert box is not None
    assert box["height"] <= 100, "two lines, however narrow"


def test_the_ways_are_below_a_button_where_there_is_no_room(site: Site) -> None:
    """With the keyboard, and without scripts."""
    page = site.open(viewport={"width": 360, "height": 800}, java_script_enabled=False, locale="da-DK").new_page()
    page.goto(f"{site.origin}/questions")
    ways = page.get_by_role("navigation", name="Hoved").get_by_role("link")
    assert ways.count() == 0
    page.locator("header.site nav summary").focus()
    page.keyboard.press("Enter")
    assert [way.inner_text() for way in ways.all()][:2] == ["Hjem", "Spørgsmål"]
    assert page.get_by_role("link", name="Spørgsmål", exact=True).get_attribute("aria-current") == "page"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.origin}/")
