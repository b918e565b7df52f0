"""What somebody does to a status: boost, favourite, pin, mute its conversation; and who else did."""

from collections.abc import Callable
from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from models import pins, reactions, statuses, thread_mutes
from models.actors import Actor
from models.errors import Forbidden, Invalid
from models.posts import Post, Visibility
from models.statuses import Item
from server.api import seeing, show_statuses
from server.api.arguments import Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.statuses import Status
from server.api.paging import Page

BOOSTS = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
}


class Boosting(msgspec.Struct, kw_only=True):
    """Who is to see a boost."""

    visibility: Literal["public", "unlisted", "private"] = "public"


async def _deed(call: Call, deed: Callable[[Session, Actor, Post], Item | None]) -> Status:
    """Do something to the post in the address; the answer is the post, or the item that `deed` returns."""
    status_id = call.path()

    def write(db: Session, me: Actor) -> Status:
        post = statuses.find(db, me, status_id).post
        item = deed(db, me, post)
        db.flush()
        return show_statuses.status(db, me, item or post)

    return await call.write(write)


@endpoint("write:statuses", Boosting, Status)
async def reblog(call: Call, args: Boosting) -> Status:
    """`POST /api/v1/statuses/{id}/reblog`: show it to one's followers."""

    def deed(db: Session, me: Actor, post: Post) -> Item:
        return Item(reactions.boost(db, me, post, visibility=BOOSTS[args.visibility]).id, post, me)

    return await _deed(call, deed)


@endpoint("write:statuses", Nothing, Status)
async def unreblog(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/unreblog`: take that back."""

    def deed(db: Session, me: Actor, post: Post) -> None:
        reactions.unboost(db, me, post)

    return await _deed(call, deed)


@endpoint("write:favourites", Nothing, Status)
async def favourite(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/favourite`: vote it up. Not one's own question, answer or comment."""

    def deed(db: Session, me: Actor, post: Post) -> None:
        try:
            reactions.vote(db, me, post)
        except Forbidden as error:
            raise Invalid(error.text, code=error.code) from None

    return await _deed(call, deed)


@endpoint("write:favourites", Nothing, Status)
async def unfavourite(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/unfavourite`: take that back. A vote against it stays."""

    def deed(db: Session, me: Actor, post: Post) -> None:
        if reactions.my_votes(db, me.id, [post.id]).get(post.id) == 1:
            reactions.withdraw_vote(db, me, post)

    return await _deed(call, deed)


@endpoint("write:accounts", Nothing, Status)
async def pin(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/pin`: show it first on one's profile."""

    def deed(db: Session, me: Actor, post: Post) -> None:
        try:
            pins.pin(db, me, post)
        except Forbidden:
            raise Invalid("Validation failed: Someone else's post cannot be pinned", code="not_author") from None

    return await _deed(call, deed)


@endpoint("write:accounts", Nothing, Status)
async def unpin(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/unpin`: no longer."""
    return await _deed(call, pins.unpin)


@endpoint("write:mutes", Nothing, Status)
async def mute(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/mute`: no more notices of this conversation."""
    return await _deed(call, lambda db, me, post: thread_mutes.mute(db, me.id, post.thread_id))


@endpoint("write:mutes", Nothing, Status)
async def unmute(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/unmute`: notices again."""
    return await _deed(call, lambda db, me, post: thread_mutes.unmute(db, me.id, post.thread_id))


@endpoint("read:accounts", Paged, list[Account], who="anybody")
async def reblogged_by(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/statuses/{id}/reblogged_by`: who boosted it for all to see."""

    def look(db: Session) -> Page[Account]:
        post = statuses.find(db, call.actor, call.path()).post
        return seeing.page(db, call.actor, reactions.boosters(db, post, args.window(40, 80)))

    return await call.read(look)


@endpoint("read:accounts", Paged, list[Account], who="anybody")
async def favourited_by(call: Call, args: Paged) -> Page[Account]:
    """`GET /api/v1/statuses/{id}/favourited_by`: who voted it up."""

    def look(db: Session) -> Page[Account]:
        post = statuses.find(db, call.actor, call.path()).post
        return seeing.page(db, call.actor, reactions.voters(db, post, args.window(40, 80)))

    return await call.read(look)
