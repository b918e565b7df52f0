"""Hashtags: what is known of one, following it, and showing it on one's profile."""

import msgspec
from sqlalchemy.orm import Session

from models import actors, featured_tags, hashtags, tag_follows
from models.actors import Actor
from models.errors import NotFound
from models.tags import checked
from server.api import show_tags
from server.api.arguments import Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.entities.tags import FeaturedTag, Tag
from server.api.paging import Page


class Named(msgspec.Struct, kw_only=True):
    """A hashtag, with or without #."""

    name: str


def _tag(db: Session, viewer: Actor | None, name: str) -> Tag:
    return show_tags.tags(db, viewer, [hashtags.written(db, checked(name))])[0]


@endpoint(None, Nothing, Tag, who="anybody")
async def show(call: Call, args: Nothing) -> Tag:
    """`GET /api/v1/tags/{name}`: also of a tag nobody has used yet."""
    return await call.read(lambda db: _tag(db, call.actor, call.path_text("name")))


@endpoint("write:follows", Nothing, Tag)
async def follow(call: Call, args: Nothing) -> Tag:
    """`POST /api/v1/tags/{name}/follow`: public posts with it come into the home timeline."""

    def write(db: Session, me: Actor) -> Tag:
        tag_follows.follow(db, me.id, call.path_text("name"))
        return _tag(db, me, call.path_text("name"))

    return await call.write(write)


@endpoint("write:follows", Nothing, Tag)
async def unfollow(call: Call, args: Nothing) -> Tag:
    """`POST /api/v1/tags/{name}/unfollow`."""

    def write(db: Session, me: Actor) -> Tag:
        tag_follows.unfollow(db, me.id, call.path_text("name"))
        return _tag(db, me, call.path_text("name"))

    return await call.write(write)


@endpoint("write:accounts", Nothing, Tag)
async def feature(call: Call, args: Nothing) -> Tag:
    """`POST /api/v1/tags/{name}/feature`: show it on the profile; twice is once."""

    def write(db: Session, me: Actor) -> Tag:
        name = checked(call.path_text("name"))
        if featured_tags.by_name(db, me.id, name) is None:
            featured_tags.add(db, me.id, name)
        return _tag(db, me, name)

    return await call.write(write)


@endpoint("write:accounts", Nothing, Tag)
async def unfeature(call: Call, args: Nothing) -> Tag:
    """`POST /api/v1/tags/{name}/unfeature`."""

    def write(db: Session, me: Actor) -> Tag:
        name = checked(call.path_text("name"))
        if (row := featured_tags.by_name(db, me.id, name)) is not None:
            featured_tags.remove(db, row)
        return _tag(db, me, name)

    return await call.write(write)


@endpoint("read:follows", Paged, Page[Tag])
async def followed(call: Call, args: Paged) -> Page[Tag]:
    """`GET /api/v1/followed_tags`: last followed first."""

    def look(db: Session) -> Page[Tag]:
        rows = tag_follows.page(db, call.me.id, args.window(100, 200))
        return Page.of(show_tags.tags(db, call.me, [row.shown for row in rows]), [row.id for row in rows])

    return await call.read(look)


@endpoint("read:accounts", Nothing, list[FeaturedTag])
async def featured(call: Call, args: Nothing) -> list[FeaturedTag]:
    """`GET /api/v1/featured_tags`: those on the caller's profile."""
    return await call.read(lambda db: _featured(db, call, call.me.id))


@endpoint(None, Nothing, list[FeaturedTag], who="anybody")
async def featured_by(call: Call, args: Nothing) -> list[FeaturedTag]:
    """`GET /api/v1/accounts/{id}/featured_tags`: those on somebody's profile; of people elsewhere we know none."""

    def look(db: Session) -> list[FeaturedTag]:
        actor = actors.get(db, call.path())
        if not actor.active:
            raise NotFound("Record not found")
        return _featured(db, call, actor.id)

    return await call.read(look)


def _featured(db: Session, call: Call, account_id: int) -> list[FeaturedTag]:
    return [show_tags.featured(call.node.origin, row, use) for row, use in featured_tags.of(db, account_id)]


@endpoint("write:accounts", Named, FeaturedTag)
async def add_featured(call: Call, args: Named) -> FeaturedTag:
    """`POST /api/v1/featured_tags`."""

    def write(db: Session, me: Actor) -> FeaturedTag:
        row = featured_tags.add(db, me.id, args.name)
        use = featured_tags.uses(db, me.id, [row.name]).get(row.name, featured_tags.Use())
        return show_tags.featured(call.node.origin, row, use)

    return await call.write(write)


@endpoint("write:accounts", Nothing, dict[str, str])
async def remove_featured(call: Call, args: Nothing) -> dict[str, str]:
    """`DELETE /api/v1/featured_tags/{id}`."""

    def write(db: Session, me: Actor) -> dict[str, str]:
        featured_tags.remove(db, featured_tags.get(db, me.id, call.path()))
        return {}

    return await call.write(write)


@endpoint("read:accounts", Nothing, list[Tag])
async def suggested(call: Call, args: Nothing) -> list[Tag]:
    """`GET /api/v1/featured_tags/suggestions`: what the caller uses most and does not feature yet."""
    return await call.read(lambda db: show_tags.tags(db, call.me, featured_tags.suggestions(db, call.me.id)))
