"""Posts and activities at their addresses: who gets what, and that what is hidden does not exist."""

import pytest
from sqlalchemy.orm import Session

from models import actors, communities, composing, follows, moderation, outbox, posts, removing, threads
from models.base import clock
from models.database import Database
from models.posts import Draft, Post, Visibility
from tests.federation.elsewhere import newest
from tests.server.asking import ACTIVITY, ORIGIN, Asking, local

pytestmark = pytest.mark.anyio


@pytest.fixture
def node(lived_in: Database) -> Asking:
    return Asking(lived_in)


def note(node: Asking, visibility: str = "public", text: str = "Hej.") -> Post:
    return node.do(lambda db: composing.note(db, local(db, "anna"), Draft(text=text, visibility=visibility)))


def path(post: Post) -> str:
    return post.uri.removeprefix(ORIGIN)


async def test_servers_get_the_object_and_people_the_page_at_the_same_address(node: Asking) -> None:
    post = note(node)
    as_server = await node.get(path(post))
    assert as_server.headers["content-type"] == ACTIVITY
    assert as_server.json()["id"] == post.uri
    as_person = await node.get(path(post), accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert as_person.headers["content-type"].startswith("text/html")
    assert f'<{post.uri}>; rel="alternate"; type="application/activity+json"' in as_person.headers["link"]
    for response in (as_server, as_person):
        assert "accept" in response.headers["vary"].lower()


async def test_the_readable_address_of_a_question_gives_servers_the_object_with_its_id(node: Asking) -> None:
    def ask(db: Session) -> Post:
        draft = Draft(title="Hvem har prøvet det her?", text="Fortæl.")
        return threads.ask(db, local(db, "anna"), local(db, "udfordrere"), draft)

    question = node.do(ask)
    assert question.url != question.uri
    found = await node.json(question.url)
    assert (found["id"], found["url"]) == (question.uri, question.url)


async def test_the_other_activitypub_type_is_answered_in_kind(node: Asking) -> None:
    wanted = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    assert (await node.get(path(note(node)), accept=wanted)).headers["content-type"] == wanted


async def test_a_public_object_may_be_cached_and_is_told_apart_by_its_etag(node: Asking) -> None:
    post = note(node)
    first = await node.get(path(post))
    assert "public" in first.headers["cache-control"]
    assert first.headers["vary"] == "Accept, Signature"
    again = await node.get(path(post), **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    clock.offset += 5
    node.do(lambda db: composing.edit(db, local(db, "anna"), db.merge(post, load=False), Draft(text="Rettet.")))
    assert (await node.get(path(post), **{"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_a_private_post_is_for_whom_it_is_for_and_for_others_does_not_exist(node: Asking) -> None:
    follower, stranger = node.stranger(), node.stranger("n.example")
    node.do(lambda db: follows.request(db, follower.actor, local(db, "anna"), uri="https://m.example/f/1"))
    post = note(node, "followers")
    nothing = await node.get("/p/123")
    unsigned, by_stranger, by_follower = (
        await node.get(path(post)),
        await stranger.get(path(post)),
        await follower.get(path(post)),
    )
    assert (unsigned.status_code, by_stranger.status_code, by_follower.status_code) == (404, 404, 200)
    assert unsigned.content == by_stranger.content == nothing.content
    assert dict(unsigned.headers) | {"x-request-id": ""} == dict(nothing.headers) | {"x-request-id": ""}
    assert by_follower.headers["cache-control"].startswith("private")
    assert by_follower.json()["id"] == post.uri


async def test_what_a_follower_was_given_is_not_given_to_the_next_who_asks(node: Asking) -> None:
    follower = node.stranger()
    node.do(lambda db: follows.request(db, follower.actor, local(db, "anna"), uri="https://m.example/f/1"))
    post = note(node, "followers")
    assert (await follower.get(path(post))).status_code == 200
    assert (await node.get(path(post))).status_code == 404


async def test_a_node_only_post_is_for_nobody_outside(node: Asking) -> None:
    follower = node.stranger()
    node.do(lambda db: follows.request(db, follower.actor, local(db, "anna"), uri="https://m.example/f/1"))
    post = note(node, "node")
    assert (await follower.get(path(post))).status_code == 404


@pytest.mark.parametrize(
    ("visibility", "status"), [("public", 410), ("unlisted", 410), ("followers", 404), ("node", 404)]
)
async def test_a_deleted_post_leaves_a_tombstone_only_where_everybody_had_seen_it(
    node: Asking, visibility: str, status: int
) -> None:
    post = note(node, visibility)
    node.do(lambda db: removing.delete_post(db, local(db, "anna"), posts.get(db, post.id)))
    response = await node.get(path(post))
    assert response.status_code == status
    if status == 410:
        assert response.json()["type"] == "Tombstone"
        assert response.headers["content-type"] == ACTIVITY


async def test_a_post_of_another_server_is_not_given_out_as_ours(node: Asking) -> None:
    jonas = node.stranger()

    def pose(db: Session) -> int:
        post = composing.note(db, local(db, "anna"), Draft(text="x"))
        post.local, post.uri, post.author_id = False, "https://m.example/p/1", jonas.actor.id
        return post.id

    assert (await node.get(f"/p/{node.do(pose)}")).status_code == 404


async def test_a_blocked_domain_is_refused_whatever_it_asks(node: Asking) -> None:
    jonas = node.stranger("sub.evil.example")
    post = note(node)
    assert (await jonas.get(path(post))).status_code == 200
    node.do(lambda db: moderation.set_rule(db, "evil.example", "block"))
    assert (await jonas.get(path(post))).status_code == 403


async def test_a_suspended_actor_is_refused(node: Asking) -> None:
    jonas = node.stranger()
    node.do(lambda db: moderation.suspend(db, actors.get(db, jonas.actor.id), by=None))
    assert (await jonas.get(path(note(node)))).status_code == 403


async def test_a_bad_signature_on_a_public_object_counts_as_none(node: Asking) -> None:
    jonas = node.stranger()
    jonas.private_pem = node.stranger("n.example").private_pem
    assert (await jonas.get(path(note(node)))).status_code == 200


async def test_activities_stand_at_their_addresses_as_long_as_their_post(node: Asking) -> None:
    post = note(node)
    create = node.do(lambda db: newest(db, "Create"))
    found = await node.json(create.uri)
    assert (found["id"], found["type"], found["object"]["id"]) == (create.uri, "Create", post.uri)
    node.do(lambda db: removing.delete_post(db, local(db, "anna"), posts.get(db, post.id)))
    assert (await node.get(create.uri)).status_code == 404


async def test_a_follow_can_be_read_by_whom_it_concerns_only(node: Asking) -> None:
    jonas, maja = node.stranger(), node.stranger("n.example", "maja")
    node.do(lambda db: follows.request(db, local(db, "anna"), jonas.actor))
    follow = node.do(lambda db: newest(db, "Follow"))
    assert (await node.get(follow.uri)).status_code == 404
    assert (await maja.get(follow.uri)).status_code == 404
    assert (await jonas.get(follow.uri)).json()["object"] == jonas.actor.uri


async def test_the_create_of_a_followers_only_post_is_no_way_around(node: Asking) -> None:
    follower, stranger = node.stranger(), node.stranger("n.example")
    node.do(lambda db: follows.request(db, follower.actor, local(db, "anna"), uri="https://m.example/f/1"))
    note(node, "followers")
    create = node.do(lambda db: newest(db, "Create"))
    assert (await node.get(create.uri)).status_code == 404
    assert (await stranger.get(create.uri)).status_code == 404
    assert (await follower.get(create.uri)).status_code == 200


async def test_nobody_is_told_of_what_a_node_only_community_talks(node: Asking) -> None:
    def secret(db: Session) -> tuple[Post, str]:
        anna = local(db, "anna")
        group = communities.create(db, "hemmelig", "Hemmelig", creator=anna, ways=communities.Ways(node_only=True))
        draft = Draft(title="Hvem ved det her?", text="Kun os.")
        return threads.ask(db, anna, group, draft), group.uri

    post, group = node.do(secret)
    assert post.visibility == Visibility.NODE
    for target in (path(post), f"{path(post)}/context", group, f"{group}/outbox", f"{group}/followers"):
        assert (await node.get(target)).status_code == 404
    found = await node.get("/.well-known/webfinger?resource=acct:hemmelig@a.example")
    assert found.status_code == 404
    for name in ("anna", "camilla"):
        page = await node.json(f"/u/{name}/outbox?page=1")
        assert "Hvem ved det her" not in str(page)


async def test_the_bodies_of_old_activities_are_thrown_away_and_made_again(node: Asking) -> None:
    note(node)

    def store(db: Session) -> str:
        row = newest(db, "Create")
        row.body = "{}"
        return row.uri

    uri = node.do(store)
    clock.offset += 9 * 86400
    assert node.do(outbox.sweep) >= 1
    assert (await node.json(uri))["type"] == "Create"


async def test_with_authorized_fetch_only_signed_requests_are_answered(lived_in: Database) -> None:
    node = Asking(lived_in, authorized_fetch=True)
    jonas = node.stranger()
    post = note(node)
    for target in (path(post), f"{path(post)}/context", "/u/anna", "/u/anna/outbox", "/u/anna/followers"):
        assert (await node.get(target)).status_code == 401
        signed = await jonas.get(target)
        assert signed.status_code == 200
        assert signed.headers["cache-control"].startswith("private")
    for target in ("/actor", "/.well-known/webfinger?resource=acct:anna@a.example", "/nodeinfo/2.0"):
        assert (await node.get(target)).status_code == 200
    jonas.private_pem = node.stranger("n.example").private_pem
    assert (await jonas.get(path(post))).status_code == 401


@pytest.mark.parametrize("path", ["/p/{}", "/activities/{}", "/p/{}/replies", "/p/{}/context", "/p/{}/quotes/{}"])
async def test_a_number_that_no_database_takes_is_the_number_of_nothing(node: Asking, path: str) -> None:
    for number in (2**63, 10**40):
        assert (await node.get(path.format(number, number))).status_code == 404
