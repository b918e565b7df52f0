"""Shutting somebody out of a community: he reads on and takes no part, is told, appeals; who may not changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models import (
    admission,
    appeals,
    arriving,
    asking,
    ballots,
    bans,
    communities,
    exclusions,
    notifications,
    polls,
    reactions,
    sanctions,
    threads,
    timelines,
)
from models.actors import Actor
from models.base import clock, now
from models.database import Database
from models.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft, Kind, Post, Visibility
from models.sanctions import SanctionKind
from tests.dumping import dumped
from tests.models.search.looking import person
from tests.models.test_relations import stranger
from tests.models.test_sanctions import kinds_told, question
from tests.world import DAY


def shut_out(db: Session, name: str = "birk", by: str = "camilla", group: str = "udfordrere", **more: Any) -> int:
    told = {"reason": "Reklame hver dag", **more}
    return exclusions.shut_out(db, person(db, by), person(db, group), person(db, name), **told).id


def ask(db: Session, name: str, group: str = "udfordrere") -> Post:
    return threads.ask(db, person(db, name), person(db, group), Draft("Hvem kender det?", "Hvem kender det?"))


def write(db: Session, name: str, deed: str) -> object:
    who, post = person(db, name), question(db, "Lederen siger ja")
    match deed:
        case "ask":
            return ask(db, name)
        case "answer":
            return threads.answer(db, who, post, Draft("Ja."))
        case "comment":
            return threads.comment(db, who, post, Draft("Ja."))
        case _:
            return reactions.vote(db, who, question(db, "Has anyone run"))


@pytest.mark.parametrize("deed", ["ask", "answer", "comment", "vote"])
def test_who_is_shut_out_takes_no_part_and_nothing_is_written(lived_in: Database, deed: str) -> None:
    lived_in.write(lambda db: write(db, "david", deed))
    lived_in.write(lambda db: shut_out(db, "david"))
    before = dumped(lived_in)
    with pytest.raises(Forbidden) as error:
        lived_in.write(lambda db: write(db, "david", deed))
    assert error.value.code == "banned"
    assert dumped(lived_in) == before


def test_nor_does_he_vote_in_a_poll_there(lived_in: Database) -> None:
    def prepare(db: Session) -> int:
        draft = Draft("@udfordrere Kaffe eller te?", poll=polls.PollDraft(("Kaffe", "Te"), seconds=3600))
        return asking.publish(db, person(db, "eva"), draft).id

    number = lived_in.write(prepare)
    lived_in.write(shut_out)
    before = dumped(lived_in)
    with pytest.raises(Forbidden):
        lived_in.write(lambda db: ballots.vote(db, person(db, "birk"), db.get_one(Post, number), [0]))
    assert dumped(lived_in) == before


def test_he_reads_on_and_takes_part_elsewhere(lived_in: Database) -> None:
    lived_in.write(shut_out)
    lived_in.write(lambda db: ask(db, "birk", "aabne_data"))
    with lived_in.reading() as db:
        birk, group = person(db, "birk"), person(db, "udfordrere")
        assert timelines.community(db, birk, group)
        assert not admission.may(db, birk, group, Kind.QUESTION)
        assert not admission.may(db, birk, group, Kind.ANSWER)
        found = admission.askable(db, birk, [group, person(db, "aabne_data")])
        assert [one.username for one in found] == ["aabne_data"]


def test_he_is_told_why_and_other_servers_the_rule_only(lived_in: Database) -> None:
    number = lived_in.write(lambda db: shut_out(db, rule="Ingen reklame."))
    with lived_in.reading() as db:
        assert kinds_told(db, "birk")[0] == "sanction"
        letter = db.query(Job).filter_by(kind="mail").order_by(Job.id.desc()).first()
        assert letter is not None
        said = {key: letter.payload[key] for key in ("what", "reason", "path", "email")}
        assert said == {
            "what": "banned",
            "reason": "Reklame hver dag",
            "path": f"/sanctions/{number}",
            "email": "birk@havby.example",
        }
        block, wrap = (
            db.query(Activity).filter(Activity.type.in_(["Block", "Announce"])).order_by(Activity.id).all()[-2:]
        )
        group, birk = person(db, "udfordrere"), person(db, "birk")
        assert (block.type, block.actor_id, block.object_uri) == ("Block", person(db, "camilla").id, birk.uri)
        assert block.data == {"target": group.uri, "audience": group.uri, "summary": "Ingen reklame."}
        assert (wrap.actor_id, wrap.data) == (group.id, {"only": "wraps", "inner": block.id})


REFUSED = [
    ("anna", "birk", "Fordi", Forbidden),
    ("birk", "eva", "Fordi", Forbidden),
    ("camilla", "camilla", "Fordi", Conflict),
    ("camilla", "aabne_data", "Fordi", Invalid),
    ("camilla", "birk", "  ", Invalid),
    ("camilla", "birk", "x" * 2001, Invalid),
]


@pytest.mark.parametrize(("by", "name", "reason", "error"), REFUSED)
def test_what_may_not_be_done_changes_nothing(
    lived_in: Database, by: str, name: str, reason: str, error: type[DomainError]
) -> None:
    before = dumped(lived_in)
    with pytest.raises(error):
        lived_in.write(lambda db: shut_out(db, name, by, reason=reason))
    assert dumped(lived_in) == before


def test_twice_and_letting_in_whom_nobody_shut_out_change_nothing(lived_in: Database) -> None:
    def let_in(db: Session, name: str) -> None:
        exclusions.let_in(db, person(db, "camilla"), person(db, "udfordrere"), person(db, name))

    lived_in.write(shut_out)
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(shut_out)
    with pytest.raises(NotFound):
        lived_in.write(lambda db: let_in(db, "eva"))
    assert dumped(lived_in) == before


def test_a_moderator_lets_him_in_again_and_others_hear_of_it(lived_in: Database) -> None:
    number = lived_in.write(shut_out)

    def let_in(db: Session) -> None:
        exclusions.let_in(db, person(db, "camilla"), person(db, "udfordrere"), person(db, "birk"))

    lived_in.write(let_in)
    lived_in.write(lambda db: ask(db, "birk"))
    with lived_in.reading() as db:
        assert sanctions.get(db, number).ended_at is not None
        block = db.query(Activity).filter_by(type="Block").one()
        undo = db.query(Activity).filter_by(type="Undo").one()
        assert undo.data["embed"]["id"] == block.uri
        assert undo.data["embed"]["target"] == person(db, "udfordrere").uri
        assert exclusions.of_community(db, person(db, "udfordrere")) == []


def test_an_accepted_appeal_lets_him_in_though_its_judge_does_not_moderate_there(lived_in: Database) -> None:
    number = lived_in.write(shut_out)

    def appeal(db: Session) -> None:
        appeals.appeal(db, sanctions.get(db, number), "Nej", account_id=person(db, "birk").id)

    lived_in.write(appeal)
    before = dumped(lived_in)
    with pytest.raises(Forbidden):
        lived_in.write(lambda db: _decide(db, number, "camilla"))
    assert dumped(lived_in) == before
    lived_in.write(lambda db: _decide(db, number, "anna"))
    with lived_in.reading() as db:
        assert not bans.is_banned(db, person(db, "birk").id, person(db, "udfordrere").id)
        undo = db.query(Activity).filter_by(type="Undo").one()
        assert undo.actor_id == person(db, "udfordrere").id


def _decide(db: Session, number: int, name: str) -> None:
    appeals.decide(db, sanctions.get(db, number), by=person(db, name), overturn=True, answer="Ja")


def test_what_comes_from_outside_is_recorded_and_shown_to_nobody(lived_in: Database) -> None:
    def arrive(db: Session) -> tuple[int, int]:
        tove = stranger(db)
        exclusions.shut_out(db, person(db, "camilla"), person(db, "udfordrere"), tove, reason="Reklame")
        asked = question(db, "Lederen siger ja")
        remote = arriving.RemotePost(
            uri="https://m.example/p/9",
            author=tove,
            visibility=Visibility.PUBLIC,
            published=now(),
            content="<p>Køb nu</p>",
            in_reply_to_uri=asked.uri,
        )
        return arriving.record_remote(db, remote)[0].id, asked.answer_count

    number, answers = lived_in.write(arrive)
    with lived_in.reading() as db:
        post, asked = db.get_one(Post, number), question(db, "Lederen siger ja")
        assert post.held_for == "kept_out"
        assert asked.answer_count == answers
        assert number not in [one.id for one in threads.read(db, person(db, "david"), asked).answers]
        assert "https://m.example/p/9" not in [one.object_uri for one in db.query(Activity).filter_by(type="Announce")]
        assert not [1 for row, _, _ in notifications.of(db, person(db, "eva").id) if row.post_id == number]
    with pytest.raises(Forbidden):
        lived_in.write(lambda db: reactions.vote(db, stranger(db), question(db, "Lederen siger ja")))


def test_a_ban_of_another_server_that_ends_by_itself_is_over_then(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hear(db: Session) -> Actor:
        group, mona = stranger(db, "gruppe", type="Group"), stranger(db, "mona")
        communities.set_moderators(db, group, [mona])
        until = now() + timedelta(days=1)
        assert exclusions.heard(
            db, mona, group, person(db, "birk"), "Nok", uri="https://m.example/b/1", until=until, inner=None
        )
        return group

    group = lived_in.write(hear)
    with lived_in.reading() as db:
        assert bans.is_banned(db, person(db, "birk").id, group.id)
        (row,) = sanctions.of(db, person(db, "birk").id)
        assert (row.kind, row.reason) == (SanctionKind.BAN, "Nok")
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(
            lambda db: appeals.appeal(
                db, sanctions.of(db, person(db, "birk").id)[0], "Nej", account_id=person(db, "birk").id
            )
        )
    assert dumped(lived_in) == before
    monkeypatch.setattr(clock, "offset", 2 * DAY)
    with lived_in.reading() as db:
        assert not bans.is_banned(db, person(db, "birk").id, group.id)
        assert bans.communities_of(db, person(db, "birk").id) == set()


def test_what_was_for_a_time_ends_by_itself_and_others_hear_of_it(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = lived_in.write(lambda db: shut_out(db, days=7))
    assert lived_in.write(lambda db: exclusions.end_over(db, 10)) == 0
    with lived_in.reading() as db:
        until = exclusions.until(db, db.get_one(sanctions.Sanction, number))
        assert until is not None
        assert timedelta(days=6, hours=23) < until - now() <= timedelta(days=7)
    monkeypatch.setattr(clock, "offset", 7 * DAY + 60)
    with lived_in.reading() as db:
        assert not bans.is_banned(db, person(db, "birk").id, person(db, "udfordrere").id)
    assert lived_in.write(lambda db: exclusions.end_over(db, 10)) == 1
    assert lived_in.write(lambda db: exclusions.end_over(db, 10)) == 0
    with lived_in.reading() as db:
        row = db.get_one(sanctions.Sanction, number)
        assert (row.ended_at, row.ended_by_id) == (until, None)
        undo, wrap = db.query(Activity).order_by(Activity.id).all()[-2:]
        assert (undo.type, undo.actor_id, undo.data["embed"]["type"]) == ("Undo", person(db, "camilla").id, "Block")
        assert (wrap.type, wrap.actor_id) == ("Announce", person(db, "udfordrere").id)


def test_it_ends_in_the_name_of_the_community_when_who_decided_moderates_no_more(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(db: Session) -> None:
        shut_out(db, days=1)
        group = person(db, "udfordrere")
        communities.add_moderator(db, person(db, "camilla"), group, person(db, "eva"))
        communities.remove_moderator(db, person(db, "eva"), group, person(db, "camilla"))

    lived_in.write(decide)
    monkeypatch.setattr(clock, "offset", DAY + 60)
    lived_in.write(lambda db: exclusions.end_over(db, 10))
    with lived_in.reading() as db:
        undo = db.query(Activity).filter_by(type="Undo").order_by(Activity.id.desc()).first()
        assert undo is not None
        assert undo.actor_id == person(db, "udfordrere").id


def test_somebody_is_shut_out_anew_when_the_time_is_over(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lived_in.write(lambda db: shut_out(db, days=1))
    monkeypatch.setattr(clock, "offset", DAY + 60)
    second = lived_in.write(shut_out)
    assert lived_in.write(lambda db: exclusions.end_over(db, 10)) == 0
    with lived_in.reading() as db:
        assert db.get_one(sanctions.Sanction, first).ended_at is not None
        assert db.get_one(sanctions.Sanction, second).ended_at is None
        assert bans.is_banned(db, person(db, "birk").id, person(db, "udfordrere").id)


def test_for_how_long_is_one_of_a_few(lived_in: Database) -> None:
    before = dumped(lived_in)
    with pytest.raises(Invalid):
        lived_in.write(lambda db: shut_out(db, days=2))
    assert dumped(lived_in) == before
