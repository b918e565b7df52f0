"""Timelines: home, everybody's, a hashtag's, a list's."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import lists, timelines
from models.errors import NotFound
from models.posts import Post
from models.statuses import Item
from server.api import show_statuses
from server.api.arguments import Paged
from server.api.calls import Call, endpoint
from server.api.entities.statuses import Status
from server.api.paging import Page

MOST_TAGS = 4
"""How many tags one may ask for together, beside the first: as many as clients offer."""


class Public(Paged, kw_only=True):
    """Whose posts."""

    local: bool = False
    remote: bool = False
    only_media: bool = False


class Tagged(Public, kw_only=True):
    """With which tags beside the one in the address."""

    any: list[str] = msgspec.field(default_factory=list)
    all: list[str] = msgspec.field(default_factory=list)
    none: list[str] = msgspec.field(default_factory=list)


class Linked(Paged, kw_only=True):
    """Which page."""

    url: Annotated[str, Meta(min_length=1)]


def page(db: Session, call: Call, found: Sequence[Item | Post]) -> Page[Status]:
    """A list of posts as a page of statuses."""
    return Page.of(show_statuses.statuses(db, call.actor, found), show_statuses.ids(found))


@endpoint("read:statuses", Paged, list[Status], kept=True)
async def home(call: Call, args: Paged) -> Page[Status]:
    """`GET /api/v1/timelines/home`: from those one follows: persons, communities and tags."""
    return await call.read(lambda db: page(db, call, timelines.home(db, call.me, args.window())))


@endpoint("read:statuses", Public, list[Status], who="anybody", kept=True)
async def public(call: Call, args: Public) -> Page[Status]:
    """`GET /api/v1/timelines/public`: everybody's first posts."""

    def look(db: Session) -> Page[Status]:
        found = timelines.public(
            db, call.actor, args.window(), local=args.local, remote=args.remote, only_media=args.only_media
        )
        return page(db, call, found)

    return await call.read(look)


@endpoint("read:statuses", Tagged, list[Status], who="anybody", kept=True)
async def tag(call: Call, args: Tagged) -> Page[Status]:
    """`GET /api/v1/timelines/tag/{hashtag}`: public posts with a hashtag."""

    def look(db: Session) -> Page[Status]:
        found = timelines.tag(
            db,
            call.actor,
            call.path_text("hashtag"),
            args.window(),
            any=args.any[:MOST_TAGS],
            all=args.all[:MOST_TAGS],
            none=args.none[:MOST_TAGS],
            local=args.local,
            remote=args.remote,
            only_media=args.only_media,
        )
        return page(db, call, found)

    return await call.read(look)


@endpoint("read:lists", Paged, list[Status], kept=True)
async def of_list(call: Call, args: Paged) -> Page[Status]:
    """`GET /api/v1/timelines/list/{id}`: from those on a list of one's own."""

    def look(db: Session) -> Page[Status]:
        row = lists.get(db, call.me.id, call.path())
        members = lists.member_ids(row)
        found = timelines.of_list(db, call.me, members, args.window(), replies=row.replies_policy)
        return page(db, call, found)

    return await call.read(look)


@endpoint("read:statuses", Linked, list[Status], who="anybody")
async def link(call: Call, args: Linked) -> Page[Status]:
    """`GET /api/v1/timelines/link?url=`: posts about a trending link. No links trend here, so none is ever found."""
    raise NotFound("Record not found")
