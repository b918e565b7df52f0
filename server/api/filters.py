"""Filters, second version: a name, where it holds, what to do, with words and statuses."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from models import filters, statuses
from models.actors import Actor
from models.errors import Invalid, NotFound
from server.api import show_filters
from server.api.arguments import Id, Nothing
from server.api.calls import Call, endpoint
from server.api.entities.filters import Filter, FilterKeyword, FilterStatus

Seconds = Annotated[int, Meta(ge=0, le=filters.LONGEST)]


class KeywordChange(msgspec.Struct, kw_only=True, rename={"destroy": "_destroy"}):
    """A word within a change of a filter: a new one without `id`; `_destroy` takes it away."""

    id: Id | None = None
    keyword: str | None = None
    whole_word: bool | None = None
    destroy: bool = False


class FilterMade(msgspec.Struct, kw_only=True):
    """A new filter. `expires_in`: seconds from now, null for ever."""

    title: str
    context: list[str]
    filter_action: str = "warn"
    expires_in: Seconds | None = None
    keywords_attributes: list[KeywordChange] = []


class FilterChanged(msgspec.Struct, kw_only=True):
    """What is to be changed about a filter; a null `expires_in` lets it hold for ever."""

    title: str | None = None
    context: list[str] | None = None
    filter_action: str | None = None
    expires_in: Seconds | UnsetType | None = UNSET
    keywords_attributes: list[KeywordChange] = []


class KeywordMade(msgspec.Struct, kw_only=True):
    """A new word or phrase."""

    keyword: str
    whole_word: bool = True


class KeywordChanged(msgspec.Struct, kw_only=True):
    """What is to be changed about a word."""

    keyword: str | None = None
    whole_word: bool | None = None


class StatusNamed(msgspec.Struct, kw_only=True):
    """The status a filter is to name."""

    status_id: Id


def _shown(db: Session, row: filters.Filter) -> Filter:
    return show_filters.several(db, [row])[0]


@endpoint("read:filters", Nothing, list[Filter])
async def mine(call: Call, args: Nothing) -> list[Filter]:
    """`GET /api/v2/filters`: all of the caller's, those that ran out too."""
    return await call.read(lambda db: show_filters.several(db, filters.mine(db, call.me.id)))


@endpoint("read:filters", Nothing, Filter)
async def show(call: Call, args: Nothing) -> Filter:
    """`GET /api/v2/filters/{id}`."""
    return await call.read(lambda db: _shown(db, filters.get(db, call.me.id, call.path())))


@endpoint("write:filters", FilterMade, Filter)
async def create(call: Call, args: FilterMade) -> Filter:
    """`POST /api/v2/filters`."""

    def write(db: Session, me: Actor) -> Filter:
        seconds = args.expires_in or 0
        row = filters.create(db, me.id, args.title, args.context, action=args.filter_action, seconds=seconds)
        _change_keywords(db, me, row, args.keywords_attributes)
        return _shown(db, row)

    return await call.write(write)


@endpoint("write:filters", FilterChanged, Filter)
async def change(call: Call, args: FilterChanged) -> Filter:
    """`PUT /api/v2/filters/{id}`: what is not sent stays as it is."""

    def write(db: Session, me: Actor) -> Filter:
        row = filters.get(db, me.id, call.path())
        if args.expires_in is not UNSET:
            filters.expire(row, args.expires_in or 0)
        filters.change(db, row, title=args.title, context=args.context, action=args.filter_action)
        _change_keywords(db, me, row, args.keywords_attributes)
        return _shown(db, row)

    return await call.write(write)


def _change_keywords(db: Session, me: Actor, row: filters.Filter, wanted: list[KeywordChange]) -> None:
    for one in wanted:
        if one.id is None:
            if one.destroy:
                continue
            if one.keyword is None:
                raise Invalid("Validation failed: Keyword can't be blank")
            filters.add_keyword(db, row, one.keyword, whole_word=one.whole_word is not False)
            continue
        word, owner = filters.keyword(db, me.id, one.id)
        if owner.id != row.id:
            raise NotFound("Record not found")
        if one.destroy:
            filters.drop(db, row, word)
        else:
            filters.change_keyword(db, row, word, word=one.keyword, whole_word=one.whole_word)


