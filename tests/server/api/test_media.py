"""Files in the client API: sent, worked on, described, put into posts, refused."""

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from models import media
from models.base import clock
from models.database import Database
from models.media import Media
from server.media import filming, processing, uploading
from server.media.store import Store
from server.settings import Settings
from tests.server.api.files import film_sent, kept, run_jobs
from tests.server.apps import ORIGIN, Api, ApiWorld
from tests.server.pictures import animation, bomb, claiming, film, photograph, picture, tone

pytestmark = pytest.mark.anyio

ENTITY = {
    "id", "type", "url", "preview_url", "remote_url", "preview_remote_url", "text_url", "meta", "description", "blurhash",
}  # fmt: skip


@pytest.fixture
def world(lived_in: Database, tmp_path: Path) -> ApiWorld:
    return ApiWorld(lived_in, settings=Settings(origin=ORIGIN, data_dir=str(tmp_path), contact_email="t@a.example"))


async def send(api: Api, content: bytes, name: str = "a.png", **form: Any) -> dict[str, Any]:
    """An upload that succeeds, at once or after its work."""
    made: dict[str, Any] = await api.post("/api/v1/media", {"file": (name, content, "image/png")}, **form)
    return made


async def refused(api: Api, content: bytes, name: str = "a.png", kind: str = "image/png") -> str:
    """The reason why an upload is not taken."""
    error = await api.refused(422, "POST", "/api/v1/media", files={"file": (name, content, kind)})
    return str(error["error"])


async def read(api: Api, url: str) -> httpx.Response:
    """A file as a browser gets it."""
    answer = await api.http.get(url)
    assert answer.status_code == 200, answer.text[:300]
    return answer


async def test_an_image_is_taken_with_every_field(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture(size=(2560, 1600)), description="  En rød flade ", focus="-0.5,0.25")
        assert set(made) == ENTITY
        assert made["type"] == "image"
        assert made["url"].startswith("https://a.example/media/")
        assert made["url"].endswith(".png")
        assert made["description"] == "En rød flade"
        assert made["remote_url"] is made["preview_remote_url"] is made["text_url"] is None
        assert made["meta"]["focus"] == {"x": -0.5, "y": 0.25}
        assert made["meta"]["original"] == {"width": 2560, "height": 1600, "size": "2560x1600", "aspect": 1.6}
        assert made["meta"]["small"] == {"width": 640, "height": 400, "size": "640x400", "aspect": 1.6}
        assert len(made["blurhash"]) == 28
        assert Image.open(io.BytesIO((await read(anna, made["preview_url"])).content)).size == (640, 400)
        assert await anna.get(f"/api/v1/media/{made['id']}") == made


