"""Statuses that wait for their time: listed, moved, cancelled. They are written with POST /api/v1/statuses."""

from datetime import UTC, datetime

import msgspec
from sqlalchemy.orm import Session

from models import media, scheduled
from models.actors import Actor
from models.database import node_of
from models.errors import Invalid
from models.scheduled import ScheduledPost
from server.api.arguments import Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.scheduled import ScheduledParams, ScheduledStatus
from server.api.paging import Page
from server.api.show_attachments import uploaded
from server.api.times import stamp

LAST_YEAR = 9000
"""Later than that no calendar here can count on."""


class Later(msgspec.Struct, kw_only=True):
    """The new time, ISO 8601; without a zone it is UTC."""

    scheduled_at: str = ""


def moment(text: str) -> datetime:
    """A time as clients write it. Raises Invalid."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("The scheduled date is no date and time in ISO 8601.", code="time_unfit") from None
    if at.year > LAST_YEAR:
        raise Invalid("The scheduled date is too far away.", code="time_unfit")
    return at


def shown(db: Session, rows: list[ScheduledPost]) -> list[ScheduledStatus]:
    """Several of them as their author's clients see them."""
    return [
        ScheduledStatus(
            id=str(row.id),
            scheduled_at=stamp(row.scheduled_at),
            params=msgspec.convert(row.params, ScheduledParams),
            media_attachments=[
                uploaded(file, node_of(db).origin)
                for file in media.several(db, row.account_id, row.draft.get("media") or ())
            ],
        )
        for row in rows
    ]


@endpoint("read:statuses", Paged, Page[ScheduledStatus])
async def index(call: Call, args: Paged) -> Page[ScheduledStatus]:
    """`GET /api/v1/scheduled_statuses`: what of the caller waits."""

    def look(db: Session) -> Page[ScheduledStatus]:
        rows = scheduled.page(db, call.me.id, args.window())
        return Page.of(shown(db, rows), [row.id for row in rows])

    return await call.read(look)


@endpoint("read:statuses", Nothing, ScheduledStatus)
async def show(call: Call, args: Nothing) -> ScheduledStatus:
    """`GET /api/v1/scheduled_statuses/{id}`."""
    return await call.read(lambda db: shown(db, [scheduled.get(db, call.me.id, call.path())])[0])


@endpoint("write:statuses", Later, ScheduledStatus)
async def move(call: Call, args: Later) -> ScheduledStatus:
    """`PUT /api/v1/scheduled_statuses/{id}`: let it wait for another time."""
    status_id = call.path()
    await call.read(lambda db: scheduled.get(db, call.me.id, status_id))
    at = moment(args.scheduled_at)

    def write(db: Session, me: Actor) -> ScheduledStatus:
        return shown(db, [scheduled.move(db, me.id, status_id, at)])[0]

    return await call.write(write)


@endpoint("write:statuses", Nothing, dict[str, str])
async def cancel(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/scheduled_statuses/{id}`: it will not be published."""
    status_id = call.path()

    def write(db: Session, me: Actor) -> dict[str, str]:
        scheduled.cancel(db, me.id, status_id)
        return {}

    return await call.write(write)
