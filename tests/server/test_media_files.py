"""Files as browsers get them: one's own and other servers', whole and in parts, never as anything that could run."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from models import actors, arriving, domains, removing
from models.base import now
from models.database import Database
from models.domains import DomainAction, DomainRule
from models.posts import Post, Visibility
from server.media import links, remote
from server.media.store import Store
from server.settings import Settings
from tests.federation.elsewhere import remote as somebody
from tests.server.apps import ORIGIN, ApiWorld
from tests.server.pictures import picture

pytestmark = pytest.mark.anyio
URL = "https://by.example/files/a.png?size=1"


@pytest.fixture
def world(lived_in: Database, tmp_path: Path) -> ApiWorld:
    settings = Settings(origin=ORIGIN, data_dir=str(tmp_path), media_max_remote_bytes=200_000)
    return ApiWorld(lived_in, settings=settings)


@pytest.fixture
async def browser(world: ApiWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with world.client() as nobody:
        yield nobody.http


def store(world: ApiWorld) -> Store:
    return Store.of(world.settings)


def keep(world: ApiWorld, content: bytes, extension: str = "png", owner: int = 1) -> str:
    """A file of our own; its path on the web."""
    _, place = store(world).new_upload()
    place.write_bytes(content)
    return f"/media/{store(world).keep(place, owner, extension)}"


def post_with(world: ApiWorld, url: str = URL, media_type: str = "image/png") -> tuple[int, str]:
    """A post of another server with a file; its id, and the file's address here."""

    def write(db: Session) -> tuple[int, str]:
        there = somebody(db, "by.example", "vera", icon_url="https://by.example/vera.png")
        made = arriving.RemotePost(
            "https://by.example/p/9", there, Visibility.PUBLIC, now(), content="<p>Se</p>",
            attachments=[{"type": "Document", "url": url, "media_type": media_type, "name": "En hane"}],
        )  # fmt: skip
        post, _ = arriving.record_remote(db, made)
        return post.id, links.links(db).attachment(post, 0, url)

    return world.database.write(write)


def serves(world: ApiWorld, content: bytes, media_type: str = "image/png", status: int = 200) -> None:
    """From now on the other server answers so."""

    async def say(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content, headers={"Content-Type": media_type})

    world.elsewhere.answers["by.example"] = say


def asked(world: ApiWorld) -> int:
    """How often the other server was asked for a file."""
    return len([one for one in world.elsewhere.sent["by.example"] if one.method == "GET"])


@pytest.mark.once
async def test_a_file_may_be_kept_for_ever_and_nothing_in_it_runs(world: ApiWorld, browser: httpx.AsyncClient) -> None:
    answer = await browser.get(keep(world, picture()))
    assert answer.status_code == 200
    assert answer.content == picture()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers


@pytest.mark.once
async def test_a_film_can_be_had_in_parts(world: ApiWorld, browser: httpx.AsyncClient) -> None:
    path = keep(world, b"0123456789", "mp4")
    part = await browser.get(path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, b"2345")
    assert part.headers["content-range"] == "bytes 2-5/10"
    assert part.headers["content-type"] == "video/mp4"
    assert (await browser.get(path, headers={"Range": "bytes=-3"})).content == b"789"
    assert (await browser.get(path, headers={"Range": "bytes=99-"})).status_code == 416
    head = await browser.head(path)
    assert (head.headers["content-length"], head.headers["accept-ranges"], head.content) == ("10", "bytes", b"")


@pytest.mark.alike
@pytest.mark.parametrize("accept", ["application/activity+json", "text/html", "*/*"])
async def test_a_file_is_never_an_object_whoever_asks(world: ApiWorld, browser: httpx.AsyncClient, accept: str) -> None:
    path = keep(world, b'{"@context": "https://www.w3.org/ns/activitystreams", "id": "https://a.example/u/anna"}')
    assert (await browser.get(path, headers={"Accept": accept})).headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "name",
    [
        "../torv.toml", "..%2f..%2ftorv.toml", "%2e%2e/%2e%2e/torv.toml", "..%5ctorv.toml", "%2fetc%2fpasswd",
        "uploads", "uploads/x", "remote", "remote/ab", "a" * 64 + ".svg", "a" * 64 + ".html", "a" * 64 + ".png",
        "A" * 64 + ".png", "a" * 64, "a" * 64 + ".png/", "a" * 64 + ".png%00.html", "aa/aa/" + "a" * 64 + ".png", "",
    ],
)  # fmt: skip
async def test_nothing_but_a_kept_file_is_found(world: ApiWorld, browser: httpx.AsyncClient, name: str) -> None:
    (world.settings.data_path / "torv.toml").write_text("secret")
    answer = await browser.get(f"{ORIGIN}/media/{name}")
    assert answer.status_code in {403, 404}
    assert "secret" not in answer.text


