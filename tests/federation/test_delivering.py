"""Delivering: fair by host, in order per object, again by the schedule, and never more than needed."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import delivering, signatures
from federation.context import Federation
from federation.signatures import Message, parse_request_signature, public_key, verify
from models import accounts, actor_keys, actors, composing, deliveries, domains, follows, outbox, peers
from models.actors import Actor
from models.base import clock, now
from models.database import Database
from models.deliveries import SCHEDULE
from models.jobs import Job
from models.outbox import Activity, Delivery
from models.peers import Peer
from models.posts import Draft, Post
from server import health
from tests.federation.elsewhere import Elsewhere, federation_with, remote

pytestmark = pytest.mark.anyio
T = TypeVar("T")


@dataclass
class Node:
    """a.example with Lene, and other servers to deliver to."""

    database: Database
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    lene: Actor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.lene = self.do(_lene)

    @property
    def fed(self) -> Federation:
        return federation_with(self.database, self.elsewhere, delivery_deadline=2.0)

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def activity(self, type: str = "Create", post: Post | None = None, **more: Any) -> Activity:
        """An activity of Lene's as the publisher leaves it: rendered, not yet queued."""

        def work(db: Session) -> Activity:
            row = outbox.record(db, type, self.lene, post=post, public=True, **more)
            row.body = f'{{"id":"{row.uri}","type":"{type}"}}'
            return row

        return self.do(work)

    def queue(self, activity: Activity, *inboxes: str) -> None:
        pairs = [(inbox, inbox.split("/")[2]) for inbox in inboxes]
        self.do(lambda db: deliveries.add_batch(db, activity, pairs))

    def note(self, text: str = "Hej.") -> Post:
        return self.do(lambda db: composing.note(db, self.lene, Draft(text=text)))

    def rows(self) -> list[Delivery]:
        return self.do(lambda db: list(db.scalars(select(Delivery).order_by(Delivery.id))))

    def peer(self, host: str) -> Peer:
        return self.do(lambda db: peers.get(db, host))

    async def deliver(self, until: Callable[[], bool] | None = None, seconds: float = 8.0) -> None:
        """Run the loop until nothing due is left (or `until` holds), then stop it in the orderly way."""
        stop = asyncio.Event()
        task = asyncio.create_task(delivering.run(self.fed, stop))
        done = until or (lambda: not self.do(_due))
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - what it waits for happens in threads
                await asyncio.sleep(0.02)
        stop.set()
        await asyncio.wait_for(task, 15)


def _lene(db: Session) -> Actor:
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    return actors.get(db, account.id)


def _due(db: Session) -> bool:
    """Rows that may be tried now, or are under way."""
    present = now()
    held = select(Peer.host).where(Peer.open_until > present)
    waiting = select(Delivery.id).where(
        (Delivery.run_at <= present) | (Delivery.locked_until > present), Delivery.host.not_in(held)
    )
    return db.scalar(waiting.limit(1)) is not None


@pytest.fixture
def node(database: Database) -> Node:
    return Node(database)


INBOX = "https://m.example/inbox"


async def test_a_delivery_is_signed_by_its_actor_and_sends_the_stored_bytes(node: Node) -> None:
    activity = node.activity()
    node.queue(activity, INBOX)
    await node.deliver()
    (sent,) = node.elsewhere.posts("m.example")
    assert sent.body.decode() == activity.body
    headers = list(sent.headers.multi_items())
    parsed = parse_request_signature(Message.of("POST", "/inbox", headers))
    assert parsed.key_id == f"{node.lene.uri}#main-key"
    key = public_key(node.do(lambda db: actor_keys.public_key(db, node.lene.id)))
    verify(parsed, key, origin="https://m.example", now=now(), body=sent.body)
    assert sent.headers["content-type"] == "application/activity+json"
    assert node.rows() == []


async def test_each_attempt_is_signed_anew(node: Node) -> None:
    node.elsewhere.answer("m.example", 503)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    clock.offset += 60
    await node.deliver()
    first, second = node.elsewhere.posts("m.example")
    assert first.headers["date"] != second.headers["date"]
    assert first.headers["signature"] != second.headers["signature"]
    assert first.body == second.body


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 502, 503, 504])
async def test_passing_errors_are_tried_again(node: Node, status: int) -> None:
    node.elsewhere.answer("m.example", status)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    (row,) = node.rows()
    assert (row.attempts, row.status, row.dead_at) == (1, status, None)
    assert timedelta(seconds=20) < row.run_at - now() < timedelta(seconds=40)


