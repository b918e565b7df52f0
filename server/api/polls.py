"""Polls: how they stand, and voting in them. A poll has the id of its status."""

import msgspec
from sqlalchemy.orm import Session

from federation.polling import refresh_poll
from models import access, ballots, polls
from models.actors import Actor
from models.errors import NotFound
from server.api import show_statuses
from server.api.arguments import Nothing, Whole
from server.api.calls import Call, endpoint
from server.api.entities.statuses import Poll


class Choices(msgspec.Struct, kw_only=True):
    """The positions of the options that are chosen, counted from 0."""

    choices: list[Whole] = []


@endpoint("read:statuses", Nothing, Poll, who="anybody")
async def show(call: Call, args: Nothing) -> Poll:
    """`GET /api/v1/polls/{id}`. For somebody who is signed in, a poll elsewhere is asked for anew, once a minute."""
    shown = await call.read(lambda db: _shown(db, call.actor, call.path()))
    if call.actor is not None:
        await refresh_poll(call.fed, call.path())
        shown = await call.read(lambda db: _shown(db, call.actor, call.path()))
    return shown


@endpoint("write:statuses", Choices, Poll)
async def vote(call: Call, args: Choices) -> Poll:
    """`POST /api/v1/polls/{id}/votes`: once; several choices where the poll allows it."""

    def write(db: Session, me: Actor) -> Poll:
        post = access.access_post(db, me, call.path())
        ballots.vote(db, me, post, args.choices)
        return _shown(db, me, post.id)

    return await call.write(write)


def _shown(db: Session, viewer: Actor | None, post_id: int) -> Poll:
    post = access.access_post(db, viewer, post_id)
    found = polls.of(db, viewer.id if viewer is not None else None, [post.id]).get(post.id)
    if found is None:
        raise NotFound("Record not found")
    return show_statuses.poll(found)
