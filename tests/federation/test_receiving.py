"""The inbox: who sent it, proven before anything is believed; what is refused and how; what the database remembers."""

import asyncio
import json
import sqlite3
import time
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from federation import receiving
from federation.receiving import Refusal
from federation.synchronizing import synchronize_followers
from models import actors, composing, follows, leaving, moderation, peers, posts
from models.actors import ActorType
from models.base import clock, now
from models.database import Database
from models.follows import FollowState
from models.inbox import Received
from models.jobs import Job
from models.posts import Draft
from tests import keys
from tests.federation.neighbours import Fediverse, Inbox, Neighbour, neighbour, said

pytestmark = pytest.mark.anyio
LENE = "https://a.example/u/lene"


@pytest.fixture
def fediverse() -> Fediverse:
    return Fediverse()


@pytest.fixture
def inbox(database: Database, fediverse: Fediverse) -> Inbox:
    def settle(db):  # type: ignore[no-untyped-def]
        for name in ("lene", "gone"):
            actors.create_local(db, name, ActorType.PERSON)
        leaving.delete_local(db, actors.by_handle(db, "gone"))

    database.write(settle)
    return Inbox(database, fediverse)


@pytest.fixture
def jonas(fediverse: Fediverse) -> Neighbour:
    return neighbour(fediverse)


def followed(inbox: Inbox, someone: Neighbour) -> None:
    """Lene follows him."""

    def change(db):  # type: ignore[no-untyped-def]
        follows.request(db, actors.by_uri(db, LENE), actors.by_uri(db, someone.uri)).state = FollowState.ACCEPTED

    inbox.write(change)


def a_follow(who: Neighbour, name: object = 1) -> dict:  # type: ignore[type-arg]
    return who.does("Follow", LENE, f"follow-{name}")


# Keys


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_a_stranger_is_fetched_once_and_then_known(scheme: str, inbox: Inbox, jonas: Neighbour) -> None:
    assert (await inbox.takes(jonas.sends(a_follow(jonas), scheme=scheme))).status == 202
    assert inbox.fediverse.asked.count(jonas.uri) == 1
    assert (await inbox.takes(jonas.sends(a_follow(jonas, 2), scheme=scheme))).status == 202
    assert inbox.fediverse.asked.count(jonas.uri) == 1
    assert inbox.actor(jonas.uri).handle == "jonas@m.example"


async def test_a_stranger_whose_signature_fails_leaves_nothing_behind(inbox: Inbox, jonas: Neighbour) -> None:
    before = inbox.dump()
    assert (await inbox.takes(jonas.sends(a_follow(jonas), key=keys.draw()[0]))).status == 401
    assert inbox.dump() == before
    assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 202  # and does not lock the real one out


async def test_a_burst_of_a_stranger_costs_one_fetch(inbox: Inbox, jonas: Neighbour) -> None:
    replies = await asyncio.gather(*(receiving.accept(inbox.fed, jonas.sends(a_follow(jonas, at))) for at in range(20)))
    assert {reply.status for reply in replies} == {202}
    assert inbox.fediverse.asked.count(jonas.uri) == 1


