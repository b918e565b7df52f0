"""Growing on by repetition: what was said in a stretch of days is said again some days later, as fast as SQL copies it.

Everything about those posts comes again: threads, votes, boosts, hashtags, notices, lists and stems, all under new ids.
"""

from datetime import timedelta

from sqlalchemy import Column, Table, text
from sqlalchemy.orm import Session

from models.base import Base, UtcTime, first_id, made_at
from models.listings import Listing
from models.notifications import Notification
from models.posts import Post, PostTag, Recipient
from models.reactions import Boost, Vote
from models.search.store import POSTS, is_sqlite

COPIED: tuple[type[Base], ...] = (Post, PostTag, Recipient, Listing, Vote, Boost, Notification)
MOVED = {"post_id", "in_reply_to_id", "thread_id", "accepted_id"}
NAMED = {"uri", "url", "in_reply_to_uri", "announce_uri", "accept_uri", "group_key", "subject"}


def _later(first: int, days: float) -> int:
    return first_id(made_at(first) + timedelta(days=days))


def repeat(db: Session, first: int, days: float, times: int) -> None:
    """Say once more, `times` as many days later, what was said in the `days` from the id `first` on."""
    values = {
        "first": first,
        "last": _later(first, days),
        "by": _later(first, days * times) - first,
        "days": days * times,
    }
    sqlite = is_sqlite(db)
    for mapped in COPIED:
        table = mapped.__table__
        assert isinstance(table, Table)
        columns = [column for column in table.columns if column.computed is None]
        to, out = (
            ", ".join(column.name for column in columns),
            ", ".join(_moved(column, times, sqlite) for column in columns),
        )
        key = "id" if mapped is Post else "post_id"
        sql = f"INSERT INTO {table.name} ({to}) SELECT {out} FROM {table.name} WHERE {key} >= :first AND {key} < :last"
        db.execute(text(sql), values)
    key, rest = ("rowid", "title, body, marks") if sqlite else ("id", "stems")
    sql = f"INSERT INTO {POSTS.table} ({key}, {rest}) SELECT {key} + :by, {rest} FROM {POSTS.table}"
    db.execute(text(f"{sql} WHERE {key} >= :first AND {key} < :last"), values)


def _moved(column: Column[object], times: int, sqlite: bool) -> str:
    name = column.name
    if name in MOVED or name == "id":
        return f"{name} + :by"
    if name in NAMED:
        return f"CASE WHEN {name} = '' THEN '' ELSE {name} || '~{times}' END"
    if isinstance(column.type, UtcTime):
        moved = f"strftime('%Y-%m-%d %H:%M:%f000', {name}, '+' || :days || ' days')"
        return moved if sqlite else f"{name} + :days * interval '1 day'"
    return name
