"""A node on many machines: one dies, one is cut off and comes back, one is added, and nobody outside notices more than
that something took its time. Nothing is lost, nothing doubled, and nobody has to do anything.

Posts and received activities come through the load balancer, each tried again until it is taken, as apps and other
servers do. Other servers get each activity at least once, and at most once but for what the dead had just sent.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import signatures
from models import base, queues
from models.actors import Actor
from models.inbox import Received
from models.notifications import Notification
from models.posts import Post
from models.reactions import Vote
from tests import farm
from tests.fediverse.processes import until
from tests.fediverse.visitor import browser
from tests.machines.cluster import Cluster, anna, retried
from tests.machines.farm import key_of
from tests.machines.network import Network
from tests.server.pictures import picture

pytestmark = pytest.mark.slow

POSTS = 24
SENT = 48
HOSTS = 6
PATIENCE = (0.1, 0.3, 0.5, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3)
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("machines")
    with Network() as network, Cluster(network, folder, webs=3, hosts=HOSTS) as made:
        yield made


class Outside:
    """Apps of Anna's and other servers, each with patience."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.app = cluster.client(timeout=6)
        self.server = browser(cluster.ground, cluster.origin, timeout=6)

    def close(self) -> None:
        self.app.close()
        self.server.close()

    def _try(self, ask: Callable[[], httpx.Response], taken: tuple[int, ...]) -> httpx.Response:
        def attempt() -> httpx.Response | None:
            answer = ask()
            # not a yes: a machine that is gone, or one that cannot reach the database
            assert answer.status_code in {*taken, 502, 503, 504}, f"{answer.status_code} {answer.text[:500]}"
            return answer if answer.status_code in taken else None

        return retried(PATIENCE, attempt)

    def post(self, number: int, run: str) -> str:
        """Write something; its id."""
        how: dict[str, Any] = {
            "data": {"status": f"{run} {number}"}, "headers": {"Idempotency-Key": f"{run}-{number}"},
        }  # fmt: skip
        answer = self._try(lambda: self.app.post("/api/v1/statuses", **how), (200,))
        return str(answer.json()["id"])

    def send(self, number: int, activity: dict[str, Any]) -> None:
        """Deliver an activity of the actor of that server."""
        body = msgspec.json.encode({"@context": "https://www.w3.org/ns/activitystreams", **activity})
        key, inbox = signatures.private_key(key_of(number)[0]), f"{self.cluster.origin}/inbox"

        def ask() -> httpx.Response:
            signed = signatures.sign_cavage(key, f"{farm.actor_at(number)}#main-key", "POST", inbox, body, base.now())
            return self.server.post("/inbox", content=body, headers=signed)

        self._try(ask, (202,))


def note(number: int, name: str, me: str) -> dict[str, Any]:
    """The Create of a note that mentions Anna."""
    author = farm.actor_at(number)
    made = {
        "id": f"{author}/notes/{name}", "type": "Note", "attributedTo": author, "to": [PUBLIC], "cc": [me],
        "content": f"<p>@anna {name}</p>", "published": "2026-01-01T00:00:00Z",
        "tag": [{"type": "Mention", "href": me, "name": "@anna@torv.test"}],
    }  # fmt: skip
    return {"id": f"{made['id']}#create", "type": "Create", "actor": author, "to": [PUBLIC], "cc": [me], "object": made}


def test_one_dies_one_is_cut_off_one_is_added_and_nothing_is_lost_or_doubled(cluster: Cluster) -> None:
    webs = [cluster.start_web(number) for number in (0, 1)]
    workers = [cluster.start_worker() for _ in range(2)]
    cluster.ready()
    cluster.tell_others(delay=0.2)
    outside, run = Outside(cluster), "stafet"
    me = cluster.read(lambda db: anna(db).uri)
    liked = outside.post(0, "begin")
    target = f"{cluster.origin}/p/{liked}"

    def like(number: int) -> None:
        author = farm.actor_at(number)
        outside.send(number, {"id": f"{author}#like", "type": "Like", "actor": author, "object": target, "to": [me]})

    deeds: list[Callable[[], Any]] = []
    for number in range(POSTS):
        deeds.append(lambda number=number: outside.post(number, run))  # type: ignore[misc]
    for number in range(SENT):
        deeds.insert(number * 3 % len(deeds), lambda number=number: outside.send(number % HOSTS, note(number % HOSTS, f"n{number}", me)))  # type: ignore[misc]  # fmt: skip
    deeds += [lambda number=number: like(number) for number in range(HOSTS)]  # type: ignore[misc]

    with ThreadPoolExecutor(6) as pool:
        waiting = []
        for at, deed in enumerate(deeds):
            waiting.append(pool.submit(_after, at * 0.12, time.monotonic(), deed))
        time.sleep(1.5)
        cluster.kill(webs[0])
        cluster.kill(workers[0])
        assert sum(not one.done() for one in waiting) > len(waiting) / 2, "the moment was badly chosen"
        added = [cluster.start_worker(), cluster.start_web(2)]
        time.sleep(1.0)
        cluster.cut(workers[1])
        cluster.ready(*added)
        cluster.cut(webs[1])
        time.sleep(2.0)
        cluster.join(workers[1])
        cluster.join(webs[1])
        written = [one.result(timeout=80) for one in waiting]
    numbers = [number for number in written if isinstance(number, str)]
    assert len(numbers) == len(set(numbers)) == POSTS

    until("what can be done is done", cluster.only_leases_left, seconds=40, tell=cluster.state)
    cluster.let_leases_run_out()
    until("nothing waits", lambda: cluster.waiting() == 0, seconds=40, tell=cluster.state)
    _all_in(cluster, run, numbers, liked)
    outside.close()


