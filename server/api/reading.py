"""How far somebody has read, and his direct conversations."""

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from models import conversations, markers
from models.actors import Actor
from server.api import show_conversations
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.reading import Conversation, Marker
from server.api.paging import Page
from server.api.times import stamp


class Asked(msgspec.Struct, kw_only=True):
    """Of which timelines."""

    timeline: list[Literal["home", "notifications"]] = []


class Place(msgspec.Struct, kw_only=True):
    """How far a timeline was read."""

    last_read_id: Id


class Places(msgspec.Struct, kw_only=True):
    """How far each timeline was read; what is not sent stays."""

    home: Place | None = None
    notifications: Place | None = None


def _shown(row: markers.Marker) -> Marker:
    return Marker(last_read_id=str(row.last_read_id), version=row.version, updated_at=stamp(row.updated_at))


@endpoint("read:statuses", Asked, dict[str, Marker])
async def markers_of(call: Call, args: Asked) -> dict[str, Marker]:
    """`GET /api/v1/markers`: by timeline; what was never set is left out."""
    found = await call.read(lambda db: markers.of(db, call.me.id, args.timeline))
    return {name: _shown(row) for name, row in found.items()}


@endpoint("write:statuses", Places, dict[str, Marker])
async def set_markers(call: Call, args: Places) -> dict[str, Marker]:
    """`POST /api/v1/markers`: answers those that were set; 409 when another client did so in the same moment."""

    def write(db: Session, me: Actor) -> dict[str, Marker]:
        wanted = {"home": args.home, "notifications": args.notifications}
        return {
            name: _shown(markers.put(db, me.id, name, place.last_read_id))
            for name, place in wanted.items()
            if place is not None
        }

    return await call.write(write)


@endpoint("read:statuses", Paged, Page[Conversation])
async def conversations_of(call: Call, args: Paged) -> Page[Conversation]:
    """`GET /api/v1/conversations`: by their last status, newest first, which is also the cursor."""

    def look(db: Session) -> Page[Conversation]:
        found = conversations.page(db, call.me, args.window())
        return Page.of(show_conversations.several(db, call.me, found), [row.last_id for row, _ in found])

    return await call.read(look)


@endpoint("write:conversations", Nothing, Conversation)
async def read(call: Call, args: Nothing) -> Conversation:
    """`POST /api/v1/conversations/{id}/read`."""
    return await _set(call, unread=False)


@endpoint("write:conversations", Nothing, Conversation)
async def unread(call: Call, args: Nothing) -> Conversation:
    """`POST /api/v1/conversations/{id}/unread`."""
    return await _set(call, unread=True)


async def _set(call: Call, *, unread: bool) -> Conversation:
    def write(db: Session, me: Actor) -> Conversation:
        found = conversations.get(db, me, call.path())
        conversations.set_unread(db, found[0], unread)
        return show_conversations.several(db, me, [found])[0]

    return await call.write(write)


@endpoint("write:conversations", Nothing, dict[str, str])
async def remove(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/conversations/{id}`: off the caller's list; the statuses stay."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        conversations.remove(db, conversations.get(db, me, call.path())[0])
        return {}

    return await call.write(write)
