"""Files in an object storage: two machines that have nothing in common but the database and the bucket."""

import io
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import select

from models import exports
from models.accounts import by_username
from models.database import Database
from models.errors import Unavailable
from models.jobs import Job
from models.media import Media
from server import exporting, worker
from server.cli import main
from server.commands.doctor import bucket_look
from server.media import bucket as buckets
from server.media.bucket import MEDIA, PIECE, UPLOADS, Bucket
from server.media.parts import part
from server.media.store import Store
from server.settings import Settings
from tests import objects
from tests.objects import Storage
from tests.server.api.files import kept, run_jobs
from tests.server.apps import ORIGIN, ApiWorld
from tests.server.pictures import film, photograph, picture

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with objects.running(tmp_path_factory.mktemp("objects")) as running:
        yield running


class Machines:
    """Machines of one node, each with a folder of its own."""

    def __init__(self, database: Database, folder: Path, storage: Storage) -> None:
        self.database, self.folder = database, folder
        self.chosen: dict[str, Any] = storage.settings(media_store="s3")
        self.number = 0

    def __call__(self, **more: Any) -> ApiWorld:
        self.number += 1
        settings = Settings(origin=ORIGIN, data_dir=str(self.folder / str(self.number)), **{**self.chosen, **more})
        return ApiWorld(self.database, settings=settings)

    @property
    def bucket(self) -> Bucket:
        found = Bucket.of(Settings(**self.chosen))
        assert found is not None
        return found

    def keys(self, prefix: str = "") -> list[str]:
        """What is in the bucket."""
        return sorted(found.key for found in self.bucket.all(prefix))


@pytest.fixture
def machine(lived_in: Database, tmp_path: Path, storage: Storage) -> Machines:
    made = Machines(lived_in, tmp_path, storage)
    made.bucket.remove(made.keys())
    return made


def keep(world: ApiWorld, content: bytes, extension: str = "mp4") -> str:
    """A file of our own; its name."""
    _, place = Store.of(world.settings).new_upload()
    place.write_bytes(content)
    name = Store.of(world.settings).keep(place, 1, extension)
    place.unlink(missing_ok=True)
    return name


