"""Events: written with their cause, read once by every process, forgotten after ten minutes."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import communities, composing, events, notification_policy, notifications, push, reactions, removing
from models.base import clock
from models.database import Database
from models.events import Event, EventKind, Reader
from models.jobs import Job
from models.posts import Draft, Post
from tests.server.asking import local


@pytest.fixture
def other(lived_in: Database) -> Iterator[Database]:
    """A second process on the same database."""
    made = Database(lived_in.url.render_as_string(hide_password=False), lived_in.node)
    yield made
    made.close()


def _started(database: Database) -> Reader:
    reader = Reader()
    with database.reading() as db:
        reader.start(db)
    return reader


def _kinds(database: Database, reader: Reader) -> list[str]:
    with database.reading() as db:
        return [event.kind for event in reader.read(db)]


def _note(db: Session, text: str = "Hej.") -> Post:
    return composing.note(db, local(db, "birk"), Draft(text=text))


def test_every_reader_reads_each_event_once(lived_in: Database, other: Database) -> None:
    here, there = _started(lived_in), _started(other)
    lived_in.write(_note)
    assert _kinds(lived_in, here) == [EventKind.POSTED]
    assert _kinds(other, there) == [EventKind.POSTED]
    assert _kinds(lived_in, here) == [] == _kinds(other, there)


def test_what_was_there_before_a_reader_began_is_not_news_to_it(lived_in: Database) -> None:
    lived_in.write(_note)
    assert _kinds(lived_in, _started(lived_in)) == []


def test_what_was_rolled_back_is_not_heard_of(lived_in: Database) -> None:
    reader = _started(lived_in)

    def fails(db: Session) -> None:
        _note(db)
        db.flush()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        lived_in.write(fails)
    assert _kinds(lived_in, reader) == []


def test_a_number_that_is_committed_after_a_higher_one_is_still_read(lived_in: Database) -> None:
    time = 0.0
    reader = Reader(clock=lambda: time)
    with lived_in.reading() as db:
        reader.start(db)
        highest = db.scalar(select(func.max(Event.id))) or 0

    def put(number: int) -> None:
        lived_in.write(lambda db: db.add(Event(id=number, kind=EventKind.EDITED, subject=number, data={})))

    put(highest + 2)
    with lived_in.reading() as db:
        assert [event.id for event in reader.read(db)] == [highest + 2]
    put(highest + 1)
    time = events.LOOK_BACK
    with lived_in.reading() as db:
        assert [event.id for event in reader.read(db)] == [highest + 1]
        assert reader.read(db) == []


def test_a_reader_looks_back_for_half_a_minute_only(lived_in: Database) -> None:
    time = 0.0
    reader = Reader(clock=lambda: time)
    with lived_in.reading() as db:
        reader.start(db)
    lived_in.write(_note)
    assert len(_kinds(lived_in, reader)) == 1
    time = events.LATE + 1
    assert _kinds(lived_in, reader) == []
    assert not reader._passed  # nothing is remembered for ever
    lived_in.write(_note)
    assert len(_kinds(lived_in, reader)) == 1


def test_many_events_come_in_order_and_none_is_lost(lived_in: Database) -> None:
    reader = _started(lived_in)

    def happen(db: Session) -> None:
        for number in range(25):
            events.record(db, EventKind.EDITED, number)

    lived_in.write(happen)
    read: list[int] = []
    with lived_in.reading() as db:
        while found := reader.read(db, limit=10):
            read += [event.subject for event in found]
    assert read == list(range(25))


def test_events_are_forgotten_after_ten_minutes_and_their_numbers_never_come_back(lived_in: Database) -> None:
    lived_in.write(_note)
    with lived_in.reading() as db:
        highest = db.scalar(select(func.max(Event.id)))
    assert highest is not None
    clock.offset += 601
    while lived_in.write(lambda db: events.sweep(db, 50)):
        pass
    with lived_in.reading() as db:
        assert db.scalar(select(func.count(Event.id))) == 0
    lived_in.write(_note)
    with lived_in.reading() as db:
        assert db.scalar(select(func.min(Event.id))) == highest + 1


def test_what_was_published_long_ago_is_no_news(lived_in: Database) -> None:
    reader = _started(lived_in)

    def write(db: Session) -> None:
        clock.offset -= 7 * 3600
        try:
            post = _note(db)
        finally:
            clock.offset += 7 * 3600
        events.posted(db, post)

    lived_in.write(write)
    assert _kinds(lived_in, reader) == [EventKind.POSTED]  # when it was written, and not again now


def test_a_question_in_a_community_is_news_of_its_author_and_of_the_community(lived_in: Database) -> None:
    from models import threads

    reader = _started(lived_in)

    def ask(db: Session) -> None:
        group = next(group for group in communities.all_local(db) if group.username == "udfordrere")
        threads.ask(db, local(db, "birk"), group, Draft(text="Hvordan?", title="Hvordan gør I det?"))

    lived_in.write(ask)
    assert sorted(_kinds(lived_in, reader)) == [EventKind.LISTED, EventKind.POSTED]


def test_a_boost_its_end_an_edit_and_a_deletion_are_events(lived_in: Database) -> None:
    reader = _started(lived_in)
    post = lived_in.write(_note)

    def act(db: Session) -> None:
        mine, anna = db.get_one(Post, post.id), local(db, "anna")
        reactions.boost(db, anna, mine)
        reactions.unboost(db, anna, mine)
        composing.edit(db, local(db, "birk"), mine, Draft(text="Hej igen."))
        removing.delete_post(db, local(db, "birk"), mine)

    lived_in.write(act)
    kinds = _kinds(lived_in, reader)
    for kind in (EventKind.POSTED, EventKind.BOOSTED, EventKind.NOTIFIED, EventKind.EDITED):
        assert kinds.count(kind) == 1
    assert kinds.count(EventKind.DELETED) == 2


def test_a_deletion_says_whom_the_post_had_reached(lived_in: Database) -> None:
    reader = _started(lived_in)
    post = lived_in.write(lambda db: _note(db, "Hej @anna #suppe"))
    lived_in.write(lambda db: removing.delete_post(db, local(db, "birk"), db.get_one(Post, post.id)))
    with lived_in.reading() as db:
        gone = next(event for event in reader.read(db) if event.kind == EventKind.DELETED)
        anna, birk = local(db, "anna"), local(db, "birk")
    assert gone.subject == post.id
    assert gone.data == {
        "followers_of": [birk.id], "accounts": [birk.id, anna.id], "public": True, "first": True, "local": True,
        "tags": ["suppe"],
    }  # fmt: skip


def test_a_notice_that_is_kept_aside_wakes_nobody(lived_in: Database) -> None:
    reader = _started(lived_in)

    def act(db: Session) -> None:
        anna, eva = local(db, "anna"), local(db, "eva")
        notification_policy.choose(db, anna.id, {"not_following": "filter"})
        _device(db, anna.id)
        notifications.notify(db, anna.id, "follow", eva)

    lived_in.write(act)
    assert _kinds(lived_in, reader) == []
    with lived_in.reading() as db:
        assert db.scalar(select(func.count(Job.id)).where(Job.kind == "push")) == 0


def test_a_notice_is_promised_to_the_devices_that_want_its_sort(lived_in: Database) -> None:
    def act(db: Session) -> None:
        anna, birk = local(db, "anna"), local(db, "birk")
        _device(db, anna.id)
        notifications.notify(db, anna.id, "removed", birk, subject="1")
        notifications.notify(db, anna.id, "vote", birk, subject="1")
        notifications.notify(db, anna.id, "mention", birk, subject="1")

    lived_in.write(act)
    with lived_in.reading() as db:
        assert db.scalar(select(func.count(Job.id)).where(Job.kind == "push")) == 1


def _device(db: Session, account_id: int) -> None:
    push.subscribe(
        db,
        family_id=1,
        account_id=account_id,
        endpoint="https://push.example/1",
        p256dh=push.vapid_public_key(db),
        auth="AAAAAAAAAAAAAAAAAAAAAA",
        standard=True,
        alerts={"mention": True},
        policy="all",
    )
