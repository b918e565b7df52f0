"""What somebody keeps for himself, and what he voted up."""

from sqlalchemy.orm import Session

from models import bookmarks, favourites, statuses
from models.actors import Actor
from models.posts import Post
from server.api import show_statuses
from server.api.arguments import Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.statuses import Status
from server.api.paging import Page


@endpoint("read:bookmarks", Paged, Page[Status])
async def page(call: Call, args: Paged) -> Page[Status]:
    """`GET /api/v1/bookmarks`: last kept first."""
    return await call.read(lambda db: _page(db, call.me, bookmarks.page(db, call.me, args.window())))


@endpoint("read:favourites", Paged, Page[Status])
async def favourited(call: Call, args: Paged) -> Page[Status]:
    """`GET /api/v1/favourites`: what the caller voted up, last vote first."""
    return await call.read(lambda db: _page(db, call.me, favourites.page(db, call.me, args.window())))


def _page(db: Session, viewer: Actor, found: list[tuple[int, Post]]) -> Page[Status]:
    shown = show_statuses.statuses(db, viewer, [post for _, post in found])
    return Page.of(shown, [at for at, _ in found])


@endpoint("write:bookmarks", Nothing, Status)
async def bookmark(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/bookmark`: keep it; twice is once."""
    return await _set(call, kept=True)


@endpoint("write:bookmarks", Nothing, Status)
async def unbookmark(call: Call, args: Nothing) -> Status:
    """`POST /api/v1/statuses/{id}/unbookmark`: keep it no longer."""
    return await _set(call, kept=False)


async def _set(call: Call, *, kept: bool) -> Status:
    def write(db: Session, me: Actor) -> Status:
        item = statuses.find(db, me, call.path())
        if kept:
            bookmarks.add(db, me.id, item.post)
        else:
            bookmarks.remove(db, me.id, item.post.id)
        return show_statuses.status(db, me, item)

    return await call.write(write)
