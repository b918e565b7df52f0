"""Calls for a meeting: who makes one, who would come and how he says so, and who is told when it is planned."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, arriving, attendance, base, calls, planning, removing, threads
from models.actors import Actor
from models.arriving import RemotePost
from models.database import Database
from models.errors import Forbidden, NotFound
from models.jobs import Job
from models.meetings import Plan, State, Way
from models.notifications import NotificationKind
from models.planning import Around
from models.posts import Draft, Kind, Post
from tests.federation.elsewhere import remote
from tests.models.test_anonymity import one
from tests.models.test_meetings import sent, told, written_to

PLAN = Plan("Lad os tale om det", starts=datetime(2031, 12, 2, 16), place="Rådhuset")  # noqa: DTZ001 - a wall clock's


def in_one_transaction(work: Callable[[Session], None]) -> Callable[[Database], None]:
    """A test of what happens in one transaction."""

    def test(lived_in: Database) -> None:
        lived_in.write(work)

    return test


def ask(db: Session, by: str = "birk", **more: Any) -> Post:
    return threads.ask(db, one(db, by), one(db, "udfordrere"), Draft("", "Skal vi mødes om det?", **more))


def called(db: Session, by: str = "birk") -> Post:
    question = ask(db, by)
    calls.call(db, one(db, by), question)
    return question


def coming(db: Session, question: Post) -> int:
    row = calls.find(db, question)
    assert row is not None
    return row.coming


def plan(db: Session, by: str, question: Post) -> Post:
    return planning.publish(db, one(db, by), PLAN, Around(community=one(db, "udfordrere"), linked=(question,)))


def tell_all(db: Session) -> None:
    for job in db.scalars(select(Job).where(Job.kind == calls.TELL)).all():
        payload: dict[str, Any] | None = job.payload
        while payload is not None:
            payload = calls.tell_some(db, payload)


def reply(db: Session, who: Actor, question: Post, words: str) -> Post:
    post, _ = arriving.record_remote(
        db,
        RemotePost(
            uri=f"https://{who.domain}/notes/{base.new_id()}",
            url="",
            author=who,
            object_type="Note",
            visibility="public",
            content=f"<p>{words}</p>",
            in_reply_to_uri=question.uri,
            published=base.now(),
        ),
    )
    return post


@in_one_transaction
def test_a_question_becomes_a_call_and_others_are_told_of_it_once(db: Session) -> None:
    question = ask(db)
    updates = len(sent(db, "Update"))
    assert calls.call(db, one(db, "birk"), question)
    assert not calls.call(db, one(db, "birk"), question)
    assert coming(db, question) == 0
    assert {row.post_id for row in sent(db, "Update")[updates:]} == {question.id}


@in_one_transaction
def test_only_who_asked_or_a_moderator_makes_it_one(db: Session) -> None:
    question = ask(db)
    with pytest.raises(Forbidden):
        calls.call(db, one(db, "eva"), question)
    moderator = next(
        actor
        for actor in db.scalars(select(Actor))
        if calls.may_call(db, actor, question) and actor.id != question.author_id
    )
    assert calls.call(db, moderator, question)
    with pytest.raises(Forbidden):
        calls.call_off(db, one(db, "eva"), question)


@in_one_transaction
def test_who_would_come_is_counted_once_and_where_he_is_from(db: Session) -> None:
    question, eva, farid = called(db), one(db, "eva"), one(db, "farid")
    eva.municipality, farid.municipality = "0751", "0751"
    calls.come(db, eva, question, Way.WEB)
    calls.come(db, eva, question, Way.WEB)
    calls.come(db, farid, question, Way.WEB)
    assert coming(db, question) == 2
    assert calls.places(db, question) == [("Aarhus", 2)]
    assert calls.stay_away(db, eva, question)
    assert not calls.stay_away(db, eva, question)
    assert coming(db, question) == 1


@in_one_transaction
def test_nobody_comes_where_nobody_calls(db: Session) -> None:
    with pytest.raises(NotFound):
        calls.come(db, one(db, "eva"), ask(db), Way.WEB)


@in_one_transaction
def test_a_community_does_not_come(db: Session) -> None:
    with pytest.raises(Forbidden):
        calls.come(db, one(db, "udfordrere"), called(db), Way.JOIN)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("Jeg kommer!", True),
        ("@birk Jeg vil gerne komme", True),
        ("I'd come", True),
        ("count me in", True),
        ("#deltager", True),
        ("Det har vi talt om i to år, og nu vil jeg gerne se jer alle sammen. #deltager", True),
        ("Jeg kommer ikke", False),
        ("#afbud", False),
        ("Jeg kommer fra Aarhus", None),
        ("Kommer du?", None),
        ("Ja", None),
        ("Vi gjorde det sådan her, og det tog et år, og så skrev jeg at jeg kommer", None),
    ],
)
def test_a_short_reply_says_whether_its_author_would_come(words: str, meant: bool | None) -> None:
    assert calls.says(words) is meant


@in_one_transaction
def test_a_reply_from_elsewhere_counts_and_is_no_answer(db: Session) -> None:
    question, jonas = called(db), remote(db, "m.example", "jonas")
    said = reply(db, jonas, question, "Jeg kommer!")
    assert coming(db, question) == 1
    assert said.kind == Kind.COMMENT
    assert question.answer_count == 0
    reply(db, jonas, question, "Jeg kommer ikke alligevel")
    assert coming(db, question) == 0


@in_one_transaction
def test_a_deleted_reply_counts_no_longer_unless_he_said_so_otherwise_too(db: Session) -> None:
    question, jonas = called(db), remote(db, "m.example", "jonas")
    first = reply(db, jonas, question, "Jeg kommer!")
    removing.tombstone(db, first)
    assert coming(db, question) == 0
    second = reply(db, jonas, question, "Jeg kommer!")
    calls.come(db, jonas, question, Way.JOIN, join_uri="https://m.example/join/1")
    removing.tombstone(db, second)
    assert coming(db, question) == 1


@in_one_transaction
def test_a_reply_to_a_question_that_calls_for_nothing_is_an_answer(db: Session) -> None:
    question, jonas = ask(db), remote(db, "m.example", "jonas")
    assert reply(db, jonas, question, "Jeg kommer!").kind == Kind.ANSWER


@in_one_transaction
def test_those_who_would_come_are_told_of_the_meeting_each_in_his_way(db: Session) -> None:
    question, jonas = called(db), remote(db, "m.example", "jonas")
    calls.come(db, one(db, "eva"), question, Way.WEB)
    calls.come(db, jonas, question, Way.REPLY)
    plan(db, "birk", question)
    tell_all(db)
    tell_all(db)
    assert told(db, NotificationKind.MEETING_PLANNED) == ["eva"]
    letter = written_to(db, jonas)[0]
    assert "Lad os tale om det" in letter
    assert "Svar *ja*" in letter


@in_one_transaction
def test_a_yes_to_that_letter_signs_up(db: Session) -> None:
    question, jonas = called(db), remote(db, "m.example", "jonas")
    calls.come(db, jonas, question, Way.REPLY)
    meeting = plan(db, "birk", question)
    tell_all(db)
    letter = db.scalars(select(Post).where(Post.author_id == actors.node_actor(db).id).order_by(Post.id.desc())).first()
    assert letter is not None
    reply(db, jonas, letter, "Ja, gerne!")
    assert [(row.state, who.id) for row, who in attendance.attendees(db, meeting)] == [(State.GOING, jonas.id)]


@in_one_transaction
def test_a_meeting_of_somebody_without_a_say_is_shown_but_nobody_is_told(db: Session) -> None:
    question = called(db)
    calls.come(db, one(db, "eva"), question, Way.WEB)
    plan(db, "farid", question)
    assert db.scalars(select(Job).where(Job.kind == calls.TELL)).all() == []
    calls.come(db, one(db, "farid"), question, Way.WEB)
    plan(db, "farid", question)
    tell_all(db)
    assert told(db, NotificationKind.MEETING_PLANNED) == ["eva"]


@in_one_transaction
def test_what_another_server_says_of_its_call_is_kept_and_goes_with_it(db: Session) -> None:
    jonas = remote(db, "m.example", "jonas")
    question = ask(db)
    question.local, question.author_id, question.extra = False, jonas.id, {"wouldCome": 7}
    calls.take(db, question)
    assert coming(db, question) == 7
    calls.come(db, one(db, "eva"), question, Way.WEB)
    assert coming(db, question) == 8
    assert [row.to for row in sent(db, "Join")] == [[jonas.uri]]
    assert calls.places(db, question) == []
    calls.stay_away(db, one(db, "eva"), question)
    assert [row.to for row in sent(db, "Leave")] == [[jonas.uri]]
    question.extra = {}
    calls.take(db, question)
    assert calls.find(db, question) is None


@in_one_transaction
def test_who_leaves_is_not_counted_on(db: Session) -> None:
    question, eva = called(db), one(db, "eva")
    calls.come(db, eva, question, Way.WEB)
    calls.drop(db, eva)
    assert coming(db, question) == 0


@in_one_transaction
def test_a_deleted_question_leaves_nothing(db: Session) -> None:
    question = called(db)
    calls.come(db, one(db, "eva"), question, Way.WEB)
    removing.delete_post(db, one(db, "birk"), question)
    assert db.scalars(select(calls.WouldCome)).all() == []
    assert db.scalars(select(calls.MeetingCall)).all() == []
