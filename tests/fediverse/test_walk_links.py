"""What belongs together, in a real browser on two real nodes: a question calls for a meeting, somebody on the other node
would come, the meeting is planned, and a question for it is asked there and answered here."""

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, attendance, calls
from models.meetings import State
from models.posts import Post
from tests.fediverse.nodes import PASSWORD, RealNode
from tests.fediverse.towns import Towns, local
from tests.fediverse.walking import Manner, Walker

pytestmark = [pytest.mark.slow, pytest.mark.browser]

MANNERS = {
    "mouse": Manner(),
    "English, on a phone without scripts": Manner(language="en-GB", width=360, scripts=False, dark=True),
}
WORDS = {
    "da": {
        "would": "1 vil komme",
        "told": "1 person har sagt",
        "up": "Du er tilmeldt",
        "answered": "1 besvaret spørgsmål",
    },
    "en": {
        "would": "1 person would come",
        "told": "1 person said",
        "up": "signed up",
        "answered": "1 answered question",
    },
}
PRIMARY = "main form button.button-primary"


def speaks(node: RealNode, name: str, language: str) -> None:
    """Somebody chose this language."""

    def choose(db: Session) -> None:
        accounts.by_username(db, name).language = language

    node.database.write(choose)


def titled(db: Session, title: str) -> Post | None:
    return db.scalar(select(Post).where(Post.title == title, Post.deleted_at.is_(None)))


@pytest.mark.parametrize("name", MANNERS)
def test_a_call_becomes_a_meeting_with_people_and_questions_of_both_nodes(
    towns: Towns, chromium: Browser, name: str
) -> None:
    manner = MANNERS[name]
    number, said = list(MANNERS).index(name), WORDS[manner.language[:2]]
    title, meeting, later = (
        f"Skal vi tale om børneattester, gang {number}?",
        f"Om attester {number}",
        f"Må vi filme {number}?",
    )
    speaks(towns.a, "anna", manner.language[:2])
    speaks(towns.b, "bodil", manner.language[:2])
    anna, bodil = (Walker(chromium, node, manner) for node in (towns.a, towns.b))
    anna.sign_in("anna", PASSWORD)
    bodil.sign_in("bodil", PASSWORD)

    # a question that calls for a meeting
    asked = towns.anna.ask(towns.torvet, title)
    anna.open(f"/p/{asked}")
    anna.press("form[action$='/call'] button")
    seen = towns.question_on_b(asked)
    towns.b.until("the call on B", lambda db: calls.find(db, db.get_one(Post, seen.id)))

    # somebody on the other node would come
    bodil.open(f"/p/{seen.id}")
    bodil.press("form[action$='/come'] button")
    towns.a.until("that she would come", lambda db: db.get_one(calls.MeetingCall, asked).coming == 1)
    anna.open(f"/p/{asked}")
    assert said["would"] in anna.page.locator("#call").inner_text()

    # it is planned in one step
    anna.press("#call a[href^='/meeting/new']")
    assert anna.page.locator("#title").input_value() == title
    assert said["told"] in anna.page.locator("main").inner_text()
    anna.write("#title", meeting)
    anna.write("#theme", "Hvem skal have en, og hvem skal ikke?")
    anna.write("#starts", "2031-12-02T16:00")
    anna.write("#place", "Rådhuset")
    anna.press("main form button.button-primary")
    planned = towns.a.until("the meeting", lambda db: titled(db, meeting))
    assert title in anna.page.locator("section.tied").first.inner_text()

    # she is told, and signs up
    there = towns.b.until("the meeting on B", lambda db: titled(db, meeting), seconds=30)
    towns.b.until("the letter", lambda db: db.scalar(
        select(Post.id).where(Post.visibility == "direct", Post.content.contains(meeting))
    ), seconds=30)  # fmt: skip
    bodil.open("/notifications")
    assert meeting in bodil.page.locator("main").inner_text()
    bodil.open(f"/p/{seen.id}")
    bodil.press("section.tied a")
    assert meeting in bodil.page.locator("h1").inner_text()
    bodil.press("form[action$='/sign-up'] button")
    towns.a.until("her place", lambda db: attendance.count(db, planned.id, State.GOING) == 1)
    towns.b.until(
        "that she has it", lambda db: State.GOING in attendance.states_of(db, local(db, "bodil"), [there.id]).values()
    )
    bodil.open(f"/p/{there.id}")
    assert said["up"] in bodil.page.locator("main").inner_text()

    # a question for it, asked there and answered here
    bodil.press("a[href^='/ask?about=']")
    assert bodil.page.locator("#links input:checked").count() == 1
    bodil.write("#title", later)
    bodil.choose("#community", "Pladsen")
    bodil.press(PRIMARY)
    assert meeting in bodil.page.locator("section.tied").inner_text()
    mine = towns.b.read(lambda db: titled(db, later))
    assert mine is not None
    towns.a.until("her question on A", lambda db: titled(db, later))
    anna.open(f"/p/{planned.id}")
    anna.press(f"section.tied a:has-text('{later}')")
    anna.write("#answer textarea", "Kun dem, der har sagt ja.")
    anna.press("#answer button.button-primary")
    answer = towns.b.until(
        "the answer", lambda db: db.scalar(select(Post).where(Post.in_reply_to_id == mine.id)), seconds=30
    )
    bodil.open(f"/p/{mine.id}")
    bodil.press(f"#p{answer.id} form[action$='/accept'] button")
    towns.a.until("what she chose", lambda db: titled(db, later).accepted_id is not None, seconds=30)  # type: ignore[union-attr]
    anna.open(f"/p/{planned.id}")
    assert said["answered"] in anna.page.locator("main").inner_text()
    anna.close()
    bodil.close()
