"""What a community says others did: it counts for the community's own threads, and the origin has the last word."""

from collections.abc import Iterator
from typing import Any

import pytest

from models import actors, communities, listings, peers, pins, reactions
from models.base import clock
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import PUBLIC, neighbour
from tests.federation.scenes import LENE, SPOERG, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def bare_scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


@pytest.fixture
async def scene(bare_scene: Scene) -> Scene:
    """Besides, Jonas has answered Karla's question."""
    made = bare_scene
    note = made.jonas.note("a", "<p>Ja.</p>", inReplyTo=made.theirs["id"], audience=made.group.uri)
    answer = made.fediverse.put(note)
    assert (await made.hear_wrapped(made.jonas.creates(answer))).startswith("done: Recorded the answer")
    return made


ANSWER = "https://m.example/notes/a"


async def test_a_wrapped_post_is_what_its_origin_says(scene: Scene) -> None:
    post = scene.fediverse.put(scene.jonas.note("b", "<p>Rigtigt</p>", inReplyTo=scene.theirs["id"]))
    forged = {**post, "content": "<p>Forfalsket</p>"}
    assert (await scene.hear_wrapped(scene.jonas.creates(forged))).startswith("done")
    assert scene.post(post["id"]).content == "<p>Rigtigt</p>"
    invented = scene.jonas.note("c", inReplyTo=scene.theirs["id"])
    assert (await scene.hear_wrapped(scene.jonas.creates(invented))).startswith("ignored")
    assert not scene.has(invented["id"])


async def test_what_nobody_here_follows_is_not_fetched(scene: Scene) -> None:
    other = neighbour(scene.fediverse, "andet", "o.example", "Group")
    post = scene.fediverse.put(scene.jonas.note("b", audience=other.uri, name="Hvad?"))
    announce = other.does("Announce", scene.jonas.creates(post))
    before = scene.fediverse.asked.count(post["id"])
    assert await scene.hear(other, announce) == "ignored: Nobody here follows the community that wrapped it."
    assert scene.fediverse.asked.count(post["id"]) == before


async def test_a_person_wraps_nothing(scene: Scene) -> None:
    like = scene.karla.does("Like", ANSWER)
    announce = scene.jonas.does("Announce", like)
    assert await scene.hear(scene.jonas, announce) == "ignored: Only a community can pass on what others did."


def votes(scene: Scene, uri: str) -> dict[str, int]:
    """Who voted how for a post."""

    def look(db: Any) -> dict[str, int]:
        return {
            actors.get(db, vote.actor_id).uri: vote.value
            for vote in db.query(reactions.Vote).filter_by(post_id=scene.post(uri).id)
        }

    return scene.inbox.read(look)  # type: ignore[no-any-return]


async def test_votes_come_wrapped_by_the_threads_home_only(scene: Scene) -> None:
    like = scene.karla.does("Like", ANSWER)
    other = neighbour(scene.fediverse, "andet", "o.example", "Group")
    assert "not the thread's home" in await scene.hear(other, other.does("Announce", like))
    assert "not the thread's home" in await scene.hear_wrapped(scene.karla.does("Like", scene.question.uri, 2))
    assert (await scene.hear_wrapped(like)).startswith("done: A vote for")
    assert votes(scene, ANSWER) == {scene.karla.uri: 1}
    assert (await scene.hear_wrapped(scene.karla.does("Undo", like))).startswith("done")
    assert votes(scene, ANSWER) == {}


async def test_nobody_votes_in_the_name_of_one_of_ours(scene: Scene) -> None:
    forged = {"id": "https://a.example/activities/1", "type": "Like", "actor": LENE, "object": ANSWER}
    assert (await scene.hear_wrapped(forged, 1)).startswith("ignored: It is said to be by an actor of ours")
    undo = {"id": "https://a.example/activities/2", "type": "Undo", "actor": LENE, "object": forged}
    assert (await scene.hear_wrapped(undo, 2)).startswith("ignored")
    assert votes(scene, ANSWER) == {}


async def test_a_wrapped_activity_with_a_foreign_id_is_not_read(scene: Scene) -> None:
    like = {**scene.karla.does("Like", ANSWER), "id": "https://evil.example/1"}
    assert (await scene.hear_wrapped(like, 1)).startswith("ignored")
    assert votes(scene, ANSWER) == {}


async def test_in_a_batch_each_is_judged_alone_and_at_most_fifty(scene: Scene) -> None:
    voters = [neighbour(scene.fediverse, f"v{at}", "k.example") for at in range(3)]
    forged = {"id": "https://a.example/activities/1", "type": "Like", "actor": LENE, "object": ANSWER}
    batch = [*(one.does("Like", ANSWER, one.doc["preferredUsername"]) for one in voters), forged, 17, {"x": 1}]
    assert (await scene.hear_wrapped(batch)).startswith("done")
    assert votes(scene, ANSWER) == {one.uri: 1 for one in voters}
    many = [scene.karla.does("Undo", scene.karla.does("Like", ANSWER, at), f"undo{at}") for at in range(80)]
    many.append(voters[0].does("Undo", voters[0].does("Like", ANSWER, "v0"), "undo"))
    await scene.hear_wrapped(many, "many")
    assert voters[0].uri in votes(scene, ANSWER)


