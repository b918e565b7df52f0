"""Filters: words and posts somebody does not want to see, where, and what his client is to do about them.

The node hides nothing by itself: it says which filters a post fits, and the client warns, hides or blurs.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint, bindparam, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import events
from models.base import Base, Id, Json, UtcTime, new_id, now, when_asked
from models.errors import Invalid, NotFound
from models.posts import Post

CONTEXTS = ("home", "notifications", "public", "thread", "account")
MAX_TITLE = 256
MAX_KEYWORD = 512
MAX_FILTERS = 100
MAX_ENTRIES = 1000
"""Keywords and posts of all filters of an account together."""

LONGEST = 100 * 365 * 24 * 3600


class FilterAction(StrEnum):
    """What a client does with a post that fits: show it behind a warning, not at all, or with its media blurred."""

    WARN = "warn"
    HIDE = "hide"
    BLUR = "blur"


class Filter(Base):
    """A filter of one account, in force until `expires_at`."""

    __tablename__ = "filters"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    context: Mapped[Any] = mapped_column(Json, default=list)
    """Where it holds: some of CONTEXTS."""
    action: Mapped[str] = mapped_column(Text, default=FilterAction.WARN)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)


class FilterKeyword(Base):
    """A word or phrase of a filter. `whole_word`: not inside of other words."""

    __tablename__ = "filter_keywords"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    filter_id: Mapped[int] = mapped_column(ForeignKey("filters.id", ondelete="CASCADE"), index=True)
    keyword: Mapped[str] = mapped_column(Text)
    whole_word: Mapped[bool] = mapped_column(default=True)


class FilterStatus(Base):
    """A post that a filter names."""

    __tablename__ = "filter_statuses"
    __table_args__ = (UniqueConstraint("filter_id", "post_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    filter_id: Mapped[int] = mapped_column(ForeignKey("filters.id", ondelete="CASCADE"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)


def mine(db: Session, account_id: int) -> list[Filter]:
    """An account's filters, oldest first, expired ones too."""
    return list(db.scalars(select(Filter).where(Filter.account_id == account_id).order_by(Filter.id)))


def get(db: Session, account_id: int, filter_id: int) -> Filter:
    """One of an account's own filters; NotFound also for those of others."""
    row = db.scalar(select(Filter).where(Filter.id == filter_id, Filter.account_id == account_id))
    if row is None:
        raise NotFound("Record not found")
    return row


def keyword(db: Session, account_id: int, keyword_id: int) -> tuple[FilterKeyword, Filter]:
    """A keyword of one of an account's own filters; raises NotFound."""
    query = select(FilterKeyword, Filter).join(Filter, FilterKeyword.filter_id == Filter.id)
    row = db.execute(query.where(FilterKeyword.id == keyword_id, Filter.account_id == account_id)).first()
    if row is None:
        raise NotFound("Record not found")
    return row[0], row[1]


def status(db: Session, account_id: int, row_id: int) -> tuple[FilterStatus, Filter]:
    """A post named by one of an account's own filters; raises NotFound."""
    query = select(FilterStatus, Filter).join(Filter, FilterStatus.filter_id == Filter.id)
    row = db.execute(query.where(FilterStatus.id == row_id, Filter.account_id == account_id)).first()
    if row is None:
        raise NotFound("Record not found")
    return row[0], row[1]


def keywords_of(db: Session, filter_ids: Iterable[int]) -> dict[int, list[FilterKeyword]]:
    """The keywords of several filters, oldest first."""
    found: dict[int, list[FilterKeyword]] = {}
    query = select(FilterKeyword).where(FilterKeyword.filter_id.in_(list(filter_ids))).order_by(FilterKeyword.id)
    for row in db.scalars(query):
        found.setdefault(row.filter_id, []).append(row)
    return found


def statuses_of(db: Session, filter_ids: Iterable[int]) -> dict[int, list[FilterStatus]]:
    """The posts that several filters name, oldest first."""
    found: dict[int, list[FilterStatus]] = {}
    query = select(FilterStatus).where(FilterStatus.filter_id.in_(list(filter_ids))).order_by(FilterStatus.id)
    for row in db.scalars(query):
        found.setdefault(row.filter_id, []).append(row)
    return found


def create(
    db: Session, account_id: int, title: str, context: list[str], *, action: str = FilterAction.WARN, seconds: int = 0
) -> Filter:
    """A new filter without words yet; `seconds`: for how long, 0 for ever. Raises Invalid."""
    held = db.scalar(select(func.count()).select_from(Filter).where(Filter.account_id == account_id)) or 0
    if held >= MAX_FILTERS:
        raise Invalid(f"Validation failed: At most {MAX_FILTERS} filters")
    row = Filter(id=new_id(), account_id=account_id, context=[])
    change(db, row, title=title, context=context, action=action)
    expire(row, seconds)
    db.add(row)
    db.flush()
    changed(db, account_id)
    return row


