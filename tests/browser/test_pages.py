"""Every page in a real browser: usable by everybody, on a phone and a large screen, in light and dark, in both languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    announcements,
    appeals,
    cases,
    checking_in,
    domain_lists,
    duplicates,
    email_links,
    house,
    invitations,
    moderation,
    registrations,
    sanctions,
    threads,
    unsubscribing,
)
from models.accounts import Wait
from models.announcements import Announcement
from models.domain_lists import DomainList
from models.email_links import Purpose
from models.posts import Draft, Kind, Post
from server.app import (
    ACCOUNT,
    ADMINISTRATION,
    CALENDARS,
    COMMUNITY_MANAGEMENT,
    DEEDS,
    FEDERATION,
    FEEDS,
    OAUTH,
    ORGANIZATION_MANAGEMENT,
    PAGES,
)
from tests import world
from tests.browser.conftest import Faults, Site

pytestmark = [pytest.mark.browser]

OPEN_PAGES = (
    "/",
    "/questions",
    "/search",
    "/search?q=kommunernes",
    "/search?q=brnadhaner+privat&state=accepted",
    "/experience",
    "/experience?barrier=regler&outcome=lykkedes",
    "/experience/examples",
    "/experience/gap",
    "/experience/gap?barrier=love",
    "/p/{report_of}",
    "/meetings",
    "/meetings?show=past",
    "/meetings?near=0461",
    "/meetings/calendar",
    "/meetings/map",
    "/p/{held}",
    "/p/{meeting}",
    "/dogma",
    "/p/{dogma}",
    "/p/{proposed}",
    "/posts/{dogma}/versions",
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
    "/terms-of-service",
    "/sign-up",
    "/password",
    "/actor",
    "/p/{q}",
    "/nowhere",
)
BY_LINK = ("/confirm/{confirm}", "/password/{password}", "/unsubscribe/{unsubscribe}", "/invitations/{invitation}")
"""What links in letters lead to, read by somebody who is signed in nowhere."""
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
    *("/admin/house", "/admin/announcements", "/admin/announcements/{announcement}", "/admin/lists/{list}"),
    *("/posts/{mine}/quotes", "/actors/{person}/followers", "/actors/{person}/following", "/actors/{someone}/report"),
    *("/intents/object?uri={uri}", "/authorize_interaction?uri={uri}"),
    *("/experience/new", "/experience/new?step=2", "/experience/new?step=3", "/experience/new?step=4"),
    *(
        "/experience/new?step=5",
        "/p/{report_of}",
        "/posts/{own_report}/since",
        "/posts/{own_report}/experience",
        "/admin/kle",
    ),
    *("/meetings", "/meeting/new", "/p/{meeting}", "/posts/{meeting}/meeting", "/posts/{meeting}/cancel"),
    "/posts/{meeting}/attendees",
    *(
        "/dogma",
        "/dogma/new",
        "/p/{dogma}",
        "/posts/{proposed}/version",
        "/posts/{dogma}/versions",
        "/posts/{proposed}/decide",
    ),
    *("/posts/{meeting}/attendees", "/posts/{meeting}/series", "/posts/{meeting}/door", "/meetings/mine"),
    *("/posts/{meeting}/check-in/{code}", "/p/{held}"),
    *("/posts/{q}/report", "/posts/{q}/from-home", "/posts/{mine}/edit", "/posts/{mine}/delete", "/p/{q}", "/p/{note}"),
)
MODERATORS_PAGES = ("calendars", "bans", "bans/new?actor={someone}", "settings", "close", "manage")
"""Of a community, below its address."""

NO_PAGES = {
    "/p/{id:int}/linked": "a collection, for servers",
    "/p/{id:int}/attendees": "a collection, for servers",
    "/posts/{id:int}/attendees.csv": "a file",
    "/p/{id:int}/coming": "a collection, for servers",
    "/p/{id:int}/endorsements": "a collection, for servers",
    "/experience/gap.csv": "a file",
    "/experience/gap.json": "a file",
    "/feeds/experience": "a feed",
    "/posts/{id:int}/minutes": "its organiser's, once it has begun: see test_meeting_days.py",
    "/meetings.ics": "a calendar file",
    "/meetings/in/{code}.ics": "a calendar file",
    "/meetings/mine/{token}.ics": "a calendar file",
    "/c/{name}/meetings.ics": "a calendar file",
    "/posts/{id:int}/meeting.ics": "a calendar file",
    "/.well-known/webfinger": "JSON",
    "/.well-known/host-meta": "XML",
    "/.well-known/nodeinfo": "JSON",
    "/.well-known/oauth-authorization-server": "JSON",
    "/nodeinfo/{version:str}": "JSON",
    "/actor/outbox": "JSON",
    "/activities/{id:int}": "JSON",
    "/p/{id:int}/context": "JSON",
    "/p/{id:int}/replies": "JSON",
    "/p/{id:int}/likes": "JSON",
    "/p/{id:int}/shares": "JSON",
    "/p/{id:int}/quotes/{stamp:int}": "JSON",
    "/oauth/userinfo": "JSON",
    "/notifications/count": "JSON",
    "/c/{name}/moderators": "JSON",
    "/c/{name}/tag/{tag}": "leads on",
    "/tags/{tag}": "leads on",
    "/tags/{tag}/": "leads on",
    "/@{handle}": "leads on",
    "/login": "leads on",
    "/ask/similar": "a part of a page",
    "/posts/find": "a part of a page",
    "/admin/domains/export": "a file",
    "/settings/data/copy/{id:int}": "a file",
    **{f"/feeds/{one}": "Atom" for one in ("questions", "unanswered", "public", "community/{name}", "tag/{tag}",
                                           "person/{name}", "thread/{id:int}")},
    **{f"/{whose}/{{name}}/{what}": "JSON" for whose in ("u", "org", "c")
       for what in ("outbox", "followers", "following", "featured", "followers_synchronization")},
    "/oauth/authorize": "opened by tests/browser/test_apps.py",
    "/oauth/authorize/": "opened by tests/browser/test_apps.py",
    "/waiting": "opened below",
    "/p/{id:int}/{slug}": "where /p/{id} leads",
    "/admin/domains/import": "where a file that was sent leads",
}  # fmt: skip
"""What is read with GET and is no page of its own, and why."""

NUMBERS = (
    "q",
    "mine",
    "note",
    "person",
    "birk",
    "report",
    "sanction",
    "someone",
    "announcement",
    "list",
    "report_of",
    "own_report",
    "meeting",
    "dogma",
    "proposed",
    "held",
)
TEXTS = ("code", "uri", "confirm", "password", "unsubscribe", "invitation")
"""What stands for something in the paths above."""


def filled(site: Site, path: str) -> str:
    """The path with a question, a post of Anna's and a note in it."""
    with site.database.reading() as db:
        anna = actors.by_handle(db, "anna")
        assert anna is not None
        q = db.scalars(select(Post.id).where(Post.title.startswith("Hvordan fik I"))).one()
        others = (Kind.COMMENT, Kind.EXPERIENCE, Kind.EVENT)
        meeting = db.scalars(select(Post.id).where(Post.kind == Kind.EVENT, Post.author_id == anna.id)).one()
        mine = db.scalars(select(Post.id).where(Post.author_id == anna.id, Post.kind.not_in(others))).first()
        note = db.scalars(select(Post.id).where(Post.kind == Kind.NOTE, Post.visibility == "public")).first()
        someone = actors.by_handle(db, "birk")
        assert someone is not None
        uri = quote(db.get_one(Post, q).uri, safe="")
        reports = select(Post.id).where(Post.kind == Kind.EXPERIENCE)
        report_of = db.scalars(reports.where(Post.title.startswith("Sådan kom løberne"))).one()
        dogma, proposed = db.scalars(select(Post.id).where(Post.kind == Kind.DOGMA).order_by(Post.id))
        own_report = db.scalars(reports.where(Post.author_id == anna.id)).one()
        held = db.scalars(
            select(Post.id).where(Post.kind == Kind.EVENT, Post.author_id == someone.id).order_by(Post.id)
        ).first()
        code = checking_in.code(db, db.get_one(Post, meeting))
    birk, report, sanction = moderated(site) if "/admin/" in path or "{sanction}" in path else (0, 0, 0)
    known = {"q": q, "mine": mine, "note": note, "person": anna.id, "birk": birk, "report": report, "uri": uri}
    known |= {"sanction": sanction, "someone": someone.id, "report_of": report_of}
    known |= {"own_report": own_report, "meeting": meeting}
    known["own_report"] = own_report
    known |= {"dogma": dogma, "proposed": proposed}
    known |= {"own_report": own_report, "meeting": meeting, "held": held, "code": code}
    if any(f"{{{name}}}" in path for name in ("announcement", "list")):
        known |= site.database.write(housed)
    return path.format(**known)


