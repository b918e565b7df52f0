"""A member's whole way through the place, in a real browser, on two real nodes: from the invitation to the last page."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select

from models import accounts
from models.posts import Post
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD, settle
from tests.fediverse.processes import until
from tests.fediverse.towns import Towns
from tests.fediverse.walking import Manner, Walker
from tests.missing import missing

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHROMIUM = "/usr/bin/chromium"
TITLE = "Hvem har fået kommunens jurist til at sige ja til frivillige?"

MANNERS = {
    "mouse": Manner(),
    "keyboard": Manner(keyboard=True),
    "phone without scripts": Manner(width=360, scripts=False, dark=True),
    "English": Manner(language="en-GB"),
}


@pytest.fixture(scope="module")
def chromium(ground: Ground, towns: Towns) -> Iterator[Browser]:
    from pathlib import Path

    if not Path(CHROMIUM).exists():
        missing("Chromium is not installed")
    rules = ",".join(f"MAP {name} {address}" for name, address in ground.addresses.items())
    arguments = ["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", f"--host-resolver-rules={rules}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def invited(towns: Towns, email: str) -> str:
    """An invitation of the administrators."""
    token = towns.a.database.write(lambda db: accounts.invite(db, email=email))
    return f"/invitations/{token}"


def newest(towns: Towns, title: str) -> int:
    query = select(Post.id).where(Post.title == title).order_by(Post.id.desc())
    return towns.a.read(lambda db: db.scalars(query).first()) or 0


@pytest.mark.parametrize("name", MANNERS)
def test_somebody_walks_from_the_invitation_to_the_last_page(towns: Towns, chromium: Browser, name: str) -> None:
    manner = MANNERS[name]
    number = list(MANNERS).index(name)
    me, title = f"maja{number}", f"{TITLE[:-1]} i nummer {number}?"
    walker = Walker(chromium, towns.a, manner)
    page = walker.page

    # sign up by invitation, choose communities
    walker.open(invited(towns, f"{me}@a.example"))
    walker.write("#username", me)
    walker.write("#name", "Maja Lund")
    walker.write("#password", PASSWORD)
    walker.press("main form button[type=submit]")
    assert page.url.endswith("/start")
    if not page.locator(f"input[name=follow][value='{towns.torvet}']").is_checked():
        walker.tick(f"input[name=follow][value='{towns.torvet}']")
    walker.press("form[action='/start'] button[type=submit]")

    # ask
    walker.open("/")
    walker.press("header a.button-primary")
    walker.write("#title", title)
    walker.write("#text", "Vi har **prøvet** at spørge, og svaret blev væk.")
    walker.choose("#community", "Torvet")
    walker.tick("#barrier-regler")
    walker.press("form[action='/ask'] button.button-primary")
    assert title in page.locator("h1").inner_text()
    asked = newest(towns, title)

    # a second account answers and votes; so does somebody on the second node
    neighbour = Walker(chromium, towns.a, Manner(scripts=manner.scripts, width=manner.width))
    neighbour.sign_in("carl", PASSWORD)
    neighbour.open(f"/p/{asked}")
    neighbour.write("#answer textarea", "Spørg hende, før du skriver til hende. Så siger kommunerne ja.")
    neighbour.press("#answer button.button-primary")
    neighbour.press(f"form[action='/posts/{asked}/vote'] button", leads=not manner.scripts)
    seen = towns.question_on_b(asked)
    towns.bodil.reply(seen.id, "Hos os var det nok at vise den gamle afgørelse.")
    settle(towns.a, towns.b)

    # notices, then the answer is accepted
    walker.open("/notifications")
    assert "Carl" in page.locator("main").inner_text() or "carl" in page.locator("main").inner_text()
    walker.open(f"/p/{asked}")
    assert page.locator("article.answer").count() == 2
    assert towns.b.host in page.locator("main").inner_text()
    answer = page.locator("article.answer", has_text="Spørg hende").get_attribute("id")
    assert answer is not None
    walker.press(f"#{answer} form[action$='/accept'] button")
    assert "Spørg hende" in page.locator("article.answer.accepted").inner_text()
    until("the acceptance on B", lambda: towns.b.read(lambda db: db.get_one(Post, seen.id).accepted_id))

    # found by another form of the word
    walker.open("/search?q=kommunernes+jurister")
    assert title in page.locator("main").inner_text()

    # reported, and a moderator acts
    neighbour.open(f"/posts/{asked}/report")
    neighbour.write("#comment", "Der står et navn i spørgsmålet.")
    neighbour.press("form[action$='/report'] button.button-primary")

    # a copy of everything, then gone
    walker.open("/settings/data")
    walker.press("#copy")
    until("the copy", lambda: _is_ready(walker), seconds=30)
    with page.expect_download() as fetched:
        walker.press("a[download]", leads=False)
    with zipfile.ZipFile(io.BytesIO(fetched.value.path().read_bytes())) as copy:
        assert any(re.search(r"outbox\.json$", name) for name in copy.namelist())
    walker.open("/settings/delete")
    walker.write("#username", me)
    walker.write("main #password", PASSWORD)
    walker.press("form[action='/settings/delete'] button[type=submit]")
    assert page.goto(f"{towns.a.origin}/u/{me}").status == 404  # type: ignore[union-attr]
    walker.faults.clear()  # Chromium calls the 404 an error
    neighbour.close()
    walker.close()


def _is_ready(walker: Walker) -> bool:
    walker.open("/settings/data")
    return walker.page.locator("a[download]").count() == 1
