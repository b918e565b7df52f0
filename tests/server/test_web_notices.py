"""The page of notices: what goes together stands on one line, and what is kept aside waits."""

import re

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import follows, notification_policy, notifications
from models.database import Database
from models.notifications import Notification
from models.posts import Post
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio


def clean(db: Session) -> Post:
    """Birk knows of nothing; a post of his."""
    db.execute(delete(Notification))
    return (
        db.scalars(select(Post).where(Post.author_id == person(db, "birk").id, Post.title != "")).first()
        or db.scalars(select(Post).where(Post.author_id == person(db, "birk").id)).one()
    )


def vote(db: Session, *names: str, kind: str = "vote") -> None:
    post = clean(db)
    for name in names:
        notifications.notify(db, person(db, "birk").id, kind, person(db, name), post)


async def test_votes_for_the_same_stand_on_one_line(lived_in: Database) -> None:
    lived_in.write(lambda db: vote(db, "anna", "camilla", "eva", "farid"))
    async with Visiting(lived_in).browser("birk") as birk:
        page = await birk.read("/notifications")
        assert page.count('<li class="unread">') == 1
        assert "Farid Aziz, Eva Lindqvist og 2 mere stemte på dit indlæg" in words(page) or re.search(
            r"Farid \w+ ?, Eva Lindqvist og 2 mere", words(page)
        )


async def test_two_are_both_named_and_one_alone(lived_in: Database) -> None:
    lived_in.write(lambda db: vote(db, "anna", "eva"))
    async with Visiting(lived_in).browser("birk") as birk:
        assert re.search(r"Eva Lindqvist og Anna Holm", words(await birk.read("/notifications")))
    lived_in.write(lambda db: vote(db, "anna"))
    async with Visiting(lived_in).browser("birk") as birk:
        assert re.search(r"Anna Holm (?!og)", words(await birk.read("/notifications")))


async def test_filters_show_their_kinds_alone(lived_in: Database) -> None:
    def fill(db: Session) -> None:
        post = clean(db)
        notifications.notify(db, person(db, "birk").id, "vote", person(db, "anna"), post)
        notifications.notify(db, person(db, "birk").id, "answer", person(db, "eva"), post)
        notifications.notify(db, person(db, "birk").id, "follow_request", person(db, "camilla"))

    lived_in.write(fill)
    async with Visiting(lived_in).browser("birk") as birk:
        for path, seen, unseen in [
            ("/notifications?show=answers", "Eva Lindqvist", "Anna Holm"),
            ("/notifications?show=requests", "Camilla", "Eva Lindqvist"),
        ]:
            page = words(await birk.read(path))
            assert seen in page
            assert unseen not in page
        assert "Anna Holm" in words(await birk.read("/notifications?show=nonsense"))


async def test_what_is_kept_aside_waits_for_a_word(lived_in: Database) -> None:
    def fill(db: Session) -> None:
        clean(db)
        birk = person(db, "birk")
        notification_policy.choose(db, birk.id, {"not_following": "filter"})
        for name in ("camilla", "farid"):
            follows.undo(db, birk, person(db, name))
            notifications.notify(db, birk.id, "follow", person(db, name))

    lived_in.write(fill)
    async with Visiting(lived_in).browser("birk") as birk:
        assert "er lagt til side" in words(await birk.read("/notifications"))
        page = words(await birk.read("/notifications/aside"))
        assert "Farid" in page
        with lived_in.reading() as db:
            farid, camilla = person(db, "farid").id, person(db, "camilla").id
        await birk.succeed("/notifications/aside", sender=farid, verdict="let-in")
        await birk.succeed("/notifications/aside", sender=camilla, verdict="dismiss")
        assert (await birk.send("/notifications/aside", sender=camilla, verdict="dismiss")).status_code == 404
        page = words(await birk.read("/notifications"))
        assert "Farid" in page
        assert "Camilla" not in page
        assert "Intet er lagt til side." in words(await birk.read("/notifications/aside"))


async def test_pages_of_notices_lead_on_and_lose_nothing(lived_in: Database) -> None:
    def fill(db: Session) -> int:
        clean(db)
        mine = list(db.scalars(select(Post)))[:40]
        for post in mine:
            notifications.notify(db, person(db, "birk").id, "answer", person(db, "anna"), post)
        return len(list(db.scalars(select(Notification).where(Notification.account_id == person(db, "birk").id))))

    total = lived_in.write(fill)
    async with Visiting(lived_in).browser("birk") as birk:
        seen, path = 0, "/notifications"
        while path:
            page = await birk.read(path)
            seen += page.count('<li class="unread">')
            found = re.search(r'href="(/notifications\?before=\d+)" rel="next"', page)
            path = found[1] if found else ""
        assert seen <= total
        assert seen > 0


async def test_pages_ask_as_much_for_many_notices_as_for_few(lived_in: Database) -> None:
    async with Visiting(lived_in).browser("birk") as birk:
        lived_in.write(lambda db: vote(db, "anna"))
        few = [await queries(birk, path) for path in ("/notifications", "/settings/notices", "/notifications/aside")]

        def more(db: Session) -> None:
            for post in db.scalars(select(Post)).all():
                for name in ("anna", "eva", "camilla", "farid"):
                    notifications.notify(db, person(db, "birk").id, "vote", person(db, name), post)

        lived_in.write(more)
        many = [await queries(birk, path) for path in ("/notifications", "/settings/notices", "/notifications/aside")]
        assert many == few