def housed(db: Session) -> dict[str, int]:
    """An announcement and a shared list that waits to be read; made when first asked for."""
    anna = actors.by_handle(db, "anna")
    assert anna is not None
    said = db.scalars(select(Announcement.id)).first() or announcements.announce(db, "Fredag er der kage.").id
    url = "https://lists.example/servers.csv"
    known = db.scalars(select(DomainList.id)).first() or domain_lists.subscribe(db, url, by=anna).id
    return {"announcement": said, "list": known}


def secrets_of(db: Session) -> dict[str, str]:
    """What stands in links of letters that were never sent."""
    eva = accounts.by_username(db, "eva")
    return {
        "confirm": email_links.make(db, eva, Purpose.CONFIRM, "eva@b.example"),
        "password": email_links.make(db, eva, Purpose.PASSWORD, eva.email),
        "unsubscribe": unsubscribing.token(db, eva.id, "digest"),
        "invitation": invitations.invite(db, by=eva.id),
    }


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


@contextmanager
def in_the_dark(page: Page, width: int) -> Iterator[None]:
    """The page as it is, seen by somebody who has it dark, in a window so wide."""
    before = page.viewport_size
    assert before is not None
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": width, "height": before["height"]})
    yield
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("language", ["da-DK", "en-GB"])
def test_visitors_pages_are_accessible(site: Site, faults: Faults, language: str) -> None:
    page = site.open(color_scheme="light", locale=language, reduced_motion="reduce").new_page()
    for path in OPEN_PAGES:
        page.goto(site.origin + filled(site, path))
        assert page.locator("html").get_attribute("lang") == language[:2]
        assert faults(page) == [], path
        with in_the_dark(page, 1280):
            assert faults(page, colours_only=True) == [], path


