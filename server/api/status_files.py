"""What the edit of a status says anew of its files: descriptions, focus, pictures."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import msgspec
from sqlalchemy.orm import Session

from models import media
from models.actors import Actor
from models.errors import NotFound
from models.media import Media, Thumbnail
from models.posts import Draft, Post
from server.api.arguments import Id
from server.api.calls import Call
from server.api.media import focus_of, in_address, kept_if_used, thumbnail_of


class FileWritten(msgspec.Struct, kw_only=True):
    """What is said anew of a file in a status. `thumbnail`: another picture for a film or sound, as a `data:` address."""

    id: Id
    description: str | None = None
    focus: str | None = None
    thumbnail: str | None = None


async def thumbnails(call: Call, said: list[FileWritten], find: Callable[[Session], Post]) -> dict[int, Thumbnail]:
    """The pictures sent with an edit, made and kept, by the id of the file each is for. `find` is the post.

    Raises NotFound or Invalid, and then nothing is kept.
    """
    made: dict[int, Thumbnail] = {}
    for one in said:
        if one.thumbnail and one.id not in made:
            async with kept_if_used(call, made.values()):
                made[one.id] = await _thumbnail(call, one.id, one.thumbnail, find)
    return made


async def _thumbnail(call: Call, id: int, address: str, find: Callable[[Session], Post]) -> Thumbnail:
    kind = await call.read(lambda db: _written(db, call.me, find(db), id).kind)
    content = in_address(address)
    return await thumbnail_of(call, id, kind, BytesIO(content), len(content))


def _written(db: Session, me: Actor, post: Post, id: int) -> Media:
    """One's own file that is in the post, or in none. Raises NotFound."""
    row = media.mine(db, me.id, id)
    if row.post_id not in {None, post.id}:
        raise NotFound("Record not found")
    return row


def described(
    db: Session, me: Actor, post: Post, draft: Draft, said: list[FileWritten], chosen: dict[int, Thumbnail]
) -> Draft:
    """Say anew what files show that are in the post, or are being put into it. Raises NotFound or Invalid."""
    for one in said:
        row = _written(db, me, post, one.id)
        media.describe(row, one.description, focus_of(one.focus))
        if one.id in chosen:
            media.show_by(db, row, chosen[one.id])
    db.flush()
    if draft.media is not None:
        return draft
    return replace(draft, media=tuple(row.id for row in media.of_post(db, post.id)))