async def test_three_announcements_of_one_thread_are_one(scene: Scene) -> None:
    post = scene.fediverse.put(
        scene.karla.note("topic", name="Emne", audience=scene.group.uri, to=[scene.group.uri, PUBLIC])
    )
    scene.follows(LENE, scene.karla.uri)
    await scene.hear(scene.karla, scene.karla.creates(post))
    await scene.hear(scene.group, scene.group.does("Announce", post, "plain"))
    await scene.hear_wrapped(scene.karla.creates(post))
    row, group = scene.post(post["id"]), scene.inbox.actor(scene.group.uri)
    listed = scene.inbox.read(lambda db: db.query(listings.Listing).filter_by(post_id=row.id).all())
    assert [(one.community_id, one.announce_uri) for one in listed] == [(group.id, scene.group.id("act/plain"))]
    assert row.boost_count == 0


async def test_a_twin_lists_what_the_other_announces_and_the_home_stays(scene: Scene) -> None:
    scene.follows(SPOERG, scene.group.uri)
    post = scene.fediverse.put(
        scene.karla.note("topic", name="Emne", audience=scene.group.uri, to=[scene.group.uri, PUBLIC])
    )
    await scene.hear(scene.group, scene.group.does("Announce", post["id"], "plain"))
    row, twin, home = scene.post(post["id"]), scene.inbox.actor(SPOERG), scene.inbox.actor(scene.group.uri)
    listed = scene.inbox.read(
        lambda db: {one.community_id for one in db.query(listings.Listing).filter_by(post_id=row.id)}
    )
    assert listed == {home.id, twin.id}
    assert row.community_id == home.id
    undo = scene.group.does("Undo", scene.group.does("Announce", 2, "plain"))  # NodeBB writes its own number there
    assert (await scene.hear(scene.group, undo)).startswith("done")
    assert scene.inbox.read(lambda db: db.query(listings.Listing).filter_by(post_id=row.id).all()) == []


async def test_a_host_that_wraps_is_known_to_read_wraps(scene: Scene) -> None:
    assert scene.inbox.read(lambda db: peers.reads_wraps(peers.find(db, "g.example")))


# Edits and deletions


async def test_a_wrapped_edit_has_the_origin_asked(scene: Scene) -> None:
    newer = {**scene.fediverse.documents[ANSWER], "content": "<p>Rettet</p>", "updated": "2030-01-01T00:00:00Z"}
    clock.offset += 100
    assert (await scene.hear_wrapped(scene.jonas.does("Update", newer, 1))).startswith(
        "done: https://m.example/notes/a is unchanged"
    )
    scene.fediverse.put(newer)
    clock.offset += 100
    assert "as its origin has it" in await scene.hear_wrapped(scene.jonas.does("Update", newer, 2))
    assert scene.post(ANSWER).content == "<p>Rettet</p>"


async def test_a_wrapped_delete_counts_when_the_origin_has_the_post_no_longer(scene: Scene) -> None:
    delete = scene.jonas.does("Delete", ANSWER)
    assert await scene.hear_wrapped(delete, 1) == "done: Its origin still has it, and is asked again in two minutes."
    scene.fediverse.documents[ANSWER] = 404
    assert (await scene.hear_wrapped(delete, 2)).startswith("done: Deleted")
    assert scene.post(ANSWER).deleted_at is not None


async def test_a_listed_moderator_removes_and_restores_and_nobody_else(scene: Scene) -> None:
    delete = scene.mona.does("Delete", ANSWER, summary="Reklame")
    assert (await scene.hear(scene.mona, delete)).startswith("ignored")  # not through the community
    forged = scene.karla.does("Delete", ANSWER, summary="Reklame")
    assert await scene.hear_wrapped(forged) == "done: Its origin still has it, and is asked again in two minutes."
    assert (await scene.hear_wrapped(delete, 2)).startswith("done: Removed")
    assert scene.post(ANSWER).removed_at is not None
    assert (await scene.hear_wrapped(scene.karla.does("Undo", forged, "u"))).startswith("ignored: Only the moderators")
    assert (await scene.hear_wrapped(scene.mona.does("Undo", delete))).startswith("done")
    assert scene.post(ANSWER).removed_at is None


# Pins and moderators


async def test_a_community_shows_first_what_its_moderator_put_there(scene: Scene) -> None:
    def pinned(db: Any) -> list[str]:
        return [post.uri for post in pins.pinned(db, actors.by_uri(db, scene.group.uri).id)]

    target = f"{scene.group.uri}/featured"
    for who, ended in ((scene.karla, "ignored: The sender does not moderate"), (scene.mona, "done")):
        add = who.does("Add", scene.theirs["id"], target=target)
        assert (await scene.hear_wrapped(add)).startswith(ended)
    assert scene.inbox.read(pinned) == [scene.theirs["id"]]
    assert (await scene.hear_wrapped(scene.mona.does("Remove", scene.theirs["id"], target=target))).startswith("done")
    assert scene.inbox.read(pinned) == []


async def test_who_moderates_elsewhere_is_what_the_community_lists_not_what_is_said(scene: Scene) -> None:
    add = scene.mona.does("Add", scene.karla.uri, target=f"{scene.group.uri}/moderators")
    assert (await scene.hear_wrapped(add)).startswith("done: Read the moderators")
    listed = scene.inbox.read(
        lambda db: [one.uri for one in communities.moderators(db, actors.by_uri(db, scene.group.uri))]
    )
    assert listed == [scene.mona.uri]
