"""Many activities at once: stored together, answered each for itself, and believed by a key in memory only as long as
the database says the same."""

import asyncio

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from federation import crossing, receiving
from federation.receiving import signing, storing
from models import actors, follows, leaving, moderation, plain_notes
from models.actor_keys import Key
from models.actors import ActorType
from models.base import now
from models.database import Database
from models.follows import FollowState
from models.inbox import Received
from models.posts import Post
from tests import keys
from tests.federation.neighbours import Fediverse, Inbox, Neighbour, neighbour

pytestmark = pytest.mark.anyio
LENE = "https://a.example/u/lene"


@pytest.fixture
async def inbox(database: Database) -> Inbox:
    """Lene lives here and follows Jonas."""
    inbox = Inbox(database, Fediverse())
    inbox.write(lambda db: actors.create_local(db, "lene", ActorType.PERSON))
    return inbox


@pytest.fixture
async def jonas(inbox: Inbox) -> Neighbour:
    """Known here, his key with him; he was heard of a moment ago, so that his key is in memory."""
    jonas = neighbour(inbox.fediverse)
    await inbox.knows(jonas)

    def follow(db: Session) -> None:
        lene, him = actors.by_uri(db, LENE), actors.by_uri(db, jonas.uri)
        assert lene and him
        follows.request(db, lene, him).state = FollowState.ACCEPTED

    inbox.write(follow)
    assert (await inbox.takes(jonas.sends(jonas.creates(jonas.note("first"))))).status == 202
    assert inbox.fed.keyring.held.get(jonas.key_id) is not None
    return jonas


def _states(inbox: Inbox) -> list[str]:
    return list(inbox.read(lambda db: db.scalars(select(Received.state).order_by(Received.id))))


def _posts(inbox: Inbox) -> set[str]:
    return set(inbox.read(lambda db: db.scalars(select(Post.uri))))


async def test_a_plain_note_is_there_when_its_sender_hears_202(inbox: Inbox, jonas: Neighbour) -> None:
    assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(2))))).status == 202
    assert jonas.id("notes/2") in _posts(inbox)
    assert _states(inbox) == ["done", "done"]


async def test_what_is_not_plain_waits_for_the_worker(inbox: Inbox, jonas: Neighbour) -> None:
    reply = jonas.creates(jonas.note(2, inReplyTo=jonas.id("notes/first")))
    like = jonas.does("Like", jonas.id("notes/first"))
    for activity in (reply, like):
        assert (await receiving.accept(inbox.fed, jonas.sends(activity))).status == 202
    assert _states(inbox) == ["done", "waiting", "waiting"]


async def test_many_at_once_are_one_transaction(
    inbox: Inbox, jonas: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    store = storing.store
    monkeypatch.setattr(
        "federation.receiving.accepting.store", lambda db, some: (written.append(len(some)), store(db, some))[1]
    )
    requests = [jonas.sends(jonas.creates(jonas.note(number))) for number in range(20)]
    replies = await asyncio.gather(*(receiving.accept(inbox.fed, request) for request in requests))
    assert {reply.status for reply in replies} == {202}
    assert len(_posts(inbox)) == 21
    assert sum(written) == 20 and len(written) <= 3


async def test_the_same_request_many_times_at_once_counts_once(inbox: Inbox, jonas: Neighbour) -> None:
    request = jonas.sends(jonas.creates(jonas.note(2)))
    replies = await asyncio.gather(*(receiving.accept(inbox.fed, request) for _ in range(8)))
    assert {reply.status for reply in replies} == {202}
    assert len(_states(inbox)) == 2


async def test_one_that_cannot_be_stored_spoils_no_other(
    inbox: Inbox, jonas: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storing.store

    def picky(db, some):  # type: ignore[no-untyped-def]
        if any("notes/13" in one.activity.object_id for one in some):
            raise ZeroDivisionError
        return store(db, some)

    monkeypatch.setattr("federation.receiving.accepting.store", picky)
    requests = [jonas.sends(jonas.creates(jonas.note(number))) for number in range(10, 20)]
    found = await asyncio.gather(*(receiving.accept(inbox.fed, one) for one in requests), return_exceptions=True)
    assert [isinstance(one, ZeroDivisionError) for one in found] == [number == 13 for number in range(10, 20)]
    assert len(_posts(inbox)) == 10


async def test_a_note_that_cannot_be_recorded_at_once_is_stored_and_judged_by_the_worker(
    inbox: Inbox, jonas: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(db, remotes):  # type: ignore[no-untyped-def]
        db.add(Post(id=1))
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(plain_notes, "record", broken)
        assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(2))))).status == 202
    assert _states(inbox) == ["done", "waiting"]
    await inbox.processes()
    assert jonas.id("notes/2") in _posts(inbox)


