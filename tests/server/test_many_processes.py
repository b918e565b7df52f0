"""What one process of a node decides holds for its others: two apps with databases of their own, over the same data."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import func, select

from models import accounts, actors, deliveries, digests, moderation, oauth, oauth_apps, outbox, peers, scheduled
from models.actors import Actor
from models.base import clock, now
from models.database import Database
from models.domains import DomainAction
from models.errors import Conflict
from models.jobs import Job
from models.oauth import AccessToken
from models.outbox import Delivery
from models.posts import Draft, Post
from server import site
from server.commands.opening import running
from server.federating import Blocked
from server.health import check_clock
from server.settings import Settings
from tests.federation.neighbours import neighbour
from tests.server.apps import ApiWorld
from tests.server.test_inbox import Door
from tests.server.visiting import Visiting
from tests.world import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
def second(lived_in: Database) -> Iterator[Database]:
    """What another process holds."""
    made = Database(lived_in.url.render_as_string(hide_password=False), lived_in.node)
    yield made
    made.close()


@pytest.fixture
def both(lived_in: Database, second: Database) -> tuple[ApiWorld, ApiWorld]:
    return ApiWorld(lived_in), ApiWorld(second)


Both = tuple[ApiWorld, ApiWorld]


def anna(database: Database) -> Actor:
    with database.reading() as db:
        found = actors.by_handle(db, "anna")
        assert found is not None
        return found


# Who somebody is


async def test_who_signs_in_at_one_is_known_at_the_other_and_who_is_put_out_at_one_is_out(
    lived_in: Database, second: Database
) -> None:
    one, other = Visiting(lived_in), Visiting(second)
    async with one.browser() as here, other.browser() as there:
        await here.sign_in("anna")
        there.http.cookies = here.http.cookies
        assert (await there.open("/settings")).status_code == 200
        await there.take_token("/follow")
        await here.succeed("/sign-out", token=there.token)  # a form of the other's page
        await here.sign_in("anna")
        there.http.cookies = here.http.cookies
        assert (await there.open("/settings")).status_code == 200
        lived_in.write(lambda db: accounts.end_all_logins(db, accounts.by_username(db, "anna")))
        assert (await there.open("/settings")).status_code != 200


async def test_a_suspension_and_a_revoked_token_hold_at_once_everywhere(both: Both, lived_in: Database) -> None:
    one, other = both
    async with one.client("anna") as here, one.client("birk") as his, other.client() as there:
        there.token = here.token
        assert (await there.get("/api/v1/accounts/verify_credentials"))["username"] == "anna"
        lived_in.write(lambda db: oauth.revoke_all(db, accounts.by_username(db, "anna").id))
        await there.refused(401, "GET", "/api/v1/accounts/verify_credentials")
        there.token = his.token
        await there.get("/api/v1/accounts/verify_credentials")
        lived_in.write(lambda db: accounts.suspend(db, accounts.by_username(db, "birk")))
        await there.refused(401, "GET", "/api/v1/accounts/verify_credentials")


async def test_a_code_is_worth_one_token_wherever_it_is_shown(both: Both, lived_in: Database) -> None:
    def authorize(db: Any) -> tuple[str, str, str]:
        app, secret = oauth_apps.register(db, name="En app", redirect_uris=["https://app.example/"], wanted="read")
        account = accounts.by_username(db, "anna")
        code = oauth.grant(db, account, app, redirect_uri="https://app.example/", wanted="read")
        return app.client_id, secret, code

    id, secret, code = lived_in.write(authorize)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/", "client_id": id,
        "client_secret": secret,
    }  # fmt: skip
    async with both[0].client() as here, both[1].client() as there:
        answers = await asyncio.gather(*(api.call("POST", "/oauth/token", data=form) for api in (here, there)))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    with lived_in.reading() as db:
        holding = db.scalars(select(AccessToken).where(AccessToken.revoked_at.is_(None))).all()
    assert [row for row in holding if row.scopes == "read"] == [], "its second use took the first back"


async def test_the_same_attempt_at_two_processes_is_one_post(both: Both, lived_in: Database) -> None:
    one, other = both
    async with one.client("anna") as here, other.client() as there:
        there.token = here.token
        how: dict[str, Any] = {"data": {"status": "Kun en gang."}, "headers": {"Idempotency-Key": "k1"}}
        answers = await asyncio.gather(
            *(api.call("POST", "/api/v1/statuses", **how) for api in (here, there, here, there))
        )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    with lived_in.reading() as db:
        assert db.scalar(select(func.count()).where(Post.source == "Kun en gang.")) == 1


async def test_wrong_passwords_count_wherever_they_are_tried(lived_in: Database, second: Database) -> None:
    if lived_in.sqlite:
        pytest.skip("on SQLite one process answers, and counts in its memory")
    machines = [Visiting(lived_in), Visiting(second)]
    answers: Counter[int] = Counter()
    async with machines[0].browser() as here, machines[1].browser() as there:
        for browser in (here, there):
            await browser.take_token("/sign-in")
        for number in range(30):
            answer = await (here, there)[number % 2].send("/sign-in", login="anna", password=f"forkert-{number}")
            answers[answer.status_code] += 1
    assert answers == {401: 25, 429: 5}


# What the administrators decide


@asynccontextmanager
async def five_seconds_later(monkeypatch: pytest.MonkeyPatch, module: Any) -> AsyncIterator[None]:
    before = module.time.monotonic
    with monkeypatch.context() as patched:
        patched.setattr(module.time, "monotonic", lambda: before() + 5.0)
        yield


async def test_a_domain_that_is_blocked_at_one_is_heard_by_none_and_asked_by_none_after_five_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server import federating

    second = Database(database.url.render_as_string(hide_password=False), database.node)
    database.write(lambda db: actors.create_local(db, "lene", actors.ActorType.PERSON))
    one, other = Door(database), Door(second)
    blocked = Blocked(second)
    someone = neighbour(other.fediverse, "mikkel", "b.example")
    one.fediverse.put(someone.doc)
    assert not await blocked("b.example")
    first = await other.post(someone, someone.creates(someone.note(1)))
    assert first.status_code == 202
    database.write(lambda db: moderation.set_rule(db, "b.example", DomainAction.BLOCK))
    refused = await other.post(someone, someone.creates(someone.note(2)))
    assert refused.status_code in {401, 403}
    assert other.stored == 1
    async with five_seconds_later(monkeypatch, federating):
        assert await blocked("b.example")
    second.close()


async def test_who_the_node_is_and_who_may_come_is_known_everywhere_after_five_seconds(
    lived_in: Database, second: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Visiting(lived_in), Visiting(second)
    async with one.browser() as here, other.browser() as there:
        assert "Et andet torv" not in await there.read("/about")
        assert (await there.open("/sign-up")).status_code == 404
        lived_in.write(lambda db: accounts.set_role(db, accounts.by_username(db, "anna"), "admin"))
        await here.sign_in("anna")
        await here.succeed("/admin/identity", name="Et andet torv", description="", contact_email="t@a.example")
        await here.succeed("/admin/registrations", mode="open", domains="")
        async with five_seconds_later(monkeypatch, site):
            assert "Et andet torv" in await there.read("/about")
            assert (await there.open("/sign-up")).status_code == 200
        await here.succeed("/admin/registrations", mode="closed", domains="")
        # what the page still shows is not what is done
        await there.take_token("/sign-up")
        new = {"username": "ny", "name": "Ny", "email": "ny@a.example", "password": PASSWORD, "again": PASSWORD}
        assert (await there.send("/sign-up", **new)).status_code == 403
    with lived_in.reading() as db:
        assert actors.by_handle(db, "ny") is None


# Work that is done once


async def test_a_post_for_later_is_published_once(lived_in: Database, second: Database) -> None:
    me = anna(lived_in)
    row = lived_in.write(lambda db: scheduled.schedule(db, me.id, now() + timedelta(minutes=6), Draft("I morgen.")))
    clock.offset += 400
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda n: (lived_in, second)[n % 2].write(lambda db: scheduled.publish(db, row.id)), range(8))
        )
    assert len([post for post in done if post is not None]) == 1
    with lived_in.reading() as db:
        assert db.scalar(select(func.count()).where(Post.source == "I morgen.")) == 1


async def test_a_letter_is_promised_once_however_many_keep_house(lived_in: Database, second: Database) -> None:
    me = anna(lived_in)
    lived_in.write(lambda db: digests.choose(db, me.id, "daily"))
    clock.offset += 2 * 86_400
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (lived_in, second)[n % 2].write(lambda db: digests.promise_due(db, 100)), range(8)))
    with lived_in.reading() as db:
        assert db.scalar(select(func.count()).where(Job.kind == "mail")) == 1


# Other servers


def test_failures_that_several_workers_meet_open_the_circuit_as_if_one_had(
    lived_in: Database, second: Database
) -> None:
    lived_in.write(lambda db: peers.seen(db, "dead.example"))
    with ThreadPoolExecutor(5) as pool:
        list(
            pool.map(
                lambda n: (lived_in, second)[n % 2].write(lambda db: peers.failed(db, "dead.example", "silent")),
                range(5),
            )
        )
    with second.reading() as db:
        peer = peers.find(db, "dead.example")
        assert peer is not None
        assert peer.failures == 5
        assert peers.state(peer) == "open"


def test_workers_together_never_have_more_under_way_to_a_host_than_one_may(
    lived_in: Database, second: Database
) -> None:
    me = anna(lived_in)

    def fill(db: Any) -> None:
        for number in range(30):
            activity = outbox.record(db, "Create", me, object_uri=f"https://a.example/p/{number}", public=True)
            activity.body = "{}"
            deliveries.add_batch(
                db, activity, [(f"https://h{host}.example/inbox", f"h{host}.example") for host in range(3)]
            )

    lived_in.write(fill)
    lock, flying, most, sent = Lock(), Counter[str](), Counter[str](), Counter[int]()

    def work(database: Database) -> None:
        while True:
            with database.reading() as db:
                left = db.scalar(select(func.count()).select_from(Delivery))
            if not left:
                return
            claimed = database.write(lambda db: deliveries.claim(db, 4, 60.0))
            with lock:
                for one in claimed:
                    flying[one.host] += 1
                    sent[one.id] += 1
                    most[one.host] = max(most[one.host], flying[one.host])
            with lock:
                for one in claimed:
                    flying[one.host] -= 1
            database.write(lambda db: deliveries.done(db, [one.id for one in claimed]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, (lived_in, second, lived_in, second)))
    assert set(sent.values()) == {1}
    assert len(sent) == 90
    assert max(most.values()) <= deliveries.PER_HOST


# The node's clock and lock


def test_a_machine_whose_clock_is_not_the_database_s_takes_no_work(lived_in: Database) -> None:
    if lived_in.sqlite:
        pytest.skip("a SQLite node is on one machine")
    assert check_clock(lived_in).ok
    clock.offset = 30.0
    found = check_clock(lived_in)
    assert (found.ok, "-30 s from this machine's" in found.text) == (False, True)


def test_nothing_is_changed_under_a_node_that_runs_on_another_machine(lived_in: Database, tmp_path: Path) -> None:
    if lived_in.sqlite:
        pytest.skip("a SQLite node is on one machine")
    url = lived_in.url.render_as_string(hide_password=False)
    here, there = (Settings(data_dir=str(tmp_path / name), database_url=url) for name in ("here", "there"))
    with running(here), running(there):
        pass
    with running(there), pytest.raises(Conflict, match="on all machines"), running(here, alone=True):
        pass
    with running(here, alone=True), pytest.raises(Conflict, match="start again afterwards"), running(there):
        pass
    with running(there):
        pass
