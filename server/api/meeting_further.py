"""More of a meeting in Torv's own namespace: its series, its minutes, and who really came."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import actors, checking_in, minutes, series
from models.actors import Actor
from models.composing import MAX_TEXT
from models.errors import Invalid, NotFound
from models.recurring import Every, Pattern
from server.api.arguments import Nothing, Whole
from server.api.calls import Call, endpoint
from server.api.contributions import Showing
from server.api.entities import torv as entities
from server.api.meetings import again, meeting_of, shown
from server.elsewhere import resolve_mentions


class Repeating(msgspec.Struct, kw_only=True):
    """By which pattern a meeting is held again; this one is the first, and says the weekday or the date."""

    every: Literal["week", "fortnight", "month_date", "month_weekday", "month_last"]
    count: Whole = 0
    """How many times in all, or:"""
    until: Annotated[str, Meta(max_length=10)] = ""
    """Until which day, such as `2027-06-30`."""


class Closing(msgspec.Struct, kw_only=True):
    """The minutes, in Markdown."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT - 100)]
    language: Annotated[str, Meta(max_length=10)] = ""


class CheckingIn(msgspec.Struct, kw_only=True):
    """What the address at the door ends with."""

    code: Annotated[str, Meta(max_length=100)]


class Ticking(msgspec.Struct, kw_only=True):
    """Whether somebody is there."""

    there: bool


@endpoint("read:statuses", Nothing, list[entities.Meeting], who="anybody")
async def others(call: Call, args: Nothing) -> list[entities.Meeting]:
    """The meetings of its series, this one among them, in the order of time; none where there is no series."""

    def look(db: Session) -> list[entities.Meeting]:
        _, row = meeting_of(db, call.actor, call.path())
        return shown(db, call.actor, series.of(db, call.actor, row))

    return await call.read(look)


@endpoint("write:statuses", Repeating, list[entities.Meeting])
async def repeat(call: Call, args: Repeating) -> list[entities.Meeting]:
    """Hold a meeting again by a pattern, each as a meeting of its own; the new ones."""
    try:
        until = date.fromisoformat(args.until) if args.until else None
    except ValueError:
        raise Invalid("Write a date, such as 2027-06-30.", code="until_unfit") from None

    def write(db: Session, me: Actor) -> list[entities.Meeting]:
        post, _ = meeting_of(db, me, call.path())
        made = series.repeat(db, me, post, Pattern(Every(args.every), args.count, until))
        return shown(db, me, [meeting_of(db, me, one.id) for one in made])

    return await call.write(write)


@endpoint("read:statuses", Nothing, entities.Contribution, who="anybody")
async def read_minutes(call: Call, args: Nothing) -> entities.Contribution:
    """The minutes of a meeting; 404 where there are none."""

    def look(db: Session) -> entities.Contribution:
        _, row = meeting_of(db, call.actor, call.path())
        found = minutes.seen(db, call.actor, row)
        if found is None:
            raise NotFound("There are no minutes.")
        return Showing(db, call.actor, [found]).contribution(found)

    return await call.read(look)


@endpoint("write:statuses", Closing, entities.Contribution)
async def write_minutes(call: Call, args: Closing) -> entities.Contribution:
    """Close a meeting by its minutes, or change them: its organiser, and moderators of its community."""
    await resolve_mentions(call, args.text)
    app = {"name": call.app.name, "website": call.app.website} if call.app is not None else None

    def write(db: Session, me: Actor) -> entities.Contribution:
        post, _ = meeting_of(db, me, call.path())
        written = minutes.write(db, me, post, args.text, language=args.language, app=app)
        return Showing(db, me, [written]).contribution(written)

    return await call.write(write)


@endpoint("write:statuses", CheckingIn, entities.Meeting)
async def check_in(call: Call, args: CheckingIn) -> entities.Meeting:
    """The caller is there, and has read the code at the door."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        checking_in.check_in(db, me, post, args.code)
        return again(db, me, post)

    return await call.write(write)


@endpoint("write:statuses", Ticking, entities.Meeting)
async def tick(call: Call, args: Ticking) -> entities.Meeting:
    """The organiser notes whether an account (its id in the path) is there, also one of another server."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        other = actors.many(db, [call.path("account_id")]).get(call.path("account_id"))
        if other is None:
            raise NotFound("This person has not signed up.")
        checking_in.tick(db, me, post, other, there=args.there)
        return again(db, me, post)

    return await call.write(write)
