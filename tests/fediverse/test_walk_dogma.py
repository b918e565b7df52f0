"""A dogma in a real browser on two real nodes: proposed, adopted, endorsed from the other node, given a new version."""

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.actors import Actor
from models.dogmas import Dogma, DogmaEndorsement, Status
from models.posts import Kind, Post
from tests.fediverse.nodes import PASSWORD
from tests.fediverse.test_walk_experience import MANNERS, speaks
from tests.fediverse.towns import Towns
from tests.fediverse.walking import Walker

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WORDS = {
    "da": {
        "proposal": "Forslag til dogme",
        "mine": "Du står bag.",
        "again": "Står du stadig bag?",
        "old": "Det gjaldt udgave 1.",
    },
    "en": {
        "proposal": "Proposed dogma",
        "mine": "You stand behind this.",
        "again": "Do you still stand behind it?",
        "old": "That was said of version 1.",
    },
}
SEND = "main form button.button-primary"


def of(title: str, db: Session) -> tuple[Post, Dogma] | None:
    found = db.execute(
        select(Post, Dogma).join(Dogma, Dogma.post_id == Post.id).where(Dogma.title == title, Post.kind == Kind.DOGMA)
    ).first()
    return None if found is None else (found[0], found[1])


def behind(db: Session, title: str, name: str) -> int | None:
    """The version of it that somebody stands behind, if he does."""
    query = (
        select(DogmaEndorsement.version)
        .join(Dogma, Dogma.post_id == DogmaEndorsement.post_id)
        .join(Actor, Actor.id == DogmaEndorsement.actor_id)
        .where(Dogma.title == title, Actor.username == name)
    )
    return db.scalar(query)


@pytest.mark.parametrize("name", MANNERS)
def test_a_dogma_is_proposed_adopted_endorsed_elsewhere_and_changed(towns: Towns, chromium: Browser, name: str) -> None:
    manner = MANNERS[name]
    number, said = list(MANNERS).index(name), WORDS[manner.language[:2]]
    title = f"Vi deler også det, der gik galt, gang {number}"
    for node, who in ((towns.a, "carl"), (towns.a, "anna"), (towns.b, "bodil")):
        speaks(node, who, manner.language[:2])

    # proposed, and seen on the other node as what it is
    carl = Walker(chromium, towns.a, manner)
    carl.sign_in("carl", PASSWORD)
    carl.open("/dogma")
    carl.press("main a[href='/dogma/new']")
    carl.write("#title", title)
    carl.write("#text", "Også når svaret blev **et nej**.")
    carl.choose("#community", "Torvet")
    carl.press("button[value=preview]")
    assert "et nej" in carl.page.locator("#preview").inner_text()
    carl.press(SEND)
    assert said["proposal"] in carl.page.locator("h1").inner_text()
    post, _ = towns.a.until("the proposal", lambda db: of(title, db))
    seen = towns.question_on_b(post.id)
    assert towns.b.read(lambda db: db.get_one(Dogma, seen.id).status) == Status.PROPOSED

    # adopted by a moderator, who says why
    anna = Walker(chromium, towns.a, manner)
    anna.sign_in("anna", PASSWORD)
    anna.open(f"/p/{post.id}")
    anna.press("aside a[href$='/decide']")
    anna.tick("#verdict-adopt")
    anna.write("#reason", "Det er sådan, vi gør.")
    anna.press(SEND)
    assert "Det er sådan, vi gør." in anna.page.locator("article.dogma").inner_text()
    adopted = towns.b.until(
        "its number, on B", lambda db: db.get_one(Dogma, seen.id) if db.get_one(Dogma, seen.id).number else None
    )
    assert (adopted.status, adopted.title) == (Status.ADOPTED, title)

    # endorsed from the other node
    bodil = Walker(chromium, towns.b, manner)
    bodil.sign_in("bodil", PASSWORD)
    bodil.open(f"/p/{seen.id}")
    assert title in bodil.page.locator("h1").inner_text()
    bodil.press("#behind form button")
    assert said["mine"] in bodil.page.locator("#behind").inner_text()
    towns.a.until("her endorsement, on A", lambda db: behind(db, title, "bodil"))
    anna.open(f"/p/{post.id}")
    assert "b.torv.test" in anna.page.locator("#behind").inner_text()

    # a new version: she is asked to look again, and stands behind that too
    carl.open(f"/p/{post.id}")
    carl.press("a[href$='/version']")
    carl.write("#text", "Også når svaret blev et nej, og uden navne.")
    carl.write("#note", "Ingen hænges ud.")
    carl.press(SEND)
    assert "Ingen hænges ud." in carl.page.locator(".editions").inner_text()
    towns.b.until("version 2, on B", lambda db: db.get_one(Dogma, seen.id).version == 2)
    bodil.open("/notifications")
    assert said["again"] in bodil.page.locator("main").inner_text()
    bodil.open(f"/p/{seen.id}")
    assert said["old"] in bodil.page.locator("#behind").inner_text()
    bodil.press("#behind form button.button-primary")
    assert said["old"] not in bodil.page.locator("#behind").inner_text()
    towns.a.until("her endorsement of version 2, on A", lambda db: behind(db, title, "bodil") == 2)
    bodil.open(f"/posts/{seen.id}/versions")
    assert bodil.page.locator("ins").count() >= 1

    # and taken back
    bodil.open(f"/p/{seen.id}")
    bodil.press("#behind form button[name=undo]")
    towns.a.until("it is taken back, on A", lambda db: behind(db, title, "bodil") is None)
    for walker in (carl, anna, bodil):
        walker.close()
