"""Taking in what somebody sends: onto the disk, judged by its first bytes, and its work begun."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile

from federation.crossing import in_thread, reading, writing
from models import media
from models.base import new_id, now
from models.database import Database
from models.errors import Invalid, Unavailable
from models.media import Made, Media, Purpose, State, Thumbnail
from server.media import processing
from server.media.kinds import HEAD, sniff
from server.media.limits import PICTURE_BYTES, check, limits
from server.media.store import BLOCK, Store
from server.settings import Settings

SOON = timedelta(seconds=30)
"""After this the worker does what the door began and did not end."""

BREATH = 0.05
_begun: set[asyncio.Task[None]] = set()


async def take(
    database: Database,
    settings: Settings,
    account_id: int,
    upload: UploadFile,
    *,
    description: str = "",
    focus: tuple[float, float] | None = None,
    thumbnail: UploadFile | None = None,
) -> Media:
    """Keep an upload for a post and begin the work on it. Raises Invalid for what is not taken here.

    `thumbnail`: the picture that is to stand for a film or a sound.
    """
    store = Store.of(settings)
    rules = await in_thread(lambda: limits(settings))
    sniffed = check(rules, sniff(await _head(upload)), _size(upload))
    at_once = sniffed.kind == "image"
    id = new_id()
    chosen = None
    if thumbnail is not None:
        media.takes_thumbnail(sniffed.kind)
        chosen = await shown_by(settings, id, thumbnail.file, _size(thumbnail))
    name = await in_thread(lambda: _keep(store, upload.file))
    try:
        await in_thread(lambda: store.share_upload(name))
        row = await writing(
            database,
            lambda db: media.create(
                db,
                account_id,
                sniffed.kind,
                name,
                id=id,
                description=description,
                focus=focus,
                thumbnail=chosen,
                run_at=now() + SOON if at_once else None,
            ),
        )
    except BaseException:
        with suppress(Unavailable):  # what stays in a bucket that does not answer is swept away
            await asyncio.shield(in_thread(lambda: store.remove(chosen.files if chosen is not None else [], [name])))
        raise
    if at_once:
        _begin(processing.work(database, store, row.id))
    elif store.shared:
        await in_thread(lambda: store.upload(name).unlink(missing_ok=True))  # any machine's worker may take it up
    return row


def _begin(work: Coroutine[Any, Any, None]) -> None:
    """Let it go on while the answer is given; if this process ends before it does, the job is still there."""
    task = asyncio.create_task(work)
    _begun.add(task)
    task.add_done_callback(_ended)


def _ended(task: "asyncio.Task[None]") -> None:
    _begun.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        processing.log.warning("the work on an upload was interrupted, and a job takes it up: %r", error)


async def settled(database: Database, account_id: int, id: int, seconds: float) -> Media:
    """The row as soon as its work has ended, or as it is after so many seconds. Raises NotFound."""
    until = time.monotonic() + seconds
    while True:
        row = await reading(database, lambda db: media.mine(db, account_id, id))
        if row.state in {State.READY, State.FAILED} or time.monotonic() > until:
            return row
        await asyncio.sleep(BREATH)


async def picture(database: Database, settings: Settings, upload: UploadFile, purpose: Purpose) -> tuple[int, Made]:
    """A picture of a profile, cut to size and kept, and the id its row is to have.

    `media.set_picture` makes it somebody's; if that fails, `discard` it. Raises Invalid.
    """
    store = Store.of(settings)
    rules = await in_thread(lambda: limits(settings))
    size = _size(upload)
    sniffed = check(rules, sniff(await _head(upload)), size)
    if sniffed.kind != "image":
        raise Invalid("Validation failed: the picture has to be an image", code="file_kind")
    if size > PICTURE_BYTES:
        raise Invalid(f"Validation failed: a picture has at most {PICTURE_BYTES // 1_000_000} MB", code="file_large")
    id = new_id()
    async with _at_work(store, upload.file) as source:
        return id, await processing.make(store, source, id, purpose.value)


async def shown_by(settings: Settings, id: int, content: BinaryIO, size: int) -> Thumbnail:
    """A picture of so many bytes that is to stand for the film or sound with this id, made and kept.

    `media.show_by` makes it that; if that fails, `discard` it. Raises Invalid.
    """
    if size > PICTURE_BYTES:
        raise Invalid(
            f"Validation failed: a thumbnail has at most {PICTURE_BYTES // 1_000_000} MB", code="thumbnail_unfit"
        )
    store = Store.of(settings)
    async with _at_work(store, content) as source:
        return await processing.thumbnail(store, source, id)


@asynccontextmanager
async def _at_work(store: Store, content: BinaryIO) -> AsyncIterator[Path]:
    """An upload on the disk when it is its turn; gone afterwards. Raises Invalid where the work on it is refused."""
    name = await in_thread(lambda: _keep(store, content))
    try:
        async with processing.turns():
            yield store.upload(name)
    except processing.Refused as refused:
        raise Invalid(f"Validation failed: {refused}", code="file_unfit") from None
    finally:
        await in_thread(lambda: store.upload(name).unlink(missing_ok=True))


async def discard(settings: Settings, made: Made | Thumbnail) -> None:
    """Remove files that became nobody's."""
    with suppress(Unavailable):  # they stay, which harms nobody, and the first error is the one to be told
        await in_thread(lambda: Store.of(settings).remove(made.files))


async def _head(upload: UploadFile) -> bytes:
    head = await upload.read(HEAD)
    await upload.seek(0)
    return head


def _size(upload: UploadFile) -> int:
    return upload.size or 0


def _keep(store: Store, content: BinaryIO) -> str:
    """Write an upload to the disk, for the job that may have to take it up after a crash."""
    name, place = store.new_upload()
    try:
        content.seek(0)
        with place.open("xb") as out:
            shutil.copyfileobj(content, out, BLOCK)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise
    return name