async def test_a_new_key_is_taken_after_one_refetch_and_the_old_one_is_refused(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.takes(jonas.sends(a_follow(jonas)))
    old, (jonas.private, public) = jonas.private, keys.draw()
    jonas.doc["publicKey"]["publicKeyPem"] = public
    inbox.fed.keyring.fetched.forget(jonas.key_id)
    with inbox.fediverse.quiet() as asked:
        assert (await inbox.takes(jonas.sends(a_follow(jonas, 2)))).status == 202
    assert asked == [jonas.uri]
    assert (await inbox.takes(jonas.sends(a_follow(jonas, 3), key=old))).status == 401


async def test_a_hundred_bad_signatures_cost_one_refetch_in_five_minutes(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.takes(jonas.sends(a_follow(jonas)))
    inbox.fed.keyring.fetched.forget(jonas.key_id)
    wrong = keys.draw()[0]
    with inbox.fediverse.quiet() as asked:
        for at in range(100):
            assert (await inbox.takes(jonas.sends(a_follow(jonas, at), key=wrong))).status == 401
    assert len(asked) <= 1


@pytest.mark.parametrize("answer", [500, 503, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_a_key_host_that_is_down_gives_503_and_the_retry_works(
    answer: object, inbox: Inbox, jonas: Neighbour
) -> None:
    inbox.fediverse.documents[jonas.uri] = answer
    reply = await inbox.takes(jonas.sends(a_follow(jonas)))
    assert (reply.status, reply.headers) == (503, {"Retry-After": "30"})
    inbox.fediverse.documents[jonas.uri] = jonas.doc
    clock.offset += 3
    assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 202


@pytest.mark.parametrize("answer", [404, 410, 401, 403])
async def test_a_key_that_is_refused_is_not_asked_for_again_for_a_quarter_of_an_hour(
    answer: int, inbox: Inbox, jonas: Neighbour
) -> None:
    inbox.fediverse.documents[jonas.uri] = answer
    for _ in range(3):
        assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 401
    assert inbox.fediverse.asked.count(jonas.uri) == 1
    inbox.fediverse.documents[jonas.uri] = jonas.doc
    clock.offset += 901
    assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 202


async def test_a_key_at_an_address_of_its_own_names_its_owner_who_names_it_back(inbox: Inbox, jonas: Neighbour) -> None:
    key_id = f"{jonas.uri}/main-key"  # as GoToSocial has it
    key = {"id": key_id, "owner": jonas.uri, "publicKeyPem": jonas.public}
    stub = {"id": jonas.uri, "type": "Person", "preferredUsername": "jonas", "publicKey": key}
    inbox.fediverse.documents[key_id] = stub
    jonas.doc["publicKey"] = key
    assert (await inbox.takes(jonas.sends(a_follow(jonas), key_id=key_id))).status == 202


async def test_a_standing_key_document_whose_owner_does_not_name_it_is_refused(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    private, public = keys.draw()
    forged = fediverse.put(
        {"id": "https://m.example/keys/1", "type": "Key", "owner": jonas.uri, "publicKeyPem": public}
    )
    reply = await inbox.takes(jonas.sends(a_follow(jonas), key=private, key_id=forged["id"]))
    assert reply.status == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda doc: doc.update(id="https://evil.example/users/jonas"),
        lambda doc: doc.update(id="https://m.example/users/other"),
        lambda doc: doc["publicKey"].update(owner="https://m.example/users/other"),
        lambda doc: doc["publicKey"].update(id="https://m.example/users/other#main-key"),
        lambda doc: doc.update(type="Note"),
        lambda doc: doc.pop("inbox"),
    ],
)
async def test_an_actor_document_that_is_not_the_key_owners_own_proves_nothing(
    change: object, inbox: Inbox, jonas: Neighbour
) -> None:
    change(jonas.doc)  # type: ignore[operator]
    inbox.fediverse.documents[jonas.uri] = jonas.doc
    before = inbox.dump(without=frozenset({"memory"}))
    assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 401
    assert inbox.dump(without=frozenset({"memory"})) == before


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "image/png", "", "application/ld+json"])
async def test_an_actor_of_another_content_type_is_no_actor(content_type: str, inbox: Inbox, jonas: Neighbour) -> None:
    body = json.dumps(jonas.doc).encode()
    inbox.fediverse.documents[jonas.uri] = said(200, body, content_type=content_type)
    assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 401


async def test_a_redirect_to_another_host_brings_no_key(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    evil = neighbour(fediverse, "eve", "evil.example")
    fediverse.documents[jonas.uri] = said(302, location=evil.uri)
    assert (await inbox.takes(jonas.sends(a_follow(jonas), key=evil.private))).status == 401


@pytest.mark.parametrize(
    "key_id",
    [
        "https://127.0.0.1/key",
        "https://10.0.0.1/key",
        "https://169.254.169.254/key",
        "https://[::1]/key",
        "https://2130706433/key",
        "https://localhost/key",
        "https://intern/key",
        "https://a.example/u/lene#main-key",
        "http://m.example/users/jonas#main-key",
        "acct:jonas@m.example",
        "https://m.example:22/key",
        "https://good@evil.example/key",
    ],
)
async def test_a_key_id_that_leads_nowhere_public_is_refused_without_a_connection(
    key_id: str, inbox: Inbox, jonas: Neighbour
) -> None:
    with inbox.fediverse.quiet() as asked:
        assert (await inbox.takes(jonas.sends(a_follow(jonas), key_id=key_id))).status == 401
    assert asked == []


# What the signature is over


async def test_a_proof_is_for_one_target_one_host_and_one_body(inbox: Inbox, jonas: Neighbour) -> None:
    right = jonas.sends(a_follow(jonas))
    elsewhere = jonas.sends(a_follow(jonas), origin="https://b.example")
    for forged in (replace(right, target="/u/lene/inbox"), replace(right, body=right.body + b" "), elsewhere):
        assert (await inbox.takes(forged)).status == 401


async def test_nothing_is_parsed_before_the_digest_fits(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.knows(jonas)
    assert (await inbox.takes(jonas.sends(b"{ not json"))).status == 400
    assert (await inbox.takes(replace(jonas.sends(a_follow(jonas)), body=b"{ not json"))).status == 401


async def test_a_body_may_carry_another_kind_of_signature_which_counts_for_nothing(
    inbox: Inbox, jonas: Neighbour
) -> None:
    eve = neighbour(inbox.fediverse, "eve", "evil.example")
    body = {
        **a_follow(jonas),
        "signature": {"type": "RsaSignature2017", "creator": jonas.key_id, "signatureValue": "x"},
    }
    assert (await inbox.takes(eve.sends(body))).status == 403
    assert (await inbox.takes(jonas.sends(body))).status == 202


async def test_a_key_of_the_same_host_does_not_speak_for_another_there(inbox: Inbox, jonas: Neighbour) -> None:
    eve = neighbour(inbox.fediverse, "eve", "m.example")
    assert (await inbox.takes(eve.sends(a_follow(jonas)))).status == 403


async def test_a_replay_has_no_second_effect_even_after_an_undo(inbox: Inbox, jonas: Neighbour) -> None:
    request = jonas.sends(a_follow(jonas))
    await inbox.takes(request)
    await inbox.takes(jonas.sends(jonas.does("Undo", a_follow(jonas), "undo")))
    assert (await inbox.takes(request)).status == 202
    lene, his = inbox.actor(LENE), inbox.actor(jonas.uri)
    assert inbox.read(lambda db: follows.find(db, his.id, lene.id)) is None


async def test_the_same_act_freshly_signed_comes_again_after_its_undo(inbox: Inbox, jonas: Neighbour) -> None:
    for _ in range(2):
        assert (await inbox.note(jonas.sends(a_follow(jonas)))).startswith("done")
        clock.offset += 5
        assert (await inbox.note(jonas.sends(jonas.does("Undo", a_follow(jonas), clock.offset)))).startswith("done")
        clock.offset += 5


# Who is not let in


@pytest.mark.parametrize("rule", ["m.example", "example", "M.EXAMPLE.", "m.example:443"])
async def test_a_blocked_domain_is_refused_before_its_key_is_asked_for(
    rule: str, inbox: Inbox, jonas: Neighbour
) -> None:
    inbox.write(lambda db: moderation.set_rule(db, rule, "block"))
    with inbox.fediverse.quiet() as asked:
        assert (await inbox.takes(jonas.sends(a_follow(jonas)))).status == 403
    assert asked == []


async def test_a_suspended_actor_is_refused(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.takes(jonas.sends(a_follow(jonas)))
    inbox.write(lambda db: moderation.suspend(db, actors.by_uri(db, jonas.uri), by=None))
    before = inbox.dump()
    assert (await inbox.takes(jonas.sends(jonas.does("Block", LENE)))).status == 403
    assert inbox.dump() == before


async def test_a_deleted_actor_is_refused(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.takes(jonas.sends(a_follow(jonas)))
    await inbox.takes(jonas.sends(jonas.does("Delete", jonas.uri)))
    inbox.fediverse.documents[jonas.uri] = 410
    inbox.fed.keyring.fetched.forget(jonas.key_id)
    assert (await inbox.takes(jonas.sends(a_follow(jonas, 2)))).status == 403


@pytest.mark.parametrize("type", ["Delete", "Update"])
async def test_news_of_a_stranger_about_himself_costs_nothing(type: str, inbox: Inbox, jonas: Neighbour) -> None:
    before = inbox.dump()
    for at in range(50):
        with inbox.fediverse.quiet() as asked:
            assert (await inbox.takes(jonas.sends(jonas.does(type, jonas.uri, at)))).status == 202
        assert asked == []
    assert inbox.dump() == before


@pytest.mark.parametrize(
    ("target", "status"),
    [("/u/lene/inbox", 202), ("/actor/inbox", 202), ("/inbox", 202), ("/u/nobody/inbox", 404), ("/u/gone/inbox", 410)],
)
async def test_an_inbox_exists_or_not_or_no_longer(target: str, status: int, inbox: Inbox, jonas: Neighbour) -> None:
    assert (await inbox.takes(jonas.sends(a_follow(jonas), target=target))).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "application/json"}, 415),
        ({"content_type": "application/ld+json"}, 415),
        ({"content_type": "text/html"}, 415),
        ({"content_type": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'}, 401),
        ({"content_encoding": "gzip"}, 415),
    ],
)
def test_type_and_encoding_are_judged_first(
    headers: dict[str, str], status: int, inbox: Inbox, jonas: Neighbour
) -> None:
    request = jonas.sends(a_follow(jonas), **headers)
    if status == 415:
        with pytest.raises(Refusal) as refusal:
            receiving.check_form(inbox.fed, request)
        assert refusal.value.reply.status == 415
    else:
        receiving.check_form(inbox.fed, request)


async def test_a_body_of_more_than_a_megabyte_is_refused(inbox: Inbox, jonas: Neighbour) -> None:
    body = {**a_follow(jonas), "content": "x" * 1_000_000}
    assert (await inbox.takes(jonas.sends(body))).status == 413


@pytest.mark.parametrize(
    "more",
    [{"id": "https://evil.example/1"}, {"id": None}, {"id": ""}, {"id": "https://a.example/activities/1"}, {"id": 17}],
)
async def test_an_activity_named_on_another_host_or_not_at_all_has_no_effect(
    more: dict[str, object], inbox: Inbox, jonas: Neighbour
) -> None:
    await inbox.knows(jonas)
    before = inbox.dump()
    assert (await inbox.takes(jonas.sends({**a_follow(jonas), **more}))).status == 202
    assert inbox.dump() == before


async def test_two_actors_are_none(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.knows(jonas)
    body = {**a_follow(jonas), "actor": [jonas.uri, LENE]}
    assert (await inbox.takes(jonas.sends(body))).status == 400


async def test_unknown_activities_are_taken_without_effect(inbox: Inbox, jonas: Neighbour) -> None:
    ended = await inbox.note(jonas.sends(jonas.does("Lock", LENE)))
    assert ended == "ignored: Unknown type of activity: Lock."


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 900_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"id":NaN}',
        b'{"id":"\\ud800"}',
        b'{"id":"https://m.example/1","id":"https://m.example/2"}',
        b'{"id":"a\\u0000b"}',
        b'{"type":"Follow"',
        b"\xff\xfe{}",
        b"[]",
        b"null",
    ],
    ids=lambda body: body[:16].decode("latin-1"),
)
async def test_t82_a_body_that_no_two_readers_read_alike_is_400_and_the_next_is_taken(
    body: bytes, inbox: Inbox, jonas: Neighbour
) -> None:
    await inbox.knows(jonas)
    before = inbox.dump()
    begun = time.process_time()
    assert (await receiving.accept(inbox.fed, jonas.sends(body))).status == 400
    assert time.process_time() - begun < 1
    assert inbox.dump() == before
    assert (await receiving.accept(inbox.fed, jonas.sends(a_follow(jonas)))).status == 202


async def test_t91_a_context_of_somebody_elses_is_never_fetched(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.knows(jonas)
    contexts = [
        "https://evil.example/context",
        {"@import": "https://evil.example/more", "@vocab": "https://v.example/"},
    ]
    with inbox.fediverse.quiet() as asked:
        ended = await inbox.note(jonas.sends({**a_follow(jonas), "@context": contexts}))
    assert ended.startswith("done: ")
    assert asked == []


# What a busy node does


async def test_a_locked_database_answers_503_and_nothing_is_lost(inbox: Inbox, jonas: Neighbour) -> None:
    if not inbox.database.sqlite:
        pytest.skip("PostgreSQL does not lock the whole database")
    await inbox.knows(jonas)
    inbox.database._busy_ms = 50
    other = sqlite3.connect(inbox.database.url.database or "", isolation_level=None)
    quick = Database(f"sqlite:///{inbox.database.url.database}", inbox.database.node, busy_timeout=0.05)
    inbox.fed.database = quick
    other.execute("BEGIN IMMEDIATE")
    reply = await receiving.accept(inbox.fed, jonas.sends(a_follow(jonas)))
    assert reply.status == 503
    assert "Retry-After" in reply.headers
    other.execute("ROLLBACK")
    other.close()
    assert (await receiving.accept(inbox.fed, jonas.sends(a_follow(jonas)))).status == 202
    quick.close()


async def test_a_known_sender_is_answered_at_once(inbox: Inbox, jonas: Neighbour) -> None:
    await inbox.takes(jonas.sends(a_follow(jonas)))
    request = jonas.sends(a_follow(jonas, 2))
    start = time.perf_counter()
    assert (await receiving.accept(inbox.fed, request)).status == 202
    assert time.perf_counter() - start < 1


async def test_any_valid_request_wakes_a_parked_host_and_tells_its_clock(inbox: Inbox, jonas: Neighbour) -> None:
    def park(db):  # type: ignore[no-untyped-def]
        peers.get(db, "m.example").parked_at = now()

    inbox.write(park)
    await inbox.takes(jonas.sends(a_follow(jonas), age=100))
    peer = inbox.read(lambda db: peers.find(db, "m.example"))
    assert peer.parked_at is None
    assert -105 < peer.clock_skew < -95


# Forwarded


async def _scene(inbox: Inbox, jonas: Neighbour) -> tuple[Neighbour, dict]:  # type: ignore[type-arg]
    """Karla answered a note of Lene's; Jonas, whom Lene follows, passes it on."""
    karla = neighbour(inbox.fediverse, "karla", "k.example")
    for one in (jonas, karla):
        await inbox.knows(one)
    note = inbox.write(lambda db: composing.note(db, actors.by_uri(db, LENE), Draft("Hvem vil?")))
    return karla, inbox.fediverse.put(karla.note(1, inReplyTo=note.uri))


async def test_what_somebody_followed_passes_on_is_fetched_from_its_origin(inbox: Inbox, jonas: Neighbour) -> None:
    karla, reply = await _scene(inbox, jonas)
    followed(inbox, jonas)
    forged = {**karla.creates(reply), "object": {**reply, "content": "<p>Forfalsket</p>"}}
    with inbox.fediverse.quiet() as asked:
        assert (await inbox.note(jonas.sends(forged))).startswith("done: Recorded the comment")
    assert asked == [reply["id"]]
    assert "Forfalsket" not in inbox.read(lambda db: posts.by_uri(db, reply["id"])).content
    assert "Forfalsket" not in inbox.read(lambda db: db.scalars(select(Received.body)).first())


async def test_what_a_stranger_passes_on_is_refused(inbox: Inbox, jonas: Neighbour) -> None:
    karla, reply = await _scene(inbox, jonas)
    with inbox.fediverse.quiet() as asked:
        assert (await inbox.takes(jonas.sends(karla.creates(reply)))).status == 403
        assert (await inbox.takes(jonas.sends(karla.does("Like", reply["inReplyTo"])))).status == 403
    assert asked == []


async def test_what_is_private_or_cannot_be_fetched_does_not_come_in_by_others(inbox: Inbox, jonas: Neighbour) -> None:
    karla, reply = await _scene(inbox, jonas)
    followed(inbox, jonas)
    inbox.fediverse.documents[reply["id"]] = {**reply, "to": [LENE], "cc": []}
    assert (await inbox.note(jonas.sends(karla.creates(reply)))).startswith("ignored: It is not for everybody")
    inbox.fediverse.documents[reply["id"]] = 403
    assert (await inbox.note(jonas.sends({**karla.creates(reply), "id": karla.id("act/2")}))).startswith("ignored")
    assert inbox.read(lambda db: posts.by_uri(db, reply["id"])) is None


async def test_a_forwarded_delete_counts_if_the_origin_has_the_post_no_longer(inbox: Inbox, jonas: Neighbour) -> None:
    karla, reply = await _scene(inbox, jonas)
    followed(inbox, jonas)
    await inbox.takes(karla.sends(karla.creates(reply)))
    assert (await inbox.note(jonas.sends(karla.does("Delete", reply["id"], 1)))) == "ignored: Its origin still has it."
    inbox.fediverse.documents[reply["id"]] = {"id": reply["id"], "type": "Tombstone"}
    assert (await inbox.note(jonas.sends(karla.does("Delete", reply["id"], 2)))).startswith("done: Deleted")


# Lists of followers (FEP-8fcf)


def _claim(jonas: Neighbour, digest: str, url: str = "", collection: str = "") -> str:
    return (
        f'collectionId="{collection or jonas.followers}", url="{url or jonas.uri + "/followers_synchronization"}", '
        f'digest="{digest}"'
    )


@pytest.fixture
async def healing(inbox: Inbox, jonas: Neighbour) -> Inbox:
    """Lene follows Jonas; his server has forgotten it."""
    await inbox.knows(jonas)
    followed(inbox, jonas)
    url = f"{jonas.uri}/followers_synchronization"
    inbox.fediverse.documents[url] = {"id": url, "type": "OrderedCollection", "orderedItems": []}
    return inbox


async def _hear(inbox: Inbox, jonas: Neighbour, header: str) -> str | None:
    """What is left of Lene's follow after a Create with this header and the jobs it caused."""
    await inbox.takes(jonas.sends(jonas.creates(jonas.note(1)), collection_synchronization=header))
    for job in inbox.read(lambda db: list(db.scalars(select(Job).where(Job.kind == "synchronize_followers")))):
        await synchronize_followers(inbox.fed, job.payload)
    lene, his = inbox.actor(LENE), inbox.actor(jonas.uri)
    return inbox.read(lambda db: follows.state(db, lene.id, his.id))  # type: ignore[no-any-return]


async def test_who_is_not_on_the_senders_list_follows_him_no_longer(healing: Inbox, jonas: Neighbour) -> None:
    assert await _hear(healing, jonas, _claim(jonas, "0" * 64)) is None


@pytest.mark.parametrize(
    "claim",
    [
        {"digest": "1" * 64},
        {"digest": "0" * 64, "url": "https://evil.example/list"},
        {"digest": "0" * 64, "collection": "https://m.example/users/other/followers"},
        {"digest": "nonsense"},
    ],
)
async def test_a_claim_that_does_not_hold_ends_no_follow(
    claim: dict[str, str], healing: Inbox, jonas: Neighbour
) -> None:
    assert await _hear(healing, jonas, _claim(jonas, **claim)) == "accepted"
