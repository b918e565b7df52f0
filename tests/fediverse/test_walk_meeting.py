"""A meeting in a real browser on two real nodes: planned, full from another node, a place that moves up, cancelled."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import attendance
from models.base import now
from models.meetings import Meeting
from models.posts import Kind, Post
from tests.fediverse.nodes import PASSWORD, RealNode
from tests.fediverse.test_walk_experience import MANNERS, NEXT, speaks
from tests.fediverse.towns import Towns
from tests.fediverse.walking import Walker

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WORDS = {
    "da": {
        "places": "1 af 1 plads er taget",
        "coming": "Du er tilmeldt.",
        "waits": "Du er nummer 1 på ventelisten",
        "asked": "Du har bedt om at komme med.",
        "notice": "har en plads til dig på et møde",
        "signed up": "har tilmeldt sig dit møde",
        "cancelled": "Mødet er aflyst.",
        "list": "På ventelisten",
    },
    "en": {
        "places": "1 of 1 place taken",
        "coming": "You are signed up.",
        "waits": "You are number 1 on the waiting list",
        "asked": "You have asked to come.",
        "notice": "has a place for you at a meeting",
        "signed up": "has signed up for your meeting",
        "cancelled": "This meeting is cancelled.",
        "list": "On the waiting list",
    },
}


def planned(db: Session, title: str) -> Post | None:
    return db.scalar(select(Post).where(Post.title == title, Post.kind == Kind.EVENT))


def states(db: Session, post: Post) -> dict[str, str]:
    return {actor.username: row.state for row, actor in attendance.attendees(db, post)}


def when(node: RealNode, walker: Walker, selector: str, days: int) -> None:
    """Type a date and a time, as the field has it."""
    at = (now() + timedelta(days=days)).strftime("%Y-%m-%dT16:00")
    if not walker.manner.keyboard:
        walker.page.locator(selector).fill(at)
        return
    walker.reach(selector)
    walker.page.locator(selector).fill(at)  # what a key means in the field is the browser's and the language's own


@pytest.mark.parametrize("name", MANNERS)
def test_a_meeting_is_planned_filled_from_another_node_and_its_waiting_list_moves(
    towns: Towns, chromium: Browser, name: str
) -> None:
    manner = MANNERS[name]
    said, title = WORDS[manner.language[:2]], f"Fyraftensmøde nummer {list(MANNERS).index(name)}"
    for node, who in ((towns.a, "anna"), (towns.a, "carl"), (towns.b, "bodil")):
        speaks(node, who, manner.language[:2])

    # planned
    anna = Walker(chromium, towns.a, manner)
    anna.sign_in("anna", PASSWORD)
    anna.open("/meetings")
    anna.press("main a[href='/meeting/new']")
    anna.write("#title", title)
    anna.write("#theme", "Tre korte oplæg, derefter **bordsnak**.")
    anna.write("#agenda", "1. Velkomst")
    when(towns.a, anna, "#starts", 30)
    anna.write("#place", "Rådhuset")
    anna.write("#town", "Eksempelby")
    anna.write("#online_url", "https://meet.example/x")
    anna.tick("#online_hidden")
    anna.write("#capacity", "1")
    anna.choose("#community", "Torvet")
    anna.press(NEXT)
    assert title in anna.page.locator("h1").inner_text()
    post = towns.a.read(lambda db: planned(db, title))
    assert post is not None

    # somebody of another node takes the only place
    there = towns.question_on_b(post.id)
    bodil = Walker(chromium, towns.b, manner)
    bodil.sign_in("bodil", PASSWORD)
    bodil.open("/meetings")
    bodil.press(f"main a[href='/p/{there.id}']")
    assert "Rådhuset" in bodil.page.locator("main").inner_text()
    bodil.press("form[action$='/sign-up'] button")
    assert said["asked"] in bodil.page.locator("#sign-up").inner_text()
    towns.a.until("her place", lambda db: states(db, post).get("bodil") == "going")
    towns.b.until("the Accept", lambda db: states(db, db.get_one(Post, there.id)).get("bodil") == "going")
    bodil.open(f"/p/{there.id}")
    assert said["coming"] in bodil.page.locator("#sign-up").inner_text()
    bodil.open("/notifications")
    assert said["notice"] in bodil.page.locator("main").inner_text()
    anna.open("/notifications")
    assert said["signed up"] in anna.page.locator("main").inner_text()

    # it is full, and the next waits
    carl = Walker(chromium, towns.a, manner)
    carl.sign_in("carl", PASSWORD)
    carl.open(f"/p/{post.id}")
    assert said["places"] in carl.page.locator("main").inner_text()
    assert "meet.example" not in carl.page.content()
    carl.press("form[action$='/sign-up'] button")
    assert said["waits"] in carl.page.locator("#sign-up").inner_text()
    anna.open(f"/posts/{post.id}/attendees")
    assert said["list"] in anna.page.locator("main").inner_text()

    # she cannot come after all: he moves up and gets the link
    bodil.open(f"/p/{there.id}")
    bodil.press("form[action$='/stay-away'] button")
    towns.a.until("his place", lambda db: states(db, post) == {"carl": "going"})
    carl.open("/notifications")
    assert said["notice"] in carl.page.locator("main").inner_text()
    carl.open(f"/p/{post.id}")
    assert said["coming"] in carl.page.locator("#sign-up").inner_text()
    assert "https://meet.example/x" in carl.page.locator("main").inner_text()

    # a thread before and after
    carl.write("#text", "Er der kaffe?")
    carl.press(".your-answer button.button-primary")
    assert "Er der kaffe?" in carl.page.locator(".comments").inner_text()

    # and it is called off, here and there
    anna.open(f"/p/{post.id}")
    anna.press(f"aside a[href='/posts/{post.id}/cancel']")
    anna.write("#why", "Oplægsholderen er syg.")
    anna.press("main form button.button-warning")
    assert said["cancelled"] in anna.page.locator("main").inner_text()
    towns.b.until("the cancellation", lambda db: db.get_one(Meeting, there.id).cancelled)
    bodil.open(f"/p/{there.id}")
    assert said["cancelled"] in bodil.page.locator("main").inner_text()
    for walker in (anna, bodil, carl):
        walker.close()
