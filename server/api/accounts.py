"""Accounts as others see them: profiles, what they wrote, and whom they know."""

from collections.abc import Callable

from msgspec import Struct
from sqlalchemy.orm import Session

from models import actors, blocks, endorsements, follows, timelines
from models.actors import Actor
from models.errors import NotFound
from models.windows import Window
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.statuses import Status
from server.api.paging import Page
from server.api.seeing import page, shown
from server.api.show_statuses import statuses as show_statuses

MOST = 80


class Several(Struct, kw_only=True):
    """Accounts by id."""

    id: list[Id] = []


class Named(Struct, kw_only=True):
    """An account by its handle."""

    acct: str = ""


class Posts(Paged, kw_only=True):
    """Which of an account's posts."""

    exclude_replies: bool = False
    exclude_reblogs: bool = False
    only_media: bool = False
    pinned: bool = False
    tagged: str = ""


@endpoint("read:accounts", Nothing, Account, who="anybody")
async def show(call: Call, args: Nothing) -> Account:
    """`GET /api/v1/accounts/{id}`."""
    return await call.read(lambda db: show_accounts.account(db, shown(db, call.path())))


@endpoint("read:accounts", Several, list[Account], who="anybody")
async def several(call: Call, args: Several) -> list[Account]:
    """`GET /api/v1/accounts?id[]=`: those of them that can be shown, in the order asked for; at most 80."""

    def look(db: Session) -> list[Account]:
        wanted = list(dict.fromkeys(args.id))[:MOST]
        known = actors.many(db, wanted)
        return show_accounts.accounts(db, [known[id] for id in wanted if id in known and known[id].active])

    return await call.read(look)


@endpoint("read:accounts", Named, Account, who="anybody")
async def lookup(call: Call, args: Named) -> Account:
    """`GET /api/v1/accounts/lookup?acct=`: somebody this node knows; other servers are not asked."""

    def look(db: Session) -> Account:
        handle = args.acct.strip().removeprefix("acct:").lstrip("@")
        actor = actors.find(db, handle) if handle and "://" not in handle else None
        if actor is None or not actor.active:
            raise NotFound("Record not found")
        return show_accounts.account(db, actor)

    return await call.read(look)


@endpoint("read:statuses", Posts, list[Status], who="anybody")
async def statuses(call: Call, args: Posts) -> Page[Status]:
    """`GET /api/v1/accounts/{id}/statuses`: what somebody wrote and boosted, as far as the caller may see it."""

    def look(db: Session) -> Page[Status]:
        actor, window = shown(db, call.path()), args.window()
        if args.pinned:
            pinned = timelines.pinned(db, call.actor, actor, window)
            return Page.of(show_statuses(db, call.actor, pinned), [post.id for post in pinned])
        if call.actor is not None and blocks.has_blocked(db, actor.id, call.actor.id):
            return Page([])
        items = timelines.of_actor(
            db,
            call.actor,
            actor,
            window,
            replies=not args.exclude_replies,
            boosts=not args.exclude_reblogs,
            only_media=args.only_media,
            tagged=args.tagged,
        )
        return Page.of(show_statuses(db, call.actor, items), [item.at for item in items])

    return await call.read(look)


@endpoint("read:accounts", Paged, list[Account], who="anybody")
async def followers(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/accounts/{id}/followers`: who follows somebody, unless he hides it."""
    return await _people(call, args, follows.followers)


@endpoint("read:accounts", Paged, list[Account], who="anybody")
async def following(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/accounts/{id}/following`: whom somebody follows, unless he hides it."""
    return await _people(call, args, follows.following)


@endpoint("read:accounts", Paged, list[Account], who="anybody")
async def endorsed(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/accounts/{id}/endorsements`: whom somebody shows on his profile."""
    return await _people(call, args, endorsements.of, hideable=False)


async def _people(
    call: Call,
    args: Paged,
    find: Callable[[Session, int, Window], list[tuple[int, Actor]]],
    *,
    hideable: bool = True,
) -> Page[Account]:
    def look(db: Session) -> Page[Account]:
        actor = shown(db, call.path())
        mine = call.actor is not None and call.actor.id == actor.id
        if hideable and actor.hides_followers and not mine:
            return Page([])
        if call.actor is not None and blocks.has_blocked(db, actor.id, call.actor.id):
            return Page([])
        return page(db, call.actor, find(db, actor.id, args.window(40, MOST)))

    return await call.read(look)
