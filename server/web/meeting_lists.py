"""What meetings there are: as a list, in a month, and on a map; narrowed by who holds them, where, when and how."""

import calendar
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from sqlalchemy.orm import Session
from starlette.responses import Response

from models import agenda, attendance, municipalities, whereabouts
from models.actors import Actor
from models.agenda import Choice
from models.base import now
from models.meetings import Meeting
from models.posts import Post
from server import dates
from server.i18n import later, locale
from server.web import danish_map
from server.web.question_lists import to_choose
from server.web.showing import Shown, show
from server.web.visits import Visit, page

PAGE = 30
NEAR = 60
"""Meetings of the list that begins with the nearest; it has no second page."""

ONLINE = {"yes": later("Can be joined online"), "no": later("Has a place to go to")}
PERIODS = {
    "week": (later("The coming week"), timedelta(days=7)),
    "month": (later("The coming month"), timedelta(days=31)),
    "quarter": (later("The coming three months"), timedelta(days=92)),
}
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
"""Between these months can be leafed through."""


@dataclass(frozen=True)
class Wanted:
    """What the visitor asked for; every value is one we offer."""

    community: int | None = None
    municipality: str = ""
    online: str = ""
    period: str = ""
    near: str = ""

    @classmethod
    def of(cls, visit: Visit) -> "Wanted":
        """Read the query; what we do not offer counts as not chosen."""

        def one(name: str, offered: Any) -> str:
            return visit.query(name) if visit.query(name) in offered else ""

        known = municipalities.known()
        return cls(
            visit.cursor("community"),
            one("municipality", known),
            one("online", ONLINE),
            one("period", PERIODS),
            one("near", known),
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for."""
        return self != Wanted()

    def choice(self, *, past: bool = False, **times: datetime | None) -> Choice:
        """As the models understand it."""
        found: dict[str, datetime | None] = {"since": None if past else now()}
        if self.period and not past:
            found["until"] = now() + PERIODS[self.period][1]
        online = {"yes": True, "no": False}.get(self.online)
        return Choice(self.community, self.municipality, online, **{**found, **times})

    def address(self, path: str = "/meetings", **other: Any) -> str:
        """An address with this choice in it, and something changed."""
        query = urlencode({name: value for name, value in {**vars(self), **other}.items() if value not in {"", None}})
        return f"{path}?{query}" if query else path


@dataclass
class Listed:
    """A page of a list."""

    shown: Shown
    rows: dict[int, Meeting]
    states: dict[int, str] = field(default_factory=dict)
    """What the visitor is to each."""
    distances: dict[int, float] = field(default_factory=dict)
    """Kilometres."""
    following: str = ""
    groups: list[Actor] = field(default_factory=list)


def choices(groups: list[Actor]) -> dict[str, Any]:
    """What meetings can be narrowed to, for the template."""
    return {
        "municipalities": [(one.code, one.name) for one in municipalities.known().values()],
        "groups": [(one.id, one.display_name if one.local else f"{one.display_name} ({one.domain})") for one in groups],
        "onlines": ONLINE,
        "periods": {key: name for key, (name, _) in PERIODS.items()},
    }


def feed_of(wanted: Wanted, groups: list[Actor]) -> str:
    """The calendar to subscribe to that fits the choice best."""
    group = next((one for one in groups if one.id == wanted.community and one.local), None)
    if group is not None:
        return f"/c/{group.username}/meetings.ics"
    return f"/meetings/in/{wanted.municipality}.ics" if wanted.municipality else "/meetings.ics"


def subscribing(visit: Visit, path: str) -> dict[str, Any]:
    """The addresses of a calendar: to read, and for programs to subscribe to."""
    return {"ics": path, "webcal": f"webcal://{visit.node.origin.partition('://')[2]}{path}"}


@page
async def index(visit: Visit) -> Response:
    """`GET /meetings?show=past&community=&municipality=&online=&period=&near=&after=`: the next first; with `past` the last
    first; with `near` those nearest to that municipality."""
    past, wanted = visit.query("show") == "past", Wanted.of(visit)

    def look(db: Session) -> Listed:
        listed = _nearest(db, visit, wanted) if wanted.near and not past else _next(db, visit, wanted, past)
        if visit.actor is not None:
            listed.states = attendance.states_of(db, visit.actor, listed.rows)
        listed.groups = to_choose(db, wanted.community)
        return listed

    found = await visit.read(look)
    return visit.page(
        "meetings.html",
        found=found,
        shown=found.shown,
        past=past,
        wanted=wanted,
        tab="past" if past else "list",
        **subscribing(visit, feed_of(wanted, found.groups)),
        **choices(found.groups),
    )


def _next(db: Session, visit: Visit, wanted: Wanted, past: bool) -> Listed:
    choice = wanted.choice(past=past)
    found = agenda.find(
        db, visit.actor, choice, over=past, past=past, after=_after(visit.query("after")), limit=PAGE + 1
    )
    listed = _listed(db, visit, found[:PAGE])
    if len(found) > PAGE:
        last = found[PAGE - 1][1]
        place = f"{last.starts_at.timestamp():.0f}-{last.post_id}"
        listed.following = wanted.address(show="past" if past else "", after=place)
    return listed


def _nearest(db: Session, visit: Visit, wanted: Wanted) -> Listed:
    here = whereabouts.of_seat(wanted.near)
    assert here is not None
    measured = agenda.nearest(agenda.find(db, visit.actor, wanted.choice()), here)[:NEAR]
    listed = _listed(db, visit, [(post, row) for post, row, _ in measured])
    listed.distances = {post.id: far for post, _, far in measured if far is not None}
    return listed


def _listed(db: Session, visit: Visit, found: agenda.Found) -> Listed:
    return Listed(show(db, visit.actor, [post for post, _ in found]), {row.post_id: row for _, row in found})


def _after(said: str) -> tuple[datetime, int] | None:
    """The start and number of the last one of the page before."""
    at, _, number = said.partition("-")
    if not (at.isascii() and at.isdigit() and number.isascii() and number.isdigit() and len(number) < 20):
        return None
    if len(at) > 11 or int(number) >= 2**63:
        return None
    return datetime.fromtimestamp(int(at), UTC), int(number)


# A month


@dataclass
class Day:
    """A day of the month, with what takes place on it: the hour at which it begins, if it does on that day."""

    day: date
    within: bool
    """Whether it is of the month that is shown."""
    today: bool
    meetings: list[tuple[Post, Meeting, str]] = field(default_factory=list)


@page
async def month(visit: Visit) -> Response:
    """`GET /meetings/calendar?month=2026-12&community=&municipality=&online=`: a month, in this node's zone."""
    zone = dates.zone(visit.settings.time_zone)
    today = now().astimezone(zone).date()
    first = _month(visit.query("month"), today)
    wanted = Wanted.of(visit)
    days = list(calendar.Calendar().itermonthdates(first.year, first.month))
    since, until = (datetime.combine(one, datetime.min.time(), zone) for one in (days[0], days[-1] + timedelta(days=1)))

    def look(db: Session) -> tuple[agenda.Found, list[Actor]]:
        choice = wanted.choice(since=since.astimezone(UTC), until=until.astimezone(UTC))
        return agenda.find(db, visit.actor, choice), to_choose(db, wanted.community)

    found, groups = await visit.read(look)
    made = {one: Day(one, one.month == first.month, one == today) for one in days}
    for post, row in found:
        begins, ends = row.starts_at.astimezone(zone), (row.ends_at - timedelta(seconds=1)).astimezone(zone)
        for day in (one for one in days if begins.date() <= one <= ends.date()):
            hour = dates.clock(begins, visit.language) if day == begins.date() else ""
            made[day].meetings.append((post, row, hour))
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    return visit.page(
        "meeting_month.html",
        weeks=[[made[day] for day in days[at : at + 7]] for at in range(0, len(days), 7)],
        busy=[made[day] for day in days if made[day].meetings and made[day].within],
        name=format_date(first, "LLLL y", locale=locale(visit.language)),
        weekdays=[format_date(day, "EEEE", locale=locale(visit.language)) for day in days[:7]],
        day_name=lambda day: format_date(
            day, "EEEE d. MMMM" if visit.language == "da" else "EEEE d MMMM", locale=locale(visit.language)
        ),
        before=wanted.address("/meetings/calendar", month=f"{before:%Y-%m}") if before >= EARLIEST else "",
        after=wanted.address("/meetings/calendar", month=f"{after:%Y-%m}") if after <= LATEST else "",
        month=f"{first:%Y-%m}",
        this_month=first.replace(day=1) == today.replace(day=1),
        wanted=wanted,
        tab="calendar",
        **subscribing(visit, feed_of(wanted, groups)),
        **choices(groups),
    )


def _month(said: str, today: date) -> date:
    """The first of the month that is asked for; of this one where nothing sensible is."""
    try:
        found = date.fromisoformat(f"{said}-01")
    except ValueError:
        return today.replace(day=1)
    return found if EARLIEST <= found <= LATEST else today.replace(day=1)


# A map


@dataclass(frozen=True)
class Dot:
    """A municipality on the map, in the map's own units, with how many meetings there are to come."""

    code: str
    name: str
    x: float
    y: float
    radius: float
    count: int


@page
async def on_map(visit: Visit) -> Response:
    """`GET /meetings/map?community=&online=&period=`: where meetings are to come."""
    wanted = Wanted.of(visit)

    def look(db: Session) -> tuple[agenda.Found, list[Actor]]:
        return agenda.find(db, visit.actor, wanted.choice()), to_choose(db, wanted.community)

    found, groups = await visit.read(look)
    counted = Counter(row.municipality for _, row in found)
    return visit.page(
        "meeting_map.html",
        dots=dots(counted),
        lines=sorted(
            ((municipalities.name(code), code, count) for code, count in counted.items() if municipalities.name(code)),
            key=lambda line: (-line[2], line[0]),
        ),
        online=sum(row.online_only for _, row in found),
        elsewhere=sum(not row.online_only and not municipalities.name(row.municipality) for _, row in found),
        total=len(found),
        size=(danish_map.WIDTH, danish_map.HEIGHT),
        wanted=wanted,
        tab="map",
        **subscribing(visit, feed_of(wanted, groups)),
        **choices(groups),
    )


def dots(counted: Counter[str]) -> list[Dot]:
    """All municipalities, the busiest first, so that small circles lie on top."""
    most = max([1, *(count for code, count in counted.items() if code)])
    made = []
    for one in municipalities.known().values():
        count = counted[one.code]
        radius = 7 + 13 * math.sqrt(count / most) if count else 2.5
        made.append(Dot(one.code, one.name, *danish_map.place(one.latitude, one.longitude), round(radius, 1), count))
    return sorted(made, key=lambda dot: -dot.radius)
