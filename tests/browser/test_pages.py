"""Every page in a real browser: usable by everybody, on a phone and a large screen, in light and dark, in both languages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, appeals, cases, house, moderation, sanctions, threads
from models.posts import Draft, Kind, Post
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser]

OPEN_PAGES = (
    "/",
    "/questions",
    "/search",
    "/search?q=kommunernes",
    "/search?q=brnadhaner+privat&state=accepted",
    "/communities",
    "/c/udfordrere",
    "/u/anna",
    "/organizations",
    "/org/havby",
    "/org/havby/members",
    "/sign-in",
    "/about",
    "/accessibility",
    "/privacy-policy",
    "/contact",
    "/moderation",
    "/nowhere",
)
OWN_PAGES = (
    *("/", "/questions", "/questions?order=unanswered", "/communities", "/c/udfordrere", "/u/birk", "/t/regler"),
    *("/drafts", "/followed", "/ask?to=birk", "/posts/{q}/duplicate", "/posts/{q}/similar"),
    *("/ask", "/post", "/follow", "/requests", "/notifications", "/settings", "/settings/account", "/settings/apps"),
    *(
        "/settings/blocks",
        "/settings/affiliations",
        "/settings/data",
        "/settings/move",
        "/settings/delete",
        "/org/havby/manage",
        "/admin/organizations",
        "/admin/reports",
        "/admin/reports/{report}",
        "/admin/reports?state=closed",
        "/admin/appeals",
        "/admin/actors/{birk}/act",
        "/sanctions/{sanction}",
        "/admin/domains",
        "/admin/tags",
        "/admin/lists",
        "/admin/people",
        "/admin/people?q=birk",
        "/admin/people/{person}",
        "/admin/audit",
        "/admin/health",
        "/admin/letters/drop?all=1",
        "/t/gåhjemmøde?list=questions",
        "/admin/identity",
        "/communities/new",
        "/communities?q=zebra",
        "/c/aabne_data/members",
        "/admin/registrations",
        "/admin/sign-ups",
        "/invitations",
        "/settings/notices",
        "/notifications/aside",
        "/start",
        "/intents/follow?uri=birk",
        "/posts/{q}/reply",
        "/posts/{q}/history",
    ),
    *("/posts/{q}/report", "/posts/{q}/from-home", "/posts/{mine}/edit", "/posts/{mine}/delete", "/p/{q}", "/p/{note}"),
)
Faults = Callable[[Page], list[str]]


def filled(site: Site, path: str) -> str:
    """The path with a question, a post of Anna's and a note in it."""
    with site.database.reading() as db:
        anna = actors.by_handle(db, "anna")
        assert anna is not None
        q = db.scalars(select(Post.id).where(Post.title.startswith("Hvordan fik I"))).one()
        mine = db.scalars(select(Post.id).where(Post.author_id == anna.id, Post.kind != Kind.COMMENT)).first()
        note = db.scalars(select(Post.id).where(Post.kind == Kind.NOTE, Post.visibility == "public")).first()
    birk, report, sanction = moderated(site) if "/admin/" in path or "{sanction}" in path else (0, 0, 0)
    return path.format(q=q, mine=mine, note=note, person=anna.id, birk=birk, report=report, sanction=sanction)


def moderated(site: Site) -> tuple[int, int, int]:
    """Birk, a report about him, and a decision he has appealed; made when first asked for."""

    def make(db: Session) -> tuple[int, int, int]:
        people = {name: actors.by_handle(db, name) for name in ("birk", "eva", "camilla")}
        birk, eva, camilla = people["birk"], people["eva"], people["camilla"]
        assert birk is not None
        assert eva is not None
        assert camilla is not None
        if known := sanctions.of(db, birk.id):
            assert known[0].report_id is not None
            return birk.id, known[0].report_id, known[0].id
        house.set_rules(db, ["Ingen reklame", "Gå efter bolden"])
        asked = db.scalars(select(Post).where(Post.title.startswith("Hvordan fik I"))).one()
        report = moderation.report(db, eva, target=birk, post_uris=[asked.uri], comment="Reklame", rules=[1])
        assert report is not None
        cases.add_note(db, report.id, "Jeg taler med ham.", by=camilla)
        row = sanctions.impose(
            db, birk, "warn", by=camilla, reason="Sælg det et andet sted.", rule="Ingen reklame", report_id=report.id
        )
        appeals.appeal(db, row, "Det er gratis.", account_id=birk.id)
        return birk.id, report.id, row.id

    return site.database.write(make)


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["da-DK", "en-GB"])
def test_visitors_pages_are_accessible(site: Site, faults: Faults, theme: str, language: str) -> None:
    page = site.open(color_scheme=theme, locale=language).new_page()
    for path in OPEN_PAGES:
        page.goto(site.origin + path)
        assert page.locator("html").get_attribute("lang") == language[:2]
        assert faults(page) == [], path


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_own_pages_are_accessible(site: Site, faults: Faults, theme: str, width: int) -> None:
    page = site.signed_in("anna", color_scheme=theme, viewport={"width": width, "height": 800})
    for path in OWN_PAGES:
        answer = page.goto(site.origin + filled(site, path))
        assert answer is not None
        assert answer.status == 200, path
        assert faults(page) == [], path
        assert not overflows(page), path


