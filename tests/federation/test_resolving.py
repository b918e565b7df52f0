"""From an id or a handle to an actor or a post: the origin has the word, both sides of a handle have to agree, and the
cost of tangles has an end."""

import json
from typing import Any

import httpx
import pytest

from federation import backfill, discovery, refreshing, resolving
from federation.budget import Budget, OverBudget, registrable
from federation.resolving import Gone, Passing, Unusable
from models import actors, composing, peers, posts
from models.actors import ActorType
from models.database import Database
from models.posts import Draft
from tests.federation.neighbours import Fediverse, Inbox, Json, Neighbour, Said, neighbour, said

pytestmark = pytest.mark.anyio


@pytest.fixture
def fediverse() -> Fediverse:
    return Fediverse()


@pytest.fixture
def inbox(database: Database, fediverse: Fediverse) -> Inbox:
    database.write(lambda db: actors.create_local(db, "lene", ActorType.PERSON))
    return Inbox(database, fediverse)


@pytest.fixture
def jonas(fediverse: Fediverse) -> Neighbour:
    return neighbour(fediverse)


# Documents


async def test_a_document_stands_at_its_own_id(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    note = fediverse.put(jonas.note(1))
    assert (await resolving.fetch(inbox.fed, note["id"], Budget())).id == note["id"]


async def test_another_address_on_the_same_host_leads_to_the_id_once(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    note = fediverse.put(jonas.note(1))
    alias, loop = "https://m.example/@jonas/1", "https://m.example/loop"
    fediverse.documents[alias] = note
    assert (await resolving.fetch(inbox.fed, alias, Budget())).id == note["id"]
    fediverse.documents[loop] = {**note, "id": "https://m.example/loop2"}
    fediverse.documents["https://m.example/loop2"] = {**note, "id": "https://m.example/loop3"}
    with pytest.raises(Unusable, match="own id"):
        await resolving.fetch(inbox.fed, loop, Budget())


@pytest.mark.alike
@pytest.mark.parametrize("id", ["https://victim.example/notes/1", "", None, 17, "x"])
async def test_an_id_on_another_host_is_discarded(id: Any, inbox: Inbox, fediverse: Fediverse) -> None:
    fediverse.documents["https://evil.example/1"] = {"id": id, "type": "Note"}
    with pytest.raises(Unusable):
        await resolving.fetch(inbox.fed, "https://evil.example/1", Budget())


async def test_a_redirect_to_another_host_does_not_lend_it_an_id(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    note = fediverse.put(jonas.note(1))
    posing = "https://evil.example/1"
    fediverse.documents[posing] = said(302, location=note["id"])
    with pytest.raises(Unusable):
        await resolving.fetch(inbox.fed, posing, Budget())


@pytest.mark.parametrize("door", ["https://m.example/go?to=evil.example", "https://m.example/users/jonas"])
async def test_t20_an_open_redirect_lends_its_host_to_nobody(
    door: str, inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    """The document of another host says of itself that it stands at the very address that led there."""
    fediverse.documents[door] = said(302, location="https://evil.example/posing")
    posing = json.dumps({**jonas.doc, "id": door, "name": "Ond"}).encode()
    fediverse.documents["https://evil.example/posing"] = said(200, posing, content_type="application/activity+json")
    with pytest.raises(Unusable):
        await resolving.fetch(inbox.fed, door, Budget())
    with pytest.raises(Unusable):
        await resolving.actor(inbox.fed, door, Budget())
    assert inbox.read(lambda db: actors.by_uri(db, door)) is None


@pytest.mark.parametrize("uri", ["https://a.example/p/1", "https://a.example/u/lene", "https://A.EXAMPLE:443/p/1"])
async def test_our_own_host_is_never_fetched(uri: str, inbox: Inbox, fediverse: Fediverse) -> None:
    with pytest.raises(Unusable):
        await resolving.fetch(inbox.fed, uri, Budget())
    assert fediverse.asked == []


@pytest.mark.alike
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (404, Gone),
        (410, Gone),
        (403, Unusable),
        (401, Unusable),
        (500, Passing),
        (429, Passing),
        (httpx.ConnectError("x"), Passing),
    ],
)
async def test_what_an_answer_means(answer: Any, error: type[Exception], inbox: Inbox, fediverse: Fediverse) -> None:
    fediverse.documents["https://m.example/1"] = answer
    with pytest.raises(error):
        await resolving.fetch(inbox.fed, "https://m.example/1", Budget())


async def test_fetches_are_signed_by_the_node_itself(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    seen: list[httpx.Request] = []

    def transport(host: str) -> httpx.AsyncBaseTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(
                200, headers={"Content-Type": "application/activity+json"}, content=json.dumps(jonas.doc)
            )

        return httpx.MockTransport(answer)

    inbox.fed.client._factory = transport
    await resolving.actor(inbox.fed, jonas.uri, Budget())
    assert 'keyId="https://a.example/actor#main-key"' in seen[0].headers["signature"]


async def test_a_tombstone_is_gone_whatever_its_status(inbox: Inbox, fediverse: Fediverse) -> None:
    fediverse.put({"id": "https://m.example/1", "type": "Tombstone"})
    with pytest.raises(Gone):
        await resolving.fetch_post(inbox.fed, "https://m.example/1", Budget())


# Handles


def jrd(subject: str, *hrefs: str) -> Said:
    links = [{"rel": "self", "type": "application/activity+json", "href": href} for href in hrefs]
    body = {"subject": subject, "links": [{"rel": "other"}, *links]}
    return said(200, json.dumps(body).encode(), content_type="application/jrd+json")


def finger(fediverse: Fediverse, handle: str, answer: Any) -> None:
    domain = handle.rpartition("@")[2]
    fediverse.documents[f"https://{domain}/.well-known/webfinger?resource=acct:{handle}"] = answer


async def test_a_handle_leads_to_its_actor(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    finger(fediverse, "jonas@m.example", jrd("acct:jonas@m.example", jonas.uri))
    for spelling in ("@jonas@m.example", "jonas@M.Example", "acct:jonas@m.example"):
        assert (await resolving.by_handle(inbox.fed, spelling, Budget())).uri == jonas.uri


async def test_a_handle_of_another_domain_than_its_actor_is_confirmed_by_both(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    finger(fediverse, "jonas@by.example", jrd("acct:jonas@by.example", jonas.uri))
    with pytest.raises((Gone, Unusable)):
        await resolving.by_handle(inbox.fed, "jonas@by.example", Budget())
    jonas.doc["webfinger"] = "jonas@by.example"
    assert (await resolving.by_handle(inbox.fed, "jonas@by.example", Budget())).handle == "jonas@by.example"
    refetched = await resolving.actor(inbox.fed, jonas.uri, Budget(), fresh=True)
    assert refetched.handle == "jonas@by.example"


async def test_an_older_server_confirms_by_its_own_webfinger(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    finger(fediverse, "jonas@by.example", jrd("acct:jonas@by.example", jonas.uri))
    finger(fediverse, "jonas@m.example", jrd("acct:jonas@by.example", jonas.uri))
    assert (await resolving.by_handle(inbox.fed, "jonas@by.example", Budget())).handle == "jonas@by.example"


async def test_a_claimed_handle_that_its_domain_does_not_know_is_not_shown(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    jonas.doc["webfinger"] = "borgmester@by.example"
    finger(fediverse, "borgmester@by.example", jrd("acct:borgmester@by.example", "https://by.example/u/borgmester"))
    assert (await resolving.actor(inbox.fed, jonas.uri, Budget())).handle == "jonas@m.example"


@pytest.mark.alike
@pytest.mark.parametrize(
    "answer",
    [
        jrd("acct:jonas@m.example"),
        jrd("acct:jonas@m.example", "https://m.example/users/jonas", "https://m.example/users/other"),
        jrd("acct:jonas@m.example", "https://victim.example/u/bo"),
        jrd("acct:other@m.example", "https://m.example/users/jonas"),
        jrd("acct:jonas@m.example", "http://m.example/users/jonas"),
        said(200, b"{}", content_type="text/html"),
        said(200, b"[" * 100_000, content_type="application/jrd+json"),
        404,
    ],
)
async def test_a_handle_that_is_not_clearly_somebodys_is_nobodys(
    answer: Any, inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    victim = neighbour(fediverse, "bo", "victim.example")
    fediverse.documents["https://victim.example/u/bo"] = {**victim.doc, "id": "https://victim.example/u/bo"}
    finger(fediverse, "jonas@m.example", answer)
    with pytest.raises((Gone, Unusable)):
        await resolving.by_handle(inbox.fed, "jonas@m.example", Budget())


@pytest.mark.parametrize(
    "text", ["", "jonas", "@", "jonas@", "@m.example", "a b@m.example", "jonas@m.example/x", "x@[::1"]
)
def test_what_is_no_handle(text: str) -> None:
    with pytest.raises(Unusable):
        discovery.handle(text)


async def test_our_own_handles_are_looked_up_here(inbox: Inbox, fediverse: Fediverse) -> None:
    assert (await resolving.by_handle(inbox.fed, "@lene@a.example", Budget())).uri == "https://a.example/u/lene"
    with pytest.raises(Gone):
        await resolving.by_handle(inbox.fed, "@nobody@a.example", Budget())
    assert fediverse.asked == []


async def test_a_person_looks_somebody_up_by_handle_or_address(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    finger(fediverse, "jonas@m.example", jrd("acct:jonas@m.example", jonas.uri))
    fediverse.documents["https://m.example/@jonas"] = jonas.doc
    for text in ("@jonas@m.example", jonas.uri, "https://m.example/@jonas"):
        assert (await resolving.look_up(inbox.fed, text)).uri == jonas.uri


# NodeInfo


async def test_a_host_says_what_it_runs_and_only_for_itself(inbox: Inbox, fediverse: Fediverse) -> None:
    def ask(href: str) -> None:
        links = {"links": [{"rel": discovery.NODEINFO_RELS[1], "href": href}]}
        doc = {"software": {"name": "Lemmy", "version": "0.19"}}
        for url, body in (("https://m.example/.well-known/nodeinfo", links), (href, doc)):
            fediverse.documents[url] = said(200, json.dumps(body).encode(), content_type="application/json")

    ask("https://evil.example/nodeinfo")
    await discovery.note_software(inbox.fed, {"host": "m.example"})
    assert not inbox.read(lambda db: peers.reads_wraps(peers.find(db, "m.example")))
    ask("https://m.example/nodeinfo/2.0")
    await discovery.note_software(inbox.fed, {"host": "m.example"})
    assert inbox.read(lambda db: peers.reads_wraps(peers.find(db, "m.example")))


# Refreshing


async def test_a_post_is_read_again_as_its_origin_has_it(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    lenes = inbox.write(lambda db: composing.note(db, actors.by_handle(db, "lene"), Draft("Hvem vil?")))
    note = fediverse.put(jonas.note(1, inReplyTo=lenes.uri))
    await inbox.takes(jonas.sends(jonas.creates(note)))
    fediverse.put({**note, "content": "<p>Rettet</p>"})
    await refreshing.refresh_post(inbox.fed, {"uri": note["id"]})
    assert inbox.read(lambda db: posts.by_uri(db, note["id"])).content == "<p>Rettet</p>"
    fediverse.documents[note["id"]] = 503
    with pytest.raises(TimeoutError):
        await refreshing.refresh_post(inbox.fed, {"uri": note["id"]})


async def test_a_post_that_its_community_called_deleted_goes_once_its_origin_has_it_no_longer(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    lenes = inbox.write(lambda db: composing.note(db, actors.by_handle(db, "lene"), Draft("Hvem vil?")))
    note = fediverse.put(jonas.note(1, inReplyTo=lenes.uri))
    await inbox.takes(jonas.sends(jonas.creates(note)))
    await refreshing.refresh_post(inbox.fed, {"uri": note["id"], "deleted": True})
    assert inbox.read(lambda db: posts.by_uri(db, note["id"])).deleted_at is None
    fediverse.documents[note["id"]] = {"id": note["id"], "type": "Tombstone"}
    await refreshing.refresh_post(inbox.fed, {"uri": note["id"]})
    assert inbox.read(lambda db: posts.by_uri(db, note["id"])).deleted_at is None
    await refreshing.refresh_post(inbox.fed, {"uri": note["id"], "deleted": True})
    assert inbox.read(lambda db: posts.by_uri(db, note["id"])).deleted_at is not None


# Threads


def chain(fediverse: Fediverse, who: Neighbour, length: int) -> list[Json]:
    """Posts, each answering the one before."""
    made: list[Json] = []
    for at in range(length):
        above = {"inReplyTo": made[-1]["id"]} if made else {}
        made.append(fediverse.put(who.note(at, f"<p>{at}</p>", **above)))
    return made


async def test_what_a_post_answers_is_fetched_before_it_is_recorded(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    made = chain(fediverse, jonas, 5)
    last = fediverse.put(jonas.note("last", inReplyTo=made[-1]["id"], cc=["https://a.example/u/lene"]))
    await inbox.takes(jonas.sends(jonas.creates(last)))
    rows = [inbox.read(lambda db, uri=one["id"]: posts.by_uri(db, uri)) for one in (*made, last)]
    assert len({row.thread_id for row in rows}) == 1
    assert [row.in_reply_to_id for row in rows[1:]] == [row.id for row in rows[:-1]]


async def test_a_chain_without_end_is_climbed_forty_posts_high(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    made = chain(fediverse, jonas, 130)
    last = fediverse.put(jonas.note("last", inReplyTo=made[-1]["id"], cc=["https://a.example/u/lene"]))
    await inbox.knows(jonas)
    with fediverse.quiet() as asked:
        assert (await inbox.note(jonas.sends(jonas.creates(last)))).startswith("done")
    assert len(asked) == 40


async def test_a_circle_of_replies_is_walked_once(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    one, two = jonas.note("one"), jonas.note("two")
    fediverse.put({**one, "inReplyTo": two["id"]})
    fediverse.put({**two, "inReplyTo": one["id"]})
    last = fediverse.put(jonas.note("last", inReplyTo=one["id"], cc=["https://a.example/u/lene"]))
    await inbox.knows(jonas)
    with fediverse.quiet() as asked:
        assert (await inbox.note(jonas.sends(jonas.creates(last)))).startswith("done")
    assert sorted(asked) == sorted([one["id"], two["id"]])


async def test_a_reply_whose_parent_comes_later_finds_its_place(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    root = jonas.note("root", cc=["https://a.example/u/lene"])
    reply = jonas.note("reply", inReplyTo=root["id"], cc=["https://a.example/u/lene"])
    fediverse.documents[root["id"]] = 503
    await inbox.takes(jonas.sends(jonas.creates(reply)))
    await inbox.takes(jonas.sends(jonas.creates(root)))
    rows = [inbox.read(lambda db, uri=one["id"]: posts.by_uri(db, uri)) for one in (root, reply)]
    assert rows[1].thread_id == rows[0].id


def with_replies(note: Json, *ids: str, **more: Any) -> Json:
    address = f"{note['id']}/replies"
    return {**note, "replies": {"id": address, "type": "Collection", "items": list(ids), **more}}


async def known(inbox: Inbox, *notes: Json) -> list[bool]:
    return [inbox.read(lambda db, uri=one["id"]: posts.by_uri(db, uri)) is not None for one in notes]


async def test_a_thread_is_completed_from_the_replies_that_its_servers_list(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    karla = neighbour(fediverse, "karla", "k.example")
    root = jonas.note("root")
    first, second = karla.note("first", inReplyTo=root["id"]), jonas.note("second", inReplyTo=karla.id("notes/first"))
    stray, secret = karla.note("stray"), karla.note("secret", inReplyTo=root["id"], to=[karla.followers], cc=[])
    fediverse.put(with_replies(root, first["id"], stray["id"], secret["id"], "https://a.example/p/1"))
    fediverse.put(with_replies(first, second["id"]))
    for one in (second, stray, secret):
        fediverse.put(one)
    await backfill.complete_thread(inbox.fed, {"uri": root["id"]})
    assert await known(inbox, root, first, second, stray, secret) == [True, True, True, False, False]


async def test_a_thread_is_completed_from_its_context_where_replies_list_only_direct_ones(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    karla = neighbour(fediverse, "karla", "k.example")
    root = {**jonas.note("root"), "context": jonas.id("topic/1")}
    first, second = karla.note("first", inReplyTo=root["id"]), jonas.note("second", inReplyTo=karla.id("notes/first"))
    stray = karla.note("stray")
    fediverse.put(with_replies(root))
    for one in (first, second, stray):
        fediverse.put({**one, "context": root["context"]})
    items = [one["id"] for one in (root, first, second, stray)]
    fediverse.put({"id": root["context"], "type": "OrderedCollection", "orderedItems": items})
    await backfill.complete_thread(inbox.fed, {"uri": root["id"]})
    assert await known(inbox, root, first, second, stray) == [True, True, True, False]


async def test_replies_that_lead_back_and_pages_without_end_come_to_an_end(
    inbox: Inbox, fediverse: Fediverse, jonas: Neighbour
) -> None:
    root = jonas.note("root")
    a, b = jonas.note("a", inReplyTo=root["id"]), jonas.note("b", inReplyTo=root["id"])
    address = f"{root['id']}/replies"
    fediverse.put(with_replies(root, a["id"], next=address))
    fediverse.put(with_replies(a, b["id"], root["id"]))
    fediverse.put(with_replies(b, a["id"], next="https://a.example/p/1/replies"))
    fediverse.documents[address] = {"id": address, "type": "Collection", "items": [], "next": address}
    await backfill.complete_thread(inbox.fed, {"uri": root["id"]})
    assert len(fediverse.asked) < 12
    assert await known(inbox, a, b) == [True, True]


async def test_a_million_pages_are_ten(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    root = fediverse.put({**jonas.note("root"), "replies": "https://m.example/page/0"})
    for at in range(50):
        page = {"type": "CollectionPage", "items": [], "next": f"https://m.example/page/{at + 1}"}
        fediverse.put({"id": f"https://m.example/page/{at}", **page})
    await backfill.complete_thread(inbox.fed, {"uri": root["id"]})
    assert sum("/page/" in url for url in fediverse.asked) == 10


async def test_a_thousand_replies_cost_a_hundred_fetches(inbox: Inbox, fediverse: Fediverse, jonas: Neighbour) -> None:
    root = jonas.note("root")
    replies = [fediverse.put(jonas.note(at, inReplyTo=root["id"])) for at in range(300)]
    fediverse.put(with_replies(root, *(one["id"] for one in replies)))
    await backfill.complete_thread(inbox.fed, {"uri": root["id"]})
    assert 95 <= len(fediverse.asked) <= 101


# Budget


def test_a_wildcard_domain_gets_ten_hosts_and_the_sender_does_not_count() -> None:
    budget = Budget(sender="x0.evil.example")
    for at in range(11):
        budget.take(f"https://x{at}.evil.example/u")
    with pytest.raises(OverBudget):
        budget.take("https://x99.evil.example/u")
    budget.take("https://x3.evil.example/again")
    budget.take("https://other.example/u")


def test_what_is_left_is_handed_on() -> None:
    budget = Budget(fetches=3)
    budget.take("https://m.example/1")
    left = Budget.carried(json.loads(json.dumps(budget.carry())))
    left.take("https://m.example/2")
    left.take("https://m.example/3")
    with pytest.raises(OverBudget):
        left.take("https://m.example/4")


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.dk", "example.dk"),
        ("example.dk", "example.dk"),
        ("x.example.co.uk", "example.co.uk"),
        ("x.test:8443", "x.test"),
    ],
)
def test_hosts_are_counted_by_the_domain_that_was_registered(host: str, domain: str) -> None:
    assert registrable(host) == domain


def test_time_runs_out_too() -> None:
    with pytest.raises(OverBudget):
        Budget(seconds=-1).take("https://m.example/1")
