"""Announcements of the administrators: reading, dismissing, reacting."""

import msgspec
from sqlalchemy.orm import Session

from models import announcements
from models.actors import Actor
from server.api import show_announcements
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.announcements import Announcement


class Asked(msgspec.Struct, kw_only=True):
    """Whether those the caller has dismissed are wanted too."""

    with_dismissed: bool = False


@endpoint(None, Asked, list[Announcement])
async def current(call: Call, args: Asked) -> list[Announcement]:
    """`GET /api/v1/announcements`: what the caller should know now, oldest first."""

    def look(db: Session) -> list[Announcement]:
        rows = announcements.current(db, call.me.id, with_dismissed=args.with_dismissed)
        return show_announcements.several(db, call.me.id, rows)

    return await call.read(look)


@endpoint("write:accounts", Nothing, dict[str, str])
async def dismiss(call: Call, args: Nothing) -> dict[str, str]:
    """`POST /api/v1/announcements/{id}/dismiss`: read; twice is once."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        announcements.dismiss(db, me.id, announcements.get(db, call.path()))
        return {}

    return await call.write(write)


@endpoint("write:favourites", Nothing, dict[str, str])
async def react(call: Call, args: Nothing) -> dict[str, str]:
    """`PUT /api/v1/announcements/{id}/reactions/{name}`: an emoji below it; twice is once."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        announcements.react(db, me.id, announcements.get(db, call.path()), call.path_text("name"))
        return {}

    return await call.write(write)


@endpoint("write:favourites", Nothing, dict[str, str])
async def unreact(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/announcements/{id}/reactions/{name}`: take it back."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        announcements.unreact(db, me.id, announcements.get(db, call.path()), call.path_text("name"))
        return {}

    return await call.write(write)