async def test_the_second_version_answers_at_once_where_it_can(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.client("anna") as anna:
        done = await anna.call("POST", "/api/v2/media", files={"file": ("a.png", picture(), "image/png")})
        assert done.status_code in {200, 202}  # a busy machine may need longer than the answer waits

        monkeypatch.setattr("server.api.media.QUICK", 0.0)
        monkeypatch.setattr("server.media.uploading._begin", lambda work: work.close())
        waiting = await anna.call("POST", "/api/v2/media", files={"file": ("a.png", picture(), "image/png")})
        assert waiting.status_code == 202
        assert waiting.json()["url"] is None
        id = waiting.json()["id"]
        still = await anna.call("GET", f"/api/v1/media/{id}")
        assert (still.status_code, still.json()["url"]) == (206, None)
        error = await anna.refused(422, "POST", "/api/v1/statuses", data={"status": "x", "media_ids[]": id})
        assert "not finished" in error["error"]

        await run_jobs(world)
        ready = await anna.call("GET", f"/api/v1/media/{id}")
        assert ready.status_code == 200
        assert ready.json()["url"]


async def test_a_post_shows_its_files_in_the_order_given(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as nobody:
        first, second = await send(anna, picture()), await send(anna, picture("JPEG"), description="To")
        status = await anna.post_json(
            "/api/v1/statuses", {"status": "Se her", "media_ids": [second["id"], first["id"]]}
        )
        assert [one["id"] for one in status["media_attachments"]] == [second["id"], first["id"]]
        assert status["media_attachments"][0] == second
        assert (await nobody.get(f"/api/v1/statuses/{status['id']}"))["media_attachments"][1] == first
        only = await nobody.get("/api/v1/timelines/public", only_media="true")
        assert [one["id"] for one in only] == [status["id"]]


async def test_a_post_may_be_files_alone(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture())
        status = await anna.post("/api/v1/statuses", **{"media_ids[]": made["id"]})
        assert status["content"] == ""
        assert len(status["media_attachments"]) == 1


async def test_other_servers_get_the_files_as_documents(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as nobody:
        made = await send(anna, picture(), description="En rød flade", focus="0.5,0")
        status = await anna.post("/api/v1/statuses", status="Se", **{"media_ids[]": made["id"]})
        answer = await nobody.http.get(status["uri"], headers={"Accept": "application/activity+json"})
        assert answer.json()["attachment"] == [
            {
                "type": "Document",
                "url": made["url"],
                "mediaType": "image/png",
                "name": "En rød flade",
                "width": 320,
                "height": 200,
                "blurhash": made["blurhash"],
                "focalPoint": [0.5, 0.0],
            }
        ]


async def test_a_file_stands_in_one_post_only(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture())
        await anna.post("/api/v1/statuses", status="en", **{"media_ids[]": made["id"]})
        error = await anna.refused(422, "POST", "/api/v1/statuses", data={"status": "to", "media_ids[]": made["id"]})
        assert "already attached" in error["error"]


async def test_nobody_can_see_use_change_or_delete_the_files_of_others(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await send(anna, picture())
        path = f"/api/v1/media/{made['id']}"
        for method in ("GET", "PUT", "DELETE"):
            theirs = await birk.refused(404, method, path)
            nobodys = await birk.refused(404, method, "/api/v1/media/4711")
            assert theirs["error"] == nobodys["error"]
        await birk.refused(422, "POST", "/api/v1/statuses", data={"status": "min", "media_ids[]": made["id"]})
        assert await anna.get(path) == made


async def test_more_than_four_files_or_a_film_among_images_are_refused(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        ids = [(await send(anna, picture(size=(8, 8))))["id"] for _ in range(5)]
        error = await anna.refused(422, "POST", "/api/v1/statuses", json={"status": "x", "media_ids": ids})
        assert "more than 4" in error["error"]
        world.database.write(lambda db: setattr(db.get_one(Media, int(ids[0])), "kind", "video"))
        error = await anna.refused(422, "POST", "/api/v1/statuses", json={"status": "x", "media_ids": ids[:2]})
        assert "video" in error["error"]


async def test_words_and_focus_can_be_changed_until_the_file_is_posted(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture())
        path = f"/api/v1/media/{made['id']}"
        changed = await anna.put(path, description="En flade", focus="1,1")
        assert (changed["description"], changed["meta"]["focus"]) == ("En flade", {"x": 1.0, "y": 1.0})
        assert (await anna.put_json(path, {"focus": "0.1,0.2"}))["description"] == "En flade"
        await anna.refused(422, "PUT", path, data={"description": "x" * 1501})
        await anna.refused(422, "PUT", path, data={"focus": "nan,inf"})
        await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": made["id"]})
        await anna.refused(404, "PUT", path, data={"description": "for sent"})


async def test_with_a_new_edition_files_come_go_and_are_described_anew(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        first, second = await send(anna, picture()), await send(anna, picture())
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": first["id"]})
        path = f"/api/v1/statuses/{status['id']}"
        both = {
            "status": "y",
            "media_ids": [first["id"], second["id"]],
            "media_attributes": [{"id": first["id"], "description": "Den første", "focus": "0.5,0.5"}],
        }
        edited = await anna.put_json(path, both)
        assert [one["description"] for one in edited["media_attachments"]] == ["Den første", None]
        form = {"status": "z", "media_ids[]": second["id"], "media_attributes[][id]": second["id"]}
        edited = await anna.put(path, **form, **{"media_attributes[][description]": "Den anden"})
        assert [one["description"] for one in edited["media_attachments"]] == ["Den anden"]
        assert (await anna.put(path, status="uden"))["media_attachments"] == []
        again = await anna.post("/api/v1/statuses", status="igen", **{"media_ids[]": first["id"]})
        assert again["media_attachments"][0]["description"] == "Den første"


async def test_deleting_a_post_or_a_file_removes_it_from_the_disk(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        posted, loose = await send(anna, picture()), await send(anna, picture("JPEG"))
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": posted["id"]})
        error = await anna.refused(422, "DELETE", f"/api/v1/media/{posted['id']}")
        assert "used by a status" in error["error"]
        await anna.delete(f"/api/v1/media/{loose['id']}")
        await anna.refused(404, "GET", f"/api/v1/media/{loose['id']}")
        await anna.delete(f"/api/v1/statuses/{status['id']}", delete_media="true")
        assert kept(world)
        await run_jobs(world)
        assert kept(world) == []
        assert (await anna.http.get(posted["url"])).status_code == 404


async def test_the_files_of_a_deleted_post_wait_an_hour_for_the_one_that_is_written_anew(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture(), description="En hane")
        first = await anna.post("/api/v1/statuses", status="Hnae", **{"media_ids[]": made["id"]})
        said = await anna.delete(f"/api/v1/statuses/{first['id']}")
        ids = [one["id"] for one in said["media_attachments"]]
        again = await anna.post("/api/v1/statuses", status="Hane", **{"media_ids[]": ids})
        assert [(one["id"], one["description"]) for one in again["media_attachments"]] == [(made["id"], "En hane")]
        await anna.delete(f"/api/v1/statuses/{again['id']}")
        clock.offset = timedelta(minutes=59).total_seconds()
        assert world.database.write(lambda db: media.sweep(db, 100)) == 0
        clock.offset = timedelta(minutes=61).total_seconds()
        assert world.database.write(lambda db: media.sweep(db, 100)) == 1
        await run_jobs(world)
        assert kept(world) == []


async def test_what_is_in_no_post_goes_after_a_day(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        used, unused = await send(anna, picture()), await send(anna, picture())
        await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": used["id"]})
        clock.offset = timedelta(hours=23).total_seconds()
        assert world.database.write(lambda db: media.sweep(db, 100)) == 0
        clock.offset = timedelta(hours=25).total_seconds()
        assert world.database.write(lambda db: media.sweep(db, 100)) == 1
        await run_jobs(world)
        await anna.refused(404, "GET", f"/api/v1/media/{unused['id']}")
        assert set(kept(world)) == {used["url"].rpartition("/")[2], used["preview_url"].rpartition("/")[2]}


async def test_files_of_a_status_for_later_are_kept_for_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture())
        body = {"status": "senere", "media_ids": [made["id"]], "scheduled_at": "2999-01-01T00:00:00Z"}
        waiting = await anna.post_json("/api/v1/statuses", body)
        assert [one["id"] for one in waiting["media_attachments"]] == [made["id"]]
        clock.offset = timedelta(days=30).total_seconds()
        assert world.database.write(lambda db: media.sweep(db, 100)) == 0


@pytest.mark.once
async def test_where_and_with_what_a_picture_was_taken_is_gone_and_it_stands_upright(world: ApiWorld) -> None:
    sent = photograph()
    assert b"Hemmelig" in sent
    async with world.client("anna") as anna:
        made = await send(anna, sent)
        assert (made["meta"]["original"]["width"], made["meta"]["original"]["height"]) == (200, 300)
        for url in (made["url"], made["preview_url"]):
            content = (await read(anna, url)).content
            shown = Image.open(io.BytesIO(content))
            assert not shown.getexif()
            assert not {"exif", "icc_profile", "comment", "xmp"} & set(shown.info)
            assert b"emmelig" not in content
            right, left = shown.convert("RGB").getpixel((150, 150)), shown.convert("RGB").getpixel((50, 150))
            assert isinstance(right, tuple)
            assert isinstance(left, tuple)
            assert right[2] > 150 > left[2]  # the blue half was above, and is on the right


@pytest.mark.alike
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
async def test_the_usual_forms_of_images_are_shown(world: ApiWorld, form: str, mode: str) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture(form, mode=mode))
        shown = Image.open(io.BytesIO((await read(anna, made["url"])).content))
        assert (shown.size, shown.mode) == ((320, 200), "RGB")
        assert shown.format in {"JPEG", "PNG", "WEBP"}


@pytest.mark.once
async def test_what_is_transparent_stays_so_and_print_colours_become_those_of_screens(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        clear = Image.open(io.BytesIO((await read(anna, (await send(anna, picture(mode="RGBA")))["url"])).content))
        assert clear.mode == "RGBA"
        assert clear.getpixel((1, 1)) == (200, 30, 30, 128)
        printed = await send(anna, picture("JPEG", mode="CMYK"))
        assert Image.open(io.BytesIO((await read(anna, printed["url"])).content)).mode == "RGB"


@pytest.mark.once
async def test_an_image_with_more_pixels_than_are_shown_is_made_smaller(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, picture("JPEG", size=(5000, 2500)))
        size = made["meta"]["original"]
        assert size["width"] * size["height"] <= 2048 * 2048
        assert size["aspect"] == pytest.approx(2, abs=0.01)


HOSTILE: dict[str, Any] = {
    "nothing": lambda: b"",
    "text": lambda: b"not an image at all",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg with a declaration": lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "html": lambda: b"<!doctype html><script>alert(1)</script>",
    "pdf": lambda: b"%PDF-1.7\n",
    "an object": lambda: json.dumps({"@context": "https://www.w3.org/ns/activitystreams", "type": "Person"}).encode(),
    "zip": lambda: b"PK\x03\x04" + b"\0" * 100,
    "heic": lambda: b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 200,
    "tiff": lambda: picture("TIFF"),
    "bmp": lambda: picture("BMP"),
    "truncated jpeg": lambda: photograph()[:900],
    "truncated png": lambda: picture(size=(900, 900))[:200],
    "only the start of a png": lambda: b"\x89PNG\r\n\x1a\n",
    "only the start of a webp": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "a claim of 50000 x 50000": lambda: claiming(50_000, 50_000),
    "a claim of 2147483647": lambda: claiming(2**31 - 1, 2**31 - 1),
    "no width": lambda: claiming(0, 100),
    "a bomb": bomb,
    "moving webp": lambda: animation("WEBP"),
    "moving png": lambda: animation("PNG"),
    "moving gif too large": lambda: animation("GIF", 2, (1400, 1000)),
    "gif that calls itself png": lambda: b"\x89PNG\r\n\x1a\n" + animation()[6:],
}


@pytest.mark.alike
@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_image_or_a_hostile_one_is_refused_and_leaves_nothing(world: ApiWorld, name: str) -> None:
    async with world.client("anna") as anna:
        reason = await refused(anna, HOSTILE[name]())
        assert reason.startswith("Validation failed")
        await asyncio.gather(*uploading._begun)
        assert kept(world) == []


@pytest.mark.once
async def test_an_image_with_something_hidden_behind_it_loses_it(world: ApiWorld) -> None:
    hidden = b"<script>alert(1)</script>PK\x03\x04" + b'{"@context": "https://www.w3.org/ns/activitystreams"}'
    async with world.client("anna") as anna:
        for form in ("PNG", "JPEG", "GIF"):
            made = await send(anna, picture(form) + hidden, "../../x.json")
            content = (await read(anna, made["url"])).content
            assert b"script" not in content
            assert b"@context" not in content


@pytest.mark.once
async def test_neither_the_name_nor_the_type_that_is_sent_is_believed(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await anna.post("/api/v1/media", {"file": ("../../etc/x.html\x00.svg", picture(), "text/html")})
        answer = await read(anna, made["url"])
        assert answer.headers["content-type"] == "image/png"
        assert await refused(anna, b"<script>alert(1)</script>", "a.png", "image/png")


@pytest.mark.once
async def test_a_file_that_is_too_large_is_refused_before_it_is_looked_at(lived_in: Database, tmp_path: Path) -> None:
    small = Settings(origin=ORIGIN, data_dir=str(tmp_path), media_max_image_bytes=1000, media_max_video_bytes=2000)
    world = ApiWorld(lived_in, settings=small)
    async with world.client("anna") as anna:
        assert "smaller than" in await refused(anna, picture(size=(900, 900)) + b"\0" * 1000)
        much = {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 1_000_000, "image/png")}
        assert (await anna.call("POST", "/api/v2/media", files=much)).status_code == 413
        assert kept(world) == []


async def test_without_a_file_there_is_nothing_to_take(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        for how in ({"data": {"description": "x"}}, {"json": {"file": "x"}}, {"data": {"file": "x"}}):
            await anna.refused(422, "POST", "/api/v2/media", **how)


async def test_nobody_without_an_account_sends_files(world: ApiWorld) -> None:
    files = {"file": ("a.png", picture(), "image/png")}
    async with world.client() as nobody, world.client("anna", scopes="read write:statuses") as reader:
        await nobody.refused(401, "POST", "/api/v2/media", files=files)
        await reader.refused(403, "POST", "/api/v2/media", files=files)
    assert kept(world) == []


async def test_two_who_work_on_a_file_at_once_make_it_once(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.api.media.QUICK", 0.0)
    monkeypatch.setattr("server.media.uploading._begin", lambda work: work.close())
    made: list[int] = []
    before = processing.make

    async def make(store: Any, source: Path, id: int, wanted: str = "picture") -> Any:
        made.append(id)
        return await before(store, source, id, wanted)

    monkeypatch.setattr(processing, "make", make)
    async with world.client("anna") as anna:
        sent = await anna.post("/api/v2/media", {"file": ("a.png", picture(), "image/png")})
        store = Store.of(world.settings)
        await asyncio.gather(*(processing.work(world.database, store, int(sent["id"])) for _ in range(3)))
        assert made == [int(sent["id"])]
        assert (await anna.get(f"/api/v1/media/{sent['id']}"))["url"]


async def test_a_file_on_which_everybody_dies_is_given_up(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.api.media.QUICK", 0.0)
    monkeypatch.setattr("server.media.uploading._begin", lambda work: work.close())

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(processing, "make", die)
    async with world.client("anna") as anna:
        sent = await anna.post("/api/v2/media", {"file": ("a.png", picture(), "image/png")})
        store = Store.of(world.settings)
        for _ in range(media.ATTEMPTS):
            with pytest.raises(asyncio.CancelledError):
                await processing.work(world.database, store, int(sent["id"]))
        await processing.work(world.database, store, int(sent["id"]))
        await anna.refused(422, "GET", f"/api/v1/media/{sent['id']}")


@pytest.mark.once
@pytest.mark.usefixtures("ffmpeg")
async def test_a_gif_that_moves_becomes_a_film_without_sound(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await send(anna, animation(), "a.gif")
        assert made["type"] == "gifv"
        assert made["url"].endswith(".mp4")
        assert made["meta"]["original"]["width"] == 64
        assert made["meta"]["duration"] == pytest.approx(0.4, abs=0.15)
        assert (await read(anna, made["url"])).headers["content-type"] == "video/mp4"
        assert Image.open(io.BytesIO((await read(anna, made["preview_url"])).content)).size == (64, 48)
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": made["id"]})
        assert status["media_attachments"] == [made]


@pytest.mark.once
async def test_without_ffmpeg_films_sounds_and_moving_gifs_are_refused(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filming, "tools", lambda: None)
    async with world.client("anna") as anna:
        assert "Animated images are not supported here" in await refused(anna, animation())
        assert "not supported" in await refused(anna, b"\x00\x00\x00\x18ftypisom" + b"\0" * 100)
        assert "not supported" in await refused(anna, b"ID3\x03" + b"\0" * 100)
        told = await anna.get("/api/v2/instance")
        types = told["configuration"]["media_attachments"]["supported_mime_types"]
        assert "image/png" in types
        assert not [one for one in types if not one.startswith("image/")]


@pytest.mark.alike
@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize(("codec", "end"), [("libx264", "mp4"), ("libx264", "mov"), ("libvpx", "webm")])
async def test_a_film_is_made_one_that_all_can_play_and_loses_its_place(
    world: ApiWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, end: str
) -> None:
    monkeypatch.setattr("server.api.media.QUICK", 0.0)
    async with world.client("anna") as anna:
        answer = await film_sent(world, anna, film(tmp_path, codec=codec, end=end))
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert made["type"] == "video"
        assert made["meta"]["original"]["frame_rate"] == "10/1"
        assert made["meta"]["length"].startswith("0:00:0")
        content = (await read(anna, made["url"])).content
        assert content[4:8] == b"ftyp"
        for secret in (b"+55.6761", b"hemmelig"):
            assert secret not in content
        assert (await read(anna, made["preview_url"])).headers["content-type"] == "image/png"
        assert len(made["blurhash"]) == 28


@pytest.mark.alike
@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("end", ["mp3", "ogg", "flac", "wav", "m4a"])
async def test_a_sound_becomes_an_mp3_without_its_title(
    world: ApiWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("server.api.media.QUICK", 0.0)
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, tone(tmp_path, end), f"a.{end}")).json()
        assert made["type"] == "audio"
        assert made["preview_url"] is None
        assert made["meta"]["original"]["duration"] == pytest.approx(1, abs=0.2)
        answer = await read(anna, made["url"])
        assert answer.headers["content-type"] == "audio/mpeg"
        assert b"hemmelig" not in answer.content


@pytest.mark.once
@pytest.mark.usefixtures("ffmpeg")
async def test_a_playlist_that_calls_itself_a_film_reads_no_file_of_ours(
    world: ApiWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.api.media.QUICK", 0.0)
    secret = tmp_path / "secret.txt"
    secret.write_text("hemmelig")
    playlist = f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    async with world.client("anna") as anna:
        assert "not supported" in await refused(anna, playlist, "a.mp4", "video/mp4")
        for start in (b"\x00\x00\x00\x18ftypisom", b"ID3\x03\x00\x00\x00\x00\x00\x00", b"OggS", b"\x1a\x45\xdf\xa3"):
            answer = await film_sent(world, anna, start + b"\n" + playlist)
            assert answer.status_code == 422
    assert [path for path in (world.settings.data_path / "media").rglob("*") if path.is_file()] == []
