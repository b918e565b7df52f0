"""The pages of rules, texts and announcements in a real browser, and what people see of them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from models import announcements
from tests.browser.conftest import Site

Faults = Callable[[Page], list[str]]

SHOWN = ("/", "/about", "/privacy-policy", "/admin/house", "/admin/announcements")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_rules_and_announcements_are_accessible_and_reach_their_readers(
    site: Site, faults: Faults, theme: str, width: int
) -> None:
    page = site.signed_in("anna", color_scheme=theme, viewport={"width": width, "height": 900})
    page.goto(f"{site.origin}/admin/house")
    page.fill("#rules", "Skriv, hvad du selv har prøvet.\nGå efter bolden.")
    page.fill("#privacy", "Vi gemmer *så lidt som muligt*.")
    page.click("main form button[type=submit]")
    page.goto(f"{site.origin}/admin/announcements")
    page.fill("#text", "Torvet er lukket på **fredag**.")
    page.fill("#ends", "2999-12-31")
    page.click("main form button[type=submit]")
    number = site.database.write(lambda db: announcements.everything(db)[0].id)
    for path in (*SHOWN, f"/admin/announcements/{number}"):
        page.goto(site.origin + path)
        assert faults(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), path
    page.goto(f"{site.origin}/")
    box = page.locator("section.alert", has_text="Torvet er lukket")
    assert box.count() == 1
    box.get_by_role("button").click()
    assert page.locator("section.alert", has_text="Torvet er lukket").count() == 0
    site.database.write(lambda db: announcements.withdraw(db, announcements.get(db, number)))