def _after(seconds: float, begun: float, deed: Callable[[], Any]) -> Any:
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
    return deed()


def _all_in(cluster: Cluster, run: str, numbers: list[str], liked: str) -> None:
    """What the node and the other servers have in the end."""
    assert [queue.dead for queue in cluster.read(queues.overview)] == [0, 0, 0]
    here = cluster.read(lambda db: list(db.scalars(select(Post.source).where(Post.local, Post.source.startswith(run)))))
    assert Counter(here) == Counter(f"{run} {number}" for number in range(POSTS)), "each post is written once"

    arrived = cluster.arrived()
    created = cluster.read(lambda db: _creates(db, numbers))
    assert len(created) == POSTS
    everywhere = {farm.host(number) for number in range(HOSTS)}
    for uri in created:
        assert set(arrived.get(uri, ())) == everywhere, f"{uri} came to {sorted(arrived.get(uri, ()))}"
    doubled = sum(times - 1 for hosts in arrived.values() for times in hosts.values())
    # Only what a worker had under way when it died, or was cut off, may come again, under the same id.
    assert doubled <= 2 * 2 * HOSTS, f"{doubled} came twice"

    def received(db: Session) -> tuple[Counter[str], Counter[str], int, int]:
        notes = db.scalars(select(Post.uri).where(Post.local.is_(False)))
        told = select(Notification.post_id, func.count()).where(Notification.kind == "mention")
        counts = Counter({str(row[0]): row[1] for row in db.execute(told.group_by(Notification.post_id))})
        votes = db.scalar(select(func.count()).select_from(Vote).where(Vote.post_id == int(liked))) or 0
        return Counter(notes), counts, votes, db.get_one(Post, int(liked)).up

    notes, told, votes, up = cluster.read(received)
    expected = {f"{farm.actor_at(number % HOSTS)}/notes/n{number}" for number in range(SENT)}
    assert set(notes) == expected
    assert set(notes.values()) == {1}
    assert len(told) == SENT
    assert set(told.values()) == {1}, "each mention is told once"
    assert votes == up == HOSTS
    assert cluster.read(lambda db: set(db.scalars(select(Received.state)))) == {"done"}


def _creates(db: Session, numbers: list[str]) -> list[str]:
    from models.outbox import Activity

    posts = [int(number) for number in numbers]
    return list(db.scalars(select(Activity.uri).where(Activity.type == "Create", Activity.post_id.in_(posts))))


def test_a_picture_taken_by_one_machine_is_shown_by_all(cluster: Cluster) -> None:
    """Whichever web machine takes it: the others have it from the bucket, and have no folder in common."""
    for number in range(3):
        if f"web{number}" not in cluster.running:
            cluster.start_web(number)
    cluster.ready()
    with cluster.client(timeout=10) as app:
        made = app.post("/api/v1/media", files={"file": ("a.png", picture(), "image/png")}).json()
    path = made["url"].removeprefix(cluster.origin)
    seen = set()
    for name, (machine, _) in cluster.running.items():
        if name.startswith("web"):
            answer = httpx.get(
                f"http://{machine.address}:8000{path}", headers={"Host": "torv.test"}, timeout=10, trust_env=False
            )
            assert answer.status_code == 200, f"{name}: {answer.text[:300]}"
            seen.add(answer.content)
    assert len(seen) == 1


def test_an_actor_of_the_node_is_the_same_wherever_it_is_asked_for(cluster: Cluster) -> None:
    """A change that one machine makes is seen by all at once."""
    webs = [machine for name, (machine, _) in cluster.running.items() if name.startswith("web")]
    assert len(webs) >= 2
    with cluster.client(timeout=10) as app:
        for name in ("Anna Et", "Anna To"):
            app.patch("/api/v1/accounts/update_credentials", data={"display_name": name}).raise_for_status()
            for machine in webs:
                answer = httpx.get(
                    f"http://{machine.address}:8000/u/anna",
                    headers={"Host": "torv.test", "Accept": "application/activity+json"}, timeout=10, trust_env=False,
                )  # fmt: skip
                assert answer.json()["name"] == name
    assert cluster.read(lambda db: db.scalar(select(Actor.name).where(Actor.username == "anna"))) == "Anna To"
