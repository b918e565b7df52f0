"""From an event to messages: who gets what, and at what cost."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models import accounts, actors, composing, events, filters, follows, polls, thread_mutes
from models.actors import Actor
from models.database import Database
from models.events import Event, EventKind
from models.posts import Draft, Post
from models.windows import Window
from server.api import show_statuses
from server.streaming import fanout
from server.streaming.channels import Channel
from server.streaming.fanout import HOME, Listeners, Told
from tests.server.asking import local

T = TypeVar("T")


def newest(db: Session, kind: EventKind) -> Event:
    found = db.scalars(select(Event).where(Event.kind == kind).order_by(Event.id.desc()).limit(1)).one()
    return found


def told(database: Database, kind: EventKind, listeners: Listeners) -> list[Told]:
    with database.reading() as db:
        return fanout.tell(db, newest(db, kind), listeners)


def ids(database: Database, *names: str) -> frozenset[int]:
    with database.reading() as db:
        return frozenset(local(db, name).id for name in names)


def crowd(db: Session, number: int, follow: Actor) -> frozenset[int]:
    """So many new people who follow somebody."""
    found = []
    for n in range(number):
        actor = actors.create_local(db, f"laeser{n}", actors.ActorType.PERSON)
        follows.request(db, actor, follow)
        found.append(actor.id)
    return frozenset(found)


def counted(database: Database, work: Callable[[Session], T]) -> tuple[T, int]:
    said: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    with database.reading() as db:
        event.listen(db.get_bind(), "before_cursor_execute", note)
        try:
            return work(db), len(said)
        finally:
            event.remove(db.get_bind(), "before_cursor_execute", note)


def _tell_everything(database: Database, people: frozenset[int]) -> None:
    told(database, EventKind.POSTED, {HOME: people, Channel("public"): people})


def _tell_newest(db: Session, listeners: Listeners) -> list[Told]:
    return fanout.tell(db, newest(db, EventKind.POSTED), listeners)


def test_a_post_costs_the_same_however_many_are_connected(lived_in: Database) -> None:
    def write(db: Session) -> frozenset[int]:
        people = crowd(db, 40, local(db, "birk"))
        composing.note(db, local(db, "birk"), Draft(text="Suppe. #suppe"))
        return people

    people = lived_in.write(write)
    _tell_everything(lived_in, people)  # what is found out once for all is known from here on
    costs = []
    few = frozenset(sorted(people)[:2])
    for among in (few, few, people):  # at the first a process finds out what it then knows
        listeners = {HOME: among, Channel("public"): among, Channel("hashtag", "suppe", "suppe"): among}
        tell = partial(_tell_newest, listeners=listeners)
        found, cost = counted(lived_in, tell)
        assert {channel: one.accounts for one in found for channel in [one.message.channel]} == dict(listeners)
        costs.append(cost)
    assert costs[1] == costs[2] <= 60


def test_what_nobody_listens_to_costs_next_to_nothing(lived_in: Database) -> None:
    lived_in.write(lambda db: composing.note(db, local(db, "birk"), Draft(text="Suppe.")))
    found, cost = counted(lived_in, lambda db: fanout.tell(db, newest(db, EventKind.POSTED), {}))
    assert found == []
    assert cost <= 4


def test_a_new_post_is_made_once_for_all_to_whom_it_looks_alike(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int | None] = []
    real = show_statuses.status

    def noting(db: Session, viewer: Actor | None, item: Any) -> Any:
        made.append(viewer.id if viewer else None)
        return real(db, viewer, item)

    monkeypatch.setattr(show_statuses, "status", noting)

    def write(db: Session) -> None:
        birk, anna = local(db, "birk"), local(db, "anna")
        for name in ("anna", "david", "eva", "farid"):
            follows.request(db, local(db, name), birk)
        row = filters.create(db, anna.id, "Suppe", ["home"])
        filters.add_keyword(db, row, "suppe")
        post = composing.note(db, birk, Draft(text="Suppe."))
        thread_mutes.mute(db, local(db, "david").id, post.thread_id)

    lived_in.write(write)
    everybody = ids(lived_in, "anna", "birk", "david", "eva", "farid")
    messages = told(lived_in, EventKind.POSTED, {HOME: everybody})
    assert frozenset[int]().union(*(one.accounts for one in messages)) == everybody
    assert sorted(len(one.accounts) for one in messages) == [1, 1, 1, 2]
    assert len(made) == len(set(made)) == 4
    by_reader = {account: one.message.payload or "" for one in messages for account in one.accounts}
    (anna,), (david,), (eva,) = (ids(lived_in, name) for name in ("anna", "david", "eva"))
    assert '"filtered":[{' in by_reader[anna]
    assert '"muted":true' in by_reader[david]
    assert '"filtered":[]' in by_reader[eva]
    assert '"muted":false' in by_reader[eva]


def test_a_poll_shows_each_reader_his_own_votes(lived_in: Database) -> None:
    def write(db: Session) -> None:
        draft = Draft(text="Suppe?", poll=polls.PollDraft(("Ja", "Nej"), 3600))
        composing.note(db, local(db, "birk"), draft)

    lived_in.write(write)
    readers = ids(lived_in, "anna", "birk", "farid")
    messages = told(lived_in, EventKind.POSTED, {HOME: readers})
    assert [len(one.accounts) for one in messages] == [1, 1, 1]
    assert all('"voted":' in (one.message.payload or "") for one in messages)


def test_who_filters_gets_public_posts_as_his_filters_make_them(lived_in: Database) -> None:
    def write(db: Session) -> None:
        row = filters.create(db, local(db, "anna").id, "Suppe", ["public"])
        filters.add_keyword(db, row, "suppe")
        composing.note(db, local(db, "birk"), Draft(text="Suppe."))

    lived_in.write(write)
    readers = ids(lived_in, "anna", "eva", "farid")
    messages = told(lived_in, EventKind.POSTED, {Channel("public"): readers})
    assert sorted(len(one.accounts) for one in messages) == [1, 2]
    for one in messages:
        assert ('"filtered":[{' in (one.message.payload or "")) == (len(one.accounts) == 1)


def test_what_is_gone_before_it_was_handed_out_is_not(lived_in: Database) -> None:
    from models import reactions, removing

    def write(db: Session) -> None:
        birk, farid = local(db, "birk"), local(db, "farid")
        post = composing.note(db, birk, Draft(text="Suppe."))
        reactions.boost(db, farid, post)
        removing.delete_post(db, birk, db.get_one(Post, post.id))
        events.conversation_changed(db, birk.id, 1)
        events.announced(db, 1)
        events.notified(db, birk.id, 1)

    lived_in.write(write)
    everybody = ids(lived_in, "anna", "birk", "david", "eva", "farid")
    listeners = {HOME: everybody, Channel("direct"): everybody, Channel("user:notification"): everybody}
    for kind in (
        EventKind.POSTED,
        EventKind.BOOSTED,
        EventKind.CONVERSATION,
        EventKind.ANNOUNCEMENT,
        EventKind.NOTIFIED,
    ):
        assert told(lived_in, kind, listeners) == [], kind


def test_each_post_of_somebody_is_told_to_who_asked_to_hear_of_each(lived_in: Database) -> None:
    from models import notices

    def write(db: Session) -> None:
        anna, birk = local(db, "anna"), local(db, "birk")
        row = follows.find(db, anna.id, birk.id)
        assert row is not None
        row.notify = True
        notices.clear(db, anna.id)
        post = composing.note(db, birk, Draft(text="Suppe."))
        composing.note(db, birk, Draft(text="Og kage."), reply_to=post)

    lived_in.write(write)
    with lived_in.reading() as db:
        found = notices.page(db, local(db, "anna"), Window())
        assert [one.type for one in found] == ["status"]
        assert accounts.by_username(db, "anna").id == found[0].row.account_id
