"""A member's whole way through the place, in a real browser, on two real nodes: from the invitation to the last page."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, digests, invitations
from models.accounts import Role
from models.base import now
from models.digests import Digest
from models.posts import Post
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD
from tests.fediverse.processes import until
from tests.fediverse.towns import Towns
from tests.fediverse.walking import Manner, Walker
from tests.server.mailing import MailServer, smtp_server

pytestmark = [pytest.mark.slow, pytest.mark.browser]
TITLE = "Hvem har fået kommunens jurist til at sige ja til frivillige?"
EARLIER = "Hvordan får man kommunens jurist til at sige ja til frivillige på plejehjem?"

MANNERS = {
    "mouse": Manner(),
    "keyboard": Manner(keyboard=True),
    "phone without scripts": Manner(width=360, scripts=False, dark=True),
    "English": Manner(language="en-GB"),
}


@pytest.fixture(scope="module")
def post_box() -> Iterator[MailServer]:
    with smtp_server() as server:
        yield server


@pytest.fixture(scope="module")
def towns(ground: Ground, post_box: MailServer) -> Iterator[Towns]:
    """Two twinned nodes that send mail. On A, Anna is a moderator, and something was asked before."""
    made = Towns(ground, SMTP_HOST="127.0.0.1", SMTP_PORT=str(post_box.port), SMTP_SECURITY="none")
    made.a.fill(lambda db: accounts.set_role(db, accounts.by_username(db, "anna"), Role.MODERATOR))
    try:
        made.start()
        made.twin()
        made.anna.ask(made.torvet, EARLIER, "Vores siger altid nej.")
        yield made
    finally:
        made.close()


def invited(towns: Towns, email: str) -> str:
    """An invitation of the administrators."""
    token = towns.a.database.write(lambda db: invitations.invite(db, email=email))
    return f"/invitations/{token}"


def due(db: Session, name: str) -> None:
    """It is the hour of somebody's letter, and the worker's round of ten minutes has come."""
    db.get_one(Digest, accounts.by_username(db, name).id).next_at = now()
    db.flush()
    digests.promise_due(db, 100)


def newest(towns: Towns, title: str) -> int:
    query = select(Post.id).where(Post.title == title).order_by(Post.id.desc())
    return towns.a.read(lambda db: db.scalars(query).first()) or 0


@pytest.mark.parametrize("name", MANNERS)
def test_somebody_walks_from_the_invitation_to_the_last_page(
    towns: Towns, chromium: Browser, post_box: MailServer, name: str
) -> None:
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
    if not manner.scripts:
        walker.press("button[value=preview]")
    page.locator("#similar a", has_text=EARLIER).wait_for()
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
    until("both answers", lambda: towns.a.read(lambda db: db.get_one(Post, asked).answer_count) == 2)

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

    # a letter says what is new; daily was chosen, and the hour has come
    walker.open("/settings/notices")
    walker.tick("#digest-daily")
    walker.press("form[action='/settings/notices'] button.button-primary")
    towns.a.database.write(lambda db: due(db, me))
    letter = until("the letter", lambda: next((mail for to, mail in post_box.taken if to == f"{me}@a.example"), None))
    assert "Carl" in letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    # found by another form of the word
    walker.open("/search?q=kommunernes+jurister")
    assert title in page.locator("main").inner_text()

    # reported, and a moderator acts
    neighbour.open(f"/posts/{asked}/report")
    neighbour.write("#comment", "Der står et navn i spørgsmålet.")
    neighbour.press("form[action$='/report'] button.button-primary")

    moderator = Walker(chromium, towns.a, Manner(scripts=manner.scripts, width=manner.width))
    moderator.sign_in("anna", PASSWORD)
    moderator.open("/admin/reports")
    moderator.press("main a[href^='/admin/reports/']")
    moderator.press(f"a[href^='/admin/actors/'][href*='post={asked}']")
    moderator.tick("#kind-hide_post")
    moderator.write("#reason", "Navne på borgere må ikke stå her.")
    moderator.press("form[action$='/act'] button.button-warning")
    moderator.open("/admin/reports")
    moderator.press("main a[href^='/admin/reports/']")
    moderator.tick("#outcome-acted")
    moderator.press("form[action$='/close'] button.button-primary")
    moderator.close()
    assert neighbour.page.goto(f"{towns.a.origin}/p/{asked}").status == 404  # type: ignore[union-attr]
    neighbour.faults.clear()  # Chromium calls the 404 an error
    walker.open("/notifications")
    assert page.locator("main a[href^='/sanctions/']").count() == 1

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
