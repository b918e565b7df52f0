"""When something that repeats takes place: by the clock on the wall, so that 16.00 stays 16.00 when summer time ends.

A meeting every first Tuesday from 6 October 2026, three times, begins at 14.00, 15.00 and 15.00 UTC: its people see
16.00 each time.

>>> [f"{at:%d.%m. %H:%M}" for at, _ in spans(Span(datetime(2026, 10, 6, 16), datetime(2026, 10, 6, 18)),
...                                         ZoneInfo("Europe/Copenhagen"), Pattern(Every.MONTH_WEEKDAY, count=3))]
['06.10. 14:00', '03.11. 15:00', '01.12. 15:00']
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.errors import Invalid

MOST = 60
"""Meetings of one series; more than a year of weeks."""

FARTHEST = timedelta(days=3 * 366)
"""How far ahead the last one may lie."""


class Every(StrEnum):
    """In which steps it repeats; the first date says the rest: which weekday, which day of the month."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH_DATE = "month_date"
    """The same date: a month without a 31st is passed over, as RFC 5545 has it."""
    MONTH_WEEKDAY = "month_weekday"
    """The same weekday of the month, counted from its beginning: the first Tuesday."""
    MONTH_LAST = "month_last"
    """The last such weekday of the month."""


@dataclass(frozen=True)
class Pattern:
    """How often: `count` times in all, or until a date (that day too). One of the two is given."""

    every: Every
    count: int = 0
    until: date | None = None


@dataclass(frozen=True)
class Span:
    """From when to when, by the clock on the wall: both naive."""

    begins: datetime
    ends: datetime


def moment(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC of a time on the wall. What the clock shows twice in October means the first of them; what it never shows
    in March is an hour later, as if it had not been put forward yet (RFC 5545, 3.3.5)."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def on_the_wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def spans(first: Span, zone: ZoneInfo, pattern: Pattern) -> list[tuple[datetime, datetime]]:
    """Beginning and end of each, in UTC, the first included. Raises Invalid for what is none, too many, or too far."""
    if first.ends <= first.begins:
        raise Invalid("It ends before it begins.", code="time_unfit")
    if pattern.every == Every.MONTH_LAST and not _is_last(first.begins.date()):
        raise Invalid("The first date is not the last such weekday of its month.", code="pattern_unfit")
    if bool(pattern.count) == (pattern.until is not None):
        raise Invalid("Say either how many times, or until when.", code="pattern_unfit")
    if pattern.count and not 2 <= pattern.count <= MOST:
        raise Invalid(f"Repeat it 2 to {MOST} times.", code="pattern_long")
    found: list[tuple[datetime, datetime]] = []
    for day in _days(first.begins.date(), pattern.every):
        if (pattern.until is not None and day > pattern.until) or len(found) == pattern.count > 0:
            break
        if len(found) == MOST or day - first.begins.date() > FARTHEST:
            raise Invalid(f"At most {MOST} times, and at most three years ahead.", code="pattern_long")
        moved = day - first.begins.date()
        found.append((moment(first.begins + moved, zone), moment(first.ends + moved, zone)))
    if len(found) < 2:
        raise Invalid("It would take place only once.", code="pattern_short")
    return found


def _days(first: date, every: Every) -> Iterator[date]:
    if every in {Every.WEEK, Every.FORTNIGHT}:
        step = timedelta(weeks=1 if every == Every.WEEK else 2)
        while True:
            yield first
            first += step
    year, month = first.year, first.month
    while True:
        if (day := _in_month(first, every, year, month)) is not None:
            yield day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _in_month(first: date, every: Every, year: int, month: int) -> date | None:
    weekday, length = monthrange(year, month)
    if every == Every.MONTH_DATE:
        return date(year, month, first.day) if first.day <= length else None
    earliest = 1 + (first.weekday() - weekday) % 7
    if every == Every.MONTH_LAST:
        return date(year, month, earliest + (length - earliest) // 7 * 7)
    day = earliest + (first.day - 1) // 7 * 7
    return date(year, month, day) if day <= length else None


def _is_last(day: date) -> bool:
    return day.day + 7 > monthrange(day.year, day.month)[1]
