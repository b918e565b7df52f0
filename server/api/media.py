"""Files for posts: sent first, described, and named by the post that is written then."""

import asyncio
import math
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import BinaryIO

import msgspec
from sqlalchemy.orm import Session

from models import media
from models.actors import Actor
from models.errors import Conflict, Invalid, NotFound
from models.media import Media, State, Thumbnail
from server.api.arguments import Nothing
from server.api.calls import Call, Reply, endpoint
from server.api.entities.statuses import MediaAttachment
from server.api.show_attachments import uploaded
from server.media import uploading

QUICK = 1.5
"""Seconds for which the answer to an upload waits for the work on it."""

PATIENT = 60.0
"""The same in the first version, which knows no files that are being worked on."""

FOCUS = re.compile(r"\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*")


class Uploading(msgspec.Struct, kw_only=True):
    """What comes with a file, which is sent as `file` (multipart). `focus`: two numbers from -1 to 1, as `0.5,-0.2`."""

    description: str | None = None
    focus: str | None = None


def focus_of(text: str | None) -> tuple[float, float] | None:
    """A focus as clients write it; None if they write none. Raises Invalid."""
    if text is None or not text.strip():
        return None
    parsed = FOCUS.fullmatch(text)
    if parsed is None:
        raise Invalid("The focus is two numbers from -1 to 1 with a comma between", code="focus_unfit")
    x, y = float(parsed[1]), float(parsed[2])
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


@endpoint("write:media", Uploading, MediaAttachment, costly=True)
async def upload(call: Call, args: Uploading) -> Reply:
    """`POST /api/v2/media`: send a file (`file`, multipart), and with a film or a sound the picture that stands for it
    (`thumbnail`). 200 if it is ready, 202 with `url: null` if it is still being worked on, as films and sounds are."""
    row = await _taken(call, args)
    if row.kind != "image":
        return Reply(uploaded(row, call.node.origin), 202)
    return _answer(call, await uploading.settled(call.database, call.me.id, row.id, QUICK), working=202)


@endpoint("write:media", Uploading, MediaAttachment, costly=True)
async def upload_first(call: Call, args: Uploading) -> Reply:
    """`POST /api/v1/media`: the same, and the answer waits until it is ready."""
    row = await _taken(call, args)
    return _answer(call, await uploading.settled(call.database, call.me.id, row.id, PATIENT), working=200)


async def _taken(call: Call, args: Uploading) -> Media:
    sent = call.files.get("file")
    if sent is None:
        raise Invalid("Validation failed: File can't be blank", code="file_missing")
    return await uploading.take(
        call.database,
        call.settings,
        call.me.id,
        sent,
        description=args.description or "",
        focus=focus_of(args.focus),
        thumbnail=call.files.get("thumbnail"),
    )


def _answer(call: Call, row: Media, *, working: int) -> Reply:
    if row.state == State.FAILED:
        raise Invalid(f"Validation failed: {row.error}", code="file_unfit")
    return Reply(uploaded(row, call.node.origin), 200 if row.state == State.READY else working)


@endpoint("write:media", Nothing, MediaAttachment)
async def show(call: Call, args: Nothing) -> Reply:
    """`GET /api/v1/media/{id}`: one's own file; 206 while it is being worked on, 422 if it cannot be shown."""
    row = await call.read(lambda db: media.mine(db, call.me.id, call.path()))
    return _answer(call, row, working=206)


@endpoint("write:media", Uploading, MediaAttachment)
async def change(call: Call, args: Uploading) -> MediaAttachment:
    """`PUT /api/v1/media/{id}`: describe a file that stands in no post yet, or let another picture (`thumbnail`,
    multipart) stand for it. In a post that is a new edition of it."""
    id, focus = call.path(), focus_of(args.focus)
    sent = call.files.get("thumbnail")

    def loose(db: Session) -> Media:
        row = media.mine(db, call.me.id, id)
        if row.post_id is not None:
            raise NotFound("Record not found")
        return row

    kind = await call.read(lambda db: loose(db).kind)
    chosen = await thumbnail_of(call, id, kind, sent.file, sent.size or 0) if sent is not None else None

    def write(db: Session, me: Actor) -> MediaAttachment:
        row = loose(db)
        media.describe(row, args.description, focus)
        if chosen is not None:
            media.show_by(db, row, chosen)
        db.flush()
        return uploaded(row, call.node.origin)

    async with kept_if_used(call, [chosen] if chosen is not None else []):
        return await call.write(write)


def in_address(text: str) -> bytes:
    """What an address holds in itself (RFC 2397, in base64), as pictures come in JSON. Raises Invalid."""
    kind, _, held = text.partition(",")
    try:
        if not (kind.startswith("data:") and kind.endswith(";base64")):
            raise ValueError
        return b64decode(held, validate=True)
    except ValueError:
        raise Invalid("The thumbnail is no data: address in base64", code="thumbnail_unfit") from None


async def thumbnail_of(call: Call, id: int, kind: str, content: BinaryIO, size: int) -> Thumbnail:
    """A picture that is to stand for one of the caller's files. Raises Invalid."""
    media.takes_thumbnail(kind)
    return await uploading.shown_by(call.settings, id, content, size)


@asynccontextmanager
async def kept_if_used(call: Call, made: Collection[Thumbnail]) -> AsyncIterator[None]:
    """Remove pictures again if what was to use them fails."""
    try:
        yield
    except BaseException:
        for one in made:
            await asyncio.shield(uploading.discard(call.settings, one))
        raise


@endpoint("write:media", Nothing, dict[str, str], costly=True)
async def delete(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/media/{id}`: remove a file that stands in no post."""
    id = call.path()

    def write(db: Session, me: Actor) -> dict[str, str]:
        try:
            media.delete(db, me.id, id)
        except Conflict as error:
            raise Invalid(error.text, code=error.code) from None
        return {}

    return await call.write(write)