async def test_what_a_server_says_with_its_refusal_can_be_kept_whatever_is_in_it(node: Node) -> None:
    async def say(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, content=b"never\x00mind \xff")

    node.elsewhere.answers["m.example"] = say
    node.queue(node.activity(), INBOX)
    await node.deliver()
    (row,) = node.rows()
    assert (row.attempts, row.status) == (1, 503)
    assert row.error == "503 nevermind \ufffd"


@pytest.mark.parametrize("status", [402, 403, 405, 406, 409, 413, 415, 422, 451])
async def test_a_refusal_drops_this_delivery_only(node: Node, status: int) -> None:
    node.elsewhere.answer("m.example", status)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert node.rows() == []
    assert node.peer("m.example").failures == 0


async def test_retry_after_is_heeded_and_holds_the_host(node: Node) -> None:
    node.elsewhere.answer("m.example", 429, **{"Retry-After": "600"})
    for _ in range(3):
        node.queue(node.activity(), INBOX)
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) <= 2
    wait = min(row.run_at for row in node.rows() if row.status == 429) - now()
    assert timedelta(seconds=590) < wait < timedelta(seconds=610)
    node.elsewhere.answer("m.example", 202)
    clock.offset += 620
    await node.deliver()
    assert node.rows() == []


async def test_retry_after_of_more_than_a_day_is_a_day(node: Node) -> None:
    node.elsewhere.answer("m.example", 429, **{"Retry-After": "9999999"})
    node.queue(node.activity(), INBOX)
    await node.deliver()
    (row,) = node.rows()
    assert row.run_at - now() <= timedelta(days=1)


async def test_the_schedule_is_a_week_long_and_then_it_is_a_dead_letter(node: Node) -> None:
    assert timedelta(days=6) < timedelta(seconds=sum(SCHEDULE)) < timedelta(days=8)
    node.queue(node.activity(), INBOX)
    (row,) = node.rows()
    id, waits = row.id, []
    for _ in range(20):
        if not node.do(lambda db: deliveries.failed(db, id, "503", 503)):
            break
        (row,) = node.rows()
        waits.append((row.run_at - now()).total_seconds())
        clock.offset += waits[-1]
    for wait, planned in zip(waits, SCHEDULE, strict=False):
        assert planned * 0.79 < wait < planned * 1.21
    (row,) = node.rows()
    assert row.dead_at is not None
    assert node.do(lambda db: deliveries.stats(db)).dead == 1
    assert node.do(lambda db: deliveries.claim(db, 10, 60)) == []
    assert node.do(lambda db: deliveries.retry(db)) == 1
    await node.deliver()
    assert node.rows() == []


async def test_a_server_that_refuses_one_scheme_is_knocked_at_with_the_other_and_remembered(node: Node) -> None:
    async def only_rfc9421(request: httpx.Request) -> httpx.Response:
        return httpx.Response(202 if "signature-input" in request.headers else 401)

    node.elsewhere.answers["m.example"] = only_rfc9421
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 2
    assert node.do(lambda db: peers.scheme(db, "m.example")) == "rfc9421"
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 3
    parsed = parse_request_signature(
        Message.of("POST", "/inbox", list(node.elsewhere.posts("m.example")[-1].headers.items()))
    )
    assert parsed.scheme == "rfc9421"
    clock.offset += 31 * 86400
    assert node.do(lambda db: peers.scheme(db, "m.example")) == "cavage"


async def test_refused_in_both_schemes_it_is_dropped(node: Node) -> None:
    node.elsewhere.answer("m.example", 401)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 2
    assert node.rows() == []


async def test_create_update_delete_arrive_in_this_order_though_the_first_had_to_be_repeated(node: Node) -> None:
    post = node.note()
    node.elsewhere.dead("m.example")
    for type in ("Create", "Update", "Delete"):
        node.queue(node.activity(type, post), INBOX)
    await node.deliver(lambda: node.rows()[0].attempts == 1)
    node.elsewhere.answer("m.example", 202)
    clock.offset += 60
    await node.deliver()
    arrived = [sent.json["type"] for sent in node.elsewhere.posts("m.example")]
    assert arrived == ["Create", "Create", "Update", "Delete"]


