"""What is kept in memory is never told when it is no longer true: two processes over one database, one of which writes."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from models import accounts, actors, blocks, composing, follows, moderation, oauth, posts, removing
from models.base import clock
from models.database import Database
from models.posts import Draft, Post
from tests.server.apps import ApiWorld
from tests.server.asking import ORIGIN, Asking, local

pytestmark = pytest.mark.anyio


@pytest.fixture
def other(lived_in: Database) -> Iterator[Database]:
    """The same database, as another process of the node has it open."""
    made = Database(lived_in.url.render_as_string(hide_password=False), lived_in.node)
    yield made
    made.close()


@pytest.fixture
def node(lived_in: Database) -> Asking:
    return Asking(lived_in)


@pytest.fixture
def apps(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def note(db: Session, visibility: str = "public", text: str = "Hej.") -> Post:
    return composing.note(db, local(db, "anna"), Draft(text=text, visibility=visibility))


def path(post: Post) -> str:
    return post.uri.removeprefix(ORIGIN)


def edit(db: Session, post: Post) -> None:
    clock.offset += 5
    composing.edit(db, local(db, "anna"), posts.get(db, post.id), Draft(text="Rettet."))


def delete(db: Session, post: Post) -> None:
    removing.delete_post(db, local(db, "anna"), posts.get(db, post.id))


def hide(db: Session, post: Post) -> None:
    posts.get(db, post.id).hidden_at = posts.get(db, post.id).published


def suspend_author(db: Session, post: Post) -> None:
    actors.get(db, post.author_id).suspended_at = post.published


@pytest.mark.parametrize(("deed", "status"), [(edit, 200), (delete, 410), (hide, 404), (suspend_author, 404)])
async def test_a_post_changed_by_another_process_is_asked_for_anew(
    node: Asking, other: Database, deed: Callable[[Session, Post], None], status: int
) -> None:
    post = other.write(note)
    before = await node.get(path(post))
    assert (before.status_code, (await node.get(path(post))).content) == (200, before.content)
    other.write(lambda db: deed(db, post))
    after = await node.get(path(post))
    assert after.status_code == status
    assert after.content != before.content


async def test_an_actor_changed_by_another_process_is_shown_as_he_is(node: Asking, other: Database) -> None:
    assert (await node.json("/u/anna"))["name"] == "Anna Holm"

    def rename(db: Session) -> None:
        local(db, "anna").name = "Anna H."

    other.write(rename)
    assert (await node.json("/u/anna"))["name"] == "Anna H."


async def test_a_suspended_actor_is_gone_at_once_from_both_addresses(node: Asking, other: Database) -> None:
    finger = "/.well-known/webfinger?resource=acct:anna@a.example"
    assert [(await node.get(address)).status_code for address in ("/u/anna", finger)] == [200, 200]
    other.write(lambda db: setattr(local(db, "anna"), "suspended_at", local(db, "anna").changed_at))
    assert [(await node.get(address)).status_code for address in ("/u/anna", finger)] == [404, 404]


async def test_a_server_that_is_blocked_meanwhile_is_refused_what_it_had_been_given(
    node: Asking, other: Database
) -> None:
    stranger = node.stranger()
    post = other.write(note)
    assert (await stranger.get(path(post))).status_code == 200
    other.write(lambda db: moderation.set_rule(db, "m.example", "block"))
    assert (await stranger.get(path(post))).status_code == 403
    assert (await stranger.get("/u/anna")).status_code == 403


async def test_a_post_for_followers_is_never_kept_for_all(node: Asking, other: Database) -> None:
    follower = node.stranger()
    other.write(lambda db: follows.request(db, follower.actor, local(db, "anna"), uri="https://m.example/f/1"))
    post = other.write(lambda db: note(db, "followers"))
    for _ in range(2):
        assert (await follower.get(path(post))).status_code == 200
        assert (await node.get(path(post))).status_code == 404


async def test_webfinger_tells_by_its_etag_that_nothing_is_new(node: Asking) -> None:
    finger = "/.well-known/webfinger?resource=acct:anna@a.example"
    first = await node.get(finger)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = await node.get(finger, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_timeline_shows_what_another_process_has_written(apps: ApiWorld, other: Database) -> None:
    async with apps.client("birk") as birk:
        before = await birk.get("/api/v1/timelines/public")
        assert await birk.get("/api/v1/timelines/public") == before
        post = other.write(note)
        assert (await birk.get("/api/v1/timelines/public"))[0]["id"] == str(post.id)
        other.write(lambda db: delete(db, post))
        assert await birk.get("/api/v1/timelines/public") == before


async def test_a_timeline_is_kept_for_its_reader_alone(apps: ApiWorld, other: Database) -> None:
    post = other.write(note)
    async with apps.client("birk") as birk, apps.client("camilla") as camilla, apps.client() as anybody:
        await birk.post(f"/api/v1/statuses/{post.id}/favourite")
        shown = [
            (await one.get("/api/v1/timelines/public"))[0]["favourited"]
            for one in (birk, camilla, anybody)
            for _ in "ab"
        ]
    assert shown == [True, True, False, False, False, False]


async def test_who_is_blocked_meanwhile_is_gone_from_the_timeline(apps: ApiWorld, other: Database) -> None:
    post = other.write(note)
    async with apps.client("birk") as birk:
        assert str(post.id) in {status["id"] for status in await birk.get("/api/v1/timelines/public")}
        other.write(lambda db: blocks.block(db, local(db, "birk"), local(db, "anna")))
        assert str(post.id) not in {status["id"] for status in await birk.get("/api/v1/timelines/public")}


async def test_pages_of_a_timeline_lead_on_from_memory_too(apps: ApiWorld, other: Database) -> None:
    for number in range(3):
        other.write(lambda db, number=number: note(db, text=f"Nr. {number}"))
    async with apps.client("birk") as birk:
        first, again = [await birk.call("GET", "/api/v1/timelines/public?limit=2") for _ in range(2)]
        assert again.headers["link"] == first.headers["link"]
        assert again.headers["x-ratelimit-remaining"] != first.headers["x-ratelimit-remaining"]
        older = await birk.get("/api/v1/timelines/public", limit=2, max_id=first.json()[-1]["id"])
    assert not {status["id"] for status in older} & {status["id"] for status in first.json()}


async def test_a_token_that_another_process_revoked_is_worth_nothing(apps: ApiWorld, other: Database) -> None:
    async with apps.client("birk") as birk:
        await birk.get("/api/v1/timelines/home")
        other.write(lambda db: oauth.revoke_all(db, accounts.by_username(db, "birk").id))
        await birk.refused(401, "GET", "/api/v1/timelines/home")


async def test_a_token_ends_when_its_time_is_over(apps: ApiWorld, other: Database) -> None:
    token = apps.token("birk")

    def limit(db: Session) -> None:
        known = oauth.who(db, token)
        assert known is not None
        known.token.expires_at = known.token.used_at

    async with apps.client() as birk:
        birk.token = token
        await birk.get("/api/v1/timelines/home")
        other.write(limit)
        await birk.refused(401, "GET", "/api/v1/timelines/home")
