"""The loop that empties the inbox: in order about one thing, side by side about others, and nothing lost or done twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from federation import handlers, receiving
from federation.context import Federation
from federation.handlers.effects import Effect
from federation.receiving import working
from federation.verified import Verified
from models import inbox as inbox_table
from models.base import clock
from models.errors import Unavailable
from models.inbox import Received
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.scenes import LENE, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


async def stored(scene: Scene, *activities: Any) -> list[int]:
    """Accept these without processing them; the ids of their rows."""
    for one in activities:
        assert (await receiving.accept(scene.inbox.fed, scene.jonas.sends(one))).status == 202
    rows = scene.inbox.read(lambda db: db.query(Received).filter_by(state="waiting").order_by(Received.id).all())
    return [row.id for row in rows]


def states(scene: Scene) -> list[tuple[str, str]]:
    """Type and state of Jonas' rows."""
    rows = scene.inbox.read(
        lambda db: db.query(Received).filter_by(key_owner=scene.jonas.uri).order_by(Received.id).all()
    )
    return [(row.type, row.state) for row in rows]


async def work(scene: Scene, until: Any, seconds: float = 10) -> None:
    """Let the loop run until that is true."""
    stop = asyncio.Event()
    loop = asyncio.create_task(working.run(scene.inbox.fed, stop))
    async with asyncio.timeout(seconds):
        while not until():  # noqa: ASYNC110 - the database rings no bell for tests
            await asyncio.sleep(0.02)
    stop.set()
    await loop


async def test_the_inbox_is_emptied_and_later_rows_are_noticed_at_once(scene: Scene) -> None:
    await stored(scene, scene.jonas.does("Follow", LENE))
    stop = asyncio.Event()
    loop = asyncio.create_task(working.run(scene.inbox.fed, stop))
    await stored(scene, scene.jonas.does("Like", scene.question.uri))
    async with asyncio.timeout(10):
        while {state for _, state in states(scene)} != {"done"}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    stop.set()
    await loop
    assert states(scene) == [("Follow", "done"), ("Like", "done")]


async def test_what_is_about_one_thing_keeps_its_order(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    async def slow(fed: Federation, verified: Verified) -> Effect:
        begun.append(verified.activity.id.rpartition("/")[2])
        await asyncio.sleep(0.05 if verified.activity.id.endswith("a") else 0)

        def effect(db: Session) -> str:
            begun.append(verified.activity.id.rpartition("/")[2] + "!")
            return "seen"

        return effect

    monkeypatch.setitem(handlers.HANDLERS, "Like", slow)
    one, other = scene.question.uri, scene.theirs["id"]
    likes = [
        scene.jonas.does("Like", thing, name) for name, thing in (("1a", one), ("2", one), ("3", one), ("x", other))
    ]
    await stored(scene, *likes)
    await work(scene, lambda: all(state == "done" for _, state in states(scene)))
    assert [name for name in begun if not name.startswith("x")] == ["1a", "1a!", "2", "2!", "3", "3!"]
    assert begun.index("x!") < begun.index("1a!")


async def test_a_passing_fault_puts_a_row_back_for_later(scene: Scene) -> None:
    post = scene.jonas.note("far", inReplyTo=scene.question.uri)
    scene.follows(LENE, scene.jonas.uri)
    scene.fediverse.documents[scene.karla.id("notes/x")] = 503
    (row_id,) = await stored(scene, scene.jonas.does("Announce", scene.karla.id("notes/x")))
    await receiving.process(scene.inbox.fed, row_id)
    row = scene.inbox.read(lambda db: db.get(Received, row_id))
    assert (row.state, row.note.startswith("later: ")) == ("waiting", True)
    scene.fediverse.put(scene.karla.note("x"))
    await receiving.process(scene.inbox.fed, row_id)
    assert scene.inbox.read(lambda db: db.get(Received, row_id)).state == "done"
    assert post


async def test_a_row_that_always_fails_ends_with_the_dead_letters_and_others_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(fed: Federation, verified: Verified) -> Effect:
        raise RuntimeError("a bug of ours")

    monkeypatch.setitem(handlers.HANDLERS, "Like", broken)
    (row_id,) = await stored(scene, scene.jonas.does("Like", scene.question.uri))
    await stored(scene, scene.jonas.does("Follow", LENE))
    for _ in range(inbox_table.ATTEMPTS):
        clock.offset += 86400
        for row in scene.inbox.write(lambda db: inbox_table.claim(db, 10, 60)):
            await receiving.process(scene.inbox.fed, row.id)
    assert sorted(states(scene)) == [("Follow", "done"), ("Like", "dead")]
    dead = scene.inbox.read(inbox_table.dead)
    assert [(row.id, row.note) for row in dead] == [(row_id, "RuntimeError: a bug of ours")]
    monkeypatch.undo()
    scene.inbox.write(lambda db: inbox_table.retry_dead(db))
    await receiving.process(scene.inbox.fed, row_id)
    assert sorted(states(scene)) == [("Follow", "done"), ("Like", "done")]


async def test_an_effect_and_its_mark_are_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (row_id,) = await stored(scene, scene.jonas.does("Like", scene.question.uri))

    def dies(*_args: Any, **_more: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(inbox_table, "finish", dies)
    await receiving.process(scene.inbox.fed, row_id)
    assert scene.fresh_question().up == 0
    monkeypatch.undo()
    await receiving.process(scene.inbox.fed, row_id)
    await receiving.process(scene.inbox.fed, row_id)
    assert scene.fresh_question().up == 1


async def test_two_workers_with_one_row_have_one_effect(scene: Scene) -> None:
    (row_id,) = await stored(scene, scene.jonas.does("Like", scene.question.uri))
    await asyncio.gather(*(receiving.process(scene.inbox.fed, row_id) for _ in range(4)))
    assert scene.fresh_question().up == 1


async def test_what_is_under_way_when_the_loop_stops_is_finished_or_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "GRACE", 0.2)
    waiting = asyncio.Event()

    async def stuck(fed: Federation, verified: Verified) -> Effect:
        waiting.set()
        await asyncio.sleep(60)
        raise AssertionError("unreachable")

    monkeypatch.setitem(handlers.HANDLERS, "Like", stuck)
    (row_id,) = await stored(scene, scene.jonas.does("Like", scene.question.uri))
    await work(scene, waiting.is_set)
    row = scene.inbox.read(lambda db: db.get(Received, row_id))
    assert (row.state, row.attempts, row.locked_until) == ("waiting", 0, None)
