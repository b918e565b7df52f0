"""Meetings: planned with time and place, places given in order and never twice, and everybody told once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    access,
    actors,
    agenda,
    attendance,
    attending,
    blocks,
    communities,
    companions,
    composing,
    follows,
    holding,
    jobs,
    leaving,
    meeting_news,
    meetings,
    moderation,
    peers,
    planning,
    posts,
    reactions,
    removing,
)
from models.actors import Actor
from models.agenda import EVERYTHING, Choice
from models.base import clock, now
from models.database import Database
from models.domains import DomainAction
from models.errors import Conflict, DomainError, Forbidden, Invalid
from models.follows import FollowState
from models.jobs import Job
from models.meetings import Attendee, Joining, Meeting, Plan, Way
from models.notifications import Notification, NotificationKind
from models.outbox import Activity
from models.planning import Around
from models.posts import Draft, Kind, Post
from tests.federation.elsewhere import remote
from tests.models.test_anonymity import one

wall = datetime.fromisoformat

PLAN = Plan(
    "Når jura siger nej", "Tre korte *oplæg*.", "1. Velkomst\n2. Bordsnak", wall("2031-12-02T16:00"),
    wall("2031-12-02T18:00"), place="Rådhuset", street="Torvet 1", postal_code="1234", town="Eksempelby",
    accessibility="Elevator.", latitude=56.15, longitude=10.21, online_url="https://meet.example/x",
    capacity=1, by_like=True,
)  # fmt: skip
"""Birk's, with one place."""


def plan(db: Session, name: str = "birk", around: Around = planning.HERE, **changed: Any) -> Post:
    return planning.publish(db, one(db, name), replace(PLAN, **changed), around)


def states(db: Session, post: Post) -> dict[str, str]:
    return {actor.username: row.state for row, actor in attendance.attendees(db, post)}


def told(db: Session, *kinds: NotificationKind) -> list[str]:
    rows = db.scalars(select(Notification).where(Notification.kind.in_(kinds)).order_by(Notification.id))
    return [actors.get(db, row.account_id).username for row in rows]


def written_to(db: Session, actor: Actor) -> list[str]:
    """What the node itself wrote to somebody elsewhere."""
    mine = select(Post).where(Post.author_id == actors.node_actor(db).id, Post.visibility == "direct").order_by(Post.id)
    return [post.source for post in db.scalars(mine) if f"@{actor.handle}" in post.source]


def sent(db: Session, type: str) -> list[Activity]:
    return list(db.scalars(select(Activity).where(Activity.type == type).order_by(Activity.id)))


def tell_all(db: Session) -> int:
    """Run what waits to be told; how many transactions it took."""
    steps = 0
    for job in db.scalars(select(Job).where(Job.kind == planning.TELL)).all():
        payload: dict[str, Any] | None = job.payload
        while payload is not None:
            payload = planning.tell_some(db, payload)
            steps += 1
        jobs.finish(db, job.id)
    return steps


def reply(db: Session, name: str, post: Post, words: str) -> Post:
    return composing.note(db, one(db, name), Draft(words, visibility="public"), reply_to=post)


def refused(database: Database, work: Callable[[Session], object]) -> str:
    """The code with which something is refused; nothing is changed by it."""

    def counts() -> list[Any]:
        with database.reading() as db:
            return [db.scalar(select(func.count()).select_from(t)) for t in (Post, Meeting, Attendee, Activity, Job)]

    before = counts()
    with pytest.raises(DomainError) as caught:
        database.write(work)
    assert counts() == before
    return caught.value.code