async def test_strangers_at_once_are_looked_up_together_and_answered_each_for_himself(
    inbox: Inbox, jonas: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    look_up = signing._look_up
    monkeypatch.setattr(signing, "_look_up", lambda db, some: (asked.append(len(some)), look_up(db, some))[1])
    inbox.write(lambda db: moderation.set_rule(db, "bad.example", "block"))
    strangers = [neighbour(inbox.fediverse, host=f"h{number}.example") for number in range(12)]
    blocked = neighbour(inbox.fediverse, host="bad.example")
    requests = [one.sends(one.creates(one.note(1))) for one in (*strangers, blocked)]
    lost = strangers[0].sends(strangers[0].creates(strangers[0].note(2)), target="/u/nobody/inbox")
    forged = strangers[1].sends(strangers[1].creates(strangers[1].note(2)), key=keys.draw()[0])
    replies = await asyncio.gather(*(receiving.accept(inbox.fed, one) for one in (*requests, lost, forged)))
    assert [reply.status for reply in replies] == [202] * 12 + [403, 404, 401]
    assert sum(asked) == 15 and len(asked) <= 3
    assert len(_states(inbox)) == 13


# A key in memory


async def test_a_known_sender_costs_no_question_before_the_transaction(inbox: Inbox, jonas: Neighbour) -> None:
    asked: list[str] = []
    event.listen(inbox.database._reader, "before_cursor_execute", lambda *found: asked.append(found[2]))
    request = jonas.sends(jonas.creates(jonas.note(2)))
    assert (await receiving.accept(inbox.fed, request)).status == 202
    if inbox.database.sqlite:
        assert asked == []


async def test_a_key_that_was_replaced_elsewhere_no_longer_proves_anything(inbox: Inbox, jonas: Neighbour) -> None:
    old, (jonas.private, public) = jonas.private, keys.draw()
    jonas.doc["publicKey"]["publicKeyPem"] = public

    def replace(db: Session) -> None:
        key = db.scalars(select(Key).where(Key.uri == jonas.key_id)).one()
        key.public_pem, key.fetched_at = public, now()

    inbox.write(replace)
    before = inbox.dump(without=frozenset({"memory"}))
    assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(2)), key=old))).status == 401
    assert inbox.dump(without=frozenset({"memory"})) == before
    assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(3))))).status == 202
    assert jonas.id("notes/3") in _posts(inbox)


async def test_a_block_holds_at_once_for_a_key_in_memory(inbox: Inbox, jonas: Neighbour) -> None:
    inbox.write(lambda db: moderation.set_rule(db, "m.example", "block"))
    before = inbox.dump()
    assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(2))))).status == 403
    assert inbox.dump() == before


async def test_a_suspension_holds_at_once_for_a_key_in_memory(inbox: Inbox, jonas: Neighbour) -> None:
    inbox.write(lambda db: actors.suspend(db, actors.get(db, inbox.actor(jonas.uri).id)))
    before = inbox.dump()
    assert (await receiving.accept(inbox.fed, jonas.sends(jonas.creates(jonas.note(2))))).status == 403
    assert inbox.dump() == before


async def test_an_inbox_that_is_gone_is_gone_for_a_key_in_memory(inbox: Inbox, jonas: Neighbour) -> None:
    activity = jonas.creates(jonas.note(2))
    assert (await receiving.accept(inbox.fed, jonas.sends(activity, target="/u/nobody/inbox"))).status == 404
    inbox.write(lambda db: leaving.delete_local(db, actors.get(db, inbox.actor(LENE).id)))
    before = inbox.dump()
    assert (await receiving.accept(inbox.fed, jonas.sends(activity, target="/u/lene/inbox"))).status == 410
    assert inbox.dump() == before


async def test_a_forged_signature_is_refused_though_the_key_is_in_memory(inbox: Inbox, jonas: Neighbour) -> None:
    with inbox.fediverse.quiet():
        forged = jonas.sends(jonas.creates(jonas.note(2)), key=keys.draw()[0])
        assert (await receiving.accept(inbox.fed, forged)).status == 401
    assert jonas.id("notes/2") not in _posts(inbox)


async def test_whoever_waits_hears_of_a_failure_of_his_own(database: Database) -> None:
    together: crossing.Together[int, int] = crossing.Together()

    def work(db: Session, numbers):  # type: ignore[no-untyped-def]
        return [10 // number for number in numbers]

    found = await asyncio.gather(*(together.do(database, work, number) for number in (1, 0, 5)), return_exceptions=True)
    assert [found[0], found[2]] == [10, 2] and isinstance(found[1], ZeroDivisionError)


async def test_of_several_that_come_at_once_those_right_behind_are_written_with_them(
    database: Database,
) -> None:
    groups: list[list[int]] = []
    together: crossing.Together[int, int] = crossing.Together(most=4)

    def work(db: Session, numbers):  # type: ignore[no-untyped-def]
        groups.append(list(numbers))
        return numbers

    async def come(number: int) -> int:
        for _ in range(10 * (number > 1)):
            await asyncio.sleep(0)
        return await together.do(database, work, number)

    assert await asyncio.gather(*(come(number) for number in range(4))) == [0, 1, 2, 3]
    assert groups == [[0, 1, 2, 3]]


async def test_who_comes_alone_waits_for_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "IDLE", 10**9)
    together: crossing.Together[int, int] = crossing.Together()
    async with asyncio.timeout(60):
        assert [await together.do(database, lambda db, numbers: numbers, number) for number in range(3)] == [0, 1, 2]
