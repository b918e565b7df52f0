"""Calendars of others: each occurrence becomes one meeting, with its source, and follows its calendar."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import actors, calendars, removing, text, whereabouts
from models.base import now
from models.calendars import MOST_FRESH, Listed, OutsideCalendar
from models.database import Database
from models.meetings import Joining, Meeting, Plan
from models.posts import Kind, Post
from tests.models.test_anonymity import one
from tests.models.test_meetings import refused, sent, wall

URL = "https://bibliotek.example/kalender.ics"
CAFE = Listed(
    "cafe 1",
    Plan("Café for løbere", text.escape_markdown("Kom og løb. @anna *nu*"), starts=wall("2031-12-02T16:00"), place="Biblioteket", town="Odense",
         joining=Joining.EXTERNAL, join_url="https://bibliotek.example/cafe"),
    url="https://bibliotek.example/cafe",
)  # fmt: skip
UNTIL = datetime.fromisoformat("2032-01-01T00:00:00+00:00")


def subscribe(db: Session, by: str = "camilla") -> OutsideCalendar:
    return calendars.add(db, one(db, by), one(db, "udfordrere"), URL)


def took(db: Session, row: OutsideCalendar, *found: Listed) -> list[Post]:
    calendars.took(db, row.id, found, until=UNTIL, name="Odense Bibliotek")
    return list(db.scalars(select(Post).where(Post.kind == Kind.EVENT, Post.deleted_at.is_(None)).order_by(Post.id)))


def test_it_becomes_a_meeting_of_the_community_that_says_where_it_is_from(lived_in: Database) -> None:
    def write(db: Session) -> None:
        (post,) = took(db, subscribe(db), CAFE)
        author = actors.get(db, post.author_id)
        assert (author.username, author.type) == ("kalender-udfordrere", "Service")
        assert post.community_id == one(db, "udfordrere").id
        assert 'Fra kalenderen <a href="https://bibliotek.example/cafe"' in post.content
        assert "Odense Bibliotek</a>" in post.content and "mention" not in post.content
        assert "*nu*" in post.content
        row = db.get_one(Meeting, post.id)
        assert (row.joining, row.municipality) == (Joining.EXTERNAL, "0461")
        assert sent(db, "Create")[-1].object_uri == post.uri

    lived_in.write(write)


def test_reading_it_again_doubles_nothing_and_changes_what_changed(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        (post,) = took(db, row, CAFE)
        before = post.updated
        assert took(db, row, CAFE) == [post] and post.updated == before
        moved = replace(CAFE, plan=replace(CAFE.plan, starts=wall("2031-12-03T17:00"), title="Café for alle"))
        assert took(db, row, moved) == [post]
        assert (post.title, db.get_one(Meeting, post.id).starts_at.hour) == ("Café for alle", 16)

    lived_in.write(write)


@pytest.mark.parametrize("later", [(), (replace(CAFE, cancelled=True),)], ids=["gone", "called off"])
def test_what_is_gone_or_called_off_there_is_called_off_here(lived_in: Database, later: tuple[Listed, ...]) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        (post,) = took(db, row, CAFE)
        took(db, row, *later)
        assert db.get_one(Meeting, post.id).cancelled
        took(db, row, *later)

    lived_in.write(write)


def test_what_lies_beyond_what_was_read_stays(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        (post,) = took(db, row, CAFE)
        calendars.took(db, row.id, [], until=now() + timedelta(days=1))
        assert not db.get_one(Meeting, post.id).cancelled

    lived_in.write(write)


def test_what_a_moderator_deleted_does_not_come_back(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        (post,) = took(db, row, CAFE)
        removing.delete_by_moderator(db, post)
        assert took(db, row, CAFE) == []
        assert took(db, row, replace(CAFE, plan=replace(CAFE.plan, title="Andet navn"))) == []

    lived_in.write(write)


def test_a_flood_comes_in_portions(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        many = [replace(CAFE, key=f"k{n}") for n in range(MOST_FRESH + 5)]
        assert [len(took(db, row, *many)) for _ in range(3)] == [MOST_FRESH, MOST_FRESH + 5, MOST_FRESH + 5]

    lived_in.write(write)


def test_what_is_no_meeting_is_passed_over_and_the_others_come(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        past = replace(CAFE, key="past", plan=replace(CAFE.plan, starts=wall("2001-01-01T10:00")))
        short = replace(CAFE, key="short", plan=replace(CAFE.plan, title="x"))
        assert len(took(db, row, past, short, CAFE)) == 1
        assert row.skipped == 2

    lived_in.write(write)


def test_without_the_calendar_what_was_to_come_is_gone(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        took(db, row, CAFE)
        calendars.remove(db, one(db, "camilla"), one(db, "udfordrere"), row.id)
        assert db.scalar(select(func.count()).select_from(Meeting)) == 0
        assert calendars.of(db, one(db, "udfordrere")) == []

    lived_in.write(write)


def test_only_moderators_add_one_and_only_by_https_and_once(lived_in: Database) -> None:
    group = lambda db: one(db, "udfordrere")  # noqa: E731
    with pytest.raises(Exception, match="moderator"):
        lived_in.write(lambda db: subscribe(db, "eva"))
    bad = lambda db: calendars.add(db, one(db, "camilla"), group(db), "http://x.example/a.ics")  # noqa: E731
    assert refused(lived_in, bad) == "url_unfit"
    lived_in.write(subscribe)
    assert refused(lived_in, subscribe) == "url_known"


def test_what_could_not_be_read_is_said_and_tried_again(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = subscribe(db)
        (post,) = took(db, row, CAFE)
        calendars.failed(db, row.id, "The server answered 500.")
        assert row.error == "The server answered 500." and row.next_at > now()
        assert not db.get_one(Meeting, post.id).cancelled
        row.next_at = now()
        assert calendars.promise_due(db) == 1 and calendars.promise_due(db) == 0

    lived_in.write(write)


def test_distances_are_those_of_a_map() -> None:
    odense, aalborg = whereabouts.of_seat("0461"), whereabouts.of_seat("0851")
    assert odense is not None and aalborg is not None
    assert 180 < whereabouts.kilometres(odense, aalborg) < 190
    assert whereabouts.kilometres(odense, odense) == 0
    assert whereabouts.municipality("Odense") == "0461" and whereabouts.municipality("Paris") == ""
    assert whereabouts.municipality("", 55.4, 10.39) == "0461" and whereabouts.municipality("Odense", 48.9, 2.3) == ""


def test_a_meeting_without_a_point_stands_at_the_town_hall() -> None:
    assert whereabouts.point(Meeting(municipality="0461")) == whereabouts.of_seat("0461")
    assert whereabouts.point(Meeting(municipality="0461", latitude=55.0, longitude=10.0)) == (55.0, 10.0)
    assert whereabouts.point(Meeting(municipality="")) is None