@endpoint("write:filters", Nothing, dict[str, str])
async def remove(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v2/filters/{id}`."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        filters.remove(db, filters.get(db, me.id, call.path()))
        return {}

    return await call.write(write)


@endpoint("read:filters", Nothing, list[FilterKeyword])
async def keywords(call: Call, args: Nothing) -> list[FilterKeyword]:
    """`GET /api/v2/filters/{filter_id}/keywords`."""

    def look(db: Session) -> list[FilterKeyword]:
        row = filters.get(db, call.me.id, call.path("filter_id"))
        return [show_filters.keyword(one) for one in filters.keywords_of(db, [row.id]).get(row.id, [])]

    return await call.read(look)


@endpoint("write:filters", KeywordMade, FilterKeyword)
async def add_keyword(call: Call, args: KeywordMade) -> FilterKeyword:
    """`POST /api/v2/filters/{filter_id}/keywords`."""

    def write(db: Session, me: Actor) -> FilterKeyword:
        row = filters.get(db, me.id, call.path("filter_id"))
        return show_filters.keyword(filters.add_keyword(db, row, args.keyword, whole_word=args.whole_word))

    return await call.write(write)


@endpoint("read:filters", Nothing, FilterKeyword)
async def keyword(call: Call, args: Nothing) -> FilterKeyword:
    """`GET /api/v2/filters/keywords/{id}`."""
    return await call.read(lambda db: show_filters.keyword(filters.keyword(db, call.me.id, call.path())[0]))


@endpoint("write:filters", KeywordChanged, FilterKeyword)
async def change_keyword(call: Call, args: KeywordChanged) -> FilterKeyword:
    """`PUT /api/v2/filters/keywords/{id}`."""

    def write(db: Session, me: Actor) -> FilterKeyword:
        word, row = filters.keyword(db, me.id, call.path())
        filters.change_keyword(db, row, word, word=args.keyword, whole_word=args.whole_word)
        return show_filters.keyword(word)

    return await call.write(write)


@endpoint("write:filters", Nothing, dict[str, str])
async def remove_keyword(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v2/filters/keywords/{id}`."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        word, row = filters.keyword(db, me.id, call.path())
        filters.drop(db, row, word)
        return {}

    return await call.write(write)


@endpoint("read:filters", Nothing, list[FilterStatus])
async def named(call: Call, args: Nothing) -> list[FilterStatus]:
    """`GET /api/v2/filters/{filter_id}/statuses`."""

    def look(db: Session) -> list[FilterStatus]:
        row = filters.get(db, call.me.id, call.path("filter_id"))
        return [show_filters.status(one) for one in filters.statuses_of(db, [row.id]).get(row.id, [])]

    return await call.read(look)


@endpoint("write:filters", StatusNamed, FilterStatus)
async def add_status(call: Call, args: StatusNamed) -> FilterStatus:
    """`POST /api/v2/filters/{filter_id}/statuses`: of a boost, what was boosted."""

    def write(db: Session, me: Actor) -> FilterStatus:
        row = filters.get(db, me.id, call.path("filter_id"))
        return show_filters.status(filters.add_status(db, row, statuses.find(db, me, args.status_id).post))

    return await call.write(write)


@endpoint("read:filters", Nothing, FilterStatus)
async def status(call: Call, args: Nothing) -> FilterStatus:
    """`GET /api/v2/filters/statuses/{id}`."""
    return await call.read(lambda db: show_filters.status(filters.status(db, call.me.id, call.path())[0]))


@endpoint("write:filters", Nothing, dict[str, str])
async def remove_status(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v2/filters/statuses/{id}`."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        entry, row = filters.status(db, me.id, call.path())
        filters.drop(db, row, entry)
        return {}

    return await call.write(write)
