"""Filters, first version: single phrases, seen through the filters of the second. Their ids are those of keywords."""

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.orm import Session

from models import filters
from models.actors import Actor
from models.errors import Invalid
from models.filters import FilterAction
from server.api import show_filters
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.filters import V1Filter
from server.api.filters import Seconds


class PhraseMade(msgspec.Struct, kw_only=True):
    """A new phrase. `irreversible`: not to be shown at all."""

    phrase: str
    context: list[str]
    irreversible: bool = False
    whole_word: bool = False
    expires_in: Seconds | None = None


class PhraseChanged(msgspec.Struct, kw_only=True):
    """What is to be changed about a phrase; a null `expires_in` lets it hold for ever."""

    phrase: str | None = None
    context: list[str] | None = None
    irreversible: bool | None = None
    whole_word: bool | None = None
    expires_in: Seconds | UnsetType | None = UNSET


def _action(irreversible: bool) -> FilterAction:
    return FilterAction.HIDE if irreversible else FilterAction.WARN


@endpoint("read:filters", Nothing, list[V1Filter])
async def mine(call: Call, args: Nothing) -> list[V1Filter]:
    """`GET /api/v1/filters`: every keyword of every filter."""

    def look(db: Session) -> list[V1Filter]:
        rows = filters.mine(db, call.me.id)
        words = filters.keywords_of(db, [row.id for row in rows])
        return [show_filters.first_version(row, word) for row in rows for word in words.get(row.id, [])]

    return await call.read(look)


@endpoint("read:filters", Nothing, V1Filter)
async def show(call: Call, args: Nothing) -> V1Filter:
    """`GET /api/v1/filters/{id}`."""

    def look(db: Session) -> V1Filter:
        word, row = filters.keyword(db, call.me.id, call.path())
        return show_filters.first_version(row, word)

    return await call.read(look)


@endpoint("write:filters", PhraseMade, V1Filter)
async def create(call: Call, args: PhraseMade) -> V1Filter:
    """`POST /api/v1/filters`: makes a filter with this one phrase."""

    def write(db: Session, me: Actor) -> V1Filter:
        title = args.phrase[: filters.MAX_TITLE]
        action = _action(args.irreversible)
        row = filters.create(db, me.id, title, args.context, action=action, seconds=args.expires_in or 0)
        return show_filters.first_version(row, filters.add_keyword(db, row, args.phrase, whole_word=args.whole_word))

    return await call.write(write)


@endpoint("write:filters", PhraseChanged, V1Filter)
async def change(call: Call, args: PhraseChanged) -> V1Filter:
    """`PUT /api/v1/filters/{id}`: of a filter with several words only the words can be changed in this version."""

    def write(db: Session, me: Actor) -> V1Filter:
        word, row = filters.keyword(db, me.id, call.path())
        before = (row.context, row.action, row.expires_at)
        action = None if args.irreversible is None else _action(args.irreversible)
        if args.expires_in is not UNSET:
            filters.expire(row, args.expires_in or 0)
        filters.change(db, row, context=args.context, action=action)
        alone = len(filters.keywords_of(db, [row.id])[row.id]) == 1
        if not alone and before != (row.context, row.action, row.expires_at):
            raise Invalid(
                "Validation failed: These parameters cannot be changed from this application because they "
                "apply to more than one filter keyword. Use a more recent application or the web interface."
            )
        filters.change_keyword(db, row, word, word=args.phrase, whole_word=args.whole_word)
        return show_filters.first_version(row, word)

    return await call.write(write)


@endpoint("write:filters", Nothing, dict[str, str])
async def remove(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/filters/{id}`: the phrase, and its filter when nothing is left in it."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        word, row = filters.keyword(db, me.id, call.path())
        filters.drop(db, row, word)
        if not filters.keywords_of(db, [row.id]) and not filters.statuses_of(db, [row.id]):
            filters.remove(db, row)
        return {}

    return await call.write(write)
