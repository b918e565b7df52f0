"""Questions that were asked before: pointed to the earlier one by a moderator, and back again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import arriving, duplicates, notifications, removing, threads, timelines
from models.arriving import RemotePost
from models.database import Database
from models.errors import Conflict, Forbidden, Invalid
from models.moderation import AuditEntry
from models.outbox import Activity
from models.posts import Draft, Visibility, get
from models.windows import Window
from tests.federation.elsewhere import remote
from tests.models.test_anonymity import one
from tests.server.visiting import question

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def pair(lived_in: Database) -> tuple[int, int]:
    """A later question of Birk's, and the earlier one."""

    def ask(db: Session) -> tuple[int, int]:
        draft = Draft("Det er svært.", "Hvem taler I med, når økonomi siger nej?")
        later = threads.ask(db, one(db, "birk"), one(db, "udfordrere"), draft)
        return later.id, question(db, "Lederen siger ja").id

    return lived_in.write(ask)


def mark(database: Database, by: str, post: int, original: int) -> None:
    database.write(lambda db: duplicates.mark(db, one(db, by), get(db, post), get(db, original)))


def points_to(database: Database, post: int) -> int | None:
    with database.reading() as db:
        return get(db, post).duplicate_of_id


@pytest.mark.parametrize("moderator", ["camilla", "anna"])  # of the community; of the node
def test_a_moderator_points_it_to_the_earlier_one_and_takes_it_back(
    lived_in: Database, pair: tuple[int, int], moderator: str
) -> None:
    later, earlier = pair
    mark(lived_in, moderator, later, earlier)
    assert points_to(lived_in, later) == earlier
    with lived_in.reading() as db:
        assert [post.id for post in duplicates.pointing_to(db, None, get(db, earlier))] == [later]
        original = duplicates.original_of(db, None, get(db, later))
        assert original is not None
        assert original.id == earlier
        update = db.scalars(select(Activity).where(Activity.post_id == later).order_by(Activity.id)).all()
        assert any(row.type == "Update" for row in update)
        assert [row.action for row in db.scalars(select(AuditEntry))][-1] == "question.duplicate"
        assert ("duplicate", moderator) in {
            (row.kind, who.username) for row, who, _ in notifications.of(db, one(db, "birk").id)
        }
        assert later not in {p.id for p in timelines.questions(db, None, Window(limit=50), order="unanswered")}
    assert lived_in.write(lambda db: duplicates.unmark(db, one(db, moderator), get(db, later)))
    assert points_to(lived_in, later) is None
    assert not lived_in.write(lambda db: duplicates.unmark(db, one(db, moderator), get(db, later)))


def refused(database: Database, later: int, deed: Callable[[], Any], error: type[Exception]) -> None:
    before = points_to(database, later)
    with database.reading() as db:
        sent = len(db.scalars(select(Activity.id)).all())
    with pytest.raises(error):
        deed()
    assert points_to(database, later) == before
    with database.reading() as db:
        assert len(db.scalars(select(Activity.id)).all()) == sent


def test_others_may_not(lived_in: Database, pair: tuple[int, int]) -> None:
    later, earlier = pair
    for name in ("birk", "eva", "farid"):  # not even the asker
        refused(lived_in, later, lambda name=name: mark(lived_in, name, later, earlier), Forbidden)


def test_what_makes_no_sense_is_refused(lived_in: Database, pair: tuple[int, int]) -> None:
    later, earlier = pair

    def hidden(db: Session) -> int:
        draft = Draft("x", "Kun for os herinde, ikke?", visibility=Visibility.NODE)
        return threads.ask(db, one(db, "birk"), one(db, "udfordrere"), draft).id

    with lived_in.reading() as db:
        answer = threads.read(db, None, get(db, earlier)).answers[0].id
    inside = lived_in.write(hidden)
    for original in (later, answer, inside):
        refused(lived_in, later, lambda original=original: mark(lived_in, "camilla", later, original), Invalid)
    mark(lived_in, "camilla", later, earlier)
    refused(lived_in, earlier, lambda: mark(lived_in, "camilla", earlier, later), Conflict)


def test_chains_are_straightened(lived_in: Database, pair: tuple[int, int]) -> None:
    later, middle = pair
    with lived_in.reading() as db:
        first = question(db, "Hvordan fik I").id
    mark(lived_in, "camilla", later, middle)
    mark(lived_in, "camilla", middle, first)
    assert points_to(lived_in, later) == points_to(lived_in, middle) == first
    lived_in.write(lambda db: duplicates.unmark(db, one(db, "camilla"), get(db, later)))
    mark(lived_in, "camilla", later, middle)
    assert points_to(lived_in, later) == first


def test_what_points_to_a_question_that_is_deleted_stands_for_itself(lived_in: Database, pair: tuple[int, int]) -> None:
    later, earlier = pair
    mark(lived_in, "camilla", later, earlier)
    lived_in.write(lambda db: removing.delete_post(db, one(db, "eva"), get(db, earlier)))
    assert points_to(lived_in, later) is None


def test_another_server_says_it_of_its_own_question_and_takes_only_its_own_word_back(lived_in: Database) -> None:
    uri = "https://b.example/p/9"

    def arrive(db: Session, minute: int, original: str) -> int:
        post = RemotePost(
            uri,
            remote(db, "b.example", "inger"),
            Visibility.PUBLIC,
            AT,
            title="Hvem taler I med?",
            content="<p>x</p>",
            community=one(db, "udfordrere"),
            updated=AT.replace(minute=minute),
            extra={"duplicateOf": original} if original else {},
        )
        if minute == 0:
            return arriving.record_remote(db, post)[0].id
        arriving.update_remote(db, post)
        return 0

    with lived_in.reading() as db:
        earlier, other = question(db, "Lederen siger ja"), question(db, "Hvordan fik I").id
    number = lived_in.write(lambda db: arrive(db, 0, "https://b.example/p/unknown"))
    assert points_to(lived_in, number) is None
    lived_in.write(lambda db: arrive(db, 1, earlier.uri))
    assert points_to(lived_in, number) == earlier.id
    lived_in.write(lambda db: arrive(db, 2, ""))
    assert points_to(lived_in, number) is None
    mark(lived_in, "camilla", number, other)
    lived_in.write(lambda db: arrive(db, 3, ""))
    assert points_to(lived_in, number) == other