def test_the_moderators_page_is_accessible(site: Site, faults: Faults) -> None:
    page = site.signed_in("camilla")
    with site.database.reading() as db:
        birk = actors.by_handle(db, "birk")
    assert birk is not None
    for path in ("bans", f"bans/new?actor={birk.id}", "settings", "close", "manage"):
        page.goto(f"{site.origin}/c/udfordrere/{path}")
        assert faults(page) == [], path
    page.click("details.menu > summary")
    assert faults(page) == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_runs_out_of_the_page(site: Site, width: int) -> None:
    page = site.open(viewport={"width": width, "height": 800}).new_page()
    for path in (*OPEN_PAGES, "/p/{q}", "/posts/{q}/from-home"):
        page.goto(site.origin + filled(site, path))
        assert not overflows(page), path


def test_twelve_questions_are_seen_at_once_on_a_large_screen(site: Site) -> None:
    def ask_many(db: object) -> None:
        author, group = actors.by_handle(db, "birk"), actors.by_handle(db, "udfordrere")  # type: ignore[arg-type]
        assert author is not None
        assert group is not None
        for number in range(15):
            title = f"Hvem har prøvet at gøre noget for nummer {number} gang uden at det blev væk?"
            threads.ask(db, author, group, Draft("x", title, visibility="node"))  # type: ignore[arg-type]

    site.database.write(ask_many)
    page = site.signed_in("birk")
    page.goto(f"{site.origin}/questions")
    boxes = [row.bounding_box() for row in page.locator(".rows > li").all()]
    seen = [box for box in boxes if box is not None and box["y"] + box["height"] <= 900]
    assert len(seen) >= 12


def test_lines_are_as_long_as_the_eye_likes_them(site: Site) -> None:
    page = site.open().new_page()
    page.goto(site.origin + filled(site, "/p/{q}"))
    paragraph = page.locator(".prose p").first
    assert paragraph.evaluate("p => getComputedStyle(p).fontSize") == "18px"
    letters = paragraph.evaluate(
        """p => {
          const range = document.createRange(), text = p.firstChild;
          let line = 0, longest = 0, y = null;
          for (let i = 0; i < text.length; i++) {
            range.setStart(text, i); range.setEnd(text, i + 1);
            const top = range.getBoundingClientRect().top;
            if (y !== null && Math.abs(top - y) > 4) { longest = Math.max(longest, line); line = 0; }
            y = top; line++;
          }
          return longest;
        }"""
    )
    assert 55 <= letters <= 80


def test_the_keyboard_reaches_the_content_first_and_focus_is_seen(site: Site) -> None:
    page = site.open().new_page()
    page.goto(f"{site.origin}/questions")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Gå til indholdet"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Tab")
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(width.removesuffix("px")) >= 2


def test_text_at_twice_its_size_still_fits(site: Site) -> None:
    page = site.open(viewport={"width": 640, "height": 450}).new_page()  # 1280 by 900 at 200 %
    for path in ("/questions", "/p/{q}", "/c/udfordrere"):
        page.goto(site.origin + filled(site, path))
        assert not overflows(page), path


def test_print_shows_the_thread_and_hides_the_buttons(site: Site) -> None:
    page = site.signed_in("anna")
    page.goto(site.origin + filled(site, "/p/{q}"))
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    assert page.locator(".answer .prose").first.is_visible()
    for hidden in (".site nav", ".doings", ".your-answer", "aside"):
        assert not page.locator(hidden).first.is_visible()