async def test_an_image_taken_by_one_machine_is_shown_by_the_other(machine: Machines) -> None:
    one, other = machine(), machine()
    async with one.client("anna") as anna, other.client() as nobody:
        made = await anna.post("/api/v1/media", {"file": ("a.jpg", photograph(), "image/jpeg")})
        answer = await nobody.http.get(made["url"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
        assert b"hemmelig" not in answer.content
        assert Image.open(io.BytesIO(answer.content)).size == (200, 300)
        assert (await nobody.http.get(made["preview_url"])).status_code == 200
    assert kept(one) == kept(other) == []
    assert machine.keys() == [MEDIA + made["url"].rpartition("/")[2]]  # so small that it is its own preview


@pytest.mark.usefixtures("ffmpeg")
async def test_a_film_taken_by_one_machine_is_worked_on_by_another(machine: Machines, tmp_path: Path) -> None:
    web, worker = machine(), machine()
    async with web.client("anna") as anna:
        sent = await anna.call("POST", "/api/v2/media", files={"file": ("a.mp4", film(tmp_path), "video/mp4")})
        assert sent.status_code == 202
        assert len(machine.keys(UPLOADS)) == 1
        assert kept(web) == []
        await run_jobs(worker)
        made = await anna.get(f"/api/v1/media/{sent.json()['id']}")
        assert (await anna.http.get(made["url"])).headers["content-type"] == "video/mp4"
    assert machine.keys(UPLOADS) == kept(worker) == []


async def test_what_is_deleted_is_gone_from_the_bucket(machine: Machines) -> None:
    web, worker = machine(), machine()
    async with web.client("anna") as anna:
        made = await anna.post("/api/v1/media", {"file": ("a.png", picture(), "image/png")})
        await anna.delete(f"/api/v1/media/{made['id']}")
        await run_jobs(worker)
        assert machine.keys() == []
        assert (await anna.http.get(made["url"])).status_code == 404


async def test_a_film_in_the_bucket_can_be_had_in_parts(machine: Machines) -> None:
    world = machine()
    path = f"/media/{keep(world, b'0123456789')}"
    async with world.client() as nobody:
        got = await nobody.http.get(path, headers={"Range": "bytes=2-5"})
        assert (got.status_code, got.content, got.headers["content-range"]) == (206, b"2345", "bytes 2-5/10")
        assert got.headers["content-type"] == "video/mp4"
        assert (await nobody.http.get(path, headers={"Range": "bytes=-3"})).content == b"789"
        assert (await nobody.http.get(path, headers={"Range": "bytes=8-99"})).content == b"89"
        beyond = await nobody.http.get(path, headers={"Range": "bytes=99-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
        head = await nobody.http.head(path)
        assert (head.headers["content-length"], head.headers["accept-ranges"], head.content) == ("10", "bytes", b"")
        same = await nobody.http.get(path, headers={"If-None-Match": head.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        changed = await nobody.http.get(path, headers={"Range": "bytes=2-5", "If-Range": '"another"'})
        assert (changed.status_code, changed.content) == (200, b"0123456789")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, (0, 10, 200)), ("bytes=0-0", (0, 1, 206)), ("bytes=9-", (9, 10, 206)), ("bytes=-99", (0, 10, 206)),
        ("bytes=10-", (0, 10, 416)), ("bytes=-0", (0, 10, 416)), ("bytes=5-2", (0, 10, 200)), ("bytes=-", (0, 10, 200)),
        ("bytes=0-1,3-4", (0, 10, 200)), ("lines=1-2", (0, 10, 200)), ("bytes=1-x", (0, 10, 200)),
    ],
)  # fmt: skip
def test_what_a_range_asks_for(wanted: str | None, expected: tuple[int, int, int]) -> None:
    assert part(wanted, 10) == expected


async def test_a_large_film_is_whole_and_never_in_memory_at_once(
    machine: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(1 << 20) * 19 + b"the end"
    world = machine()
    name = keep(world, content)  # in several parts, as it is larger than one
    pieces: list[int] = []
    before = Bucket.piece

    async def piece(self: Bucket, key: str, start: int, end: int) -> bytes:
        pieces.append(end - start)
        return await before(self, key, start, end)

    monkeypatch.setattr(Bucket, "piece", piece)
    async with world.client() as nobody:
        assert (await nobody.http.get(f"/media/{name}")).content == content
        assert max(pieces) <= PIECE
        pieces.clear()
        await nobody.http.get(f"/media/{name}", headers={"Range": "bytes=9000000-9000009"})
        assert pieces == [10]


async def test_with_an_address_of_its_own_visitors_are_sent_to_the_bucket(machine: Machines) -> None:
    world = machine(media_url="https://cdn.example/torv/media/")
    name = keep(world, b"0123456789")
    async with world.client() as nobody:
        answer = await nobody.http.get(f"/media/{name}")
        assert (answer.status_code, answer.headers["location"]) == (302, f"https://cdn.example/torv/media/{name}")
        assert answer.headers["cache-control"] == "public, max-age=86400"
        page = await nobody.http.get("/about", headers={"Accept": "text/html"})
    policy = page.headers["content-security-policy"]
    assert "img-src 'self' https://cdn.example;" in policy
    assert "media-src 'self' https://cdn.example;" in policy
    assert policy.count("cdn.example") == 2


async def test_while_the_bucket_does_not_answer_an_upload_is_refused_and_leaves_nothing(
    machine: Machines, database: Database
) -> None:
    world = machine(s3_endpoint="http://127.0.0.1:1")
    async with world.client("anna") as anna:
        answer = await anna.call("POST", "/api/v2/media", files={"file": ("a.png", picture(), "image/png")})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "storage of files does not answer" in answer.json()["error"]
        assert (await anna.http.get("/media/" + "a" * 64 + ".png")).status_code == 503
        profile = {"avatar": ("a.png", picture(), "image/png")}
        await anna.refused(503, "PATCH", "/api/v1/accounts/update_credentials", files=profile)
        status = await anna.post("/api/v1/statuses", status="Uden billede går det.")
        assert status["media_attachments"] == []
    assert kept(world) == []
    with world.database.reading() as db:
        assert db.scalars(select(Media)).all() == []


async def test_work_that_meets_a_bucket_that_does_not_answer_waits_until_it_does(
    machine: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.media.uploading._begin", lambda work: work.close())
    world, cut_off = machine(), machine(s3_endpoint="http://127.0.0.1:1")
    async with world.client("anna") as anna:
        sent = await anna.call("POST", "/api/v2/media", files={"file": ("a.png", picture(), "image/png")})
        for _ in range(5):
            with pytest.raises(Unavailable):
                await run_jobs(cut_off)
        await run_jobs(world)
        assert (await anna.get(f"/api/v1/media/{sent.json()['id']}"))["url"]


async def test_removing_waits_for_the_bucket_too(machine: Machines) -> None:
    world, cut_off = machine(), machine(s3_endpoint="http://127.0.0.1:1")
    async with world.client("anna") as anna:
        made = await anna.post("/api/v1/media", {"file": ("a.png", picture(), "image/png")})
        await anna.delete(f"/api/v1/media/{made['id']}")
        with pytest.raises(Unavailable):
            await run_jobs(cut_off)
        assert len(machine.keys(MEDIA)) == 1
        await run_jobs(world)
    assert machine.keys() == []


def test_an_upload_that_nobody_finished_is_swept_away(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.of(machine().settings)
    name, place = store.new_upload()
    place.write_bytes(b"x")
    store.share_upload(name)
    kept_name = keep(machine(), b"0123456789")
    assert store.sweep_uploads() == 0
    monkeypatch.setattr("server.media.store.UNUSED_UPLOAD", timedelta(seconds=-0.5))
    time.sleep(1.1)  # the storage knows whole seconds
    assert store.sweep_uploads() == 2
    assert machine.keys() == [MEDIA + kept_name]


async def test_a_copy_of_everything_made_by_one_machine_is_taken_from_another(machine: Machines) -> None:
    web, other = machine(), machine()
    async with web.client("anna") as anna:
        made = await anna.post("/api/v1/media", {"file": ("a.png", picture(), "image/png")})
    name = made["url"].rpartition("/")[2]
    row = web.database.write(lambda db: exports.request(db, by_username(db, "anna").id))
    with web.database.reading() as db:
        job = db.scalars(select(Job).where(Job.kind == "export")).one()
    await worker.jobs(other.settings)["export"](other.app.state.fed, job.payload)
    with web.database.reading() as db:
        done = exports.get_mine(db, row.account_id, row.id)
    place = exporting.place(web.settings, done.file)
    assert place is not None
    assert not place.exists()
    found = exporting.in_bucket(web.settings, done.file)
    assert found is not None
    archive = zipfile.ZipFile(io.BytesIO(b"".join(found[0].read(found[1]))))
    assert archive.testzip() is None
    assert f"media/{name}" in archive.namelist()
    assert archive.read(f"media/{name}") == b"".join(Store.of(web.settings).read(name))


# Moving


def environ(world: ApiWorld) -> dict[str, str]:
    chosen = msgspec.structs.asdict(world.settings)
    names = ("origin", "data_dir", "media_store", "s3_endpoint", "s3_bucket", "s3_access_key", "s3_secret_key")
    return {f"TORV_{name.upper()}": str(chosen[name]) for name in names}


async def test_files_move_into_the_bucket_and_back_and_are_served_all_the_while(machine: Machines) -> None:
    disk = machine(media_store="disk")
    names = [keep(disk, content, "png") for content in (b"one", b"two", b"")]
    shared = ApiWorld(machine.database, settings=msgspec.structs.replace(disk.settings, media_store="s3"))

    async def served(world: ApiWorld) -> list[bytes]:
        async with world.client() as nobody:
            return [(await nobody.http.get(f"/media/{name}")).content for name in names]

    assert await served(shared) == [b"one", b"two", b""]
    done = CliRunner().invoke(main, ["media", "move"], env=environ(shared))
    assert done.exit_code == 0, done.output
    assert "3 of 3 files are in the bucket, compared." in done.output
    assert (kept(disk), machine.keys()) == ([], sorted(MEDIA + name for name in names))
    assert await served(shared) == [b"one", b"two", b""]
    assert await served(disk) == [b"one", b"two", b""]
    again = CliRunner().invoke(main, ["media", "move"], env=environ(shared))
    assert "0 of 0" in again.output

    back = CliRunner().invoke(main, ["media", "move"], env=environ(disk))
    assert back.exit_code == 0, back.output
    assert (kept(disk), machine.keys()) == (sorted(names), [])
    assert await served(disk) == [b"one", b"two", b""]


def test_a_file_that_arrives_as_another_stays_where_it_was(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = machine(media_store="disk")
    name = keep(disk, b"one", "png")
    shared = ApiWorld(machine.database, settings=msgspec.structs.replace(disk.settings, media_store="s3"))
    monkeypatch.setattr(Bucket, "read", lambda self, key: iter([b"onE"]))
    done = CliRunner().invoke(main, ["media", "move"], env=environ(shared))
    assert done.exit_code == 5
    assert f"1 stay where they were, {name} the first of them" in done.output
    assert kept(disk) == [name]


def test_without_a_bucket_nothing_can_be_moved(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["media", "move"], env={"TORV_DATA_DIR": str(tmp_path)})
    assert (done.exit_code, "TORV_S3_BUCKET" in done.output) == (4, True)


# Looking after it


def test_the_doctor_tries_the_bucket(machine: Machines) -> None:
    settings = machine().settings
    assert bucket_look(settings).state == "ok"
    assert machine.keys() == []
    wrong = bucket_look(msgspec.structs.replace(settings, s3_secret_key="wrong"))
    assert (wrong.state, "privileges" in wrong.text) == ("failed", True)
    away = bucket_look(msgspec.structs.replace(settings, s3_endpoint="http://127.0.0.1:1"))
    assert (away.state, "sending request" in away.text) == ("failed", True)
    assert "kun-for-tests" not in wrong.text + away.text


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"media_store": "s3"}, "media_store"), ({"s3_bucket": "b"}, "s3_bucket"), ({"s3_endpoint": "host"}, "s3_endpoint"),
        ({"media_url": "ftp://a"}, "media_url"), ({"s3_endpoint": "https://key:secret@host"}, "s3_endpoint"),
    ],
)  # fmt: skip
def test_settings_of_a_bucket_that_cannot_be(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}:"):
        Settings(**wrong)


@pytest.mark.slow
async def test_a_storage_that_dies_and_comes_back_has_lost_nothing(
    machine: Machines, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "RETRIES", {"max_retries": 0})
    buckets._client.cache_clear()
    world = machine()
    async with world.client("anna") as anna:
        made = await anna.post("/api/v1/media", {"file": ("a.png", picture(), "image/png")})
        content = (await anna.http.get(made["url"])).content
        storage.process.send(signal.SIGKILL)
        storage.process.kill()
        assert (await anna.http.get(made["url"])).status_code == 503
        answer = await anna.call("POST", "/api/v1/media", files={"file": ("a.png", picture(), "image/png")})
        assert answer.status_code == 503
        storage.process = storage.start()
        assert (await anna.http.get(made["url"])).content == content
        again = await anna.post("/api/v1/media", {"file": ("b.png", picture(size=(9, 9)), "image/png")})
        assert (await anna.http.get(again["url"])).status_code == 200
