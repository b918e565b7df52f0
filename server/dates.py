"""Times as people say them: `i går kl. 14.05`, `yesterday at 14:05`. The full date stands in the title and in print."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from server.i18n import locale


@lru_cache(maxsize=8)
def zone(name: str) -> tzinfo:
    """A time zone by its IANA name."""
    return ZoneInfo(name)


def clock(at: datetime, language: str) -> str:
    """Hours and minutes: `14.05` in Danish, `14:05` in English."""
    return format_time(at, "HH.mm" if language == "da" else "HH:mm", locale=locale(language))


def said(at: datetime, present: datetime, language: str, where: tzinfo, text: Callable[[str], str]) -> str:
    """`at` as one would say it at `present`, both aware: minutes for the last hour, weekdays for the last week.

    What is still to come has its hour too."""
    gone = present - at
    local, today = at.astimezone(where), present.astimezone(where)
    days = (today.date() - local.date()).days
    if timedelta(0) <= gone < timedelta(minutes=1):
        return text("just now")
    if timedelta(0) <= gone < timedelta(hours=1):
        return text("%(minutes)s min. ago") % {"minutes": int(gone.total_seconds() // 60)}
    if days == 0:
        return text("today at %(time)s") % {"time": clock(local, language)}
    if days == 1:
        return text("yesterday at %(time)s") % {"time": clock(local, language)}
    if 1 < days < 7:
        weekday = format_date(local, "EEEE", locale=locale(language))
        return text("%(weekday)s at %(time)s") % {"weekday": weekday, "time": clock(local, language)}
    if days < 0 and local.year == today.year:
        day = format_date(local, "d. MMMM" if language == "da" else "d MMMM", locale=locale(language))
        return text("%(day)s at %(time)s") % {"day": day, "time": clock(local, language)}
    if local.year == today.year:
        return format_date(local, "d. MMMM" if language == "da" else "d MMMM", locale=locale(language))
    return format_date(local, "d. MMM y" if language == "da" else "d MMM y", locale=locale(language))


def full(at: datetime, language: str, where: tzinfo) -> str:
    """Date and time in full: `mandag den 23. november 2026 kl. 14.05`."""
    local = at.astimezone(where)
    day = format_date(local, "EEEE 'den' d. MMMM y" if language == "da" else "EEEE d MMMM y", locale=locale(language))
    return f"{day} {'kl.' if language == 'da' else 'at'} {clock(local, language)}"
