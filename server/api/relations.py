"""Following, and keeping people at a distance: what the caller does about one other account."""

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from models import account_notes, actors, blocks, endorsements, follows, relations
from models.actors import Actor
from models.errors import NotFound
from models.follows import FollowState, Wishes
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account, MutedAccount
from server.api.entities.relations import FamiliarFollowers, Relationship
from server.api.paging import Page
from server.api.seeing import known, page, shown
from server.api.show_relations import relationship, relationships
from server.api.times import stamp

MOST = 80
MOST_FAMILIAR = 20

Duration = Annotated[int, Meta(ge=0, lt=2**31)]


class Several(Struct, kw_only=True):
    """Accounts by id."""

    id: list[Id] = []
    with_suspended: bool = False


class Wished(Struct, kw_only=True):
    """What the follower wants to see."""

    reblogs: bool | None = None
    notify: bool | None = None
    languages: list[Annotated[str, Meta(max_length=10)]] | None = None


class Muting(Struct, kw_only=True):
    """How to mute: also notices, and for how many seconds (0: for ever)."""

    notifications: bool = True
    duration: Duration = 0


class Noting(Struct, kw_only=True):
    """A note for oneself; empty: none."""

    comment: str = ""


Deed = Callable[[Session, Actor, Actor], object]


async def _do(call: Call, deed: Deed, *, find: Callable[[Session, int], Actor] = known) -> Relationship:
    def work(db: Session, me: Actor) -> Relationship:
        target = find(db, call.path())
        deed(db, me, target)
        return relationship(db, me, target.id)

    return await call.write(work)


@endpoint("read:follows", Several, list[Relationship])
async def between(call: Call, args: Several) -> list[Relationship]:
    """`GET /api/v1/accounts/relationships?id[]=`."""
    return await call.read(lambda db: relationships(db, call.me, args.id[:MOST]))


@endpoint("write:follows", Wished, Relationship)
async def follow(call: Call, args: Wished) -> Relationship:
    """`POST /api/v1/accounts/{id}/follow`; again: with other wishes."""
    wishes = Wishes(
        args.reblogs, args.notify, None if args.languages is None else list(dict.fromkeys(args.languages))[:20]
    )
    return await _do(call, lambda db, me, target: follows.request(db, me, target, wishes=wishes), find=shown)


@endpoint("write:follows", Nothing, Relationship)
async def unfollow(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/unfollow`; also takes a request back."""
    return await _do(call, follows.undo)


@endpoint("write:follows", Nothing, Relationship)
async def remove_from_followers(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/remove_from_followers`."""
    return await _do(call, lambda db, me, target: follows.drop_follower(db, me, target))


@endpoint("write:blocks", Nothing, Relationship)
async def block(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/block`."""
    return await _do(call, blocks.block)


@endpoint("write:blocks", Nothing, Relationship)
async def unblock(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/unblock`."""
    return await _do(call, blocks.unblock)


@endpoint("write:mutes", Muting, Relationship)
async def mute(call: Call, args: Muting) -> Relationship:
    """`POST /api/v1/accounts/{id}/mute`."""

    def deed(db: Session, me: Actor, target: Actor) -> None:
        blocks.mute(db, me, target, for_seconds=args.duration, hide_notifications=args.notifications)

    return await _do(call, deed)


@endpoint("write:mutes", Nothing, Relationship)
async def unmute(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/unmute`."""
    return await _do(call, blocks.unmute)


@endpoint("write:accounts", Noting, Relationship)
async def note(call: Call, args: Noting) -> Relationship:
    """`POST /api/v1/accounts/{id}/note`."""
    return await _do(call, lambda db, me, target: account_notes.put(db, me, target, args.comment))


@endpoint("write:accounts", Nothing, Relationship)
async def endorse(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/endorse`, and `pin`, as it was called before."""
    return await _do(call, endorsements.add, find=shown)


@endpoint("write:accounts", Nothing, Relationship)
async def unendorse(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/accounts/{id}/unendorse`, and `unpin`."""
    return await _do(call, lambda db, me, target: endorsements.remove(db, me.id, target.id))


@endpoint("read:accounts", Paged, list[Account])
async def endorsed(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/endorsements`: whom the caller shows on his profile."""
    return await call.read(lambda db: page(db, None, endorsements.of(db, call.me.id, args.window(40, MOST))))


@endpoint("read:blocks", Paged, list[Account])
async def blocked(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/blocks`."""
    return await call.read(lambda db: page(db, None, blocks.blocked(db, call.me.id, args.window(40, MOST))))


@endpoint("read:mutes", Paged, list[MutedAccount])
async def muted(call: Call, args: Paged) -> Page[MutedAccount]:
    """`GET /api/v1/mutes`, with the time at which each ends."""

    def look(db: Session) -> Page[MutedAccount]:
        found = blocks.muted(db, call.me.id, args.window(40, MOST))
        values = show_accounts.everything(db, [actor for _, actor in found])
        items = [
            MutedAccount(**one, mute_expires_at=stamp(row.until) if row.until else None)
            for (row, _), one in zip(found, values, strict=True)
        ]
        return Page.of(items, [row.number for row, _ in found])

    return await call.read(look)


@endpoint("read:follows", Paged, list[Account])
async def requests(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/follow_requests`: who asks to follow the caller."""
    return await call.read(lambda db: page(db, None, follows.waiting(db, call.me.id, args.window(40, MOST))))


@endpoint("write:follows", Nothing, Relationship)
async def authorize(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/follow_requests/{id}/authorize`; the id is the asking account's."""
    return await _answer(call, follows.accept)


@endpoint("write:follows", Nothing, Relationship)
async def reject(call: Call, args: Nothing) -> Relationship:
    """`POST /api/v1/follow_requests/{id}/reject`."""
    return await _answer(call, follows.reject)


async def _answer(call: Call, verdict: Callable[[Session, follows.Follow], None]) -> Relationship:
    def deed(db: Session, me: Actor, asking: Actor) -> None:
        row = follows.find(db, asking.id, me.id)
        if row is None or row.state != FollowState.PENDING:
            raise NotFound("Record not found")
        verdict(db, row)

    return await _do(call, deed)


@endpoint("read:follows", Several, list[FamiliarFollowers])
async def familiar_followers(call: Call, args: Several) -> list[FamiliarFollowers]:
    """`GET /api/v1/accounts/familiar_followers?id[]=`: whom the caller follows among their followers."""

    def look(db: Session) -> list[FamiliarFollowers]:
        asked = list(dict.fromkeys(args.id))[:MOST_FAMILIAR]
        there = actors.many(db, asked)
        wanted = [id for id in asked if id in there]
        found = relations.familiar(db, call.me, wanted)
        people = {actor.id: actor for group in found.values() for actor in group}
        entities = dict(zip(people, show_accounts.accounts(db, list(people.values())), strict=True))
        return [FamiliarFollowers(id=str(id), accounts=[entities[actor.id] for actor in found[id]]) for id in wanted]

    return await call.read(look)
