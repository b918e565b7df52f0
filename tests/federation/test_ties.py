"""What belongs together across nodes: questions say it as reports do, and the server at the other end hears of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, links, threads
from models.links import Tie
from models.outbox import Activity
from models.posts import Draft, Kind, Post
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import Json, Neighbour
from tests.federation.scenes import LENE, SPOERG, Scene
from tests.federation.test_experiences import article, record

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def question(who: Neighbour, label: str, **more: Any) -> Json:
    doc = {"torv:kind": "question", "name": "Hvem ellers?", "cc": [who.followers, SPOERG], **more}
    return who.note(label, "<p>Hvem ellers?</p>", **doc)


def ask(scene: Scene, *linked: Post) -> Post:
    def write(db: Session) -> Post:
        lene, group = actors.by_uri(db, LENE), actors.by_uri(db, SPOERG)
        return threads.ask(db, lene, group, Draft("", "Hvad med os andre?", linked=linked))

    return scene.inbox.write(write)


def around(scene: Scene, post: Post) -> list[tuple[str, str]]:
    found = scene.inbox.read(lambda db: links.around(db, None, db.get_one(Post, post.id)))
    return [(one.tie, one.uri) for one in found]


async def test_a_question_elsewhere_is_shown_at_what_it_belongs_with_here(scene: Scene) -> None:
    mine = ask(scene)
    theirs = await record(scene, scene.jonas, question(scene.jonas, "q", **{"torv:related": [mine.uri]}))
    assert theirs.kind == Kind.QUESTION
    assert around(scene, mine) == [(Tie.RELATED, theirs.uri)]
    assert around(scene, theirs) == [(Tie.RELATED, mine.uri)]


async def test_what_its_new_edition_no_longer_says_is_gone(scene: Scene) -> None:
    mine = ask(scene)
    doc = question(scene.jonas, "q", **{"torv:related": [mine.uri]})
    theirs = await record(scene, scene.jonas, doc)
    later = {**doc, "updated": "2036-01-01T00:00:00Z"}
    del later["torv:related"]
    scene.fediverse.put(later)
    await scene.hear(scene.jonas, scene.jonas.does("Update", later))
    assert around(scene, theirs) == []


async def test_the_author_of_what_a_question_belongs_with_hears_of_it_on_his_own_server(scene: Scene) -> None:
    theirs = await record(scene, scene.jonas, article(scene.jonas))
    mine = ask(scene, theirs)
    assert around(scene, mine) == [(Tie.RELATED, theirs.uri)]
    create = scene.inbox.read(
        lambda db: db.scalars(select(Activity).where(Activity.type == "Create", Activity.post_id == mine.id)).one()
    )
    assert scene.jonas.uri in create.cc


@pytest.mark.parametrize(
    "said", ["javascript:alert(1)", {"id": "http://127.0.0.1/p/1"}, 7, [None, {"href": "x"}], ["https://x.example/" + "a" * 9000]]
)  # fmt: skip
async def test_what_is_no_address_ties_nothing(scene: Scene, said: Any) -> None:
    theirs = await record(scene, scene.jonas, question(scene.jonas, "q", **{"torv:about": said}))
    assert around(scene, theirs) == []