def change(
    db: Session, row: Filter, *, title: str | None = None, context: list[str] | None = None, action: str | None = None
) -> None:
    """Change what is not None. Raises Invalid."""
    if title is not None:
        if not title.strip():
            raise Invalid("Validation failed: Title can't be blank")
        if len(title) > MAX_TITLE:
            raise Invalid(f"Validation failed: Title is too long (maximum is {MAX_TITLE} characters)")
        row.title = title.strip()
    if context is not None:
        if not context or set(context) - set(CONTEXTS):
            raise Invalid("Validation failed: Context None or invalid context supplied")
        row.context = [name for name in CONTEXTS if name in set(context)]
    if action is not None:
        if action not in set(FilterAction):
            raise Invalid("Validation failed: Filter action is not included in the list")
        row.action = action
    if row in db:
        db.flush()
        changed(db, row.account_id)


def expire(row: Filter, seconds: int) -> None:
    """Let a filter hold for so long from now; 0 for ever. Raises Invalid."""
    if not 0 <= seconds <= LONGEST:
        raise Invalid("Validation failed: Expires in is not a sensible length of time")
    row.expires_at = now() + timedelta(seconds=seconds) if seconds else None


def remove(db: Session, row: Filter) -> None:
    """Delete a filter with its words and posts."""
    db.delete(row)
    db.flush()
    changed(db, row.account_id)


def add_keyword(db: Session, row: Filter, word: str, *, whole_word: bool = True) -> FilterKeyword:
    """One more word or phrase. Raises Invalid."""
    _check_room(db, row.account_id)
    found = FilterKeyword(id=new_id(), filter_id=row.id)
    change_keyword(db, row, found, word=word, whole_word=whole_word)
    db.add(found)
    db.flush()
    return found


def change_keyword(
    db: Session, row: Filter, found: FilterKeyword, *, word: str | None = None, whole_word: bool | None = None
) -> None:
    """Change what is not None. Raises Invalid."""
    if word is not None:
        if not word.strip():
            raise Invalid("Validation failed: Keyword can't be blank")
        if len(word) > MAX_KEYWORD:
            raise Invalid(f"Validation failed: Keyword is too long (maximum is {MAX_KEYWORD} characters)")
        found.keyword = word.strip()
    if whole_word is not None:
        found.whole_word = whole_word
    changed(db, row.account_id)


def add_status(db: Session, row: Filter, post: Post) -> FilterStatus:
    """One more post, which the owner can see (the caller has checked that). Raises Invalid for one that is there."""
    _check_room(db, row.account_id)
    there = select(FilterStatus.id).where(FilterStatus.filter_id == row.id, FilterStatus.post_id == post.id)
    if db.scalar(there) is not None:
        raise Invalid("Validation failed: Status has already been taken")
    found = FilterStatus(id=new_id(), filter_id=row.id, post_id=post.id)
    db.add(found)
    db.flush()
    changed(db, row.account_id)
    return found


def drop(db: Session, row: Filter, entry: FilterKeyword | FilterStatus) -> None:
    """Take a word or a post out of a filter."""
    db.delete(entry)
    db.flush()
    changed(db, row.account_id)


def _check_room(db: Session, account_id: int) -> None:
    held = 0
    for table in (FilterKeyword, FilterStatus):
        joined = select(func.count()).select_from(table).join(Filter, table.filter_id == Filter.id)
        held += db.scalar(joined.where(Filter.account_id == account_id)) or 0
    if held >= MAX_ENTRIES:
        raise Invalid(f"Validation failed: At most {MAX_ENTRIES} keywords and posts in all filters together")


def changed(db: Session, account_id: int) -> None:
    """Tell the account's clients that they have to load the filters anew."""
    events.filters_changed(db, account_id)


def in_force(db: Session, account_id: int, context: str | None = None) -> list[Filter]:
    """An account's filters that have not run out, of one context or of all."""
    found = db.scalars(_IN_FORCE, {"account": account_id})
    return [row for row in found if context is None or context in row.context]


_IN_FORCE = (
    select(Filter)
    .where(
        Filter.account_id == bindparam("account"), or_(Filter.expires_at.is_(None), Filter.expires_at > when_asked())
    )
    .order_by(Filter.id)
)
