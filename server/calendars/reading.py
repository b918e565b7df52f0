"""Reading somebody else's calendar file: what takes place in the time ahead, each occurrence for itself.

    python -m server.calendars.reading EARLIEST LATEST ZONE < file > occurrences.json

A program of its own, because nobody can say beforehand how long a stranger's rule of repetition takes: it is run with
little time and memory (`server.media.programs`), and whatever it does not get done is an unreadable calendar.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import rrulestr
from icalendar import Calendar, Event
from icalendar.prop import vRecur

from server.calendars.occurrences import Occurrence, Read

MOST = 300
"""Occurrences that are taken from a file, the next first."""

MOST_EVENTS = 5000
PER_EVENT = 120
MOST_STEPS = 60_000
"""Of a rule, from its beginning: every day since 1862."""

MAX_TITLE, MAX_TEXT, MAX_PLACE, MAX_URL, MAX_KEY = 200, 1500, 300, 2000, 300
MAX_SAID = 900_000
"""Bytes of all that is said."""

LONGEST = timedelta(days=31)
USUAL = timedelta(hours=2)
STEPS = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
"""What meetings repeat in. What repeats within a day is no meeting."""

PARTS = {
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
}


def read(file: bytes, earliest: datetime, latest: datetime, zone: str) -> Read:
    """All that takes place between the two times. `zone` is where a time without one is meant. Raises ValueError for
    what is no calendar file."""
    calendars = Calendar.from_ical(file, multiple=True)
    found: list[Occurrence] = []
    skipped = 0
    name = ""
    for calendar in calendars:
        if calendar.name != "VCALENDAR":
            raise ValueError("no calendar")
        name = name or _line(calendar.get("X-WR-CALNAME") or calendar.get("NAME"), 100)
        home = _zone(str(calendar.get("X-WR-TIMEZONE", ""))) or ZoneInfo(zone)
        for series in _series([one for one in calendar.subcomponents if isinstance(one, Event)][:MOST_EVENTS]):
            try:
                found += islice(_occurrences(series, earliest, latest, home), PER_EVENT)
            except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
                skipped += 1
    if not calendars:
        raise ValueError("no calendar")
    found.sort(key=lambda one: (one.begins, one.key))
    unique = {one.key: one for one in reversed(found)}
    kept = sorted(unique.values(), key=lambda one: (one.begins, one.key))
    return Read(name, kept[:MOST], skipped, len(kept) > MOST)


def _series(events: Iterable[Any]) -> list[list[Any]]:
    """The events of a file by UID: what repeats with its exceptions."""
    found: dict[str, list[Any]] = {}
    for number, event in enumerate(events):
        found.setdefault(str(event.get("UID", "")) or f"#{number}", []).append(event)
    return list(found.values())


def _occurrences(series: list[Any], earliest: datetime, latest: datetime, home: tzinfo) -> Iterator[Occurrence]:
    changed = {_moment(one["RECURRENCE-ID"].dt, home): one for one in series if "RECURRENCE-ID" in one}
    for master in (one for one in series if "RECURRENCE-ID" not in one):
        for planned in _planned(master, earliest, latest, home):
            if planned not in changed:
                yield from _one(master, planned, home, earliest, latest, repeats="RRULE" in master or "RDATE" in master)
    for planned, event in changed.items():
        yield from _one(event, planned, home, earliest, latest, repeats=True, moved=True)


def _one(
    event: Any,
    planned: datetime,
    home: tzinfo,
    earliest: datetime,
    latest: datetime,
    *,
    repeats: bool,
    moved: bool = False,
) -> Iterator[Occurrence]:
    if str(event.get("CLASS", "PUBLIC")).upper() != "PUBLIC":
        raise ValueError("private")
    first = event["DTSTART"].dt
    begins = _moment(first, home) if moved else planned
    ends = begins + _length(event, first, home)
    title = _line(event.get("SUMMARY"), MAX_TITLE)
    if not title:
        raise ValueError("no title")
    if ends <= earliest or begins >= latest:
        return
    where = first.tzinfo if isinstance(first, datetime) and first.tzinfo is not None else home
    geo = event.get("GEO")
    uid = str(event.get("UID", ""))[:MAX_KEY] or f"{title} {begins:%Y%m%dT%H%M%SZ}"
    yield Occurrence(
        key=f"{uid} {planned:%Y%m%dT%H%M%SZ}" if repeats else uid,
        begins=begins,
        ends=ends,
        zone=_name(where),
        title=title,
        all_day=not isinstance(first, datetime),
        text=_clean(event.get("DESCRIPTION"))[:MAX_TEXT],
        place=_line(event.get("LOCATION"), MAX_PLACE),
        latitude=_degrees(geo, 0, 90),
        longitude=_degrees(geo, 1, 180),
        url=_address(event.get("URL")),
        cancelled=str(event.get("STATUS", "")).upper() == "CANCELLED",
    )


def _planned(event: Any, earliest: datetime, latest: datetime, home: tzinfo) -> Iterator[datetime]:
    """When it takes place by its rule, reckoned on the clock on the wall: 16.00 stays 16.00 when summer time ends."""
    first = event["DTSTART"].dt
    where = first.tzinfo if isinstance(first, datetime) and first.tzinfo is not None else home
    wall = _wall(first, where)
    rule = event.get("RRULE")
    extra = {_wall(one.dt if not isinstance(one.dt, tuple) else one.dt[0], where) for one in _dates(event, "RDATE")}
    without = {_wall(one.dt, where) for one in _dates(event, "EXDATE")}
    if rule is None:
        yield from (_utc(one, where) for one in sorted({wall, *extra} - without))
        return
    if not isinstance(rule, vRecur) or rule.get("FREQ", [""])[0] not in STEPS or set(rule) - PARTS:
        raise ValueError("a rule that is none for meetings")
    begin, end = _wall(earliest, where) - LONGEST, _wall(latest, where)
    rule = dict(rule)
    if "UNTIL" in rule:
        rule["UNTIL"] = [min(_wall(_end(one), where), end) for one in rule["UNTIL"]]
    elif "COUNT" not in rule:
        rule["UNTIL"] = [end]
    if any(int(one) < 1 for one in rule.get("INTERVAL", ())):
        raise ValueError("a step that leads nowhere")
    steps = islice(rrulestr(_written(rule), dtstart=wall), MOST_STEPS)
    repeated = [one for one in takewhile(lambda one: one <= end, steps) if one >= begin]
    extra = {one for one in extra if begin <= one <= end}
    yield from (_utc(one, where) for one in sorted({*repeated, *extra, *({wall} if wall >= begin else ())} - without))


def _written(rule: dict[str, Any]) -> str:
    written: bytes = vRecur(rule).to_ical()  # type: ignore[no-untyped-call]
    return written.decode()


def _end(until: date) -> date:
    """A rule that ends with a day goes on to its end."""
    return until if isinstance(until, datetime) else datetime.combine(until, time(23, 59, 59))


def _dates(event: Any, name: str) -> list[Any]:
    found = event.get(name)
    groups = found if isinstance(found, list) else [found] if found is not None else []
    return [one for group in groups for one in group.dts]


def _length(event: Any, first: date, home: tzinfo) -> timedelta:
    if "DTEND" in event:
        length = _moment(event["DTEND"].dt, home) - _moment(first, home)
    elif "DURATION" in event:
        length = event["DURATION"].dt
    else:
        length = USUAL if isinstance(first, datetime) else timedelta(days=1)
    return min(length, LONGEST) if length > timedelta(0) else USUAL


def _wall(at: date, where: tzinfo) -> datetime:
    """What the clock shows there, without a zone; a day begins at midnight."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    return (at.astimezone(where) if at.tzinfo is not None else at).replace(tzinfo=None, fold=0, microsecond=0)


