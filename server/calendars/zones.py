"""Time zones as calendar files carry them (VTIMEZONE): when the clock is put forward and back, in the years that matter.

Where it happens by a rule, such as the last Sunday in October, it is written as that rule, which every program reads;
else date by date.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def known(name: str) -> ZoneInfo | None:
    """A zone by its IANA name; None for what is none, for UTC, which needs no description, and for odd files."""
    if name in {"", "UTC", "Etc/UTC", "Zulu", "GMT"} or "/" not in name or len(name) > 64:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return None
    except KeyError:
        return None


@lru_cache(maxsize=64)
def vtimezone(name: str, first: int, last: int) -> tuple[str, ...]:
    """The lines that describe a known zone from the year `first` to `last`."""
    zone = ZoneInfo(name)
    begin, end = datetime(first - 1, 1, 1, tzinfo=UTC), datetime(last + 2, 1, 1, tzinfo=UTC)
    changes = list(_changes(zone, begin, end))
    groups: dict[tuple[timedelta, timedelta, str, bool], list[datetime]] = {}
    if not changes or changes[0].year >= first:
        at = begin.astimezone(zone)
        offset = _offset(zone, begin)
        groups[(offset, offset, at.tzname() or name, bool(at.dst()))] = [begin + offset]
    for at in changes:
        before, after = _offset(zone, at - timedelta(seconds=1)), _offset(zone, at)
        local = at.astimezone(zone)
        # The time of a change is told as the clock showed it until then (RFC 5545, 3.6.5).
        groups.setdefault((before, after, local.tzname() or name, bool(local.dst())), []).append(at + before)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    for (before, after, short, summer), times in groups.items():
        kind = "DAYLIGHT" if summer else "STANDARD"
        lines += [f"BEGIN:{kind}", f"DTSTART:{times[0]:%Y%m%dT%H%M%S}"]
        rule = _rule(times)
        if rule:
            lines.append(rule)
        elif len(times) > 1:
            lines.append("RDATE:" + ",".join(f"{one:%Y%m%dT%H%M%S}" for one in times[1:]))
        lines += [f"TZOFFSETFROM:{_written(before)}", f"TZOFFSETTO:{_written(after)}", f"TZNAME:{short}", f"END:{kind}"]
    return (*lines, "END:VTIMEZONE")


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """When the offset changes, to the second, in UTC."""
    at = begin
    while at < end:
        if _offset(zone, at) != _offset(zone, at + DAY):
            low, high = at, at + DAY
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, at) else (low, middle)
            yield high.replace(microsecond=0)
        at += DAY


def _rule(times: list[datetime]) -> str:
    """The rule that yields exactly these times, one a year; empty where there is none."""
    alike = {(one.month, one.weekday(), one.time()) for one in times}
    years = [one.year for one in times]
    if len(times) < 3 or len(alike) > 1 or years != list(range(years[0], years[0] + len(years))):
        return ""
    month, weekday, _ = alike.pop()
    if all(one.day + 7 > monthrange(one.year, month)[1] for one in times):
        return f"RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY=-1{DAYS[weekday]}"
    nth = {(one.day - 1) // 7 + 1 for one in times}
    return f"RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY={nth.pop()}{DAYS[weekday]}" if len(nth) == 1 else ""


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _written(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    return f"{sign}{seconds // 3600:02}{seconds % 3600 // 60:02}" + (f"{seconds % 60:02}" if seconds % 60 else "")
