"""Actors and their collections, threads and their collections, and how others find us."""

import json
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    communities,
    composing,
    follows,
    leaving,
    listings,
    moderation,
    pins,
    posts,
    reactions,
    threads,
)
from models.actors import Actor
from models.database import Database
from models.posts import Draft, Kind, Post
from tests.federation.elsewhere import remote
from tests.server.asking import ACTIVITY, ORIGIN, Asking, local

pytestmark = pytest.mark.anyio


@pytest.fixture
def node(lived_in: Database) -> Asking:
    return Asking(lived_in)


@pytest.mark.parametrize(
    ("target", "type"),
    [("/u/anna", "Person"), ("/c/udfordrere", "Group"), ("/org/havby", "Organization"), ("/actor", "Application")],
)
async def test_every_actor_has_a_document_at_its_id(node: Asking, target: str, type: str) -> None:
    found = await node.json(target)
    assert (found["id"], found["type"]) == (ORIGIN + target, type)
    assert found["publicKey"]["owner"] == found["id"]
    assert "PRIVATE" not in json.dumps(found)


async def test_everything_that_an_actor_names_is_on_one_host_and_in_lower_case(node: Asking) -> None:
    for target in ("/u/anna", "/c/udfordrere", "/org/havby", "/actor"):
        found = await node.json(target)
        named = [found[key] for key in ("id", "inbox", "outbox", "url")] + [
            found.get(key, f"{ORIGIN}/") for key in ("followers", "following", "featured")
        ]
        named += [found["publicKey"]["id"], found["endpoints"]["sharedInbox"]]
        assert all(one.startswith(f"{ORIGIN}/") and one == one.lower() for one in named)


async def test_an_actor_that_is_deleted_leaves_a_tombstone_and_one_that_is_suspended_nothing(node: Asking) -> None:
    node.do(lambda db: leaving.delete_local(db, local(db, "eva")))
    node.do(lambda db: moderation.suspend(db, local(db, "david"), by=None))
    gone = await node.get("/u/eva")
    assert (gone.status_code, gone.json()["type"]) == (410, "Tombstone")
    assert (await node.get("/u/david")).status_code == 404
    assert (await node.get("/u/nobody")).status_code == 404


async def test_the_outbox_is_paged_newest_first_and_ends(node: Asking) -> None:
    def write(db: Session) -> None:
        for number in range(45):
            composing.note(db, local(db, "eva"), Draft(text=f"Nr. {number}"))

    node.do(write)
    whole = await node.json("/u/eva/outbox")
    seen, page = [], whole["first"]
    while page:
        found = await node.json(page)
        assert found["partOf"] == whole["id"]
        assert len(found["orderedItems"]) <= 40
        seen += [item["id"] for item in found["orderedItems"]]
        page = found.get("next")
    assert len(seen) == len(set(seen)) == whole["totalItems"]
    numbers = [int(one.rsplit("/", 1)[1]) for one in seen]
    assert numbers == sorted(numbers, reverse=True)


async def test_a_cursor_that_is_none_of_ours_is_the_first_page(node: Asking) -> None:
    for cursor in ("x", "-1", "1" * 30, "²", "1;drop table"):
        assert (await node.get(f"/u/anna/outbox?page=1&cursor={cursor}")).status_code == 200


async def test_the_outbox_shows_only_what_is_public(node: Asking) -> None:
    page = json.dumps(await node.json("/u/anna/outbox?page=1"), ensure_ascii=False)
    assert "jeg øver mig" not in page  # for her followers
    for kind in ("Like", "Follow", "bto", "bcc"):
        assert f'"{kind}"' not in page


async def test_a_community_shows_what_it_announced(node: Asking) -> None:
    found = await node.json("/c/udfordrere/outbox?page=1")
    assert {item["type"] for item in found["orderedItems"]} == {"Announce"}
    inner = [item["object"] for item in found["orderedItems"]]
    assert any(isinstance(one, str) for one in inner)
    assert {one["type"] for one in inner if isinstance(one, dict)} == {"Create"}


async def test_nothing_can_be_posted_to_an_outbox(node: Asking) -> None:
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(node.app), base_url=ORIGIN) as client:
        response = await client.post("/u/anna/outbox", content=b"{}", headers={"Content-Type": ACTIVITY})
    assert response.status_code == 405


async def test_followers_are_listed_unless_the_actor_hides_them(node: Asking) -> None:
    whole = await node.json("/u/anna/followers")
    page = await node.json(whole["first"])
    assert len(page["orderedItems"]) == whole["totalItems"] > 0
    node.do(lambda db: actors.update_profile(db, local(db, "anna"), hides_followers=True))
    hidden = await node.json("/u/anna/followers")
    assert hidden == {key: hidden[key] for key in ("@context", "id", "type", "totalItems")}
    assert (await node.get("/u/anna/followers?page=1")).status_code == 404
    assert (await node.get("/u/anna/following?page=1")).status_code == 404