def test_the_same_content_of_two_owners_has_two_names(world: ApiWorld) -> None:
    assert keep(world, b"x", owner=1) == keep(world, b"x", owner=1)
    assert keep(world, b"x", owner=1) != keep(world, b"x", owner=2)


async def test_a_file_of_another_server_is_fetched_once_and_read_here(
    world: ApiWorld, browser: httpx.AsyncClient
) -> None:
    serves(world, picture(), "application/octet-stream")
    _, address = post_with(world)
    assert address.startswith("https://a.example/media/remote/")
    for _ in range(2):
        answer = await browser.get(address)
        assert answer.status_code == 200
        assert answer.content == picture()
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert asked(world) == 1
    assert (await browser.get(address, headers={"Range": "bytes=0-3"})).content == b"\x89PNG"


async def test_apps_read_files_and_pictures_of_other_servers_through_this_one(world: ApiWorld) -> None:
    id, address = post_with(world)
    async with world.client() as nobody:
        status = await nobody.get(f"/api/v1/statuses/{id}")
        shown = status["media_attachments"][0]
        assert (shown["url"], shown["preview_url"], shown["remote_url"]) == (address, address, URL)
        assert (shown["type"], shown["description"]) == ("image", "En hane")
        serves(world, picture("JPEG"), "image/jpeg")
        face = await nobody.http.get(status["account"]["avatar"])
        assert status["account"]["avatar"].startswith("https://a.example/media/remote/i-")
        assert face.headers["content-type"] == "image/jpeg"


async def test_only_addresses_that_we_made_are_fetched(world: ApiWorld, browser: httpx.AsyncClient) -> None:
    serves(world, picture())
    _, address = post_with(world)
    token = address.rpartition("/")[2]
    named, _, sign = token.partition(".")
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        f"{named.replace('-0-', '-1-')}.{sign}",
        f"i{named[1:]}.{sign}",
        named,
        f"{named}.",
        "https:%2f%2fby.example%2fa.png",
        f"{token}%26proxy=x",
    ]
    for one in forged:
        assert (await browser.get(f"{ORIGIN}/media/remote/{one}")).status_code == 403, one
    for other in (f"?url={URL}", f"{token}%0d%0aX: y", f"{token}%00"):
        assert (await browser.get(f"{ORIGIN}/media/remote/{other}")).status_code in {403, 404}
    assert asked(world) == 0
    assert (await browser.get(f"{address}?url=https://evil.example/&proxy=1")).status_code == 200
    assert not world.elsewhere.sent["evil.example"]


async def test_a_file_that_is_gone_from_its_post_or_whose_server_is_blocked_is_not_shown(
    world: ApiWorld, browser: httpx.AsyncClient
) -> None:
    serves(world, picture())
    id, address = post_with(world)
    assert (await browser.get(address)).status_code == 200
    world.database.write(lambda db: db.add(DomainRule(domain="by.example", action=DomainAction.BLOCK.value)))
    assert world.database.write(lambda db: domains.is_blocked(db, "by.example"))
    assert (await browser.get(address)).status_code == 404
    world.database.write(lambda db: db.delete(db.get_one(DomainRule, "by.example")))
    assert (await browser.get(address)).status_code == 200
    world.database.write(lambda db: removing.tombstone(db, db.get_one(Post, id)))
    assert (await browser.get(address)).status_code == 404