def test_a_meeting_is_a_first_post_with_time_and_place_in_its_summary(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db, around=Around(community=one(db, "udfordrere")))
        row = db.get_one(Meeting, post.id)
        assert (post.kind, post.object_type, post.title) == (Kind.EVENT, "Event", "Når jura siger nej")
        assert post.summary == (
            "tirsdag 2. december 2031 kl. 16.00–18.00 (Europe/Copenhagen) · "
            "Rådhuset, Torvet 1, 1234 Eksempelby · også online"
        )
        assert not post.sensitive
        assert post.source == (
            "Tre korte *oplæg*.\n\n# Dagsorden\n\n1. Velkomst\n2. Bordsnak\n\n# Adgang og tilgængelighed\n\nElevator."
        )
        assert row.starts_at == datetime(2031, 12, 2, 15, tzinfo=UTC)
        assert row.ends_at == datetime(2031, 12, 2, 17, tzinfo=UTC)
        assert meetings.plan_of(post, row) == PLAN
        [reminder] = db.scalars(select(Job).where(Job.kind == planning.REMIND))
        assert reminder.run_at == row.starts_at - timedelta(hours=24)

    lived_in.write(write)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"title": "Møde"}, "title_missing"),
        ({"starts": None}, "starts_missing"),
        ({"starts": wall("2020-01-01T16:00"), "ends": None}, "starts_past"),
        ({"ends": wall("2031-12-02T15:00")}, "ends_before"),
        ({"ends": wall("2032-02-02T15:00")}, "ends_late"),
        ({"timezone": "Europe/Vesterlund"}, "timezone_unknown"),
        ({"timezone": "../../etc/passwd"}, "timezone_unknown"),
        ({"starts": wall("2031-03-30T02:30"), "ends": None}, "starts_gap"),
        ({"ends": wall("9999-12-31T23:59"), "timezone": "America/New_York"}, "ends_unfit"),
        ({"place": "", "street": "", "town": "", "online_url": ""}, "place_missing"),
        ({"online_url": "javascript:alert(1)"}, "online_url_unfit"),
        ({"join_url": "meet.example"}, "join_url_unfit"),
        ({"joining": "invite"}, "joining_unknown"),
        ({"joining": "external"}, "join_url_missing"),
        ({"capacity": 0}, "capacity_range"),
        ({"latitude": 91.0}, "latitude_range"),
        ({"longitude": None}, "latitude_alone"),
        ({"remind_hours": 5}, "remind_hours_unknown"),
        ({"theme": "x" * 10_001}, "theme_long"),
        ({"accessibility": "x" * 1001}, "accessibility_long"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(lived_in: Database, changed: dict[str, Any], code: str) -> None:
    assert refused(lived_in, lambda db: plan(db, **changed)) == code


def test_of_an_hour_that_comes_twice_it_is_the_first(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db, starts=wall("2031-10-26T02:30"), ends=None)
        row = db.get_one(Meeting, post.id)
        assert row.starts_at == datetime(2031, 10, 26, 0, 30, tzinfo=UTC)
        assert row.open_end

    lived_in.write(write)


def test_places_are_given_in_order_and_the_next_who_waits_moves_up(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        for name in ("anna", "camilla", "david"):
            attending.sign_up(db, one(db, name), post, Way.WEB)
        row = db.get_one(Meeting, post.id)
        assert states(db, post) == {"anna": "going", "camilla": "waiting", "david": "waiting"}
        assert (row.going, row.waiting, row.free_places) == (1, 2, 0)
        assert told(db, NotificationKind.ATTENDING) == ["birk"] * 3
        own = attendance.attendee(db, post, one(db, "david"))
        assert own is not None
        assert attendance.place_in_line(db, own) == 2
        assert attending.withdraw(db, one(db, "anna"), post)
        assert states(db, post) == {"camilla": "going", "david": "waiting"}
        assert told(db, NotificationKind.PLACE) == ["camilla"]
        planning.edit(db, one(db, "birk"), post, replace(PLAN, capacity=5))
        assert states(db, post) == {"camilla": "going", "david": "going"}
        assert told(db, NotificationKind.PLACE) == ["camilla", "david"]
        planning.edit(db, one(db, "birk"), post, replace(PLAN, capacity=1))
        assert states(db, post) == {"camilla": "going", "david": "going"}  # nobody loses his place

    lived_in.write(write)


def test_who_asks_in_several_ways_has_one_place_until_the_last_is_taken_back(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, inger = plan(db), remote(db, "b.example", "inger")
        reactions.vote(db, inger, post)
        composing_reply = reply(db, "anna", post, "ja")
        attending.sign_up(db, inger, post, Way.JOIN, join_uri="https://b.example/join/1")
        attending.sign_up(db, inger, post, Way.JOIN, join_uri="https://b.example/join/1")
        assert states(db, post) == {"inger": "going", "anna": "waiting"}
        assert len(sent(db, "Accept")) == 1
        assert len(written_to(db, inger)) == 1
        reactions.withdraw_vote(db, inger, post)
        assert states(db, post) == {"inger": "going", "anna": "waiting"}
        attending.withdraw(db, inger, post, Way.JOIN)
        assert states(db, post) == {"anna": "going"}
        removing.delete_post(db, one(db, "anna"), composing_reply)
        assert states(db, post) == {}

    lived_in.write(write)


@pytest.mark.parametrize(
    ("words", "signs_up"),
    [
        ("ja", True),
        ("Ja tak, jeg kommer gerne!", True),
        ("yes", True),
        ("Den lyder god. #deltager", True),
        ("#Attending", True),
        ("Ja, men kan man komme i kørestol den dag?", False),
        ("ja?", False),
        ("Jeg ved det ikke", False),
        ("nej", False),
    ],
)
def test_a_reply_signs_up_with_its_tag_or_a_plain_yes(lived_in: Database, words: str, signs_up: bool) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        reply(db, "anna", post, words)
        assert bool(states(db, post)) == signs_up

    lived_in.write(write)


def test_a_plain_no_gives_the_place_up_however_it_was_asked_for(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        attending.sign_up(db, one(db, "anna"), post, Way.WEB)
        reply(db, "anna", post, "Nej, jeg kan ikke.")
        assert states(db, post) == {}

    lived_in.write(write)


def test_the_organiser_chooses_which_answers_count(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db, by_like=False, by_reply=False)
        reactions.vote(db, one(db, "anna"), post)
        reply(db, "anna", post, "#deltager")
        reply(db, "birk", post, "ja")
        assert states(db, post) == {}

    lived_in.write(write)


def test_who_is_elsewhere_is_written_to_once_for_each_change_in_the_language_of_his_reply(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, inger, ole = plan(db), remote(db, "b.example", "inger"), remote(db, "b.example", "ole")
        yes = composing.note(db, one(db, "anna"), Draft("x", language="en"), reply_to=post)
        yes.author_id, yes.local = inger.id, False
        attending.sign_up(db, inger, post, Way.REPLY, reply_id=yes.id)
        reactions.vote(db, ole, post)
        [confirmed], [waits] = written_to(db, inger), written_to(db, ole)
        assert "You are signed up for “Når jura siger nej”: Tuesday 2 December 2031 at 16:00–18:00" in confirmed
        assert "<https://meet.example/x>" in confirmed
        assert "answer *no*" in confirmed
        assert "Du er nummer 1 på ventelisten" in waits
        assert "meet.example" not in waits
        planning.edit(db, one(db, "birk"), post, replace(PLAN, theme="Andet."))
        assert tell_all(db) == 0
        planning.edit(db, one(db, "birk"), post, replace(PLAN, place="Biblioteket"))
        tell_all(db)
        tell_all(db)
        assert [len(written_to(db, who)) for who in (inger, ole)] == [2, 2]
        planning.cancel(db, one(db, "birk"), post, "Oplægsholderen er syg.")
        planning.cancel(db, one(db, "birk"), post, "Igen.")
        tell_all(db)
        assert [len(written_to(db, who)) for who in (inger, ole)] == [3, 3]
        assert "er aflyst. Oplægsholderen er syg." in written_to(db, ole)[-1]
        assert post.summary.startswith("AFLYST · ")

    lived_in.write(write)


def test_a_no_to_what_the_node_wrote_gives_the_place_up(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, inger = plan(db), remote(db, "b.example", "inger")
        reactions.vote(db, inger, post)
        note = db.scalars(select(Post).where(Post.author_id == actors.node_actor(db).id)).one()
        answer = composing.note(db, one(db, "anna"), Draft("@anna nej"), reply_to=post)
        attending.replied(db, inger, answer, note)
        assert states(db, post) == {}
        assert "ikke længere tilmeldt" in written_to(db, inger)[-1]

    lived_in.write(write)


def test_what_the_node_wrote_to_those_elsewhere_goes_a_month_after_the_meeting(lived_in: Database) -> None:
    def write(db: Session) -> list[int]:
        ida = remote(db, "m.example", "ida")
        soon, late = plan(db, capacity=None), plan(db, starts=wall("2032-12-02T16:00"), ends=None, capacity=None)
        elsewhere = composing.note(db, actors.node_actor(db), Draft(f"@{ida.handle} Noget andet.", visibility="direct"))
        for post in (soon, late):
            attending.sign_up(db, ida, post, Way.LIKE)
        assert len(written_to(db, ida)) == 3
        clock.offset += (datetime(2031, 12, 31, tzinfo=UTC) - now()).total_seconds()
        assert meeting_news.sweep(db, 100) == 0
        attending.sign_up(db, remote(db, "m.example", "ole"), late, Way.LIKE)
        clock.offset += 2 * 86_400
        deletions = len(sent(db, "Delete"))
        assert meeting_news.sweep(db, 100) == 1
        assert [words for words in written_to(db, ida) if "Når jura" in words] == [written_to(db, ida)[1]]
        assert "2032" in written_to(db, ida)[1]
        assert written_to(db, ida)[0] == elsewhere.source
        assert meeting_news.sweep(db, 100) == 0
        attending.withdraw(db, ida, late)
        removing.delete_by_moderator(db, late)
        assert meeting_news.sweep(db, 100) == 1, "its meeting is gone; ole's is not old enough"
        assert len(sent(db, "Delete")) == deletions + 1, "of the meeting alone"
        return [soon.id]

    lived_in.write(write)


def test_where_the_organiser_decides_people_ask_and_hear(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, birk, inger = plan(db, joining=Joining.APPROVAL), one(db, "birk"), remote(db, "b.example", "inger")
        attending.sign_up(db, one(db, "anna"), post, Way.WEB)
        attending.sign_up(db, inger, post, Way.JOIN, join_uri="https://b.example/join/1")
        attending.sign_up(db, one(db, "david"), post, Way.WEB)
        assert set(states(db, post).values()) == {"asked"}
        assert told(db, NotificationKind.ATTENDANCE_ASKED) == ["birk"] * 3
        attending.decide(db, birk, post, one(db, "anna"), yes=True)
        attending.decide(db, birk, post, one(db, "david"), yes=True)
        attending.decide(db, birk, post, inger, yes=False)
        assert states(db, post) == {"anna": "going", "david": "waiting", "inger": "declined"}
        assert [one.object_uri for one in sent(db, "Reject")] == ["https://b.example/join/1"]
        attending.sign_up(db, inger, post, Way.JOIN, join_uri="https://b.example/join/2")
        assert states(db, post)["inger"] == "declined"
        assert [one.object_uri for one in sent(db, "Reject")][1:] == ["https://b.example/join/2"]
        attending.decide(db, birk, post, one(db, "anna"), yes=False)
        assert states(db, post)["david"] == "going"

    lived_in.write(write)


def test_only_organiser_and_moderators_decide(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: plan(db, joining=Joining.APPROVAL).id)
    lived_in.write(lambda db: attending.sign_up(db, one(db, "anna"), posts.get(db, post_id), Way.WEB))
    code = refused(
        lived_in, lambda db: attending.decide(db, one(db, "eva"), posts.get(db, post_id), one(db, "anna"), yes=True)
    )
    assert code == "not_organiser"


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda db, post: planning.cancel(db, one(db, "birk"), post), "meeting_cancelled"),
        (lambda db, post: setattr(clock, "offset", 3600.0 * 24 * 365 * 20), "meeting_over"),
        (lambda db, post: blocks.block(db, one(db, "birk"), one(db, "anna")), "not_welcome"),
        (lambda db, post: setattr(db.get_one(Meeting, post.id), "joining", "none"), "joining_elsewhere"),
        (lambda db, post: setattr(db.get_one(Meeting, post.id), "joining", "external"), "joining_elsewhere"),
        (lambda db, post: setattr(one(db, "anna"), "type", "Group"), "not_a_person"),
    ],
)
def test_who_cannot_come_is_told_why(lived_in: Database, prepare: Callable[[Session, Post], object], code: str) -> None:
    post_id = lived_in.write(lambda db: plan(db).id)
    lived_in.write(lambda db: prepare(db, posts.get(db, post_id)) and None)
    assert refused(lived_in, lambda db: attending.sign_up(db, one(db, "anna"), posts.get(db, post_id), Way.WEB)) == code


@pytest.mark.parametrize(
    "leave",
    [
        lambda db, eva: leaving.delete_local(db, eva),
        lambda db, eva: actors.suspend(db, eva),
        lambda db, eva: blocks.block(db, one(db, "birk"), eva),
        lambda db, eva: blocks.block(db, eva, one(db, "birk")),
    ],
)
def test_the_place_of_somebody_who_is_gone_is_free(
    lived_in: Database, leave: Callable[[Session, Actor], object]
) -> None:
    def write(db: Session) -> None:
        post, eva = plan(db), one(db, "eva")
        attending.sign_up(db, eva, post, Way.WEB)
        attending.sign_up(db, one(db, "david"), post, Way.WEB)
        leave(db, eva)
        assert states(db, post) == {"david": "going"}
        assert told(db, NotificationKind.PLACE) == ["david"]

    lived_in.write(write)


def test_who_comes_is_seen_by_organiser_moderators_and_those_who_come(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db, around=Around(community=one(db, "udfordrere")), online_hidden=True)
        row = db.get_one(Meeting, post.id)
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        attending.sign_up(db, one(db, "farid"), post, Way.WEB)
        seen = {name for name in ("anna", "birk", "camilla", "eva", "farid", "david")
                if attendance.standing(db, one(db, name), [post]).sees_attendees(post)}  # fmt: skip
        assert seen == {"anna", "birk", "camilla", "eva"}  # anna and camilla moderate; farid waits
        assert not attendance.standing(db, None, [post]).sees_attendees(post)
        links = {
            name
            for name in ("birk", "eva", "farid")
            if attendance.standing(db, one(db, name), [post]).sees_link(post, row)
        }
        assert links == {"birk", "eva"}

    lived_in.write(write)


def test_a_meeting_that_people_come_to_is_cancelled_before_it_is_deleted(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: plan(db).id)
    lived_in.write(lambda db: attending.sign_up(db, one(db, "anna"), posts.get(db, post_id), Way.WEB))
    code = refused(lived_in, lambda db: removing.delete_post(db, one(db, "birk"), posts.get(db, post_id)))
    assert code == "cancel_first"

    def write(db: Session) -> None:
        post = posts.get(db, post_id)
        planning.cancel(db, one(db, "birk"), post)
        removing.delete_post(db, one(db, "birk"), post)
        assert db.get(Meeting, post_id) is None
        assert db.scalar(select(Attendee)) is None

    lived_in.write(write)


def test_a_reminder_comes_once_and_a_meeting_that_is_moved_reminds_anew(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        attending.sign_up(db, one(db, "anna"), post, Way.WEB)
        attending.sign_up(db, one(db, "david"), post, Way.WEB)
        first, moved = int(db.get_one(Meeting, post.id).starts_at.timestamp()), wall("2031-12-03T16:00")
        planning.edit(db, one(db, "birk"), post, replace(PLAN, starts=moved, ends=None))
        tell_all(db)
        assert sorted(told(db, NotificationKind.MEETING_CHANGED)) == ["anna", "david"]
        second = int(db.get_one(Meeting, post.id).starts_at.timestamp())
        assert not planning.remind(db, post.id, second)  # not yet
        clock.offset = second - 3600 - clock.time()
        assert not planning.remind(db, post.id, first)
        assert planning.remind(db, post.id, second)
        assert not planning.remind(db, post.id, second)
        tell_all(db)
        assert told(db, NotificationKind.MEETING_SOON) == ["anna"]  # david still waits

    lived_in.write(write)


def test_many_are_told_in_steps_and_each_once(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "BATCH", 2)

    def write(db: Session) -> None:
        post = plan(db, capacity=None)
        for name in ("anna", "camilla", "david", "eva", "farid"):
            attending.sign_up(db, one(db, name), post, Way.WEB)
        planning.cancel(db, one(db, "birk"), post)
        assert tell_all(db) == 3
        assert sorted(told(db, NotificationKind.MEETING_CANCELLED)) == ["anna", "camilla", "david", "eva", "farid"]

    lived_in.write(write)


def test_lists_have_what_is_to_come_first_and_nothing_that_is_not_for_the_reader(lived_in: Database) -> None:
    def write(db: Session) -> None:
        later = plan(db)
        sooner = plan(db, starts=wall("2031-11-01T09:00"), ends=None)
        hidden = plan(db, around=Around(visibility="node"), starts=wall("2031-10-01T09:00"), ends=None)
        to_come = Choice(since=now())
        assert [post.id for post, _ in agenda.find(db, None, to_come)] == [sooner.id, later.id]
        assert [post.id for post, _ in agenda.find(db, one(db, "eva"), to_come)] == [hidden.id, sooner.id, later.id]
        first = agenda.find(db, None, to_come, limit=1)[0][1]
        rest = agenda.find(db, None, to_come, after=(first.starts_at, first.post_id))
        assert [post.id for post, _ in rest] == [later.id]
        attending.sign_up(db, one(db, "eva"), later, Way.WEB)
        assert [post.id for post, _, _ in attendance.mine(db, one(db, "eva"))] == [later.id]
        assert len(attendance.mine(db, one(db, "birk"))) == 3
        clock.offset = 20 * 365 * 86400.0
        assert [post.id for post, _ in agenda.find(db, None, EVERYTHING, past=True, over=True)] == [later.id, sooner.id]
        assert not access.may_see(db, None, hidden)

    lived_in.write(write)


def test_a_meeting_is_let_into_a_community_like_a_question(lived_in: Database) -> None:
    def close(db: Session) -> None:
        communities.settings(db, one(db, "udfordrere")).moderators_only = True

    lived_in.write(close)
    code = refused(lived_in, lambda db: plan(db, around=Around(community=one(db, "udfordrere"))))
    assert code == "moderators_only"


def test_an_app_cannot_turn_a_meeting_into_a_mere_text(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: plan(db).id)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: composing.edit(db, one(db, "birk"), posts.get(db, post_id), Draft("x", "Titlen her")))
    with pytest.raises((Forbidden, Invalid)):
        lived_in.write(lambda db: planning.cancel(db, one(db, "eva"), posts.get(db, post_id)))


@pytest.mark.parametrize("seats", [1, 3])
def test_the_last_place_is_given_once_however_many_ask_at_the_same_moment(lived_in: Database, seats: int) -> None:
    """Each asks in a transaction of his own, on PostgreSQL at the same time; nobody gets a place too many."""
    post_id = lived_in.write(lambda db: plan(db, capacity=seats).id)
    guests = [lived_in.write(lambda db, n=n: remote(db, f"n{n}.example", "gaest").id) for n in range(8)]  # type: ignore[misc]

    def ask(actor_id: int) -> None:
        lived_in.write(
            lambda db: attending.sign_up(db, actors.get(db, actor_id), posts.get(db, post_id), Way.LIKE) and None
        )

    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(ask, guests))
    with lived_in.reading() as db:
        found = [row.state for row, _ in attendance.attendees(db, posts.get(db, post_id))]
        row = db.get_one(Meeting, post_id)
        assert (found.count("going"), found.count("waiting")) == (seats, 8 - seats)
        assert (row.going, row.waiting) == (seats, 8 - seats)

    def leave(actor_id: int) -> None:
        lived_in.write(lambda db: attending.withdraw(db, actors.get(db, actor_id), posts.get(db, post_id)))

    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(leave, guests[:4]))
    with lived_in.reading() as db:
        found = [row.state for row, _ in attendance.attendees(db, posts.get(db, post_id))]
        assert found.count("going") == seats
        assert len(found) == 4


def test_who_means_to_come_hears_that_a_meeting_is_gone_with_its_organiser(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, inger = plan(db, capacity=None), remote(db, "b.example", "inger")
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        reactions.vote(db, inger, post)
        leaving.delete_local(db, one(db, "birk"))
        assert told(db, NotificationKind.MEETING_CANCELLED) == ["eva"]
        assert "er aflyst" in written_to(db, inger)[-1]
        assert db.get(Meeting, post.id) is None

    lived_in.write(write)


def test_who_means_to_come_hears_that_a_moderator_deleted_the_meeting(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        removing.delete_by_moderator(db, post)
        assert told(db, NotificationKind.MEETING_CANCELLED) == ["eva"]

    lived_in.write(write)


def test_a_reply_that_says_something_else_from_now_on_counts_as_it_says(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post = plan(db)
        written = reply(db, "anna", post, "Måske")
        composing.edit(db, one(db, "anna"), written, Draft("ja"))
        assert states(db, post) == {"anna": "going"}
        composing.edit(db, one(db, "anna"), written, Draft("nej"))
        assert states(db, post) == {}

    lived_in.write(write)


def test_who_is_on_a_blocked_server_has_no_place(lived_in: Database) -> None:
    def write(db: Session) -> None:
        post, inger = plan(db), remote(db, "b.example", "inger")
        reactions.vote(db, inger, post)
        attending.sign_up(db, one(db, "eva"), post, Way.WEB)
        moderation.set_rule(db, "b.example", DomainAction.BLOCK)
        assert states(db, post) == {"eva": "going"}

    lived_in.write(write)


def test_a_meeting_that_a_moderator_lets_in_gets_its_companion(lived_in: Database) -> None:
    def write(db: Session) -> None:
        group, inger = one(db, "udfordrere"), remote(db, "b.example", "inger")
        follows.request(db, inger, group).state = FollowState.ACCEPTED
        peers.note_software(db, "b.example", "nodebb")
        communities.settings(db, group).held_words = ["lotteri"]
        post = plan(db, around=Around(community=group), theme="Vind i lotteri.")
        assert post.held_for
        assert companions.of(db, post) is None
        holding.let_in(db, one(db, "camilla"), post)
        assert companions.of(db, post) is not None

    lived_in.write(write)
