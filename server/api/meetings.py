"""Meetings in Torv's own namespace: as themselves, with time and place, and who comes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import access, actors, agenda, attendance, attending, links, meeting_text, meetings, planning, zones
from models.actors import Actor
from models.agenda import Choice
from models.attendance import Standing
from models.base import now
from models.errors import Forbidden, Invalid, NotFound
from models.links import MOST as MOST_LINKS
from models.links import Linked
from models.meetings import Attendee as Row
from models.meetings import Meeting, Plan, State, Way
from models.planning import Around
from models.posts import Post, Visibility
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Whole
from server.api.calls import Call, endpoint
from server.api.communities import community_of
from server.api.contributions import Showing, tied, to_link
from server.api.entities import torv as entities
from server.api.times import stamp
from server.elsewhere import resolve_mentions

Word = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=planning.MAX_PART)]
Address = Annotated[str, Meta(max_length=2000)]
Degrees = Annotated[float, Meta(ge=-180, le=180)]
MOST = 80


class Wanted(msgspec.Struct, kw_only=True):
    """Which meetings."""

    past: bool = False
    """Those that are over, the last first; else those to come, the next first."""
    community_id: Id | None = None
    municipality: Annotated[str, Meta(max_length=4)] = ""
    """Its four-digit code."""
    online: bool | None = None
    """Those that can be joined from afar, or those that have a place."""
    until: Annotated[str, Meta(max_length=40)] = ""
    """Those that begin before this time (ISO 8601, with a zone)."""
    after_id: Id | None = None
    """The last one of the page before."""
    limit: Whole = 20


class Planned(msgspec.Struct, kw_only=True):
    """A meeting, all of it. Times are as clocks show them where it is, such as `2026-12-01T16:00`."""

    title: Annotated[str, Meta(min_length=1)]
    theme: Text = ""
    agenda: Text = ""
    starts: Annotated[str, Meta(max_length=40)]
    ends: Annotated[str, Meta(max_length=40)] = ""
    timezone: Annotated[str, Meta(max_length=60)] = zones.HOME
    place: Word = ""
    street: Word = ""
    postal_code: Word = ""
    town: Word = ""
    accessibility: Annotated[str, Meta(max_length=planning.MAX_ACCESS)] = ""
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    municipality: Annotated[str, Meta(max_length=4)] = ""
    """The four-digit code; empty: what the point or the town says."""
    online_url: Address = ""
    online_hidden: bool = False
    """The link is for those who come only."""
    joining: Annotated[str, Meta(pattern="^(free|restricted|external|none)$")] = "free"
    join_url: Address = ""
    capacity: Whole | None = None
    by_like: bool = False
    by_reply: bool = True
    tentative: bool = False
    remind_hours: Whole = 24
    """So many hours before those who come are reminded: 2, 24, 72, 168, or 0 for never."""
    language: Annotated[str, Meta(max_length=10)] = ""
    disclosure: Annotated[str, Meta(max_length=500)] | None = None
    link_ids: Annotated[list[Id], Meta(max_length=MOST_LINKS)] | None = None
    """Questions, reports and dogmas it belongs with; null in an edit leaves them. Who said of such a question that he
    would come is told of a new meeting."""


class Publishing(Planned, kw_only=True):
    """A new meeting."""

    community_id: Id | None = None
    visibility: Annotated[str, Meta(pattern="^(public|node)$")] = "public"


class Cancelling(msgspec.Struct, kw_only=True):
    """Calling it off."""

    why: Annotated[str, Meta(max_length=planning.MAX_ACCESS)] = ""


class Listed(msgspec.Struct, kw_only=True):
    """Which stretch of those who signed up, in the order they did."""

    after: Id = 0
    """The `number` of the last one of the page before."""
    limit: Whole = 40


class Deciding(msgspec.Struct, kw_only=True):
    """Whether somebody comes."""

    let_in: bool


def shown(
    db: Session, viewer: Actor | None, found: Iterable[tuple[Post, Meeting]], *, whole: bool = False
) -> list[entities.Meeting]:
    """`whole`: with what each is tied to."""
    listed = list(found)
    posts = [post for post, _ in listed]
    showing, mine = Showing(db, viewer, posts), attendance.standing(db, viewer, posts)
    made = []
    for post, row in listed:
        ties = (links.of(db, viewer, post), links.to(db, viewer, post)) if whole else ([], [])
        made.append(_one(post, row, showing, mine, ties))
    return made


def _one(
    post: Post, row: Meeting, showing: Showing, mine: Standing, ties: tuple[list[Linked], list[Linked]]
) -> entities.Meeting:
    here = row.place or row.street or row.town
    return entities.Meeting(
        **showing.common(post),
        community_id=str(post.community_id) if post.community_id else None,
        summary=post.summary,
        theme=row.theme,
        agenda=row.agenda,
        starts_at=stamp(row.starts_at),
        ends_at=None if row.open_end else stamp(row.ends_at),
        timezone=row.timezone,
        place=_place(row) if here else None,
        online=bool(row.online_url),
        online_url=row.online_url if row.online_url and mine.sees_link(post, row) else None,
        status=row.status,
        cancelled_why=row.cancelled_why,
        joining=row.joining,
        join_url=row.join_url or None,
        capacity=row.capacity,
        going=row.going,
        waiting=row.waiting,
        by_like=row.by_like,
        by_reply=row.by_reply,
        series=row.series_id is not None,
        minutes_id=str(row.minutes_post_id) if row.minutes_post_id else None,
        my_state=mine.states.get(post.id),
        organised=mine.organises(post) if mine.viewer is not None else None,
        sees_attendees=mine.sees_attendees(post),
        links=tied(ties[0]),
        linked_from=tied(ties[1]),
    )


def _place(row: Meeting) -> entities.Place:
    return entities.Place(
        name=row.place,
        street=row.street,
        postal_code=row.postal_code,
        town=row.town,
        accessibility=row.accessibility,
        latitude=row.latitude,
        longitude=row.longitude,
        municipality=row.municipality,
    )


def meeting_of(db: Session, viewer: Actor | None, id: int) -> tuple[Post, Meeting]:
    """A meeting that somebody may see. Raises NotFound."""
    post = access.access_post(db, viewer, id)
    row = meetings.find(db, post)
    if row is None:
        raise NotFound("There is no such meeting.")
    return post, row


def again(db: Session, me: Actor, post: Post) -> entities.Meeting:
    """It as it is now."""
    return shown(db, me, [meeting_of(db, me, post.id)], whole=True)[0]


@endpoint("read:statuses", Wanted, list[entities.Meeting], who="anybody")
async def index(call: Call, args: Wanted) -> list[entities.Meeting]:
    """Meetings, here and of other servers: the next first, or with `past` the last first."""
    until = _until(args.until)

    def look(db: Session) -> list[entities.Meeting]:
        last = meeting_of(db, call.actor, args.after_id)[1] if args.after_id is not None else None
        found = agenda.find(
            db,
            call.actor,
            Choice(args.community_id, args.municipality, args.online, None if args.past else now(), until),
            past=args.past,
            over=args.past,
            after=(last.starts_at, last.post_id) if last is not None else None,
            limit=min(max(args.limit, 1), MOST),
        )
        return shown(db, call.actor, found)

    return await call.read(look)


def _until(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written).astimezone(UTC) if written else None
    except (ValueError, OverflowError):
        raise Invalid("Write a time with its zone, such as 2026-12-01T16:00:00Z.", code="until_unfit") from None
    return found


@endpoint("read:statuses", Nothing, entities.Meeting, who="anybody")
async def show(call: Call, args: Nothing) -> entities.Meeting:
    """One meeting."""
    return await call.read(lambda db: shown(db, call.actor, [meeting_of(db, call.actor, call.path())], whole=True)[0])


def _time(written: str, code: str) -> datetime | None:
    if not written:
        return None
    found: datetime | None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise Invalid("Write the date and the time without a zone, such as 2026-12-01T16:00.", code=f"{code}_unfit")
    return found


def _plan(args: Planned, language: str) -> Plan:
    written = {name: getattr(args, name) for name in vars(Plan("")) if hasattr(args, name)}
    times = {"starts": _time(args.starts, "starts"), "ends": _time(args.ends, "ends")}
    return Plan(**{**written, **times, "language": args.language or language})


@endpoint("write:statuses", Publishing, entities.Meeting)
async def plan(call: Call, args: Publishing) -> entities.Meeting:
    """Plan a meeting, in a community or on one's own profile."""
    wanted = _plan(args, call.language)
    await resolve_mentions(call, meeting_text.markdown(wanted))

    def write(db: Session, me: Actor) -> entities.Meeting:
        around = Around(
            community=community_of(db, args.community_id) if args.community_id is not None else None,
            visibility=Visibility(args.visibility),
            disclosure=args.disclosure,
            linked=to_link(db, me, args.link_ids or []),
            app={"name": call.app.name, "website": call.app.website} if call.app is not None else None,
        )
        return again(db, me, planning.publish(db, me, wanted, around))

    return await call.write(write)


