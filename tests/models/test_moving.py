"""Moving house: aliases, going on elsewhere, and leaving for good."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    access,
    accounts,
    actors,
    anonymity,
    blocks,
    bookmarks,
    follows,
    leaving,
    moving,
    notifications,
    posts,
    threads,
)
from models.accounts import Account
from models.actors import Actor
from models.base import Base, clock
from models.database import Database
from models.errors import Conflict, Invalid, NotFound
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft, Post
from tests.dumping import dumped
from tests.federation.elsewhere import newest, remote
from tests.world import DAY

Do = Callable[[Callable[[Session], Any]], Any]
OLD = "https://a.example/u/birk"


@pytest.fixture
def do(lived_in: Database) -> Do:
    return lived_in.write


def local(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def new_home(db: Session, **more: Any) -> Actor:
    return remote(db, "m.example", "birk", **{"also_known_as": [OLD], **more})


def test_an_alias_is_published_and_taken_back(do: Do) -> None:
    def work(db: Session) -> None:
        birk, other = local(db, "birk"), remote(db, "m.example", "birk")
        moving.add_alias(db, birk, other)
        assert birk.also_known_as == [other.uri]
        assert newest(db, "Update").object_uri == birk.uri
        moving.remove_alias(db, birk, other.uri)
        assert birk.also_known_as == []

    do(work)


def test_a_move_takes_followers_along_and_tells_those_elsewhere(do: Do) -> None:
    def work(db: Session) -> None:
        birk, new = local(db, "birk"), new_home(db)
        before = {actor.username for actor in follows.local_followers(db, birk)}
        moving.away(db, birk, new)
        assert (birk.moved_to, follows.local_followers(db, birk)) == (new.uri, [])
        assert {row.username for _, row in follows.waiting(db, new.id)} == before
        move = newest(db, "Move")
        assert (move.object_uri, move.data["target"], move.to) == (OLD, new.uri, [birk.followers_uri])

    do(work)


def test_somebody_whom_the_new_account_keeps_away_does_not_stop_the_move(do: Do) -> None:
    def work(db: Session) -> None:
        birk, new = local(db, "birk"), new_home(db)
        one = follows.local_followers(db, birk)[0]
        blocks.block(db, new, one)
        moving.away(db, birk, new)
        assert one.id not in {row.id for _, row in follows.waiting(db, new.id)}

    do(work)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("target_silent", {"also_known_as": []}),
        ("target_silent", {"also_known_as": [OLD + "2"]}),
        ("target_moved", {"moved_to": "https://x.example/u/z"}),
        ("target_kind", {"type": "Group"}),
    ],
)
def test_nobody_moves_where_the_account_does_not_say_that_it_is_his(
    lived_in: Database, code: str, more: dict[str, Any]
) -> None:
    lived_in.write(lambda db: new_home(db, **more).id)
    before = dumped(lived_in)

    def go(db: Session) -> None:
        target = actors.by_uri(db, "https://m.example/users/birk")
        assert target is not None
        moving.away(db, local(db, "birk"), target)

    with pytest.raises(Invalid) as refused:
        lived_in.write(go)
    assert refused.value.code == code
    assert dumped(lived_in) == before


def test_nobody_moves_to_himself_twice_or_within_a_week(lived_in: Database) -> None:
    def go(db: Session) -> None:
        moving.away(db, local(db, "birk"), new_home(db))

    lived_in.write(go)
    for error, work in (
        (Invalid, lambda db: moving.away(db, local(db, "birk"), local(db, "birk"))),
        (Conflict, go),
    ):
        before = dumped(lived_in)
        with pytest.raises(error):
            lived_in.write(work)
        assert dumped(lived_in)["activities"] == before["activities"]
    lived_in.write(lambda db: moving.back(db, local(db, "birk")))
    with pytest.raises(Conflict):
        lived_in.write(go)
    clock.offset += 8 * DAY
    lived_in.write(go)


def test_coming_back_ends_the_pointing_once(lived_in: Database) -> None:
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: moving.back(db, local(db, "birk")))
    assert dumped(lived_in) == before


def test_an_alias_that_is_none_is_refused(lived_in: Database) -> None:
    def full(db: Session) -> None:
        for number in range(10):
            moving.add_alias(db, local(db, "birk"), remote(db, f"m{number}.example", "birk"))

    lived_in.write(full)
    before = dumped(lived_in)
    for error, work in (
        (Invalid, lambda db: moving.add_alias(db, local(db, "birk"), local(db, "birk"))),
        (Invalid, lambda db: moving.add_alias(db, local(db, "birk"), local(db, "udfordrere"))),
        (Conflict, lambda db: moving.add_alias(db, local(db, "birk"), remote(db, "m3.example", "birk"))),
        (Invalid, lambda db: moving.add_alias(db, local(db, "birk"), local(db, "eva"))),
        (NotFound, lambda db: moving.remove_alias(db, local(db, "birk"), "https://x.example/")),
    ):
        with pytest.raises(error):
            lived_in.write(work)
        assert dumped(lived_in) == before


# Leaving for good


def test_nothing_of_an_account_is_left_but_the_name(do: Do) -> None:
    def work(db: Session) -> int:
        birk = local(db, "birk")
        bookmarks.add(db, birk.id, db.scalars(select(Post)).first())  # type: ignore[arg-type]
        assert notifications.of(db, birk.id)
        leaving.delete_local(db, birk)
        return birk.id

    gone = do(work)

    def look(db: Session) -> None:
        assert db.get(Account, gone) is None
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.target_fullname == "accounts.id":
                    found = db.scalar(select(func.count()).select_from(table).where(key.parent == gone))
                    assert found == 0, table.name
        assert db.scalar(select(func.count()).where(Post.author_id == gone, Post.deleted_at.is_(None))) == 0
        with pytest.raises(NotFound):
            access.access_actor(db, None, "birk")
        with pytest.raises(Conflict):
            accounts.create(db, username="birk", email="ny@b.example", password="correct horse battery")
        accounts.create(db, username="birk2", email="birk@havby.example", password="correct horse battery")

    do(look)


def test_every_server_we_know_is_told(do: Do) -> None:
    def work(db: Session) -> None:
        leaving.delete_local(db, local(db, "birk"))
        delete = newest(db, "Delete")
        assert (delete.object_uri, delete.data) == (OLD, {"everyone": True, "urgent": True})

    do(work)


def test_the_last_administrator_stays(lived_in: Database) -> None:
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: leaving.delete_local(db, local(db, "anna")))
    assert dumped(lived_in) == before


def test_whoever_wrote_much_is_hidden_at_once_and_emptied_step_by_step(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import composing

    monkeypatch.setattr(leaving, "BATCH", 3)

    def much(db: Session) -> int:
        for number in range(8):
            composing.note(db, local(db, "birk"), Draft(text=f"Nr. {number}"))
        birk = local(db, "birk")
        leaving.delete_local(db, birk)
        return birk.id

    gone = lived_in.write(much)

    def left(db: Session) -> tuple[int, int, int]:
        there = db.scalar(select(func.count()).where(Post.author_id == gone, Post.deleted_at.is_(None))) or 0
        seen = db.scalar(select(func.count()).where(Post.author_id == gone, access.visible(None))) or 0
        return there, seen, db.scalar(select(func.count()).where(Job.kind == "erase")) or 0

    there, seen, queued = lived_in.write(left)
    assert there > 0
    assert (seen, queued) == (0, 1)
    while lived_in.write(lambda db: leaving.erase(db, actors.get(db, gone))):
        pass
    assert lived_in.write(left)[0] == 0


def test_what_was_asked_anonymously_stays_and_is_nobodys(do: Do) -> None:
    def work(db: Session) -> None:
        birk, group = local(db, "birk"), local(db, "udfordrere")
        asked = threads.ask(db, birk, group, Draft(text="Hvordan?", title="Må jeg spørge om det?", anonymous=True))
        leaving.delete_local(db, birk)
        assert posts.get(db, asked.id).deleted_at is None
        assert anonymity.posts_of(db, birk.id) == []

    do(work)


def test_what_others_wrote_stays(do: Do) -> None:
    def work(db: Session) -> None:
        others = select(func.count()).where(Post.author_id != local(db, "birk").id, Post.deleted_at.is_(None))
        before = db.scalar(others)
        leaving.delete_local(db, local(db, "birk"))
        assert db.scalar(others) == before
        question = db.scalars(select(Post).where(Post.author_id == local(db, "birk").id, Post.kind == "question")).one()
        assert (question.title, question.content, posts.get(db, question.id).deleted_at is not None) == ("", "", True)
        assert db.scalar(select(func.count()).where(Activity.type == "Delete")) == 1

    do(work)
