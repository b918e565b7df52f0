"""Announcements as clients read them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import actors, announcements, text
from models.database import node_of
from server.api.entities.announcements import Announcement, AnnouncementReaction
from server.api.entities.statuses import StatusTag
from server.api.show_statuses import mention
from server.api.times import stamp


def several(db: Session, account_id: int | None, rows: Sequence[announcements.Announcement]) -> list[Announcement]:
    """Announcements with the emojis below them, as an account sees them (None: as all do). Three queries."""
    ids = [row.id for row in rows]
    read = announcements.dismissed(db, account_id, ids) if account_id is not None else set()
    people = actors.many(db, [id for row in rows for id in row.mentions])
    origin = node_of(db).origin
    tallies = announcements.tallies(db, account_id, ids)
    return [
        Announcement(
            id=str(row.id),
            content=row.content,
            starts_at=stamp(row.starts_at) if row.starts_at else None,
            ends_at=stamp(row.ends_at) if row.ends_at else None,
            all_day=row.all_day,
            published=True,
            published_at=stamp(row.published_at),
            updated_at=stamp(row.updated_at),
            read=row.id in read,
            mentions=[mention(people[id]) for id in row.mentions if id in people],
            statuses=[],
            tags=[StatusTag(name=tag, url=text.tag_url(origin, tag)) for tag in row.tags],
            emojis=[],
            reactions=[
                AnnouncementReaction(name=one.name, count=one.count, me=one.me) for one in tallies.get(row.id, [])
            ],
        )
        for row in rows
    ]
