"""kill -9 of a real node in the middle of things: what it had said yes to arrives, once; the rest never was.

People post on both nodes while one of them is killed at a moment drawn from a seed. After the restart nobody does
anything: the queues alone bring both nodes to the same state.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import queues
from models.actors import Actor
from models.listings import Listing
from models.notifications import Notification
from models.posts import Post
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import RealNode, settle
from tests.fediverse.processes import until
from tests.fediverse.towns import Towns, local

pytestmark = pytest.mark.slow

BURST = 20
"""Contributions of each side while the killing goes on."""


@pytest.fixture(scope="module")
def mortal(ground: Ground) -> Iterator[Towns]:
    """Two towns of their own: these are killed."""
    made = Towns(ground, names=("c.torv.test", "d.torv.test"))
    try:
        made.start()
        made.twin()
        yield made
    finally:
        made.close()


@dataclass
class Burst:
    """What was posted: `kept` got a yes from the node."""

    kept: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, deed: Callable[[], int]) -> None:
        """Post once; a node that is not there, or dies meanwhile, has promised nothing."""
        try:
            number = deed()
        except (httpx.TransportError, AssertionError):
            time.sleep(0.05)
            return
        with self.lock:
            self.kept.append(number)


def of_topic(db: Session, topic: str) -> list[Post]:
    """The posts of one run, in whatever state."""
    return list(db.scalars(select(Post).where(Post.source.contains(topic) | Post.title.contains(topic))))


@pytest.mark.parametrize(("victim", "seed"), [("a", 11), ("b", 12), ("both", 13)])
def test_a_death_in_the_middle_of_things_loses_nothing_and_doubles_nothing(
    mortal: Towns, victim: str, seed: int
) -> None:
    topic = f"stafet{seed}"
    anna, erik = mortal.anna, mortal.erik
    start = mortal.question_on_b(anna.ask(mortal.torvet, f"Hvem begynder {topic}?"))
    settle(mortal.a, mortal.b)
    asked, answered = Burst(), Burst()

    def ask(number: int) -> None:
        text = f"@bodil@{mortal.b.host} {topic} {number}"
        asked.post(lambda: anna.ask(mortal.torvet, f"Spørgsmål {number} i {topic}?", text))

    def answer(number: int) -> None:
        answered.post(lambda: erik.reply(start.id, f"Svar {number} i {topic}"))

    victims = {"a": [mortal.a], "b": [mortal.b], "both": [mortal.a, mortal.b]}[victim]
    moment = random.Random(seed).uniform(0.2, 0.6)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(deed, number) for number in range(BURST) for deed in (ask, answer)]
        time.sleep(moment)
        until("something is posted", lambda: bool(asked.kept))  # a busy machine begins later
        for node in victims:
            node.kill9()
        undone = sum(not one.done() for one in waiting) + sum(not node.read(node.quiet) for node in victims)
        for one in waiting:
            one.result(timeout=60)
    assert undone, "the moment was badly chosen: everything was done already"
    for node in victims:
        node.let_time_pass()
        node.start()
    for node in (mortal.a, mortal.b):
        node.let_time_pass()
    _same_everywhere(mortal, topic)
    settle(mortal.a, mortal.b)

    on_a, on_b = (node.read(lambda db: of_topic(db, topic)) for node in (mortal.a, mortal.b))
    assert {f"{mortal.a.origin}/p/{number}" for number in asked.kept} <= {post.uri for post in on_b}
    assert {f"{mortal.b.origin}/p/{number}" for number in answered.kept} <= {post.uri for post in on_a}
    assert asked.kept, "the moment was badly chosen: nothing was posted before"
    for node, posts in ((mortal.a, on_a), (mortal.b, on_b)):
        assert max(Counter(post.uri for post in posts).values()) == 1
        assert [queue.dead for queue in node.read(queues.overview)] == [0, 0, 0]
    questions = [post.id for post in on_b if post.uri.startswith(mortal.a.origin)]
    answers = [post.id for post in on_a if post.uri.startswith(mortal.b.origin)]
    mentioned = [number for number in questions if number != start.id]
    assert mortal.b.read(lambda db: _told(db, "bodil", "asked", mentioned)) == dict.fromkeys(mentioned, 1)
    assert mortal.a.read(lambda db: _told(db, "anna", "answer", answers)) == dict.fromkeys(answers, 1)
    assert mortal.b.read(lambda db: _listings(db, "pladsen", questions)) == dict.fromkeys(questions, 1)
    root = mortal.a.read(lambda db: db.get(Post, db.scalar(select(Post.id).where(Post.uri == start.uri))))
    assert root is not None
    assert root.answer_count == len(answers)


def _same_everywhere(towns: Towns, topic: str) -> None:
    """Wait until both nodes have the same posts: those that were committed, whoever heard a yes."""

    def uris(node: RealNode) -> set[str]:
        return {post.uri for post in node.read(lambda db: of_topic(db, topic))}

    end = time.monotonic() + 40
    while uris(towns.a) != uris(towns.b):
        if time.monotonic() > end:
            missing = uris(towns.a) ^ uris(towns.b)
            raise AssertionError(f"not on both: {missing}\n{towns.a.state()}\n{towns.b.state()}")
        time.sleep(0.1)


def _told(db: Session, who: str, kind: str, posts: list[int]) -> dict[int, int]:
    query = (
        select(Notification.post_id, func.count())
        .join(Actor, Actor.id == Notification.account_id)
        .where(Actor.username == who, Actor.local.is_(True), Notification.kind == kind, Notification.post_id.in_(posts))
        .group_by(Notification.post_id)
    )
    return {row[0]: row[1] for row in db.execute(query)}


def _listings(db: Session, community: str, posts: list[int]) -> dict[int, int]:
    query = select(Listing.post_id, func.count()).where(
        Listing.community_id == local(db, community).id, Listing.post_id.in_(posts)
    )
    return {row[0]: row[1] for row in db.execute(query.group_by(Listing.post_id))}


def test_a_stopped_node_ends_in_time_and_goes_on_where_it_was(mortal: Towns) -> None:
    """SIGTERM while there is work: it ends by itself with code 0, and the rest is done after the restart."""
    topic = "stop14"
    anna = mortal.anna
    numbers = [anna.ask(mortal.torvet, f"Spørgsmål {number} i {topic}?") for number in range(10)]
    began = time.monotonic()
    assert mortal.a.process.stop() == 0
    assert time.monotonic() - began < 12
    mortal.a.start()
    mortal.b.let_time_pass()  # it may have asked while nobody answered, and asks again after half a minute
    for number in numbers:
        mortal.question_on_b(number)
    settle(mortal.a, mortal.b)
    assert len(mortal.b.read(lambda db: of_topic(db, topic))) == len(numbers)


def test_workers_beside_a_serving_node_share_its_queue(mortal: Towns) -> None:
    """Three processes deliver from one queue, one of them is killed; each question arrives, and once."""
    topic = "delt15"
    workers = [mortal.a.start_worker(), mortal.a.start_worker()]
    for worker in workers:
        until("the worker works", lambda worker=worker: "working" in worker.tail(), tell=worker.tail)  # type: ignore[misc]
    numbers = [mortal.anna.ask(mortal.torvet, f"Spørgsmål {number} i {topic}?") for number in range(10)]
    workers[0].kill()
    assert workers[1].running, workers[1].tail()
    time.sleep(1.0)
    mortal.a.let_time_pass(leases=True)  # what the dead one held comes free
    for number in numbers:
        mortal.question_on_b(number)
    assert workers[1].stop() == 0
    mortal.a.let_time_pass()
    settle(mortal.a, mortal.b)
    assert len(mortal.b.read(lambda db: of_topic(db, topic))) == len(numbers)