@endpoint("write:statuses", Planned, entities.Meeting)
async def edit(call: Call, args: Planned) -> entities.Meeting:
    """A new edition of one's own meeting: all of it anew. Those who come are told of another time, place or link."""
    wanted = _plan(args, call.language)
    await resolve_mentions(call, meeting_text.markdown(wanted))

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        linked = to_link(db, me, args.link_ids) if args.link_ids is not None else None
        around = Around(visibility=post.visibility, disclosure=args.disclosure, linked=linked)
        return again(db, me, planning.edit(db, me, post, wanted, around))

    return await call.write(write)


@endpoint("write:statuses", Cancelling, entities.Meeting)
async def cancel(call: Call, args: Cancelling) -> entities.Meeting:
    """Call one's own meeting off; whoever signed up is told."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        planning.cancel(db, me, post, args.why)
        return again(db, me, post)

    return await call.write(write)


@endpoint("write:statuses", Nothing, entities.Meeting)
async def sign_up(call: Call, args: Nothing) -> entities.Meeting:
    """Ask for a place; `my_state` says what came of it. At a meeting of another server it is `asked` until that answers."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        attending.sign_up(db, me, post, Way.WEB)
        return again(db, me, post)

    return await call.write(write)


@endpoint("write:statuses", Nothing, entities.Meeting)
async def withdraw(call: Call, args: Nothing) -> entities.Meeting:
    """Give the place up."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        attending.withdraw(db, me, post)
        return again(db, me, post)

    return await call.write(write)


@endpoint("read:statuses", Listed, list[entities.Attendee])
async def attendees(call: Call, args: Listed) -> list[entities.Attendee]:
    """Who comes, for those who come; for the organiser and moderators also who waits, asked or was declined."""

    def look(db: Session) -> list[entities.Attendee]:
        me = call.me
        post, _ = meeting_of(db, me, call.path())
        mine = attendance.standing(db, me, [post])
        if not mine.sees_attendees(post):
            raise Forbidden("Who comes is shown to the organiser, to moderators, and to those who come.")
        whole = mine.sees_all(post)
        states = tuple(State) if whole else (State.GOING,)
        found = attendance.attendees(db, post, *states, after=args.after, limit=min(max(args.limit, 1), MOST))
        return _people(db, found, whole=whole)

    return await call.read(look)


def _people(db: Session, found: list[tuple[Row, Actor]], *, whole: bool) -> list[entities.Attendee]:
    accounts = show_accounts.accounts(db, [actor for _, actor in found])
    return [
        entities.Attendee(
            number=str(own.number),
            account=account,
            state=own.state,
            ways=[str(way.name).lower() for way in Way if own.ways & way] if whole else [],
            signed_up_at=stamp(own.created_at),
            checked_in_at=stamp(own.checked_in_at) if own.checked_in_at is not None and whole else None,
        )
        for (own, _), account in zip(found, accounts, strict=True)
    ]


@endpoint("write:statuses", Deciding, entities.Meeting)
async def decide(call: Call, args: Deciding) -> entities.Meeting:
    """The organiser lets an account (its id in the path) come, or not (any more)."""

    def write(db: Session, me: Actor) -> entities.Meeting:
        post, _ = meeting_of(db, me, call.path())
        other = actors.many(db, [call.path("account_id")]).get(call.path("account_id"))
        if other is None:
            raise NotFound("This person has not signed up.")
        attending.decide(db, me, post, other, yes=args.let_in)
        return again(db, me, post)

    return await call.write(write)
