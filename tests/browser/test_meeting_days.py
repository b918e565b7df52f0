"""A meeting from its series to a report out of its minutes, in a real browser: with scripts and without, by keyboard, on a
phone, in both languages, and nothing for axe to find."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, actors, attending, checking_in, planning
from models.actors import Actor
from models.base import now
from models.links import PostLink, Tie
from models.meetings import Meeting, Plan, Way
from models.planning import Around
from models.posts import Kind, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]
Faults = Callable[[Page], list[str]]
PHONE = {"width": 360, "height": 740}
WORDS = {
    "da-DK": ("Rækken af møder", "Du er tjekket ind", "Referat", "Skriv en erfaring ud fra det"),
    "en-GB": ("The series", "You are checked in", "Minutes", "Write a report from this"),
}


def one(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def planned(site: Site, title: str) -> int:
    def write(db: Session) -> int:
        starts = (now() + timedelta(days=10)).replace(tzinfo=None, hour=16, minute=0, second=0, microsecond=0)
        plan = Plan(
            title, "Tre korte oplæg.", starts=starts, ends=starts.replace(hour=18), place="Salen", town="Odense"
        )
        post = planning.publish(db, one(db, "camilla"), plan, Around(community=one(db, "udfordrere")))
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        return post.id

    return site.database.write(write)


def begin(site: Site, post_id: int, hours_ago: float) -> None:
    """Let it be that long after it began."""

    def write(db: Session) -> None:
        row = db.get_one(Meeting, post_id)
        row.starts_at = now() - timedelta(hours=hours_ago)
        row.ends_at = row.starts_at + timedelta(hours=2)

    site.database.write(write)


def speaks(site: Site, name: str, language: str) -> None:
    site.database.write(lambda db: accounts.set_language(db, accounts.by_username(db, name), language[:2]))


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def press(page: Page, selector: str, keyboard: bool) -> None:
    """Go on by a link or a button: with the mouse, or with the keyboard alone."""
    where = page.locator(selector).first
    if not keyboard:
        where.click()
        return
    where.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("language", "how"),
    [
        ("da-DK", {"viewport": PHONE}),
        ("en-GB", {"java_script_enabled": False}),
        ("en-GB", {"keyboard": True}),
        ("da-DK", {"viewport": PHONE, "java_script_enabled": False, "keyboard": True}),
    ],
    ids=["phone", "no-scripts", "keyboard", "phone-no-scripts-keyboard"],
)
def test_from_a_series_to_a_report_out_of_the_minutes(
    site: Site, faults: Faults, language: str, how: dict[str, object]
) -> None:
    how = dict(how)
    keyboard = bool(how.pop("keyboard", False))
    scripts = how.get("java_script_enabled", True)
    series, here, minutes, report = WORDS[language]
    title = f"Når jura siger nej {language} {keyboard} {scripts}"
    for name in ("camilla", "eva"):
        speaks(site, name, language)

    def fine(page: Page) -> None:
        if scripts:
            assert faults(page) == [], page.url
        assert fits(page), page.url

    post_id = planned(site, title)
    page = site.signed_in("camilla", locale=language, **how)
    page.goto(f"{site.origin}/posts/{post_id}/series")
    fine(page)
    page.fill("#count", "3")
    press(page, "button[value=pattern]", keyboard)
    page.wait_for_selector("#series")
    assert series in page.locator("#series h2").inner_text()
    assert page.locator("#series li").count() == 3
    fine(page)
    page.goto(f"{site.origin}/posts/{post_id}/meeting")
    assert page.locator("#scope-later").count() == 1
    fine(page)

    begin(site, post_id, 0.5)
    page.goto(f"{site.origin}/posts/{post_id}/door")
    assert page.locator("figure.door svg path").count() >= 1
    fine(page)
    code = site.database.write(lambda db: checking_in.code(db, db.get_one(Post, post_id)))
    eva = site.signed_in("eva", locale=language, **how)
    eva.goto(f"{site.origin}/posts/{post_id}/check-in/{code}")
    fine(eva)
    press(eva, "main form button", keyboard)
    eva.wait_for_selector(".said")
    assert here in eva.locator(".said").inner_text()
    eva.goto(f"{site.origin}/posts/{post_id}/check-in/{code}")
    assert here in eva.locator("main").inner_text()
    page.goto(f"{site.origin}/posts/{post_id}/door")
    assert page.locator("#who .good").count() == 1

    begin(site, post_id, 3)
    page.goto(f"{site.origin}/posts/{post_id}/minutes")
    fine(page)
    page.fill("#text", "Juraen siger ja, hvis foreningen er vært.\n\n- Hvem spørger økonomi?")
    press(page, "main form button.button-primary", keyboard)
    page.wait_for_selector("#minutes details")
    assert minutes in page.locator("#minutes h2").inner_text()

    eva.goto(f"{site.origin}/p/{post_id}")
    press(eva, "#minutes summary", keyboard)
    fine(eva)
    assert report in eva.locator("#minutes").inner_text()
    press(eva, "#minutes li:first-child button[value=report]", keyboard)
    eva.wait_for_selector("#wanted")
    assert eva.input_value("#wanted") == "Juraen siger ja, hvis foreningen er vært."
    eva.fill("#title", f"Foreningen er vært {title}")
    eva.fill("#abstract", "Så blev det et ja.")
    for _ in range(4):
        with eva.expect_navigation():
            press(eva, "main form button.button-primary", keyboard)
        if eva.locator("#phase").count():
            eva.check("#phase-pilot")
            eva.check("#outcome-lykkedes")
    assert eva.locator(f"[name=links][value$='/p/{post_id}']").count() == 1
    press(eva, "main form button.button-primary", keyboard)
    eva.wait_for_selector("article")

    def tied(db: Session) -> tuple[str, int | None]:
        made = db.scalars(
            select(Post).where(Post.title == f"Foreningen er vært {title}", Post.kind == Kind.EXPERIENCE)
        ).one()
        row = db.scalars(select(PostLink).where(PostLink.from_id == made.id)).one()
        return row.tie, row.to_id

    assert site.database.write(tied) == (Tie.ABOUT, post_id)
    eva.goto(f"{site.origin}/p/{post_id}")
    assert f"Foreningen er vært {title}" in eva.locator("main").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_month_is_a_list_on_a_phone_and_a_table_on_a_screen(site: Site, faults: Faults, scripts: bool) -> None:
    post_id = planned(site, f"I kalenderen {scripts}")
    with site.database.reading() as db:
        month = f"{db.get_one(Meeting, post_id).starts_at:%Y-%m}"
    for size, shown in ((PHONE, "block"), ({"width": 1280, "height": 900}, "table-cell")):
        page = site.open(viewport=size, java_script_enabled=scripts).new_page()
        page.goto(f"{site.origin}/meetings/calendar?month={month}")
        cell = page.locator(f"td:has(a[href^='/p/{post_id}'])")
        assert cell.evaluate("cell => getComputedStyle(cell).display") == shown
        assert page.locator("td.free").first.is_visible() is (shown == "table-cell")
        assert fits(page)
        if scripts:
            assert faults(page) == []
