"""Giving an app access in a real browser, which holds our content policy against every redirect."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from models import accounts, oauth, oauth_apps
from models.redirects import OUT_OF_BAND
from tests.browser.conftest import Site
from tests.browser.test_pages import overflows
from tests.world import PASSWORD

pytestmark = [pytest.mark.browser]

PLACE = "https://app.example/back"
Faults = Callable[[Page], list[str]]


def link(site: Site, **changed: str) -> str:
    """What a freshly registered app sends people to."""
    app, _ = site.database.write(
        lambda db: oauth_apps.register(
            db,
            name="Elk",
            redirect_uris=[PLACE, OUT_OF_BAND],
            wanted="read write follow push",
            website="https://elk.example",
        )
    )
    asked = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": PLACE,
        "scope": "read write follow push",
    }
    return f"{site.origin}/oauth/authorize?{urlencode({**asked, **changed})}"


def arrives(page: Page, button: str, place: str) -> None:
    """The browser leaves for the app's place, and nothing but its name, which nobody has, is in the way."""
    with page.expect_event("requestfailed", lambda request: re.fullmatch(place, request.url) is not None) as left:
        page.click(button)
    assert left.value.failure == "net::ERR_NAME_NOT_RESOLVED"


def test_the_way_from_the_app_over_signing_in_and_back(site: Site) -> None:
    page = site.open(java_script_enabled=False).new_page()
    page.goto(link(site, state="17"))
    page.fill("#login", "birk")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    assert "Vil du give Elk adgang til din konto?" in page.locator("h1").inner_text()
    arrives(page, "text=Giv adgang", r"https://app\.example/back\?code=[\w-]+&state=17")


def test_a_no_leads_back_to_the_app_too(site: Site) -> None:
    page = site.signed_in("birk")
    page.goto(link(site))
    arrives(page, "text=Nej, gå tilbage", r"https://app\.example/back\?error=access_denied.*")


@pytest.mark.parametrize(
    ("width", "theme", "language"),
    [(360, "light", "da"), (360, "dark", "en"), (1280, "light", "en"), (1280, "dark", "da")],
)
def test_the_pages_of_apps_are_accessible(site: Site, faults: Faults, width: int, theme: str, language: str) -> None:
    site.database.write(
        lambda db: oauth.issue_for(
            db, accounts.by_username(db, "eva"), "read write", app_name="Et program med langt navn"
        )
    )
    page = site.signed_in("eva", color_scheme=theme, viewport={"width": width, "height": 800})

    def judge(name: str) -> None:
        assert faults(page) == [], name
        assert not overflows(page), name

    page.goto(link(site, lang=language))
    judge("question")
    page.goto(link(site, lang=language, redirect_uri=OUT_OF_BAND))
    page.click("main button[value=allow]")
    assert page.locator("#code").inner_text()
    judge("code")
    page.goto(link(site, lang=language, redirect_uri=OUT_OF_BAND, response_type="token"))
    judge("refused")
    page.goto(link(site, redirect_uri="https://evil.example/"))
    judge("untrusted")
    page.goto(f"{site.origin}/settings/apps")
    page.locator("details:not(.menu) > summary").first.click()
    judge("apps")
