"""Pictures on the pages: sent with a form that needs no scripts, shown with their words, in a place of their own."""

import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import arriving
from models.base import now
from models.database import Database
from models.jobs import Job
from models.media import Media
from models.posts import Post, Visibility
from server.settings import Settings
from tests.federation.elsewhere import remote as somebody
from tests.server.pictures import picture
from tests.server.visiting import ORIGIN, Browser, Visiting, question

pytestmark = pytest.mark.anyio
EMPTY = ("", b"", "application/octet-stream")
"""What browsers send for a field in which no file was chosen."""


@pytest.fixture
def site(lived_in: Database, tmp_path: Path) -> Visiting:
    return Visiting(lived_in, settings=Settings(origin=ORIGIN, data_dir=str(tmp_path)))


async def send(browser: Browser, path: str, files: dict[str, Any], **fields: str) -> httpx.Response:
    """A form with files, as a browser sends it: fields without a file come too."""
    chosen = {f"file{at}": files.get(f"file{at}", EMPTY) for at in range(1, 5)}
    return await browser.http.post(
        path,
        data={"token": browser.token, **fields},
        files=chosen,
        headers={"Accept": "text/html", "Origin": ORIGIN},
    )


def png(**how: Any) -> tuple[str, bytes, str]:
    return ("IMG_1.png", picture(**how), "image/png")


def uploads(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Media)) or 0


