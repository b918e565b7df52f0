"""Questions that were asked before: pointed to the earlier one by a moderator, and back again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    arriving,
    collections,
    duplicates,
    notifications,
    reactions,
    removing,
    thread_follows,
    threads,
    timelines,
)
from models.arriving import RemotePost
from models.database import Database
from models.errors import Conflict, Forbidden, Invalid
from models.moderation import AuditEntry
from models.outbox import Activity
from models.posts import Draft, Post, Visibility, get
from models.windows import Window
from tests.dumping import dumped
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


@pytest.fixture
def talked(lived_in: Database, pair: tuple[int, int]) -> tuple[int, int]:
    """The pair, of which the later one has two answers, one accepted and voted for, with a comment below it, a comment of
    its own, and a private word."""

    def talk(db: Session) -> None:
        later = get(db, pair[0])
        first = threads.answer(db, one(db, "farid"), later, Draft("Med jurister."))
        threads.answer(db, one(db, "eva"), later, Draft("Med naboerne."))
        threads.comment(db, one(db, "birk"), first, Draft("Altid?"))
        threads.comment(db, one(db, "david"), later, Draft("Hvorfor?"))
        threads.comment(db, one(db, "david"), later, Draft("@birk psst", visibility=Visibility.DIRECT))
        threads.accept(db, one(db, "birk"), later, first)
        reactions.vote(db, one(db, "anna"), first)
        thread_follows.follow(db, one(db, "anna").id, later.id)

    lived_in.write(talk)
    mark(lived_in, "camilla", *pair)
    return pair


def shape(db: Session, number: int) -> tuple[list[str], list[list[str]], int, int, int | None]:
    """What stands below a question, and its figures."""
    root = get(db, number)
    thread = threads.read(db, None, root)
    below = [
        [post.source for post in thread.comments.get(over, [])] for over in (root.id, *[p.id for p in thread.answers])
    ]
    answers = [post.source[:14] for post in thread.answers]
    return answers, below, root.answer_count, root.reply_count, root.answered_after


def test_merged_the_answers_stand_below_the_earlier_one_and_find_back(
    lived_in: Database, talked: tuple[int, int]
) -> None:
    later, earlier = talked
    with lived_in.reading() as db:
        apart = shape(db, later), shape(db, earlier)
        accepted = get(db, earlier).accepted_id
    lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, later)))
    with lived_in.reading() as db:
        assert shape(db, later) == ([], [[]], 0, 1, None)  # the private word
        answers, _, count, _, _ = shape(db, earlier)
        assert {"Med jurister.", "Med naboerne."} < set(answers)
        assert count == len(answers) == len(apart[1][0]) + 2
        assert get(db, earlier).accepted_id == accepted
        moved = next(p for p in threads.read(db, None, get(db, earlier)).answers if p.source == "Med jurister.")
        assert moved.up == 1
        assert moved.in_reply_to_uri == get(db, later).uri
        assert moved.id in {id for id, _ in collections.thread(db, get(db, earlier))}
        assert moved.id in {id for id, _ in collections.replies(db, get(db, later))}  # on the wire it answers that
        private = db.scalars(select(Post).where(Post.thread_id == later, Post.id != later)).all()
        assert [post.visibility for post in private] == [Visibility.DIRECT]
        for name in ("birk", "anna"):
            assert thread_follows.followed(db, one(db, name).id, [earlier])
        assert [row.action for row in db.scalars(select(AuditEntry))][-1] == "question.merge"
    lived_in.write(lambda db: duplicates.take_apart(db, one(db, "anna"), get(db, later)))
    with lived_in.reading() as db:
        assert (shape(db, later), shape(db, earlier)) == apart
        assert points_to(lived_in, later) == earlier


def test_what_is_answered_to_a_merged_question_goes_to_the_earlier_one(
    lived_in: Database, talked: tuple[int, int]
) -> None:
    later, earlier = talked

    def answer(db: Session) -> tuple[int, int]:
        duplicates.merge(db, one(db, "camilla"), get(db, later))
        here = threads.reply(db, one(db, "anna"), get(db, later), Draft("Med kantinen."))
        post = RemotePost(
            "https://b.example/p/1", remote(db, "b.example", "inger"), Visibility.PUBLIC, AT, content="<p>Med os</p>",
            in_reply_to_uri=get(db, later).uri,
        )  # fmt: skip
        return here.id, arriving.record_remote(db, post)[0].id

    here, there = lived_in.write(answer)
    with lived_in.reading() as db:
        for number in (here, there):
            assert (get(db, number).thread_id, get(db, number).in_reply_to_id) == (earlier, earlier)
        assert get(db, here).in_reply_to_uri == get(db, earlier).uri
        assert get(db, there).in_reply_to_uri == get(db, later).uri
        assert ("answer", "inger") in {
            (row.kind, who.username) for row, who, _ in notifications.of(db, one(db, "eva").id)
        }
        assert ("thread", "anna") in {
            (row.kind, who.username) for row, who, _ in notifications.of(db, one(db, "birk").id)
        }
    lived_in.write(lambda db: duplicates.unmark(db, one(db, "camilla"), get(db, later)))
    with lived_in.reading() as db:
        assert (get(db, here).thread_id, get(db, there).thread_id) == (earlier, later)
        assert get(db, later).merged_at is None


def test_a_merged_question_goes_along_when_the_earlier_one_is_merged_itself(
    lived_in: Database, talked: tuple[int, int]
) -> None:
    later, middle = talked
    with lived_in.reading() as db:
        first = question(db, "Hvordan fik I").id
    lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, later)))
    mark(lived_in, "camilla", middle, first)
    assert points_to(lived_in, later) == middle  # its answers are there
    lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, middle)))
    assert points_to(lived_in, later) == first
    with lived_in.reading() as db:
        assert "Med jurister." in shape(db, first)[0]
    lived_in.write(lambda db: duplicates.take_apart(db, one(db, "camilla"), get(db, later)))
    with lived_in.reading() as db:
        assert set(shape(db, later)[0]) == {"Med jurister.", "Med naboerne."}


def test_deleting_the_earlier_question_gives_the_answers_back(lived_in: Database, talked: tuple[int, int]) -> None:
    later, earlier = talked
    lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, later)))
    lived_in.write(lambda db: removing.delete_post(db, one(db, "eva"), get(db, earlier)))
    with lived_in.reading() as db:
        assert set(shape(db, later)[0]) == {"Med jurister.", "Med naboerne."}
        assert (get(db, later).merged_at, get(db, later).duplicate_of_id) == (None, None)


def test_deleting_an_answer_that_was_accepted_there_frees_the_later_question(
    lived_in: Database, talked: tuple[int, int]
) -> None:
    later, _ = talked

    def drop(db: Session) -> None:
        duplicates.merge(db, one(db, "camilla"), get(db, later))
        accepted = get(db, get(db, later).accepted_id or 0)
        removing.delete_post(db, one(db, "farid"), accepted)

    lived_in.write(drop)
    with lived_in.reading() as db:
        assert get(db, later).accepted_id is None


@pytest.mark.parametrize(
    ("name", "elsewhere", "error"), [("birk", False, Forbidden), ("eva", False, Forbidden), ("anna", True, Invalid)]
)
def test_only_moderators_merge_and_only_within_a_community(
    lived_in: Database, talked: tuple[int, int], name: str, elsewhere: bool, error: type[Exception]
) -> None:
    later, _ = talked
    if elsewhere:
        with lived_in.reading() as db:
            other = question(db, "Må vi").id
        mark(lived_in, "anna", later, other)
    before = dumped(lived_in)
    with pytest.raises(error):
        lived_in.write(lambda db: duplicates.merge(db, one(db, name), get(db, later)))
    assert dumped(lived_in) == before


def test_twice_is_told_and_changes_nothing(lived_in: Database, talked: tuple[int, int]) -> None:
    later, _ = talked
    with pytest.raises(Conflict):
        lived_in.write(lambda db: duplicates.take_apart(db, one(db, "camilla"), get(db, later)))
    lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, later)))
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: duplicates.merge(db, one(db, "camilla"), get(db, later)))
    assert dumped(lived_in) == before


def test_each_who_asked_anonymously_hears_of_what_is_said_to_him(lived_in: Database) -> None:
    def talk(db: Session) -> None:
        group = one(db, "udfordrere")
        old = threads.ask(db, one(db, "eva"), group, Draft("x", "Hvem har prøvet det før?", anonymous=True))
        new = threads.ask(db, one(db, "birk"), group, Draft("x", "Er der nogen, der har prøvet det?", anonymous=True))
        mine = threads.comment(db, one(db, "birk"), new, Draft("Altså i år.", anonymous=True))
        duplicates.mark(db, one(db, "camilla"), new, old)
        duplicates.merge(db, one(db, "camilla"), new)
        threads.comment(db, one(db, "david"), mine, Draft("Ja."))
        threads.answer(db, one(db, "farid"), old, Draft("Ja, ofte."))

    lived_in.write(talk)
    with lived_in.reading() as db:
        told = {
            name: {post.source for _, _, post in notifications.of(db, one(db, name).id) if post}
            for name in ("eva", "birk")
        }
        assert "Ja." in told["birk"] - told["eva"]
        assert "Ja, ofte." in told["eva"]