async def test_what_is_queued_late_but_happened_first_goes_first(node: Node) -> None:
    post = node.note()
    create, update = node.activity("Create", post), node.activity("Update", post)
    node.queue(update, INBOX)
    node.queue(create, INBOX)
    await node.deliver()
    assert [sent.json["type"] for sent in node.elsewhere.posts("m.example")] == ["Create", "Update"]


async def test_never_more_than_two_in_flight_to_one_host(node: Node) -> None:
    node.elsewhere.slow("m.example", 0.1)
    for _ in range(12):
        node.queue(node.activity(), INBOX)
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 12
    assert node.elsewhere.most_flying["m.example"] == 2


async def test_never_two_about_one_object_in_flight_to_one_host(node: Node) -> None:
    node.elsewhere.slow("m.example", 0.05)
    activity = node.activity("Create", node.note())
    node.queue(activity, *(f"https://m.example/users/{n}/inbox" for n in range(5)))
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 5
    assert node.elsewhere.most_flying["m.example"] == 1


async def test_five_failures_open_the_circuit_and_one_probe_closes_it(node: Node) -> None:
    node.elsewhere.dead("m.example")
    for _ in range(12):
        node.queue(node.activity(), INBOX)
    await node.deliver()
    tries = len(node.elsewhere.posts("m.example"))
    assert 5 <= tries <= 6
    assert node.peer("m.example").open_until is not None
    clock.offset += 31 * 60
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == tries + 1
    node.elsewhere.answer("m.example", 202)
    clock.offset += 31 * 60
    await node.deliver()
    clock.offset += 600
    await node.deliver()
    assert node.rows() == []
    assert node.peer("m.example").failures == 0


@pytest.mark.parametrize("how", ["it sends something", "it takes one"])
async def test_what_waits_for_hours_goes_at_once_when_a_dead_host_is_back(node: Node, how: str) -> None:
    for _ in range(3):
        node.queue(node.activity(), INBOX)

    def fail(db: Session) -> None:
        peers.failed(db, "m.example", "refused")
        for row in db.scalars(select(Delivery)):
            deliveries.failed(db, row.id, "refused")

    for _ in range(6):
        node.do(fail)
    assert min(row.run_at for row in node.rows()) > now() + timedelta(hours=4)
    node.elsewhere.answer("m.example", 202)
    if how == "it sends something":
        node.do(lambda db: peers.seen(db, "m.example"))
    else:
        node.do(lambda db: peers.succeeded(db, ["m.example"]))
    await node.deliver()
    assert node.rows() == []


async def test_one_failure_is_no_reason_to_hurry(node: Node) -> None:
    """Else a host that takes every second delivery would be asked for the others all the time."""
    node.elsewhere.answer("m.example", 503)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    before = node.rows()[0].run_at
    node.do(lambda db: peers.seen(db, "m.example"))
    assert node.rows()[0].run_at == before > now()


async def test_what_is_given_up_or_under_way_is_not_hurried(node: Node) -> None:
    for _ in range(2):
        node.queue(node.activity(), INBOX)
    (first, _) = node.rows()
    node.do(lambda db: deliveries.dead(db, first.id, "never"))
    (claimed,) = node.do(lambda db: deliveries.claim(db, 10, 60))
    for _ in range(5):
        node.do(lambda db: peers.failed(db, "m.example", "refused"))
    before = [(row.id, row.run_at, row.attempts) for row in node.rows()]
    node.do(lambda db: peers.seen(db, "m.example"))
    assert [(row.id, row.run_at, row.attempts) for row in node.rows()] == before
    assert {id for id, _, _ in before} == {first.id, claimed.id}


async def test_a_host_that_answers_is_not_failing_whatever_it_says(node: Node) -> None:
    def fail_four(db: Session) -> None:
        for _ in range(4):
            peers.failed(db, "m.example", "refused")

    node.do(fail_four)
    node.elsewhere.answer("m.example", 403)
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert node.peer("m.example").failures == 0


async def test_seven_failing_days_park_a_host_until_it_is_heard_of(node: Node) -> None:
    for _ in range(7):
        node.do(lambda db: peers.failed(db, "m.example", "refused"))
        clock.offset += 86400
    assert node.peer("m.example").parked_at is not None
    node.queue(node.activity(), INBOX)
    assert node.do(lambda db: deliveries.claim(db, 10, 60)) == []
    node.do(lambda db: peers.seen(db, "m.example", 0.5))
    await node.deliver()
    assert len(node.elsewhere.posts("m.example")) == 1


