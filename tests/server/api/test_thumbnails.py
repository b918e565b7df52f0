"""Pictures that stand for films and sounds, chosen by who sends them."""

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.database import Database
from server.media.limits import PICTURE_BYTES
from server.settings import Settings
from tests.server.api.files import film_sent, kept, run_jobs
from tests.server.apps import ORIGIN, Api, ApiWorld
from tests.server.pictures import animation, film, photograph, picture, tone

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("ffmpeg")]


@pytest.fixture
def world(lived_in: Database, tmp_path: Path) -> ApiWorld:
    return ApiWorld(lived_in, settings=Settings(origin=ORIGIN, data_dir=str(tmp_path), contact_email="t@a.example"))


def sent_as(content: bytes) -> dict[str, Any]:
    return {"thumbnail": ("b.png", content, "image/png")}


async def pixels(api: Api, url: str) -> tuple[int, int]:
    """The size of a picture as a browser gets it."""
    answer = await api.http.get(url)
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content)).size


async def test_a_film_is_shown_by_the_picture_sent_with_it(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, film(tmp_path), **sent_as(picture(size=(50, 50))))).json()
        assert (made["type"], await pixels(anna, made["preview_url"])) == ("video", (50, 50))
        assert made["meta"]["small"] == {"width": 50, "height": 50, "size": "50x50", "aspect": 1.0}
        assert made["meta"]["original"]["width"] == 160
        await run_jobs(world)
        names = {made[name].rpartition("/")[2] for name in ("url", "preview_url")}
        assert set(kept(world)) == names  # the picture out of the film is not kept beside it
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": made["id"]})
        assert status["media_attachments"] == [made]


async def test_a_sound_has_a_picture_only_if_one_was_sent(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, tone(tmp_path), "a.mp3", **sent_as(picture(size=(64, 48))))).json()
        assert (made["type"], await pixels(anna, made["preview_url"])) == ("audio", (64, 48))
        assert made["meta"]["small"]["size"] == "64x48"
        assert len(made["blurhash"]) == 28


@pytest.mark.once
async def test_where_the_picture_was_taken_is_gone(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, film(tmp_path), **sent_as(photograph()))).json()
        content = (await anna.http.get(made["preview_url"])).content
        assert b"emmelig" not in content
        assert not Image.open(io.BytesIO(content)).getexif()


async def test_another_picture_takes_the_place_of_the_first_which_goes(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, film(tmp_path))).json()
        changed = await anna.put(f"/api/v1/media/{made['id']}", files=sent_as(picture(size=(50, 50))))
        assert await pixels(anna, changed["preview_url"]) == (50, 50)
        assert changed["url"] == made["url"]
        await run_jobs(world)
        assert (await anna.http.get(made["preview_url"])).status_code == 404


async def test_an_edit_brings_another_picture_as_an_address(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna:
        made = (await film_sent(world, anna, film(tmp_path))).json()
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": made["id"]})
        written = {"id": made["id"], "thumbnail": address(picture(size=(50, 50)))}
        body = {"status": "y", "media_ids": [made["id"]], "media_attributes": [written]}
        edited = (await anna.call("PUT", f"/api/v1/statuses/{status['id']}", json=body)).json()
        (after,) = edited["media_attachments"]
        assert await pixels(anna, after["preview_url"]) == (50, 50)
        assert after["url"] == made["url"]


def address(content: bytes) -> str:
    return f"data:image/png;base64,{b64encode(content).decode()}"


BAD = {
    "no picture": b"<script>alert(1)</script>",
    "nothing": b"",
    "one that moves": animation(),
    "half of one": picture(size=(900, 900))[:200],
    "one too large": picture() + bytes(PICTURE_BYTES),
}


@pytest.mark.alike
@pytest.mark.parametrize("what", BAD)
async def test_what_is_no_thumbnail_is_refused_and_leaves_nothing(world: ApiWorld, tmp_path: Path, what: str) -> None:
    async with world.client("anna") as anna:
        files = {"file": ("a.mp4", film(tmp_path), "video/mp4"), **sent_as(BAD[what])}
        error = await anna.refused(422, "POST", "/api/v2/media", files=files)
        assert error["error"].startswith("Validation failed")
        assert kept(world) == []


async def test_an_image_is_its_own_picture(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        files = {"file": ("a.png", picture(), "image/png"), **sent_as(picture())}
        error = await anna.refused(422, "POST", "/api/v2/media", files=files)
        assert error["error"] == "Validation failed: Thumbnail must be blank"
        assert kept(world) == []


async def test_what_cannot_be_changed_keeps_its_picture_and_no_new_one_stays(world: ApiWorld, tmp_path: Path) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = (await film_sent(world, anna, film(tmp_path))).json()
        image = await anna.post("/api/v1/media", {"file": ("a.png", picture(), "image/png")})
        status = await anna.post("/api/v1/statuses", status="x", **{"media_ids[]": made["id"]})
        await run_jobs(world)
        before = kept(world)
        there, good = f"/api/v1/statuses/{status['id']}", address(picture())
        await birk.refused(404, "PUT", f"/api/v1/media/{image['id']}", files=sent_as(picture()))
        await anna.refused(404, "PUT", f"/api/v1/media/{made['id']}", files=sent_as(picture()))
        await anna.refused(422, "PUT", f"/api/v1/media/{image['id']}", files=sent_as(picture()))

        def edit(*files: dict[str, str], text: str = "y") -> dict[str, Any]:
            return {"json": {"status": text, "media_attributes": list(files), "media_ids": [made["id"]]}}

        film_too = {"id": made["id"], "thumbnail": good}
        await anna.refused(422, "PUT", there, **edit(film_too, {"id": image["id"], "thumbnail": good}))
        await anna.refused(404, "PUT", there, **edit(film_too, {"id": "17", "thumbnail": good}))
        await anna.refused(422, "PUT", there, **edit(film_too, text="y" * 50_001))
        for bad in ("http://a.example/b.png", "data:image/png,x", "data:image/png;base64,!", "data:;base64,"):
            await anna.refused(422, "PUT", there, **edit({"id": made["id"], "thumbnail": bad}))
        await birk.refused(404, "PUT", there, **edit(film_too))
        await run_jobs(world)
        assert kept(world) == before
        assert (await anna.get(there))["media_attachments"] == [made]
