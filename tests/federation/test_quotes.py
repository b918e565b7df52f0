"""Being quoted (FEP-044f): who asks is answered, what anybody may read may be quoted, and that can be taken back."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.writing import objects
from models import actors, blocks, composing, posts, quotes, removing
from models.errors import Forbidden, NotFound
from models.outbox import Activity
from models.posts import Draft, Post
from models.preferences import QuotePolicy
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import BOOKKEEPING, Json
from tests.federation.scenes import LENE, OMAR, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def lenes(scene: Scene, visibility: str = "public") -> Post:
    def write(db: Session) -> Post:
        draft = Draft("Det må I gerne citere, @omar.", visibility=visibility)
        return composing.note(db, actors.get(db, scene.inbox.actor(LENE).id), draft)

    found: Post = scene.inbox.write(write)
    return found


def asks(scene: Scene, post: str, quote: Any = "https://m.example/notes/quoting", label: object = 1) -> Json:
    return scene.jonas.does("QuoteRequest", post, label, instrument=quote)


def answers(scene: Scene, type: str) -> list[Activity]:
    """What Lene answered."""
    found: list[Activity] = scene.inbox.read(
        lambda db: db.scalars(
            select(Activity)
            .where(Activity.type == type, Activity.actor_id == scene.inbox.actor(LENE).id)
            .order_by(Activity.id)
        ).all()
    )
    return [one for one in found if "embed" in one.data]


def choose(scene: Scene, post: Post, chosen: QuotePolicy) -> None:
    scene.inbox.write(lambda db: quotes.choose(db, actors.get(db, post.author_id), posts.get(db, post.id), chosen))


def stamps(scene: Scene, post: Post) -> list[quotes.QuoteStamp]:
    return [stamp for stamp, _ in scene.inbox.read(lambda db: quotes.of(db, posts.get(db, post.id)))]


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
async def test_what_anybody_may_read_may_be_quoted_by_anybody_and_gets_a_stamp(visibility: str, scene: Scene) -> None:
    post = lenes(scene, visibility)
    assert await scene.hear(scene.jonas, asks(scene, post.uri)) == f"done: Allowed to quote {post.uri}."
    (stamp,) = stamps(scene, post)
    (accept,) = answers(scene, "Accept")
    assert accept.to == [scene.jonas.uri]
    assert accept.data["result"] == f"{post.uri}/quotes/{stamp.id}"
    assert accept.data["embed"]["instrument"] == stamp.quote_uri == "https://m.example/notes/quoting"


async def test_an_embedded_quote_counts_by_its_id(scene: Scene) -> None:
    post = lenes(scene)
    await scene.hear(scene.jonas, asks(scene, post.uri, scene.jonas.note("quoting")))
    assert [stamp.quote_uri for stamp in stamps(scene, post)] == ["https://m.example/notes/quoting"]


async def test_the_same_quote_has_one_stamp_however_often_it_is_asked_for(scene: Scene) -> None:
    post = lenes(scene)
    for label in (1, 2):
        await scene.hear(scene.jonas, asks(scene, post.uri, label=label))
    assert len(stamps(scene, post)) == 1
    assert len({one.data["result"] for one in answers(scene, "Accept")}) == 1


async def test_a_follower_may_read_but_not_quote_what_is_for_followers(scene: Scene) -> None:
    scene.follows(scene.jonas.uri, LENE)
    post = lenes(scene, "followers")
    assert await scene.hear(scene.jonas, asks(scene, post.uri)) == f"done: Refused to quote {post.uri}."
    (reject,) = answers(scene, "Reject")
    assert "result" not in reject.data
    assert stamps(scene, post) == []


async def test_what_is_for_followers_to_quote_is_theirs_alone(scene: Scene) -> None:
    post = lenes(scene)
    choose(scene, post, "followers")
    assert await scene.hear(scene.jonas, asks(scene, post.uri)) == f"done: Refused to quote {post.uri}."
    assert stamps(scene, post) == []
    scene.follows(scene.jonas.uri, LENE)
    assert await scene.hear(scene.jonas, asks(scene, post.uri, label=2)) == f"done: Allowed to quote {post.uri}."
    assert len(stamps(scene, post)) == 1


async def test_what_nobody_may_quote_is_refused_and_what_was_allowed_before_stays(scene: Scene) -> None:
    post = lenes(scene)
    await scene.hear(scene.jonas, asks(scene, post.uri))
    choose(scene, post, "nobody")
    other = asks(scene, post.uri, "https://m.example/notes/another", label=2)
    assert await scene.hear(scene.jonas, other) == f"done: Refused to quote {post.uri}."
    assert [stamp.quote_uri for stamp in stamps(scene, post)] == ["https://m.example/notes/quoting"]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [("public", "https://www.w3.org/ns/activitystreams#Public"), ("followers", f"{LENE}/followers"), ("nobody", LENE)],
)
def test_other_servers_are_told_who_may_quote(chosen: QuotePolicy, told: str, scene: Scene) -> None:
    post = lenes(scene)
    choose(scene, post, chosen)
    shown = scene.inbox.read(lambda db: objects.post(db, posts.get(db, post.id)))
    assert shown["interactionPolicy"] == {"canQuote": {"automaticApproval": [told]}}


async def nothing_changes(scene: Scene, activity: Json) -> str:
    before = scene.inbox.dump(without=BOOKKEEPING)
    ended = await scene.hear(scene.jonas, activity)
    assert scene.inbox.dump(without=BOOKKEEPING) == before
    return ended.removeprefix("ignored: ")


@pytest.mark.parametrize("visibility", ["followers", "direct", "node"])
async def test_who_may_not_read_it_learns_nothing(visibility: str, scene: Scene) -> None:
    post = lenes(scene, visibility)
    assert await nothing_changes(scene, asks(scene, post.uri)) == "There is no such post here."


async def test_who_is_blocked_learns_nothing(scene: Scene) -> None:
    post = lenes(scene)
    lene, jonas = scene.inbox.actor(LENE).id, scene.inbox.actor(scene.jonas.uri).id
    scene.inbox.write(lambda db: blocks.block(db, actors.get(db, lene), actors.get(db, jonas)))
    assert await nothing_changes(scene, asks(scene, post.uri)) == "There is no such post here."


@pytest.mark.parametrize("quote", [None, "", 7, "https://k.example/notes/1", "https://a.example/p/1", ["x", "y"], {}])
async def test_only_a_post_on_the_askers_own_server_can_quote(quote: Any, scene: Scene) -> None:
    ended = await nothing_changes(scene, asks(scene, lenes(scene).uri, quote))
    assert ended == "The quoting post is not on the server of who asks."


async def test_posts_of_others_and_of_nobody_are_not_ours_to_lend(scene: Scene) -> None:
    for uri in (scene.theirs["id"], "https://a.example/p/1", scene.jonas.id("notes/1")):
        assert await nothing_changes(scene, asks(scene, uri)) == "There is no such post here."


async def test_nobody_asks_for_another(scene: Scene) -> None:
    post = lenes(scene)
    ended = await nothing_changes(scene, {**asks(scene, post.uri), "actor": scene.karla.uri})
    assert ended.startswith("403")
    before = scene.inbox.dump(without=BOOKKEEPING)
    assert await scene.hear_wrapped(asks(scene, post.uri)) == "ignored: Only who quotes can ask for it."
    assert scene.inbox.dump(without=BOOKKEEPING) == before


async def test_a_stamp_is_taken_back_for_good_and_everybody_is_told(scene: Scene) -> None:
    post = lenes(scene)
    await scene.hear(scene.jonas, asks(scene, post.uri))
    (stamp,) = stamps(scene, post)
    lene = scene.inbox.actor(LENE)
    scene.inbox.write(lambda db: quotes.revoke(db, actors.get(db, lene.id), posts.get(db, post.id), stamp.id))
    (told,) = scene.inbox.read(lambda db: db.scalars(select(Activity).where(Activity.type == "Delete")).all())
    assert told.object_uri == f"{post.uri}/quotes/{stamp.id}"
    assert scene.jonas.uri in told.cc
    assert scene.inbox.read(lambda db: quotes.stamp(db, post.id, stamp.id)) is None
    assert await scene.hear(scene.jonas, asks(scene, post.uri, label=2)) == f"done: Refused to quote {post.uri}."
    with pytest.raises(NotFound):
        scene.inbox.write(lambda db: quotes.revoke(db, actors.get(db, lene.id), posts.get(db, post.id), stamp.id))


async def test_only_the_author_takes_it_back(scene: Scene) -> None:
    post = lenes(scene)
    await scene.hear(scene.jonas, asks(scene, post.uri))
    (stamp,) = stamps(scene, post)
    omar = scene.inbox.actor(OMAR).id
    with pytest.raises(Forbidden):
        scene.inbox.write(lambda db: quotes.revoke(db, actors.get(db, omar), posts.get(db, post.id), stamp.id))
    assert len(stamps(scene, post)) == 1


async def test_stamps_go_with_the_post(scene: Scene) -> None:
    post = lenes(scene)
    await scene.hear(scene.jonas, asks(scene, post.uri))
    lene = scene.inbox.actor(LENE).id
    scene.inbox.write(lambda db: removing.delete_post(db, actors.get(db, lene), posts.get(db, post.id)))
    assert stamps(scene, post) == []
