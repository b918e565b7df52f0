"""Minutes close a meeting, and whoever came can check in at the door."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from federation.reading.meetings import event
from federation.writing import objects as writing
from models import actors, arriving, attending, checking_in, meetings, minutes, removing
from models.arriving import RemotePost
from models.base import clock, now
from models.checking_in import AFTER, BEFORE
from models.database import Database
from models.meetings import Meeting, Way
from models.planning import Around
from models.posts import Kind, Post, Visibility
from tests.federation.elsewhere import remote
from tests.models.test_anonymity import one
from tests.models.test_meetings import plan, refused, sent

TEXT = """# Hvad vi talte om

Juraen siger ja, hvis foreningen er vært.
Det står i vedtægten.

- Hvem skriver til økonomi?
- [ ] Lån nøglen af Eva
  til torsdag

1. Næste gang i Havby
"""


def go_to(db: Session, post: Post, minutes_after: float = 0) -> None:
    """Let it be that long after the meeting began."""
    row = db.get_one(Meeting, post.id)
    clock.offset += (row.starts_at - meetings.now()).total_seconds() + minutes_after * 60


def begun(db: Session) -> Post:
    post = plan(db, around=Around(community=one(db, "udfordrere")), capacity=None)
    attending.sign_up(db, one(db, "eva"), post, Way.WEB)
    go_to(db, post, 150)
    return post


def test_minutes_are_a_comment_in_the_thread_and_the_meeting_says_which(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = begun(db)
        row = db.get_one(Meeting, post.id)
        written = minutes.write(db, one(db, "birk"), post, TEXT)
        assert (written.kind, written.in_reply_to_id, row.minutes_post_id) == (Kind.COMMENT, post.id, written.id)
        assert "<strong>Referat</strong>" in written.content and minutes.plain(written.source) == TEXT.strip()
        assert sent(db, "Create")[-1].object_uri == written.uri
        again = minutes.write(db, one(db, "birk"), post, "Kortere.", language="en")
        assert again.id == written.id and again.content.startswith("<p><strong>Minutes</strong></p>")
        removing.delete_post(db, one(db, "birk"), again)
        assert minutes.of(db, db.get_one(Meeting, post.id)) is None

    lived_in.write(write)


def test_each_paragraph_and_point_stands_for_itself() -> None:
    assert minutes.lines(minutes.headed(TEXT, "da")) == [
        "Juraen siger ja, hvis foreningen er vært. Det står i vedtægten.",
        "Hvem skriver til økonomi?",
        "Lån nøglen af Eva til torsdag",
        "Næste gang i Havby",
    ]
    assert minutes.lines("") == [] and len(minutes.lines("- x\n" * 999)) == minutes.MAX_LINES


def test_who_and_when(lived_in: Database) -> None:
    def plan_one(db: Session) -> int:
        return plan(db, around=Around(community=one(db, "udfordrere"))).id

    post_id = lived_in.write(plan_one)
    write = lambda name: lambda db: minutes.write(db, one(db, name), db.get_one(Post, post_id), TEXT)  # noqa: E731
    assert refused(lived_in, write("birk")) == "meeting_ahead"
    lived_in.write(lambda db: go_to(db, db.get_one(Post, post_id), 1))
    assert refused(lived_in, write("eva")) == "not_organiser"
    lived_in.write(write("camilla"))  # moderates the community
    assert refused(lived_in, write("birk")) == "minutes_there"


def test_the_code_at_the_door_checks_in_around_the_time_only(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db, capacity=None)
        row, eva = db.get_one(Meeting, post.id), one(db, "eva")
        attending.sign_up(db, eva, post, Way.WEB)
        code = checking_in.code(db, post)
        assert code == checking_in.code(db, post) != checking_in.code(db, plan(db)) and len(code) == 22
        for minutes_after, is_open in ((-BEFORE.total_seconds() / 60 - 1, False), (-59, True), (119, True)):
            go_to(db, post, minutes_after)
            assert checking_in.is_open(row) is is_open
        own = checking_in.check_in(db, eva, post, code)
        first = own.checked_in_at
        assert first is not None and checking_in.check_in(db, eva, post, code).checked_in_at == first
        assert checking_in.check_in(db, one(db, "david"), post, code).state == "going"  # came without signing up
        assert checking_in.count(db, post) == 2
        go_to(db, post, 121 + AFTER.total_seconds() / 60)
        assert not checking_in.is_open(row)

    lived_in.write(write)


@pytest.mark.parametrize("given", ["", "x" * 22, "æ" * 22])
def test_a_wrong_code_does_nothing(lived_in: Database, given: str) -> None:
    post_id = lived_in.write(lambda db: begun(db).id)
    work = lambda db: checking_in.check_in(db, one(db, "eva"), db.get_one(Post, post_id), given)  # noqa: E731
    assert refused(lived_in, work) == "code_unknown"


def test_who_waits_for_a_place_is_not_there(lived_in: Database) -> None:
    def write(db: Session) -> int:
        post = plan(db, capacity=1)
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        attending.sign_up(db, one(db, "david"), post, Way.WEB)
        go_to(db, post)
        return post.id

    post_id = lived_in.write(write)

    def late(db: Session) -> None:
        post = db.get_one(Post, post_id)
        checking_in.check_in(db, one(db, "david"), post, checking_in.code(db, post))

    assert refused(lived_in, late) == "no_place"


def test_the_organiser_ticks_off_also_who_signed_up_elsewhere(lived_in: Database) -> None:
    def write(db: Session) -> int:
        post = plan(db, capacity=None)
        jonas = remote(db, "m.example", "jonas")
        attending.sign_up(db, jonas, post, Way.JOIN, join_uri="https://m.example/join/1")
        go_to(db, post, 30)
        assert checking_in.tick(db, one(db, "birk"), post, jonas, there=True).checked_in_at is not None
        assert checking_in.tick(db, one(db, "birk"), post, jonas, there=False).checked_in_at is None
        return post.id

    post_id = lived_in.write(write)

    def by_eva(db: Session) -> None:
        jonas = actors.by_handle(db, "jonas", "m.example")
        assert jonas is not None
        checking_in.tick(db, one(db, "eva"), db.get_one(Post, post_id), jonas, there=True)

    assert refused(lived_in, by_eva) == "not_organiser"


def test_nobody_is_ticked_off_before_the_day(lived_in: Database) -> None:
    def write(db: Session) -> int:
        post = plan(db, capacity=None)
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        clock.offset += timedelta(days=1).total_seconds()
        return post.id

    post_id = lived_in.write(write)
    work = lambda db: checking_in.tick(db, one(db, "birk"), db.get_one(Post, post_id), one(db, "eva"), there=True)  # noqa: E731
    assert refused(lived_in, work) == "not_now"


def test_minutes_of_another_server_are_those_its_meeting_names_in_its_own_thread(lived_in: Database) -> None:
    def write(db: Session) -> None:
        tove, other = remote(db, "b.example", "tove"), remote(db, "c.example", "ole")
        uri = "https://b.example/p/1"
        starts = (now() - timedelta(days=1)).isoformat()
        event = {"event": {"starts": starts, "minutes": "https://b.example/p/2"}}
        meeting = RemotePost(uri, tove, Visibility.PUBLIC, now(), object_type="Event", kind_hint="event", title="Møde", extra=event)  # fmt: skip
        post, _ = arriving.record_remote(db, meeting)
        row = db.get_one(Meeting, post.id)
        assert minutes.of(db, row) is None
        for number, author, expected in ((2, tove, True), (3, other, False)):
            said = f"https://{author.domain}/p/{number}"
            event["event"]["minutes"] = said
            arriving.update_remote(db, meeting, fetched=True)
            reply = RemotePost(said, author, Visibility.PUBLIC, now(), content="<p>Referat</p>", in_reply_to_uri=uri)
            written, _ = arriving.record_remote(db, reply)
            assert (minutes.of(db, row) == written) is expected

    lived_in.write(write)


def test_a_meeting_names_its_minutes_to_other_servers(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = begun(db)
        assert "torv:minutes" not in writing.post(db, post)
        written = minutes.write(db, one(db, "birk"), post, TEXT)
        assert writing.post(db, post)["torv:minutes"] == written.uri
        assert sent(db, "Update")[-1].object_uri == post.uri
        assert event({"startTime": "2031-12-02T16:00:00Z", "torv:minutes": written.uri})["minutes"] == written.uri

    lived_in.write(write)
