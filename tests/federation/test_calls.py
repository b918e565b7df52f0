"""Calls for a meeting across nodes: others say that they would come by a Join, and take it back; figures travel."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import calls
from models.meetings import Way
from models.outbox import Activity
from models.posts import Post
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.scenes import LENE, Scene
from tests.federation.test_experiences import known, maja, record
from tests.federation.test_ties import ask, question

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def called(scene: Scene) -> Post:
    """Lene's question, for a meeting about which she calls."""
    mine = ask(scene)
    scene.inbox.write(lambda db: calls.call(db, known(db, LENE), db.get_one(Post, mine.id)))
    return mine


def coming(scene: Scene, post: Post) -> int | None:
    row = scene.inbox.read(lambda db: calls.find(db, db.get_one(Post, post.id)))
    return None if row is None else row.coming


def answers(scene: Scene) -> list[str]:
    query = select(Activity.type).where(Activity.type.in_(("Accept", "Reject"))).order_by(Activity.id)
    return scene.inbox.read(lambda db: list(db.scalars(query)))


async def test_a_join_counts_once_and_is_accepted_and_a_leave_takes_it_back(scene: Scene) -> None:
    mine = called(scene)
    before = len(answers(scene))
    join = scene.jonas.does("Join", mine.uri)
    await scene.hear(scene.jonas, join)
    await scene.hear(scene.jonas, {**join, "id": scene.jonas.id("act/again")})
    assert coming(scene, mine) == 1
    assert set(answers(scene)[before:]) == {"Accept"}
    await scene.hear(scene.jonas, scene.jonas.does("Leave", mine.uri))
    assert coming(scene, mine) == 0


async def test_an_undo_of_the_join_takes_it_back_too_also_if_it_only_names_it(scene: Scene) -> None:
    mine = called(scene)
    join = scene.jonas.does("Join", mine.uri)
    await scene.hear(scene.jonas, join)
    await scene.hear(scene.jonas, scene.jonas.does("Undo", join["id"]))
    assert coming(scene, mine) == 0


async def test_nobody_takes_back_for_another(scene: Scene) -> None:
    mine = called(scene)
    join = scene.jonas.does("Join", mine.uri)
    await scene.hear(scene.jonas, join)
    await scene.hear(scene.karla, scene.karla.does("Leave", join["id"]))
    await scene.hear(scene.karla, scene.karla.does("Undo", join))
    assert coming(scene, mine) == 1


async def test_a_join_of_a_question_that_calls_for_nothing_is_declined(scene: Scene) -> None:
    mine = ask(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Join", mine.uri))
    assert answers(scene)[-1:] == ["Reject"]
    assert coming(scene, mine) is None


def elsewhere(scene: Scene, label: str = "q", total: Any = 4) -> dict[str, Any]:
    said = {"id": scene.jonas.id("coming"), "type": "Collection", "totalItems": total}
    return question(scene.jonas, label, **{"torv:wouldCome": said})


async def test_a_call_elsewhere_is_known_with_its_figure_and_ends_with_an_edition_without_it(scene: Scene) -> None:
    doc = elsewhere(scene)
    theirs = await record(scene, scene.jonas, doc)
    assert coming(scene, theirs) == 4
    later = {**doc, "updated": "2036-01-01T00:00:00Z"}
    del later["torv:wouldCome"]
    scene.fediverse.put(later)
    await scene.hear(scene.jonas, scene.jonas.does("Update", later))
    assert coming(scene, theirs) is None


@pytest.mark.parametrize("total", [-1, "tolv", None, {"a": 1}])
async def test_what_is_no_figure_counts_as_none(scene: Scene, total: Any) -> None:
    theirs = await record(scene, scene.jonas, elsewhere(scene, total=total))
    assert coming(scene, theirs) == 0


async def test_one_of_ours_says_so_to_the_author_alone_and_a_refusal_is_heard_from_him_alone(scene: Scene) -> None:
    theirs = await record(scene, scene.jonas, elsewhere(scene))
    me = maja(scene)

    def come(db: Session) -> str:
        calls.come(db, known(db, me.uri), db.get_one(Post, theirs.id), Way.WEB)
        join = db.scalars(select(Activity).where(Activity.type == "Join")).one()
        assert join.to == [scene.jonas.uri]
        return join.uri

    join = scene.inbox.write(come)
    assert coming(scene, theirs) == 5
    await scene.hear(scene.karla, scene.karla.does("Reject", join))
    assert coming(scene, theirs) == 5
    await scene.hear(scene.jonas, scene.jonas.does("Reject", join))
    assert coming(scene, theirs) == 4