async def test_a_post_is_published_with_described_pictures(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        files = {"file1": png(size=(1000, 500)), "file3": png(mode="RGBA")}
        sent = await send(
            anna, "/post", files, text="Se her", visibility="public", language="da", alt1='En "rød" flade'
        )
        assert sent.status_code == 303, sent.text[-2000:]
        page = await anna.read(sent.headers["location"])
        images = re.findall(r"<img [^>]+>", page)
        assert len(images) == 2
        assert 'alt="En &#34;rød&#34; flade"' in images[0]
        assert 'width="715" height="357"' in images[0]
        assert 'loading="lazy"' in images[0]
        assert 'alt="Billede uden beskrivelse"' in images[1]
        shown = re.search(r'src="(https://a\.example/media/[^"]+)"', images[0])
        assert shown
        assert (await anna.http.get(shown[1])).headers["content-type"] == "image/png"


async def test_questions_answers_and_comments_can_have_pictures(site: Visiting) -> None:
    async with site.browser("birk") as birk:
        community = re.search(r'<option value="(\d+)">', await birk.read("/ask"))
        assert community
        asked = await send(
            birk, "/ask", {"file1": png()}, title="Hvem ejer bænken?", text="", community=community[1], language="da"
        )
        assert asked.status_code == 303, asked.text[-2000:]
        with site.database.reading() as db:
            id = question(db, "Hvem ejer bænken").id
        reply = await send(birk, f"/posts/{id}/reply", {"file1": png()}, text="", visibility="public", alt1="Bænken")
        assert reply.status_code == 303, reply.text[-2000:]
        page = await birk.read(asked.headers["location"])
        assert len(re.findall(r"<img ", page)) == 2
        assert 'alt="Bænken"' in page


async def test_a_file_that_is_no_picture_is_told_beside_its_field_and_the_text_stays(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        svg = ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/png")
        sent = await send(anna, "/post", {"file2": svg}, text="Min tekst", visibility="public", language="da")
        assert sent.status_code == 422
        assert "Min tekst" in sent.text
        assert 'id="file2-error"' in sent.text
        assert "Brug JPEG, PNG, WebP eller GIF" in sent.text
        broken = ("a.png", picture(size=(900, 900))[:200], "image/png")
        sent = await send(anna, "/post", {"file1": broken}, text="Min tekst", visibility="public", language="da")
        assert sent.status_code == 422
        assert "ødelagt" in sent.text


async def test_where_something_else_is_wrong_no_picture_is_taken_and_the_page_says_so(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        sent = await send(anna, "/post", {"file1": png()}, text="x", visibility="secret", language="da")
        assert sent.status_code == 422
        assert "Vælg dine billeder igen" in sent.text
    assert uploads(site.database) == 0


async def test_who_is_not_signed_in_sends_no_files(site: Visiting) -> None:
    async with site.browser() as nobody:
        await nobody.take_token("/sign-in")
        sent = await send(nobody, "/post", {"file1": png()}, text="x", visibility="public")
        assert sent.status_code in {400, 401, 403}
    assert uploads(site.database) == 0


async def test_forms_that_take_no_files_stay_small(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        large = {"file1": ("a.png", b"\0" * 900_000, "image/png")}
        assert (await send(anna, "/follow", large, q="x")).status_code == 413
        assert (await send(anna, "/post", large, text="x", visibility="public", language="da")).status_code == 422


async def test_pictures_of_other_servers_are_read_here_and_say_where_they_are_from(site: Visiting) -> None:
    def write(db: Session) -> int:
        there = somebody(db, "by.example", "vera")
        files: list[dict[str, Any]] = [
            {"type": "Document", "url": "https://by.example/a.png", "media_type": "image/png", "name": "<b>Hane</b>"},
            {"type": "Document", "url": "https://by.example/a.svg", "media_type": "image/svg+xml", "name": "Tegning"},
            {"type": "Document", "url": "https://by.example/a.mp4", "media_type": "video/mp4", "width": 64, "height": 48},
            {"type": "Link", "url": "https://www.dr.dk/", "name": "DR"},
        ]  # fmt: skip
        made = arriving.RemotePost(
            "https://by.example/p/9", there, Visibility.PUBLIC, now(), content="<p>Se</p>", attachments=files
        )
        return arriving.record_remote(db, made)[0].id

    id = site.database.write(write)
    async with site.browser() as nobody:
        page = await nobody.read(f"/p/{id}")
        assert re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)[0][1] == "&lt;b&gt;Hane&lt;/b&gt;"
        sources = re.findall(r'(?:src|poster)="([^"]+)"', page)
        assert [one for one in sources if one.startswith(f"{ORIGIN}/media/remote/p-")]
        assert not [one for one in sources if "by.example" in one]
        assert "Fra by.example" in page
        assert '<video controls preload="none"' in page
        assert 'href="https://www.dr.dk/"' in page
        assert 'href="https://by.example/a.svg"' in page


async def test_pictures_behind_a_warning_are_shown_when_the_reader_wants_it(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        sent = await send(
            anna, "/post", {"file1": png()}, text="x", summary="Edderkop", visibility="public", language="da"
        )
        page = await anna.read(sent.headers["location"])
        assert re.search(r"<details[^>]*><summary>Vis 1 fil</summary>\s*<div class=\"pictures\">", page)
    with site.database.reading() as db:
        assert db.scalars(select(Post).order_by(Post.id.desc())).first().sensitive  # type: ignore[union-attr]


async def test_pictures_of_a_profile_are_cut_to_size_told_to_others_and_removed(site: Visiting) -> None:
    async with site.browser("anna") as anna:
        fields = {"name": "Anna", "bio": "", "language": "da"}

        async def save(files: dict[str, Any], **more: str) -> httpx.Response:
            sent = {"avatar": files.get("avatar", EMPTY), "header": files.get("header", EMPTY)}
            return await anna.http.post(
                "/settings", data={"token": anna.token, **fields, **more}, files=sent, headers={"Origin": ORIGIN}
            )

        assert (await save({"avatar": png(size=(900, 300)), "header": png()})).status_code == 303
        page = await anna.read("/settings")
        shown = dict(zip(("avatar", "header"), re.findall(r'<img src="([^"]+)"', page), strict=True))
        for which, size in (("avatar", (400, 400)), ("header", (1500, 500))):
            answer = await anna.http.get(shown[which])
            assert Image.open(io.BytesIO(answer.content)).size == size
        document = await anna.http.get("/u/anna", headers={"Accept": "application/activity+json"})
        assert document.json()["icon"] == {"type": "Image", "mediaType": "image/png", "url": shown["avatar"]}
        assert (await save({})).status_code == 303
        assert shown["avatar"] in await anna.read("/settings")

        text = ("a.png", b"not a picture", "image/png")
        refused = await save({"avatar": text})
        assert refused.status_code == 422
        assert 'id="avatar-error"' in refused.text
        assert (await save({}, **{"no-avatar": "1"})).status_code == 303
        assert shown["avatar"] not in await anna.read("/settings")
    assert uploads(site.database) == 1
    with site.database.reading() as db:
        assert db.scalars(select(Job).where(Job.kind == "media_gone")).one().payload["files"]
