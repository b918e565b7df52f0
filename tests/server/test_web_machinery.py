"""How the node is doing, for its administrators: queues, dead letters, servers that do not answer."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import inbox, jobs, outbox, peers
from models.actors import Actor
from models.base import now
from models.inbox import Received
from models.jobs import Job
from models.moderation import AuditEntry
from models.outbox import Delivery
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio

PATHS = ("/admin/health", "/admin/letters/drop?all=1")
DEEDS = ("/admin/letters/retry", "/admin/letters/drop", "/admin/peers/unpark")


def give_up(db: Session, number: int = 1) -> list[int]:
    """One dead letter of each queue, `number` times; their ids."""
    sender: Actor = person(db, "anna")
    found = []
    for one in range(number):
        jobs.enqueue(db, "nodeinfo", {"host": "x.example"}, dedupe=f"test {one}")
        job = db.scalars(select(Job).where(Job.dedupe == f"test {one}")).one()
        jobs.fail(db, job.id, "FetchFailed: det gik galt", permanent=True)
        sent = outbox.record(db, "Like", sender, object_uri="https://b.example/p/1", to=[])
        delivery = Delivery(
            id=job.id + 1, activity_id=sent.id, inbox="https://b.example/inbox", host="b.example", object_key=str(one)
        )
        delivery.dead_at, delivery.error = now(), "timeout"
        db.add(delivery)
        inbox.store(
            db,
            sender_key=f"https://b.example/{one}",
            body="{}",
            body_sha256="x",
            type="Create",
            key_owner="https://b.example/u/b",
            proof="signed",
            host="b.example",
        )
        came = db.scalars(select(Received).where(Received.sender_key == f"https://b.example/{one}")).one()
        inbox.fail(db, came.id, "no such parent", permanent=True)
        found += [job.id, delivery.id, came.id]
    db.flush()
    return found


def dead(db: Session) -> int:
    return sum(
        len(db.scalars(query).all())
        for query in (
            select(Job.id).where(Job.dead_at.is_not(None)),
            select(Delivery.id).where(Delivery.dead_at.is_not(None)),
            select(Received.id).where(Received.state == "dead"),
        )
    )


def audited(db: Session) -> list[tuple[str, str]]:
    query = select(AuditEntry.action, Actor.username).join(Actor, Actor.id == AuditEntry.actor_id)
    mine = AuditEntry.action.startswith("letters.") | AuditEntry.action.startswith("peer.")
    return [(row[0], row[1]) for row in db.execute(query.where(mine))]


@pytest.mark.parametrize("username", ["birk", "camilla"])
async def test_to_members_and_moderators_it_does_not_exist(visiting: Visiting, username: str) -> None:
    visiting.database.write(give_up)
    visiting.database.write(lambda db: [peers.failed(db, "b.example", "x") for _ in range(3)])
    async with visiting.browser(username) as browser:
        for path in PATHS:
            assert (await browser.open(path)).status_code == 404
        for path in DEEDS:
            assert (await browser.send(path, all="1", host="b.example")).status_code == 404
        assert browser.do(dead) == 3
        assert browser.do(lambda db: peers.get(db, "b.example").failures) == 3


async def test_a_healthy_node_says_so(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        page = words(await anna.read("/admin/health"))
    for part in ("Alt er vel", "SQLite" if "sqlite" in str(visiting.database.engine.url) else "PostgreSQL", "Python 3"):
        assert part in page


async def test_dead_letters_of_all_queues_are_shown_with_their_reasons(visiting: Visiting) -> None:
    visiting.database.write(give_up)
    async with visiting.browser("anna") as anna:
        page = words(await anna.read("/admin/health"))
    for part in ("nodeinfo", "det gik galt", "Like to https://b.example/inbox", "timeout", "no such parent"):
        assert part in page


async def test_one_letter_is_tried_again_or_all(visiting: Visiting) -> None:
    first = visiting.database.write(give_up)[0]
    async with visiting.browser("anna") as anna:
        assert await anna.succeed("/admin/letters/retry", letter=str(first)) == "/admin/health"
        assert anna.do(dead) == 2
        assert anna.do(lambda db: db.get_one(Job, first).attempts) == 0
        await anna.succeed("/admin/letters/retry", all="1")
        assert anna.do(dead) == 0
        assert anna.do(audited) == [("letters.retry", "anna")] * 2


async def test_letters_are_thrown_away_after_a_question(visiting: Visiting) -> None:
    found = visiting.database.write(give_up)
    async with visiting.browser("anna") as anna:
        page = await anna.read(f"/admin/letters/drop?letter={found[2]}")
        assert "Smid det væk?" in words(page)
        assert anna.do(dead) == 3
        await anna.succeed("/admin/letters/drop", letter=str(found[2]))
        assert anna.do(lambda db: db.get_one(Received, found[2]).state) == "ignored"
        await anna.succeed("/admin/letters/drop", all="1")
        assert anna.do(dead) == 0
        assert anna.do(lambda db: (db.get(Job, found[0]), db.get(Delivery, found[1]))) == (None, None)
        assert anna.do(audited) == [("letters.drop", "anna")] * 2


@pytest.mark.alike
@pytest.mark.parametrize("fields", [{}, {"letter": "17"}, {"letter": "x"}, {"letter": "9" * 30}])
@pytest.mark.parametrize("path", DEEDS[:2])
async def test_what_is_no_dead_letter_is_left_alone(visiting: Visiting, path: str, fields: dict[str, str]) -> None:
    visiting.database.write(give_up)
    async with visiting.browser("anna") as anna:
        assert (await anna.send(path, **fields)).status_code == 404
        assert anna.do(dead) == 3
        assert anna.do(audited) == []


async def test_a_job_that_waits_is_no_dead_letter(visiting: Visiting) -> None:
    visiting.database.write(lambda db: jobs.enqueue(db, "nodeinfo", {}, dedupe="alive"))
    async with visiting.browser("anna") as anna:
        number = anna.do(lambda db: db.scalars(select(Job.id).where(Job.dedupe == "alive")).one())
        assert (await anna.send("/admin/letters/drop", letter=str(number))).status_code == 404
        assert anna.do(lambda db: db.get(Job, number)) is not None


async def test_a_server_that_is_back_is_written_to_again(visiting: Visiting) -> None:
    visiting.database.write(give_up)

    def park(db: Session) -> None:
        peer = peers.get(db, "b.example")
        peer.parked_at, peer.last_error = now(), "connection refused"

    visiting.database.write(park)
    async with visiting.browser("anna") as anna:
        assert "connection refused" in await anna.read("/admin/health")
        await anna.succeed("/admin/peers/unpark", host="b.example")
        assert anna.do(lambda db: peers.get(db, "b.example").parked_at) is None
        assert anna.do(dead) == 2
        assert (await anna.send("/admin/peers/unpark", host="nowhere.example")).status_code == 404
        assert anna.do(audited) == [("peer.unpark", "anna")]


async def test_it_takes_as_many_queries_with_much_in_it_as_with_little(visiting: Visiting) -> None:
    def trouble(db: Session, first: int, number: int) -> None:
        for one in range(first, first + number):
            peers.failed(db, f"p{one}.example", "x")

    visiting.database.write(give_up)
    visiting.database.write(lambda db: trouble(db, 0, 1))
    async with visiting.browser("anna") as anna:
        few = await queries(anna, "/admin/health")
        visiting.database.write(lambda db: trouble(db, 1, 20))
        for kind in range(10):
            visiting.database.write(lambda db, kind=kind: jobs.enqueue(db, f"kind {kind}", {}))  # type: ignore[misc]
        assert await queries(anna, "/admin/health") == few


@pytest.mark.parametrize(("username", "hidden"), [("anna", ()), ("camilla", ("/admin/health", "/admin/domains"))])
async def test_the_way_through_administration_shows_only_what_is_ones_own(
    visiting: Visiting, username: str, hidden: tuple[str, ...]
) -> None:
    async with visiting.browser(username) as browser:
        page = await browser.read("/admin/reports")
        assert 'href="/admin/reports" aria-current="page"' in page
        assert page.count('aria-current="true"') == 1
        for path in ("/admin/health", "/admin/domains"):
            assert (f'href="{path}"' in page) is (path not in hidden)
