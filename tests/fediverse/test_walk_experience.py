"""A report of experience in a real browser on two real nodes: written, followed up, done again on the other node."""

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, sharing
from models.base import now
from models.experiences import Experience
from models.posts import Kind, Post
from tests.fediverse.nodes import PASSWORD, RealNode
from tests.fediverse.towns import Towns
from tests.fediverse.walking import Manner, Walker

pytestmark = [pytest.mark.slow, pytest.mark.browser]

MANNERS = {
    "mouse": Manner(),
    "keyboard": Manner(keyboard=True),
    "phone without scripts": Manner(width=360, scripts=False, dark=True),
    "English": Manner(language="en-GB"),
}
WORDS = {
    "da": {
        "none": "Lykkedes delvist",
        "since": "Hvad skete der siden?",
        "from": "Bygger på",
        "again": "gør det samme som dig",
        "remind": "minder dig",
    },
    "en": {
        "none": "It worked partly",
        "since": "What happened since?",
        "from": "Adapted from",
        "again": "does the same as you",
        "remind": "reminds you",
    },
}
NEXT = "main form button.button-primary"


def speaks(node: RealNode, name: str, language: str) -> None:
    """Somebody chose this language."""

    def choose(db: Session) -> None:
        accounts.by_username(db, name).language = language

    node.database.write(choose)


def titled(node: RealNode, title: str) -> int | None:
    return node.read(lambda db: db.scalar(select(Post.id).where(Post.title == title, Post.kind == Kind.EXPERIENCE)))


def outcome(node: RealNode, post_id: int) -> str:
    return node.read(lambda db: db.get_one(Experience, post_id).outcome)


def remind_now(node: RealNode, post_id: int) -> None:
    """Half a year has passed."""

    def ask(db: Session) -> None:
        db.get_one(Experience, post_id).remind_at = now()
        db.flush()
        sharing.ask_what_happened(db, post_id)

    node.database.write(ask)


@pytest.mark.parametrize("name", MANNERS)
def test_a_report_is_written_followed_up_and_done_again_on_another_node(
    towns: Towns, chromium: Browser, name: str
) -> None:
    manner = MANNERS[name]
    number, said = list(MANNERS).index(name), WORDS[manner.language[:2]]
    title, again = f"Sådan fik vi løberne i gang, gang {number}", f"Det samme på Pladsen, gang {number}"
    speaks(towns.a, "carl", manner.language[:2])
    speaks(towns.b, "bodil", manner.language[:2])
    carl = Walker(chromium, towns.a, manner)
    page = carl.page
    carl.sign_in("carl", PASSWORD)

    # written one thing at a time
    carl.open("/experience")
    carl.press("main a[href='/experience/new']")
    carl.write("#title", title)
    carl.write("#abstract", "Foreningen er vært. Så er det naboskab.")
    carl.write("#wanted", "At de, der løber alligevel, løber forbi **nogen**.")
    carl.choose("#municipality", "Aarhus")
    carl.press(NEXT)
    carl.tick("#barrier-regler")
    carl.write("#obstacle_regler", "Juristen bad om børneattest.")
    carl.press(NEXT)
    carl.write("#tried", "Vi holdt op med at kalde det en indsats.")
    carl.press(NEXT)
    carl.tick("#phase-pilot")
    carl.tick("#outcome-delvist")
    carl.tick("#remind-6")
    carl.press(NEXT)
    carl.choose("#community", "Torvet")
    carl.press("button[value=preview]")
    assert "Juristen bad om børneattest." in page.locator("#preview").inner_text()
    carl.press(NEXT)
    assert title in page.locator("h1").inner_text()
    assert said["none"] in page.locator("main").inner_text()
    written = titled(towns.a, title)
    assert written is not None
    seen = towns.question_on_b(written)
    assert towns.b.read(lambda db: db.get_one(Experience, seen.id).parts["tried"]).startswith("Vi holdt op")

    # reminded, and what happened since
    remind_now(towns.a, written)
    carl.open("/notifications")
    assert said["remind"] in page.locator("main").inner_text()
    carl.open(f"/p/{written}")
    carl.press("a[href$='/since']")
    carl.write("#text", "Nu er det 31 løbere.")
    carl.tick("#phase-drift")
    carl.tick("#outcome-lykkedes")
    carl.press(NEXT)
    assert "Nu er det 31 løbere." in page.locator("section.since").inner_text()
    assert page.locator(".states li").count() == 2
    towns.b.until("what happened since, on B", lambda db: db.get_one(Experience, seen.id).outcome == "lykkedes")

    # the same on another node
    bodil = Walker(chromium, towns.b, manner)
    bodil.sign_in("bodil", PASSWORD)
    bodil.open(f"/p/{seen.id}")
    assert "Nu er det 31 løbere." in bodil.page.locator("main").inner_text()
    bodil.press("form[action$='/replicate'] button")
    assert "løber forbi **nogen**" in bodil.page.locator("#wanted").input_value()
    bodil.write("#title", again)
    bodil.write("#abstract", "Vi gør det samme som på Torvet.")
    bodil.choose("#municipality", "Odense")
    for _ in range(3):
        bodil.press(NEXT)
    assert bodil.page.locator("#phase-ide").is_checked()
    bodil.press(NEXT)
    bodil.press(NEXT)
    assert said["from"] in bodil.page.locator("main").inner_text()

    # those who did it first hear of it, and see where
    copy = towns.a.until("the copy on A", lambda db: db.scalar(select(Post.id).where(Post.title == again)))
    carl.open("/notifications")
    assert said["again"] in page.locator("main").inner_text()
    carl.open(f"/p/{written}")
    assert again in page.locator("section.tied").inner_text()

    # and it is counted on both, each figure leading to its reports
    for walker in (carl, bodil):
        walker.open("/experience/gap?barrier=regler")
        text = walker.page.locator("main").inner_text()
        assert "Aarhus" in text
        assert "Odense" in text
        assert walker.page.locator("figure.map a").count() == 2
        walker.open("/experience?municipality=0461&barrier=regler")
        assert again in walker.page.locator("main").inner_text()
    assert outcome(towns.a, copy) == "endnu-ikke"
    carl.close()
    bodil.close()
