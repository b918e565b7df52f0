"""Every exchange recorded with a real server has the effect in `recorded_effects.toml`, or is refused for the reason there.

The requests of one server are replayed in their order against one node, each with the clock at its own Date; what the
node asks for meanwhile, that server's own documents answer. The six that PieFed sent to a third server, `bank.test`,
are replayed against a node of that name.
"""

import tomllib
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models import actors, communities, posts, reactions
from models.base import clock
from models.database import Database, Node
from models.listings import Listing
from models.posts import Post
from models.reactions import Boost
from tests.conftest import Templates
from tests.fediverse import recorded_world
from tests.fediverse.describing import describe
from tests.fediverse.recordings import FOLDERS, Origins, Recording, every, recordings
from tests.fediverse.replaying import Replay

TABLE = Path(__file__).with_name("recorded_effects.toml")
EXPECTED: dict[str, dict[str, str]] = tomllib.loads(TABLE.read_text())
ASK = Node("https://ask.test", "ask.test")
BANK = Node("https://bank.test", "bank.test")
REQUESTS = [(one.folder, one.name) for one in every() if one.request is not None]
DOCUMENTS = [(one.folder, one.name) for one in every() if one.request is None]


def fresh(templates: Templates, node: Node) -> Database:
    url, _ = templates.fresh(
        f"recorded_{node.domain.partition('.')[0]}", node, lambda db: db.write(recorded_world.settle)
    )
    return Database(url, node)


class Replays:
    """Each server's recordings, replayed when they are first asked about."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self.done: dict[tuple[str, str], Replay] = {}

    def of(self, folder: str, host: str = "ask.test") -> Replay:
        if (folder, host) not in self.done:
            node = ASK if host == "ask.test" else BANK
            replay = Replay(fresh(self.templates, node), Origins(folder))
            chosen = [one for one in recordings(folder) if one.request is not None and one.header("host") == host]
            if host == "bank.test":
                recorded_world.ask_test_exists(replay.origins)
                for one in recordings(folder):
                    if one.is_post and one.number < "092":
                        replay.origins.happened(one.body)
            replay.run(chosen)
            clock.offset = 0.0
            self.done[folder, host] = replay
        return self.done[folder, host]

    def effect(self, recording: Recording) -> str:
        return self.of(recording.folder, recording.header("host")).effects[recording.name]


@pytest.fixture(scope="module")
def replays(templates: Templates) -> Replays:
    return Replays(templates)


def the(folder: str, name: str) -> Recording:
    return next(one for one in recordings(folder) if one.name == name)


def test_every_recording_has_exactly_one_row() -> None:
    rows = sorted((folder, name) for folder, rows in EXPECTED.items() for name in rows)
    assert rows == sorted((one.folder, one.name) for one in every())
    assert len(rows) > 490
    assert sorted(EXPECTED) == sorted(FOLDERS)


@pytest.mark.parametrize(("folder", "name"), REQUESTS)
def test_a_recorded_request_has_the_stated_effect(folder: str, name: str, replays: Replays) -> None:
    assert replays.effect(the(folder, name)) == EXPECTED[folder][name]


@pytest.mark.anyio
@pytest.mark.parametrize(("folder", "name"), DOCUMENTS)
async def test_a_recorded_document_is_read_as_stated(folder: str, name: str, recorded_database: Database) -> None:
    assert await describe(recorded_database, the(folder, name)) == EXPECTED[folder][name]


@pytest.fixture(scope="module")
def recorded_database(templates: Templates) -> Database:
    return fresh(templates, ASK)


def test_a_topic_announced_three_times_is_one_thread_on_the_list_and_no_boost(replays: Replays) -> None:
    replay = replays.of("nodebb-4.15.1")

    def look(db):  # type: ignore[no-untyped-def]
        post = posts.by_uri(db, "https://nodebb.test/post/9")
        category = actors.by_uri(db, "https://nodebb.test/category/5")
        twin = actors.by_handle(db, "spoerg")
        listed = db.scalars(select(Listing.community_id).where(Listing.post_id == post.id)).all()
        boosts = db.scalar(select(func.count()).select_from(Boost).where(Boost.post_id == post.id))
        return sorted(listed) == sorted([category.id, twin.id]), boosts

    assert replay.read(look) == (True, 0)


def test_replies_that_name_no_community_stand_in_the_thread_of_what_they_answer(replays: Replays) -> None:
    for folder, question, reply in (
        ("gotosocial-0.20.0-rc1", 110, "https://gts.test/users/anna/statuses/01M83TVSEGYE1WQ5E5V76RM33G"),
        ("microblog.pub-2.0.0", 210, "https://microblog.test/o/39e4f6aa93b245988082280c678f6778"),
        ("wordpress-activitypub-4.0.0", 230, "https://wp.test/?p=18"),
        ("takahe-0.11.0", 190, "https://takahe.test/@tea@takahe.test/posts/647622902059586048/"),
    ):
        post: Post = replays.of(folder).read(lambda db, reply=reply: posts.by_uri(db, reply))  # type: ignore[misc]
        community = replays.of(folder).read(lambda db: actors.by_handle(db, "spoerg"))
        assert (post.thread_id, post.community_id, post.kind) == (question, community.id, "answer"), folder


def test_of_a_batch_each_vote_is_judged_alone(replays: Replays) -> None:
    replay = replays.of("piefed-1.6.6", "bank.test")

    def look(db):  # type: ignore[no-untyped-def]
        post = posts.by_uri(db, "https://piefed.test/c/sporg/p/10/hvem-betaler-for-kaffen")
        lene = actors.by_uri(db, "https://ask.test/u/lene")
        return reactions.my_votes(db, lene.id, [post.id])

    assert replay.read(look) == {}  # her Like, then her Dislike, which that community does not count


def test_a_moderator_elsewhere_is_known_by_the_list_of_his_community(replays: Replays) -> None:
    replay = replays.of("piefed-1.6.6")
    listed = replay.read(
        lambda db: [actor.uri for actor in communities.moderators(db, actors.by_uri(db, "https://piefed.test/c/sporg"))]
    )
    assert sorted(listed) == ["https://ask.test/u/lene", "https://piefed.test/u/pia"]