def test_pages_behind_links_in_letters_are_accessible(site: Site, faults: Faults) -> None:
    narrow = {"width": 360, "height": 800}
    page = site.open(color_scheme="light", viewport=narrow, reduced_motion="reduce").new_page()
    found = site.database.write(secrets_of)
    for path in BY_LINK:
        answer = page.goto(site.origin + path.format(**found))
        assert answer is not None
        assert answer.status == 200, path
        assert faults(page) == [], path
        assert not overflows(page), path
        with in_the_dark(page, 360):
            assert faults(page, colours_only=True) == [], path


@pytest.mark.parametrize("wait", [Wait.CONFIRMATION, Wait.APPROVAL])
def test_the_page_of_who_waits_is_accessible(site: Site, faults: Faults, wait: Wait) -> None:
    name = f"gry{wait}"[:20]

    def sign_up(db: Session) -> None:
        account = accounts.create(db, username=name, email=f"{name}@havby.example", password=world.PASSWORD)
        registrations.keep_waiting(db, account, wait)

    site.database.write(sign_up)
    page = site.open(viewport={"width": 360, "height": 800}).new_page()
    page.goto(f"{site.origin}/sign-in")
    page.fill("#login", name)
    page.fill("#password", world.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{site.origin}/waiting")
    assert faults(page) == []
    assert not overflows(page)


def test_a_thread_with_what_is_folded_away_is_accessible(site: Site, faults: Faults) -> None:
    """Answers of somebody limited, and a question that was merged into an earlier one."""

    def fold(db: Session) -> int:
        people = {name: actors.by_handle(db, name) for name in ("farid", "camilla", "david", "udfordrere")}
        farid, camilla, david, group = (found for found in people.values() if found is not None)
        asked = threads.ask(db, david, group, Draft("x", "Hvem har en ekstra trillebør?"))
        later = threads.ask(db, david, group, Draft("x", "Findes der en trillebør til overs?"))
        threads.answer(db, farid, later, Draft("Måske."))
        threads.comment(db, farid, asked, Draft("Hvor stor?"))
        duplicates.mark(db, camilla, later, asked)
        duplicates.merge(db, camilla, later)
        sanctions.impose(db, farid, "limit", by=camilla, reason="Reklame")
        return later.id

    later = site.database.write(fold)
    page = site.signed_in("camilla", viewport={"width": 360, "height": 800})
    page.goto(f"{site.origin}/p/{later}")
    assert page.url.endswith(f"#p{later}")
    assert faults(page) == []
    for fold in page.locator("details.more > summary").all():
        if fold.is_visible():
            fold.click()
    assert faults(page) == []
    assert not overflows(page)


def test_no_page_is_forgotten() -> None:
    """Every route that is read with GET is on one of the lists above, or said to be no page."""
    asked = [*OPEN_PAGES, *OWN_PAGES, *BY_LINK, *(f"/c/udfordrere/{path}" for path in MODERATORS_PAGES)]
    numbers = dict.fromkeys(NUMBERS, "1")
    paths = [path.partition("?")[0].format_map({**numbers, **dict.fromkeys(TEXTS, "x")}) for path in asked]
    routes = [*FEDERATION, *PAGES, *FEEDS, *CALENDARS, *DEEDS, *COMMUNITY_MANAGEMENT, *ORGANIZATION_MANAGEMENT]
    routes += [*ACCOUNT, *OAUTH, *ADMINISTRATION]
    read = [route for route in routes if "GET" in (route.methods or ())]
    assert len(read) > 100
    named = {route.path for route in read}
    assert set(NO_PAGES) <= named
    forgotten = [
        route.path
        for route in read
        if route.path not in NO_PAGES and not any(route.path_regex.match(path) for path in paths)
    ]
    assert forgotten == []


@pytest.mark.slow
@pytest.mark.parametrize(("language", "width", "in_the_dark_at"), [("da", 360, 1280), ("en", 1280, 360)])
def test_own_pages_are_accessible(site: Site, faults: Faults, language: str, width: int, in_the_dark_at: int) -> None:
    """On a phone and on a large screen, each in light and dark; no page is wider than either, in both languages."""
    site.database.write(lambda db: accounts.set_language(db, accounts.by_username(db, "anna"), language))
    screen = {"width": width, "height": 800}
    page = site.signed_in("anna", color_scheme="light", viewport=screen, reduced_motion="reduce")
    for path in OWN_PAGES:
        answer = page.goto(site.origin + filled(site, path))
        assert answer is not None
        assert answer.status == 200, path
        assert faults(page) == [], path
        assert not overflows(page), path
        with in_the_dark(page, in_the_dark_at):
            assert faults(page, colours_only=True) == [], path
            assert not overflows(page), path


def test_the_moderators_page_is_accessible(site: Site, faults: Faults) -> None:
    page = site.signed_in("camilla")
    with site.database.reading() as db:
        birk = actors.by_handle(db, "birk")
    assert birk is not None
    for path in MODERATORS_PAGES:
        page.goto(f"{site.origin}/c/udfordrere/{path.format(someone=birk.id)}")
        assert faults(page) == [], path
    page.click(".own details.menu > summary")
    assert faults(page) == []


def test_nothing_runs_out_of_the_page(site: Site) -> None:
    page = site.open().new_page()
    for path in (*OPEN_PAGES, "/posts/{q}/from-home"):
        page.goto(site.origin + filled(site, path))
        for width in (320, 360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert not overflows(page), (path, width)


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


def test_print_shows_a_report_whole_and_no_form(site: Site) -> None:
    page = site.signed_in("anna")
    page.goto(site.origin + filled(site, "/p/{report_of}"))
    page.emulate_media(media="print")
    for shown in ("h1", ".case-facts", ".report .prose", ".follow-up .prose"):
        assert page.locator(shown).first.is_visible(), shown
    for hidden in (".site nav", ".doings", ".your-answer", "aside"):
        assert not page.locator(hidden).first.is_visible(), hidden


@pytest.mark.parametrize("language", ["da-DK", "en-GB"])
def test_the_map_is_reached_and_followed_by_keyboard(site: Site, language: str) -> None:
    page = site.open(locale=language).new_page()
    page.goto(f"{site.origin}/experience/gap")
    place = page.locator("figure.map a").first
    said = place.get_attribute("aria-label")
    assert said is not None
    assert ("in all" if language == "en-GB" else "i alt") in said
    place.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/experience?municipality=" in page.url
    assert page.locator(".rows > li").count() == 1


def test_what_a_barrier_was_like_is_asked_where_it_is_ticked(site: Site) -> None:
    for scripts in (True, False):
        page = site.signed_in("birk", java_script_enabled=scripts)
        page.goto(f"{site.origin}/experience/new?step=2")
        assert not page.locator("#obstacle_regler").is_visible()
        page.check("#barrier-regler")
        assert page.locator("#obstacle_regler").is_visible()