async def test_failing_days_are_days_not_failures(node: Node) -> None:
    for _ in range(50):
        node.do(lambda db: peers.failed(db, "m.example", "refused"))
    assert node.peer("m.example").parked_at is None


@pytest.mark.parametrize(("type", "urgent"), [("Delete", True), ("Move", True), ("Update", True), ("Create", False)])
async def test_deletions_moves_and_changed_actors_are_tried_once_at_a_parked_host(
    node: Node, type: str, urgent: bool
) -> None:
    def park(db: Session) -> None:
        peers.get(db, "m.example").parked_at = now()

    node.do(park)
    node.elsewhere.dead("m.example")
    node.queue(node.activity(type, object_uri=node.lene.uri), INBOX)
    assert bool(node.do(lambda db: deliveries.claim(db, 10, 0.0))) is urgent
    if urgent:
        await node.deliver(lambda: node.rows()[0].attempts == 1)
        clock.offset += 3600
        assert node.do(lambda db: deliveries.claim(db, 10, 60)) == []
    clock.offset += 8 * 86400
    assert node.do(deliveries.sweep) == 1
    assert node.rows() == []


async def test_410_from_an_own_inbox_asks_for_the_actor(node: Node) -> None:
    jonas = node.do(lambda db: remote(db, "m.example", shared=False))
    node.elsewhere.answer("m.example", 410)
    node.queue(node.activity(), jonas.inbox)
    await node.deliver()
    assert node.rows() == []
    asked = node.do(lambda db: list(db.scalars(select(Job).where(Job.kind == "confirm_actor"))))
    assert [job.payload["actor"] for job in asked] == [jonas.uri]


async def test_404_does_so_only_the_third_time(node: Node) -> None:
    jonas = node.do(lambda db: remote(db, "m.example", shared=False))
    node.elsewhere.answer("m.example", 404)
    node.queue(node.activity(), jonas.inbox)
    for expected in (0, 0, 1):
        await node.deliver()
        clock.offset += 3600
        asked = node.do(lambda db: db.scalar(select(func.count(Job.id)).where(Job.kind == "confirm_actor")))
        assert asked == expected


@pytest.mark.parametrize("status", [404, 410])
async def test_a_shared_inbox_that_is_gone_gives_way_to_the_own_ones_of_those_concerned(
    node: Node, status: int
) -> None:
    def set_up(db: Session) -> None:
        for name in ("jonas", "maja"):
            follows.request(db, remote(db, "m.example", name), node.lene, uri=f"https://m.example/follows/{name}")
        remote(db, "m.example", "stranger")

    node.do(set_up)

    async def no_shared(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status if request.url.path == "/inbox" else 202)

    node.elsewhere.answers["m.example"] = no_shared
    node.queue(node.activity(cc=[node.lene.followers_uri]), INBOX)
    await node.deliver()
    got = sorted(sent.url.rsplit("/users/", 1)[-1] for sent in node.elsewhere.posts("m.example"))
    assert got == ["https://m.example/inbox", "jonas/inbox", "maja/inbox"]


async def test_one_slow_and_many_dead_hosts_do_not_hold_up_the_healthy_one(node: Node) -> None:
    activity = node.activity()
    dead = [f"https://dead{n}.example/inbox" for n in range(60)]
    slow = [f"https://slow{n}.example/inbox" for n in range(60)]
    for inbox in dead:
        node.elsewhere.dead(inbox.split("/")[2])
    for inbox in slow:
        node.elsewhere.slow(inbox.split("/")[2], 30)
    node.queue(activity, *dead, *slow)
    node.queue(activity, "https://healthy.example/inbox")
    await node.deliver(lambda: len(node.elsewhere.posts("healthy.example")) == 1, seconds=3)


async def test_t124_many_slow_hosts_with_much_to_get_leave_room_for_the_others(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "GRACE", 0.1)
    slow = [f"https://slow{n}.example/inbox" for n in range(150)]
    for inbox in slow:
        node.elsewhere.slow(inbox.split("/")[2], 14)
    for _ in range(5):
        node.queue(node.activity(), *slow)
    stop = asyncio.Event()
    task = asyncio.create_task(delivering.run(federation_with(node.database, node.elsewhere), stop))
    async with asyncio.timeout(13):
        while sum(node.elsewhere.flying.values()) < 192:  # noqa: ASYNC110 - until all workers are busy with them
            await asyncio.sleep(0.02)
        begun = time.monotonic()
        healthy = [f"{name}{n}.example" for name in "az" for n in range(10)]
        for host in healthy:
            node.queue(node.activity(), f"https://{host}/inbox")
        while not all(node.elsewhere.posts(host) for host in healthy):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        took = time.monotonic() - begun
    stop.set()
    await asyncio.wait_for(task, 15)
    assert took < 7, "half of what a slow one takes; mostly it is a fraction of a second"


