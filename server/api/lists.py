"""Lists: some of those somebody follows, with a timeline of their own."""

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from models import actors, lists
from models.actors import Actor
from models.errors import NotFound
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.lists import UserList
from server.api.paging import Page

Policy = Literal["followed", "list", "none"]


class ListMade(msgspec.Struct, kw_only=True):
    """A new list."""

    title: str
    replies_policy: Policy = "list"
    exclusive: bool = False


class ListChanged(msgspec.Struct, kw_only=True):
    """What is to be changed about a list."""

    title: str | None = None
    replies_policy: Policy | None = None
    exclusive: bool | None = None


class Members(msgspec.Struct, kw_only=True):
    """Whom to put on a list or to take off it."""

    account_ids: list[Id] = []


def _shown(row: lists.List) -> UserList:
    policy: Policy = row.replies_policy  # type: ignore[assignment]
    return UserList(id=str(row.id), title=row.title, replies_policy=policy, exclusive=row.exclusive)


@endpoint("read:lists", Nothing, list[UserList])
async def mine(call: Call, args: Nothing) -> list[UserList]:
    """`GET /api/v1/lists`: all of the caller's, oldest first."""
    return await call.read(lambda db: [_shown(row) for row in lists.mine(db, call.me.id)])


@endpoint("read:lists", Nothing, UserList)
async def show(call: Call, args: Nothing) -> UserList:
    """`GET /api/v1/lists/{id}`."""
    return await call.read(lambda db: _shown(lists.get(db, call.me.id, call.path())))


@endpoint("write:lists", ListMade, UserList)
async def create(call: Call, args: ListMade) -> UserList:
    """`POST /api/v1/lists`."""

    def write(db: Session, me: Actor) -> UserList:
        policy, exclusive = args.replies_policy, args.exclusive
        return _shown(lists.create(db, me.id, args.title, replies_policy=policy, exclusive=exclusive))

    return await call.write(write)


@endpoint("write:lists", ListChanged, UserList)
async def change(call: Call, args: ListChanged) -> UserList:
    """`PUT /api/v1/lists/{id}`: what is not sent stays as it is."""

    def write(db: Session, me: Actor) -> UserList:
        row = lists.get(db, me.id, call.path())
        lists.change(db, row, title=args.title, replies_policy=args.replies_policy, exclusive=args.exclusive)
        return _shown(row)

    return await call.write(write)


@endpoint("write:lists", Nothing, dict[str, str])
async def remove(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/lists/{id}`: nobody on it is told or unfollowed."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        lists.remove(db, lists.get(db, me.id, call.path()))
        return {}

    return await call.write(write)


@endpoint("read:lists", Paged, Page[Account])
async def members(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/lists/{id}/accounts`: who is on it; with `limit=0` everybody at once."""

    def look(db: Session) -> Page[Account]:
        row = lists.get(db, call.me.id, call.path())
        if args.limit == 0:
            return Page(show_accounts.accounts(db, lists.all_members(db, row)))
        found = lists.members(db, row, args.window(40, 80))
        return Page.of(show_accounts.accounts(db, [actor for _, actor in found]), [at for at, _ in found])

    return await call.read(look)


@endpoint("write:lists", Members, dict[str, str])
async def add(call: Call, args: Members) -> dict[str, str]:
    """`POST /api/v1/lists/{id}/accounts`: put people on it whom the caller follows."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        lists.add(db, lists.get(db, me.id, call.path()), args.account_ids)
        return {}

    return await call.write(write)


@endpoint("write:lists", Members, dict[str, str])
async def drop(call: Call, args: Members) -> dict[str, str]:
    """`DELETE /api/v1/lists/{id}/accounts`: take people off it."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        lists.drop(db, lists.get(db, me.id, call.path()), args.account_ids)
        return {}

    return await call.write(write)


@endpoint("read:lists", Nothing, list[UserList])
async def containing(call: Call, args: Nothing) -> list[UserList]:
    """`GET /api/v1/accounts/{id}/lists`: which of the caller's lists somebody is on."""

    def look(db: Session) -> list[UserList]:
        actor = actors.get(db, call.path())
        if not actor.active:
            raise NotFound("Record not found")
        return [_shown(row) for row in lists.containing(db, call.me.id, actor.id)]

    return await call.read(look)
