"""After a meeting, in a real browser on two real nodes: its minutes are read on the other node, and a report grows out of
them there, which stands at the meeting here."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from models import attendance, links, minutes, planning
from models.base import now
from models.links import Tie
from models.meetings import Meeting, Plan
from models.planning import Around
from models.posts import Post
from tests.fediverse.nodes import PASSWORD
from tests.fediverse.test_walk_experience import MANNERS, NEXT, speaks
from tests.fediverse.towns import Towns, local
from tests.fediverse.walking import Walker

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WORDS = {"da": ("Referat", "Skriv en erfaring ud fra det"), "en": ("Minutes", "Write a report from this")}


def going(db: Session, post: Post) -> set[str]:
    return {actor.username for row, actor in attendance.attendees(db, post) if row.state == "going"}


@pytest.mark.parametrize("name", MANNERS)
def test_minutes_are_read_on_the_other_node_and_a_report_comes_of_them(
    towns: Towns, chromium: Browser, name: str
) -> None:
    manner = MANNERS[name]
    heading, report = WORDS[manner.language[:2]]
    title = f"Hvad blev der af det {list(MANNERS).index(name)}"
    for node, who in ((towns.a, "anna"), (towns.b, "bodil")):
        speaks(node, who, manner.language[:2])

    def plan(db: Session) -> Post:
        starts = (now() + timedelta(days=9)).replace(tzinfo=None, hour=16, minute=0, second=0, microsecond=0)
        wanted = Plan(title, "Bordsnak.", starts=starts, place="Rådhuset", town="Odense")
        return planning.publish(db, local(db, "anna"), wanted, Around(community=local(db, "torvet")))

    post = towns.a.fill(plan)
    there = towns.question_on_b(post.id)
    bodil = Walker(chromium, towns.b, manner)
    bodil.sign_in("bodil", PASSWORD)
    bodil.open(f"/p/{there.id}")
    bodil.press("form[action$='/sign-up'] button")
    towns.a.until("her place", lambda db: "bodil" in going(db, post))

    def pass_time(db: Session) -> None:
        row = db.get_one(Meeting, post.id)
        row.starts_at, row.ends_at = now() - timedelta(hours=4), now() - timedelta(hours=2)

    towns.a.fill(pass_time)
    anna = Walker(chromium, towns.a, manner)
    anna.sign_in("anna", PASSWORD)
    anna.open(f"/p/{post.id}")
    anna.press(f"#minutes a[href='/posts/{post.id}/minutes']")
    anna.write("#text", "- Juraen siger ja, hvis foreningen er vært.")
    anna.press(NEXT)
    assert heading in anna.page.locator("#minutes h2").inner_text()

    # the other node knows them for what they are
    towns.b.until("the minutes", lambda db: minutes.of(db, db.get_one(Meeting, there.id)) is not None)
    bodil.open(f"/p/{there.id}")
    assert "Juraen siger ja" in bodil.page.locator("#minutes").inner_text()
    bodil.press("#minutes summary", leads=False)
    assert report in bodil.page.locator("#minutes").inner_text()
    bodil.press("#minutes li:first-child button[value=report]")
    bodil.write("#title", f"Foreningen er vært: {title}")
    bodil.write("#abstract", "Så blev det et ja.")
    bodil.press(NEXT)
    bodil.press(NEXT)
    bodil.press(NEXT)
    bodil.tick("#phase-pilot")
    bodil.tick("#outcome-lykkedes")
    bodil.press(NEXT)
    bodil.press(NEXT)

    # and it stands at the meeting where that is at home
    def tied(db: Session) -> list[str]:
        return [one.post.title for one in links.to(db, None, db.get_one(Post, post.id), Tie.ABOUT) if one.post]

    towns.a.until("the report", lambda db: tied(db) == [f"Foreningen er vært: {title}"], seconds=30)
    anna.open(f"/p/{post.id}")
    assert f"Foreningen er vært: {title}" in anna.page.locator("main").inner_text()
    for walker in (anna, bodil):
        walker.close()