async def test_looking_among_many_hosts_that_are_let_be_locks_nobody_out(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.queue(node.activity(), *(f"https://dead{n}.example/inbox" for n in range(300)))

    def give_up(db: Session) -> None:
        for n in range(300):
            peers.get(db, f"dead{n}.example").open_until = now() + timedelta(minutes=30)

    node.do(give_up)
    written, real = [], node.database.write
    monkeypatch.setattr(node.database, "write", lambda work: (written.append(work), real(work))[1])
    begun = time.monotonic()
    await node.deliver(lambda: time.monotonic() - begun > 2.5)
    assert written == []
    assert node.elsewhere.sent == {}


async def test_hosts_whose_turn_it_was_are_judged_again_when_they_are_claimed(node: Node) -> None:
    first, second = "https://m.example/inbox", "https://k.example/inbox"
    node.queue(node.activity(), first, second)
    found = node.do(lambda db: deliveries.hosts_in_turn(db, 10, 60, after="l.example"))
    assert found == ["m.example", "k.example"]

    def meanwhile(db: Session) -> None:
        peers.get(db, "m.example").open_until = now() + timedelta(minutes=30)

    node.do(meanwhile)
    claimed = node.do(lambda db: deliveries.claim(db, 10, 60, hosts=found))
    assert [one.host for one in claimed] == ["k.example"]
    assert node.do(lambda db: deliveries.claim(db, 10, 60, hosts=found)) == []


@pytest.mark.parametrize("hours", [2, -2])
async def test_t134_while_our_clock_is_wrong_nothing_is_given_up_and_the_administrator_is_told(
    node: Node, hours: int
) -> None:
    """Signatures fail then at every server, and no request of theirs is valid here: only their answers can tell."""
    right = now()

    async def too_old_or_new(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, headers={"Date": format_datetime(right, usegmt=True)})

    inboxes = [f"https://m{n}.example/inbox" for n in range(3)]
    for inbox in inboxes:
        node.elsewhere.answers[inbox.split("/")[2]] = too_old_or_new
    clock.offset = hours * 3600
    node.queue(node.activity(), *inboxes)
    await node.deliver()
    assert [(row.attempts, row.dead_at) for row in node.rows()] == [(1, None)] * 3
    found = health.check_clock(node.database)
    assert not found.ok
    assert "NTP" in found.text
    clock.offset = 0
    for inbox in inboxes:
        node.elsewhere.answer(inbox.split("/")[2], 202)
    node.queue(node.activity(), *inboxes)
    await node.deliver(lambda: all(len(node.elsewhere.posts(f"m{n}.example")) >= 3 for n in range(3)))
    clock.offset = max(hours, 0) * 3600 + 60
    await node.deliver(lambda: node.rows() == [])


async def test_a_refusal_by_somebody_whose_clock_agrees_with_ours_is_final(node: Node) -> None:
    async def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, headers={"Date": format_datetime(now(), usegmt=True)})

    node.elsewhere.answers["m.example"] = refuse
    node.queue(node.activity(), INBOX)
    await node.deliver()
    assert node.rows() == []
    assert node.peer("m.example").clock_skew == pytest.approx(0, abs=5)


async def test_stopping_gives_back_what_did_not_end_in_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "GRACE", 0.3)
    node.elsewhere.slow("slow.example", 1.5)
    node.elsewhere.slow("quick.example", 0.2)
    activity = node.activity()
    node.queue(activity, "https://slow.example/inbox", "https://quick.example/inbox")
    await node.deliver(lambda: node.elsewhere.flying.total() == 2)
    (row,) = node.rows()
    assert (row.host, row.attempts, row.locked_until) == ("slow.example", 0, None)
    assert row.run_at <= now()


