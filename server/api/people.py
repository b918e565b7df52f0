"""People to get to know: the directory, and suggestions."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from models import actors, directory
from models.actors import Actor
from models.directory import Suggested
from server.api import show_accounts
from server.api.arguments import Nothing, Whole
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.relations import Suggestion

Offset = Annotated[int, Meta(ge=0, le=100_000)]


class Listing(Struct, kw_only=True):
    """Which part of the directory, in which order."""

    offset: Offset = 0
    limit: Whole = 40
    order: Literal["active", "new"] = "active"
    local: bool = False


class Wanted(Struct, kw_only=True):
    """How many."""

    limit: Whole = 40


def within(limit: int, most: int = 80) -> int:
    """As many as are wished for and allowed."""
    return min(max(limit, 1), most)


@endpoint(None, Listing, list[Account], who="anybody")
async def listing(call: Call, args: Listing) -> list[Account]:
    """`GET /api/v1/directory`."""

    def look(db: Session) -> list[Account]:
        found = directory.listing(
            db,
            call.actor,
            newest=args.order == "new",
            local=args.local,
            offset=args.offset,
            limit=within(args.limit),
        )
        return show_accounts.accounts(db, found)

    return await call.read(look)


@endpoint("read:accounts", Wanted, list[Suggestion])
async def suggestions(call: Call, args: Wanted) -> list[Suggestion]:
    """`GET /api/v2/suggestions`."""

    def look(db: Session) -> list[Suggestion]:
        found = directory.suggestions(db, call.me, limit=within(args.limit))
        people = show_accounts.accounts(db, [one.actor for one in found])
        return [
            Suggestion(source=_older_word(one), sources=list(one.why), account=account)
            for one, account in zip(found, people, strict=True)
        ]

    return await call.read(look)


def _older_word(one: Suggested) -> Literal["staff", "past_interactions", "global"]:
    words: dict[str, Literal["staff", "past_interactions", "global"]] = {
        "featured": "staff",
        "friends_of_friends": "past_interactions",
    }
    return words.get(one.why[0], "global")


@endpoint("read:accounts", Wanted, list[Account])
async def suggested_accounts(call: Call, args: Wanted) -> list[Account]:
    """`GET /api/v1/suggestions`: as older clients ask, without the reasons."""

    def look(db: Session) -> list[Account]:
        found = directory.suggestions(db, call.me, limit=within(args.limit))
        return show_accounts.accounts(db, [one.actor for one in found])

    return await call.read(look)


class Done(Struct):
    """Nothing to say: `{}`."""


@endpoint("write:accounts", Nothing, Done)
async def dismiss(call: Call, args: Nothing) -> Done:
    """`DELETE /api/v1/suggestions/{id}`: suggest this account no more."""
    target_id = call.path()

    def work(db: Session, me: Actor) -> None:
        actors.get(db, target_id)
        directory.dismiss(db, me, target_id)

    await call.write(work)
    return Done()