async def test_a_server_may_ask_for_its_own_people_among_the_followers(node: Asking) -> None:
    jonas = node.stranger()

    def follow(db: Session) -> None:
        for actor in (jonas.actor, remote(db, "m.example", "maja"), remote(db, "n.example", "ole")):
            follows.request(db, actor, local(db, "anna"), uri=f"{actor.uri}/follow")

    node.do(follow)
    target = "/u/anna/followers_synchronization"
    assert (await node.get(target)).status_code == 401
    found = await jonas.get(target)
    assert found.json()["orderedItems"] == ["https://m.example/users/jonas", "https://m.example/users/maja"]
    assert found.headers["cache-control"].startswith("private")


async def test_pinned_posts_and_moderators_are_lists_of_ids(node: Asking) -> None:
    def pin(db: Session) -> str:
        anna = local(db, "anna")
        post = composing.note(db, anna, Draft(text="Læs mig først."))
        pins.pin(db, anna, post)
        return post.uri

    uri = node.do(pin)
    assert (await node.json("/u/anna/featured"))["orderedItems"] == [uri]
    assert (await node.json("/c/udfordrere/moderators"))["orderedItems"] == [f"{ORIGIN}/u/camilla"]
    assert (await node.get("/u/anna/moderators")).status_code == 404


def thread(node: Asking) -> Post:
    def find(db: Session) -> Post:
        query = select(Post).where(Post.kind == Kind.QUESTION, Post.answer_count > 1)
        return next(iter(db.scalars(query)))

    return node.do(find)


async def test_the_context_of_a_thread_is_in_the_order_it_was_written_and_belongs_to_the_community(
    node: Asking,
) -> None:
    question = thread(node)
    found = await node.json(question.context_uri)

    def written(db: Session) -> tuple[list[str], Actor]:
        query = select(Post.uri).where(Post.thread_id == question.id).order_by(Post.published, Post.id)
        assert question.community_id is not None
        return list(db.scalars(query)), actors.get(db, question.community_id)

    uris, group = node.do(written)
    assert found["orderedItems"] == uris
    assert found["totalItems"] == len(uris)
    assert found["attributedTo"] == group.uri