def _moment(at: date, home: tzinfo) -> datetime:
    if isinstance(at, datetime) and at.tzinfo is not None:
        return at.astimezone(UTC)
    return _utc(_wall(at, home), home)


def _utc(wall: datetime, where: tzinfo) -> datetime:
    return wall.replace(tzinfo=where).astimezone(UTC)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def _name(zone: tzinfo) -> str:
    key = getattr(zone, "key", "")
    return key if isinstance(key, str) and _zone(key) is not None else ""


def _line(said: Any, most: int) -> str:
    return " ".join(_clean(said).split())[:most].strip()


def _clean(said: Any) -> str:
    if said is None or isinstance(said, list):
        return ""
    return "".join(c for c in str(said) if c in "\n\t" or (c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)).strip()


def _address(said: Any) -> str:
    address = _line(said, MAX_URL + 1)
    return address if address.startswith("https://") and len(address) <= MAX_URL and " " not in address else ""


def _degrees(geo: Any, at: int, most: float) -> float | None:
    try:
        value = float((geo.latitude, geo.longitude)[at])
    except (AttributeError, TypeError, ValueError):
        return None
    return value if abs(value) <= most else None


def main() -> None:
    """Read standard input, write what it says."""
    earliest, latest = (datetime.fromisoformat(one) for one in sys.argv[1:3])
    found = read(sys.stdin.buffer.read(), earliest, latest, sys.argv[3])
    said = msgspec.json.encode(found)
    while len(said) > MAX_SAID:
        found = Read(found.name, found.occurrences[: len(found.occurrences) * 3 // 4], found.skipped, True)
        said = msgspec.json.encode(found)
    sys.stdout.buffer.write(said)


if __name__ == "__main__":
    main()
