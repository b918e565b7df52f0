"""Searching in a real browser: by the key, on a phone, and what was asked before while one types."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]
Faults = Callable[[Page], list[str]]


def test_the_key_leads_to_the_search_box_but_not_out_of_a_text(site: Site) -> None:
    page = site.signed_in("eva")
    page.goto(site.origin + "/questions")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("kommunernes/")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Søg")
    expect(page.locator("#words")).to_have_value("kommunernes/")
    expect(page.locator("mark").first).to_have_text(re.compile("^kommune[nr]$"))


def test_on_a_phone_search_is_one_tap_away(site: Site, faults: Faults) -> None:
    page = site.signed_in("eva", viewport={"width": 360, "height": 740})
    page.goto(site.origin + "/")
    page.locator(".find").click()
    page.locator("#words").fill("brnadhaner privat")
    page.locator("main button[type=submit]").first.click()
    expect(page.locator(".hits .title").first).to_contain_text("Må vi lægge")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_was_asked_before_comes_while_one_types_and_is_said(site: Site, faults: Faults) -> None:
    page = site.signed_in("eva")
    page.goto(site.origin + "/ask")
    page.locator("#title").press_sequentially("Hvordan lægger man brandhaner ud?", delay=5)
    like = page.locator("#similar[aria-live=polite] a")
    expect(like.first).to_contain_text("Må vi lægge vores brandhaner")
    assert faults(page) == []
    page.locator("#title").fill("xyzzy")
    expect(like).to_have_count(0)
