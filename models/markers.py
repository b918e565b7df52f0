"""Markers: how far somebody has read in a timeline, so that each of his clients goes on where another stopped."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import notifications
from models.base import Base, Id, UtcTime, insert_unless_there, now
from models.errors import Conflict

TIMELINES = ("home", "notifications")


class Marker(Base):
    """The last entry that was read of one timeline of one account. `version` counts the changes."""

    __tablename__ = "markers"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    timeline: Mapped[str] = mapped_column(Text, primary_key=True)
    last_read_id: Mapped[int] = mapped_column(Id)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def of(db: Session, account_id: int, timelines: Iterable[str] = TIMELINES) -> dict[str, Marker]:
    """An account's markers of these timelines, as far as there are any."""
    query = select(Marker).where(Marker.account_id == account_id, Marker.timeline.in_(set(timelines)))
    return {row.timeline: row for row in db.scalars(query)}


def put(db: Session, account_id: int, timeline: str, last_read_id: int) -> Marker:
    """Set a marker. Raises Conflict where another client set it in the same moment: nothing is changed then."""
    known = of(db, account_id, [timeline]).get(timeline)
    values: dict[str, Any] = {"last_read_id": last_read_id, "updated_at": now()}
    if known is None:
        done = insert_unless_there(db, Marker, account_id=account_id, timeline=timeline, version=1, **values)
    else:
        unchanged = (Marker.account_id == account_id, Marker.timeline == timeline, Marker.version == known.version)
        query = update(Marker).where(*unchanged).values(version=known.version + 1, **values).returning(Marker.timeline)
        done = db.execute(query, execution_options={"synchronize_session": False}).first() is not None
    if not done:
        raise Conflict("Conflict during update, please try again")
    if timeline == "notifications":
        notifications.mark_read(db, account_id, up_to=last_read_id)
    return db.get_one(Marker, (account_id, timeline), populate_existing=True)