@pytest.mark.alike
@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 200),
        (b"<script>alert(1)</script>", "image/png", 200),
        (b"<script>alert(1)</script>", "text/html", 200),
        (picture(), "text/html", 200),
        (picture(), "application/activity+json", 200),
        (picture() + b"\0" * 300_000, "image/png", 200),
        (b"", "image/png", 200),
        (picture(), "image/png", 404),
        (b"", "", 302),
    ],
)
async def test_what_is_no_picture_or_too_large_is_not_shown_and_not_asked_for_again_at_once(
    world: ApiWorld, browser: httpx.AsyncClient, content: bytes, media_type: str, status: int
) -> None:
    serves(world, content, media_type, status)
    _, address = post_with(world)
    for _ in range(3):
        assert (await browser.get(address)).status_code == 404
    assert asked(world) == 1
    assert [path for path in store(world).remote.rglob("*") if path.is_file()] == []


@pytest.mark.alike
@pytest.mark.parametrize("url", ["http://by.example/a.png", "javascript:alert(1)", "file:///etc/passwd", ""])
def test_other_addresses_than_https_are_never_fetched_for_anybody(world: ApiWorld, url: str) -> None:
    _, address = post_with(world, url)
    assert address == url


@pytest.mark.once
async def test_an_address_inside_our_network_is_not_fetched(world: ApiWorld, browser: httpx.AsyncClient) -> None:
    for url in ("https://127.0.0.1/a.png", "https://[::1]/a.png", "https://localhost/a.png"):
        _, address = post_with(world, url)
        assert (await browser.get(address)).status_code == 404
    assert not [host for host in world.elsewhere.sent if host != "by.example"]


def test_the_files_that_were_not_looked_at_for_longest_go_first(world: ApiWorld) -> None:
    folder = store(world).remote / "ab"
    folder.mkdir(parents=True)
    for age in range(10):
        path = folder / f"{age}"
        path.write_bytes(b"x" * 100)
        os.utime(path, (time.time() - age * 3600, time.time() - age * 3600))
    assert remote.sweep(store(world), 1000) == 0
    assert remote.sweep(store(world), 500) == 6
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1", "2", "3"]


def test_uploads_that_nobody_finished_go_after_two_days(world: ApiWorld) -> None:
    old, new = (store(world).new_upload()[1] for _ in range(2))
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 3 * 86_400,) * 2)
    assert store(world).sweep_uploads() == 1
    assert not old.exists()
    assert new.exists()


def test_the_node_signs_with_a_key_of_its_own(world: ApiWorld, new_database: Any) -> None:
    from models.database import Node

    # two others, because the keys of tests are drawn from a few
    others = [new_database(Node(f"https://{name}.example", f"{name}.example")) for name in ("b", "c")]
    with world.database.reading() as ours, others[0].reading() as theirs, others[1].reading() as more:
        assert len({links.links(db).sign("p-1-0-aaaaaaaaaaaa") for db in (ours, theirs, more)}) > 1
        assert links.links(ours).icon(actors.node_actor(ours)) == ""


async def test_the_picture_that_stands_for_a_film_elsewhere_is_read_here(world: ApiWorld) -> None:
    serves(world, picture())
    still = "https://by.example/files/still.png"

    def write(db: Session) -> int:
        there = somebody(db, "by.example", "vera")
        film = {"type": "Document", "url": "https://by.example/a.mp4", "media_type": "video/mp4", "icon_url": still}
        made = arriving.RemotePost(
            "https://by.example/p/10", there, Visibility.PUBLIC, now(), content="<p>Se</p>", attachments=[film]
        )
        return arriving.record_remote(db, made)[0].id

    number = world.database.write(write)
    async with world.client() as api:
        (film,) = (await api.get(f"/api/v1/statuses/{number}"))["media_attachments"]
        assert film["type"] == "video"
        assert film["preview_url"].startswith(f"{ORIGIN}/media/remote/v-")
        answer = await api.http.get(film["preview_url"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert (await api.http.get(film["preview_url"].replace("/v-", "/p-"))).status_code == 403

    def other(db: Session) -> None:
        post = db.get_one(Post, number)
        post.attachments = [{**post.attachments[0], "icon_url": "https://by.example/files/other.png"}]

    world.database.write(other)
    async with world.client() as api:
        assert (await api.http.get(film["preview_url"])).status_code == 404