async def test_the_context_has_an_etag_that_changes_with_the_thread(node: Asking) -> None:
    question = thread(node)
    first = await node.get(question.context_uri)
    same = await node.get(question.context_uri, **{"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    node.do(lambda db: threads.comment(db, local(db, "eva"), db.merge(question, load=False), Draft(text="Tak!")))
    changed = await node.get(question.context_uri, **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_long_thread_goes_on_in_pages(node: Asking) -> None:
    question = thread(node)

    def talk(db: Session) -> None:
        for number in range(50):
            threads.comment(db, local(db, "eva"), posts.get(db, question.id), Draft(text=f"Nr. {number}"))

    node.do(talk)
    for collection, key in (("context", "orderedItems"), ("replies", "items")):
        whole = await node.json(f"{question.uri}/{collection}")
        seen, page = list(whole["first"][key]), whole["first"].get("next")
        while page:
            found = await node.json(page)
            seen += found[key]
            page = found.get("next")
        assert len(seen) == len(set(seen)) > 50


async def test_private_replies_stand_in_no_collection(node: Asking) -> None:
    question = thread(node)

    def whisper(db: Session) -> str:
        draft = Draft(text="Mellem os.", visibility="direct")
        return threads.comment(db, local(db, "eva"), posts.get(db, question.id), draft).uri

    uri = node.do(whisper)
    for collection in ("context", "replies"):
        assert uri not in json.dumps(await node.json(f"{question.uri}/{collection}"))
    assert (await node.get(f"{uri}/context")).status_code == 404


async def test_likes_and_shares_tell_how_many_and_not_who(node: Asking) -> None:
    question = thread(node)
    node.do(lambda db: reactions.boost(db, local(db, "farid"), posts.get(db, question.id)))
    votes = node.do(lambda db: posts.get(db, question.id).up)
    likes = await node.json(f"{question.uri}/likes")
    assert (likes["totalItems"], "items" in likes) == (votes, False)
    assert (await node.json(f"{question.uri}/shares"))["totalItems"] == 1


@pytest.mark.parametrize(
    "resource",
    [
        "acct:anna@a.example",
        "acct:ANNA@A.Example",
        "anna@a.example",
        "https://a.example/u/anna",
        "https://a.example/@anna",
        "https://A.example/U/Anna",
    ],
)
async def test_webfinger_finds_somebody_by_handle_and_by_address(node: Asking, resource: str) -> None:
    response = await node.get(f"/.well-known/webfinger?resource={resource}", accept="*/*")
    assert response.headers["content-type"] == "application/jrd+json"
    assert response.headers["access-control-allow-origin"] == "*"
    found = response.json()
    assert found["subject"] == "acct:anna@a.example"
    self_links = [link for link in found["links"] if link["rel"] == "self"]
    assert self_links == [{"rel": "self", "type": ACTIVITY, "href": f"{ORIGIN}/u/anna"}]


async def test_webfinger_of_the_bare_origin_is_the_node(node: Asking) -> None:
    for resource in (f"{ORIGIN}/", ORIGIN, "acct:a.example@a.example"):
        found = (await node.get(f"/.well-known/webfinger?resource={resource}")).json()
        assert found["links"][0]["href"] == f"{ORIGIN}/actor"


@pytest.mark.parametrize(
    "resource", ["acct:nobody@a.example", "acct:anna@other.example", "https://other.example/u/anna", "acct:@", "x"]
)
async def test_webfinger_knows_nobody_else(node: Asking, resource: str) -> None:
    assert (await node.get(f"/.well-known/webfinger?resource={resource}")).status_code == 404


async def test_webfinger_answers_a_hidden_person_as_an_unknown_one(node: Asking) -> None:
    node.do(lambda db: moderation.suspend(db, local(db, "david"), by=None))
    hidden = await node.get("/.well-known/webfinger?resource=acct:david@a.example")
    unknown = await node.get("/.well-known/webfinger?resource=acct:nobody@a.example")
    bodies = [{key: value for key, value in r.json().items() if key != "request_id"} for r in (hidden, unknown)]
    assert (hidden.status_code, bodies[0]) == (unknown.status_code, bodies[1])


async def test_webfinger_without_resource_is_a_mistake(node: Asking) -> None:
    assert (await node.get("/.well-known/webfinger")).status_code == 400


async def test_every_actor_is_found_both_ways(node: Asking) -> None:
    for target in ("/u/anna", "/c/udfordrere", "/org/havby", "/actor"):
        document = await node.json(target)
        jrd = (await node.get(f"/.well-known/webfinger?resource=acct:{document['webfinger']}")).json()
        assert jrd["subject"] == f"acct:{document['webfinger']}"
        assert jrd["links"][0]["href"] == document["id"]


async def test_host_meta_leads_to_webfinger(node: Asking) -> None:
    response = await node.get("/.well-known/host-meta", accept="*/*")
    link = ElementTree.fromstring(response.text)[0]
    assert link.attrib["template"] == f"{ORIGIN}/.well-known/webfinger?resource={{uri}}"
    assert response.headers["content-type"].startswith("application/xrd+xml")


async def test_nodeinfo_says_what_runs_here(node: Asking) -> None:
    links = (await node.get("/.well-known/nodeinfo", accept="*/*")).json()["links"]
    assert f"{ORIGIN}/actor" in [link["href"] for link in links]
    for version in ("2.0", "2.1"):
        assert f"{ORIGIN}/nodeinfo/{version}" in [link["href"] for link in links]
        response = await node.get(f"/nodeinfo/{version}", accept="*/*")
        found = response.json()
        assert f"schema/{version}#" in response.headers["content-type"]
        assert (found["version"], found["software"]["name"]) == (version, "torv")
        assert found["protocols"] == ["activitypub"]
        assert found["usage"]["users"]["total"] == 6
        assert found["usage"]["localPosts"] > 0
    assert (await node.get("/nodeinfo/1.0")).status_code == 404


async def test_addresses_to_which_others_rewrite_hashtags_lead_to_ours(node: Asking) -> None:
    for target in ("/tags/Regler/", "/tags/regler", "/c/udfordrere/tag/regler"):
        response = await node.get(target, accept="text/html")
        assert (response.status_code, response.headers["location"]) == (301, "/t/regler")


async def test_a_removed_post_stands_in_no_collection_of_its_community(node: Asking) -> None:
    question = thread(node)

    def remove(db: Session) -> str:
        answer = next(iter(db.scalars(select(Post).where(Post.in_reply_to_id == question.id))))
        group = actors.get(db, question.community_id or 0)
        listings.remove_post(db, communities.moderators(db, group)[0], answer, "Reklame")
        return answer.uri

    uri = node.do(remove)
    assert uri not in json.dumps(await node.json(question.context_uri))
