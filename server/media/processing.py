"""From an upload to what is shown. Whoever does the work, the door or the worker, takes it first, so that it is done once;
if he dies over it, the job comes again.
"""

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from federation.context import Federation
from federation.crossing import in_thread, reading, writing
from federation.working import Later, Run
from models import media
from models.database import Database
from models.errors import Unavailable
from models.media import Made, Thumbnail
from server.media import filming
from server.media.kinds import HEAD, MEDIA_TYPES, PNG, Sniffed, sniff
from server.media.limits import IMAGE_PIXELS
from server.media.programs import HERE, Bounds, Failed, run
from server.media.store import Store
from server.settings import Settings

log = logging.getLogger("torv.media")

PICTURE = Bounds(seconds=30, cpu=20, memory=1_500_000_000, file_bytes=60_000_000)
AT_ONCE = 2
"""Files worked on at once, per process: each takes a processor."""

PATIENCE = 20.0
"""Seconds a job waits for its turn before it goes back to the queue."""


class Refused(Exception):
    """The upload cannot be shown; the text is for who sent it."""


class _Turns:
    """Who may work now: a few at once, per event loop."""

    def __init__(self) -> None:
        self._kept: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    def __call__(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._kept is None or self._kept[0] is not loop:
            self._kept = (loop, asyncio.Semaphore(AT_ONCE))
        return self._kept[1]


turns = _Turns()


async def work(database: Database, store: Store, id: int, patience: float | None = None) -> None:
    """Make what is shown of an upload, if nobody has done it or does; afterwards its row says how it ended.

    Raises TimeoutError if its turn does not come in `patience` seconds.
    """
    async with asyncio.timeout(patience):
        await turns().acquire()
    try:
        row = await writing(database, lambda db: media.begin(db, id))
        if row is not None:
            await _work(database, store, id, row.upload)
    finally:
        turns().release()


async def _work(database: Database, store: Store, id: int, upload: str) -> None:
    try:
        source = await in_thread(lambda: store.bring_upload(upload))
        made = await make(store, source, id)
    except Refused as refused:
        why = str(refused)
        await writing(database, lambda db: media.fail(db, id, why))
    except Unavailable:
        await writing(database, lambda db: media.release(db, id, untried=True))
        raise
    except BaseException:
        await asyncio.shield(writing(database, lambda db: media.release(db, id)))
        raise
    else:
        if not await writing(database, lambda db: media.finish(db, id, made)):
            await in_thread(lambda: store.remove(made.files))
    await in_thread(lambda: store.remove([], [upload]))


def jobs(settings: Settings) -> Mapping[str, Run]:
    """The work on files that models promise."""
    store = Store.of(settings)

    async def process(fed: Federation, payload: dict[str, Any]) -> None:
        id = int(payload["media"])
        try:
            await work(fed.database, store, id, PATIENCE)
        except TimeoutError:
            raise Later(20.0) from None
        if await reading(fed.database, lambda db: media.under_way(db, id)):
            raise Later(60.0)

    async def remove(fed: Federation, payload: dict[str, Any]) -> None:
        await in_thread(lambda: store.remove(payload.get("files", ()), payload.get("uploads", ())))

    return {"media": process, "media_gone": remove}


async def make(store: Store, source: Path, id: int, wanted: str = "picture") -> Made:
    """Make the files of an upload and keep them. `wanted` is `picture`, or `avatar` or `header`, which are cut to size.

    Raises Refused.
    """
    try:
        head = await in_thread(lambda: _head(source))
    except OSError:
        raise Refused("The upload was lost; send it again") from None
    sniffed = sniff(head)
    if sniffed is None:
        raise Refused("The kind of file is not supported")
    async with _workshop(store) as folder:
        try:
            if sniffed.kind == "image":
                return await _image(store, source, sniffed, id, folder, wanted)
            if wanted != "picture":
                raise Refused("This has to be an image")
            return await _film(store, source, sniffed, id, folder)
        except filming.Refused as refused:
            raise Refused(str(refused)) from None


async def thumbnail(store: Store, source: Path, id: int) -> Thumbnail:
    """The picture that is to stand for a film or a sound, made and kept. Raises Refused."""
    sniffed = await in_thread(lambda: sniff(_head(source)))
    if sniffed is None or sniffed.kind != "image":
        raise Refused("The thumbnail has to be an image")
    async with _workshop(store) as folder:
        pictured = await _picture(source, sniffed.decoder, folder, "preview")
        if pictured.get("animated"):
            raise Refused("A thumbnail cannot be animated")
        return await in_thread(lambda: _small(store, pictured, id, folder))


def _small(store: Store, pictured: dict[str, Any], id: int, folder: Path) -> Thumbnail:
    """Keep the small one of the pictures that were made."""
    small = pictured["small"]
    file = store.keep(folder / small["file"], id, small["extension"])
    return Thumbnail(file, small["width"], small["height"], pictured["blurhash"])


def _head(source: Path) -> bytes:
    with source.open("rb") as content:
        return content.read(HEAD)


@asynccontextmanager
async def _workshop(store: Store) -> AsyncIterator[Path]:
    """A folder for unfinished work, on the disk of the finished."""
    store.uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(await in_thread(lambda: tempfile.mkdtemp(prefix="work-", dir=store.uploads)))
    try:
        yield folder
    finally:
        await in_thread(lambda: shutil.rmtree(folder, ignore_errors=True))


async def _picture(source: Path, decoder: str, folder: Path, wanted: str) -> dict[str, Any]:
    wish = {
        "source": str(source), "decoder": decoder, "folder": str(folder), "as": wanted, "max_pixels": IMAGE_PIXELS,
    }  # fmt: skip
    program = [sys.executable, "-P", str(HERE / "picturing.py"), msgspec.json.encode(wish).decode()]
    try:
        made: dict[str, Any] = msgspec.json.decode(await run(program, PICTURE))
    except (Failed, msgspec.DecodeError) as error:
        log.info("a picture could not be read: %s", error)
        raise Refused("The image is damaged, or too large to be worked on") from None
    if "error" in made:
        raise Refused(made["error"])
    return made


async def _image(store: Store, source: Path, sniffed: Sniffed, id: int, folder: Path, wanted: str) -> Made:
    made = await _picture(source, sniffed.decoder, folder, wanted)
    if made.get("animated"):
        if wanted != "picture":
            raise Refused("A picture of a profile cannot be animated")
        return await _gif(store, source, sniffed, id, folder)
    return await in_thread(lambda: _kept(store, made, id, folder))


def _kept(store: Store, made: dict[str, Any], id: int, folder: Path) -> Made:
    whole = made["original"]
    place = folder / whole["file"]
    size = place.stat().st_size
    file = store.keep(place, id, whole["extension"])
    meta = {"original": {"width": whole["width"], "height": whole["height"]}}
    preview = ""
    if "small" in made:
        small = _small(store, made, id, folder)
        preview = small.file
        meta["small"] = {"width": small.width, "height": small.height}
    return Made("image", file, MEDIA_TYPES[whole["extension"]], size, preview, meta, made["blurhash"])


async def _gif(store: Store, source: Path, sniffed: Sniffed, id: int, folder: Path) -> Made:
    found = _tools("Animated images are not supported here")
    probed = await filming.probe(found, source, replace(sniffed, decoder="gif"))
    filming.check(probed)
    target = folder / "whole"
    await filming.film(found, source, replace(sniffed, decoder="gif"), probed, target, silent=True)
    return await _filmed(store, found, target, id, folder, "gifv")


async def _film(store: Store, source: Path, sniffed: Sniffed, id: int, folder: Path) -> Made:
    found = _tools("Videos and sounds are not supported here")
    probed = await filming.probe(found, source, sniffed)
    filming.check(probed)
    target = folder / "whole"
    if not probed.video:
        await filming.sound(found, source, sniffed, probed, target)
        return await in_thread(lambda: _sound(store, target, id, probed))
    if sniffed.kind == "audio":
        raise Refused("The file is damaged or not what it seems")
    await filming.film(found, source, sniffed, probed, target, silent=False)
    return await _filmed(store, found, target, id, folder, "video")


def _tools(otherwise: str) -> filming.Tools:
    found = filming.tools()
    if found is None:
        raise Refused(otherwise)
    return found


async def _filmed(store: Store, found: filming.Tools, target: Path, id: int, folder: Path, kind: str) -> Made:
    """Keep a finished film, with a picture of it."""
    own = Sniffed("video", "video/mp4", "mp4", "mov")
    probed = await filming.probe(found, target, own)
    shot = folder / "shot"
    await filming.still(found, target, probed, shot)
    pictured = await _picture(shot, PNG.decoder, folder, "preview")
    original = {
        "width": probed.width, "height": probed.height, "duration": probed.seconds,
        "fps": round(probed.fps, 3), "bitrate": probed.bitrate,
    }  # fmt: skip

    def keep() -> Made:
        size = target.stat().st_size
        file = store.keep(target, id, "mp4")
        small = _small(store, pictured, id, folder)
        meta = {"original": original, "small": {"width": small.width, "height": small.height}}
        return Made(kind, file, MEDIA_TYPES["mp4"], size, small.file, meta, small.blurhash)

    return await in_thread(keep)


def _sound(store: Store, target: Path, id: int, probed: filming.Probed) -> Made:
    size = target.stat().st_size
    file = store.keep(target, id, "mp3")
    original = {"duration": probed.seconds, "bitrate": probed.bitrate}
    return Made("audio", file, MEDIA_TYPES["mp3"], size, "", {"original": original})