async def test_a_lease_that_ran_out_is_taken_over(node: Node) -> None:
    node.queue(node.activity(), INBOX)
    (claimed,) = node.do(lambda db: deliveries.claim(db, 10, 60))
    assert node.do(lambda db: deliveries.claim(db, 10, 60)) == []
    clock.offset += 61
    (again,) = node.do(lambda db: deliveries.claim(db, 10, 60))
    assert again.id == claimed.id


async def test_workers_that_claim_at_the_same_moment_never_take_the_same(node: Node) -> None:
    post = node.note()
    for type in ("Create", "Update"):
        node.queue(node.activity(type, post), *(f"https://h{n}.example/inbox" for n in range(20)))
    for _ in range(3):
        node.queue(node.activity(), *(f"https://h{n}.example/inbox" for n in range(20)))

    def claim() -> list[deliveries.Claimed]:
        return node.do(lambda db: deliveries.claim(db, 50, 60))

    claimed = [one for taken in await asyncio.gather(*(asyncio.to_thread(claim) for _ in range(8))) for one in taken]
    assert len({one.id for one in claimed}) == len(claimed)
    assert set(Counter(one.host for one in claimed).values()) == {2}
    assert len({(one.host, one.object_key) for one in claimed}) == len(claimed)


async def test_every_host_gets_one_before_any_gets_two(node: Node) -> None:
    for _ in range(3):
        node.queue(node.activity(), *(f"https://h{n}.example/inbox" for n in range(4)))
    claimed = node.do(lambda db: deliveries.claim(db, 6, 60))
    assert sorted(one.host for one in claimed[:4]) == [f"h{n}.example" for n in range(4)]
    assert len(claimed) == 6


async def test_a_host_that_has_one_in_flight_waits_for_those_that_have_none(node: Node) -> None:
    for _ in range(2):
        node.queue(node.activity(), "https://a1.example/inbox")
    assert len(node.do(lambda db: deliveries.claim(db, 1, 60))) == 1
    node.queue(node.activity(), "https://b1.example/inbox")
    claimed = node.do(lambda db: deliveries.claim(db, 2, 60, spare=1))
    assert [one.host for one in claimed] == ["b1.example"]


async def test_the_turn_goes_round(node: Node) -> None:
    node.queue(node.activity(), *(f"https://h{n}.example/inbox" for n in range(4)))
    claimed = node.do(lambda db: deliveries.claim(db, 3, 60, after="h1.example"))
    assert [one.host for one in claimed] == ["h2.example", "h3.example", "h0.example"]


async def test_a_domain_blocked_after_queueing_gets_nothing(node: Node) -> None:
    node.queue(node.activity(), INBOX)
    node.do(lambda db: db.add(domains.DomainRule(domain="m.example", action="block")))
    fed = node.fed

    async def blocked(host: str) -> bool:
        return host == "m.example"

    fed.client._blocked = blocked
    stop = asyncio.Event()
    task = asyncio.create_task(delivering.run(fed, stop))
    async with asyncio.timeout(5):
        while node.rows():  # noqa: ASYNC110 - what it waits for happens in threads
            await asyncio.sleep(0.02)
    stop.set()
    await task
    assert node.elsewhere.posts("m.example") == []


async def test_a_post_for_followers_tells_the_server_whom_we_count_there(node: Node) -> None:
    def set_up(db: Session) -> list[str]:
        found = [remote(db, "m.example", name) for name in ("jonas", "maja")]
        for actor in (*found, remote(db, "n.example")):
            follows.request(db, actor, node.lene, uri=f"{actor.uri}/follow")
        composing.note(db, node.lene, Draft(text="Kun for jer.", visibility="followers"))
        return [actor.uri for actor in found]

    uris = node.do(set_up)

    def rendered(db: Session) -> Activity:
        row = db.scalars(select(Activity).where(Activity.type == "Create")).one()
        row.body = "{}"
        return row

    node.queue(node.do(rendered), INBOX)
    await node.deliver()
    (sent,) = node.elsewhere.posts("m.example")
    assert sent.headers["collection-synchronization"] == (
        f'collectionId="{node.lene.followers_uri}", url="{node.lene.uri}/followers_synchronization", '
        f'digest="{signatures.followers_digest(uris)}"'
    )


async def test_public_posts_carry_no_such_header(node: Node) -> None:
    node.queue(node.activity(cc=[node.lene.followers_uri]), INBOX)
    await node.deliver()
    assert "collection-synchronization" not in node.elsewhere.posts("m.example")[0].headers
