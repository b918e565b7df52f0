"""Reading the calendars of others: fetched with the limits of all fetching, understood by the program that may take
little, and written down as meetings."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from federation import media_types
from federation.context import Federation
from federation.crossing import reading, writing
from federation.fetch_errors import FetchError
from federation.working import Run
from models import calendars, zones
from models.base import now
from models.calendars import Listed
from models.errors import Invalid, NotFound
from models.meetings import Joining, Plan
from models.planning import MIN_TITLE
from models.text import escape_markdown, one_line
from server.calendars.occurrences import Occurrence, Read
from server.calendars.understanding import understand
from server.settings import Settings

ACCEPT = "text/calendar, text/plain;q=0.5, */*;q=0.1"
KINDS = frozenset({"text/calendar", "text/plain", "text/x-vcalendar", "application/ics", "application/octet-stream"})
"""As what servers send calendar files."""

MAX_BYTES = 2_000_000
DEADLINE = 20.0
AHEAD = timedelta(days=92)
"""How far ahead what stands in a calendar becomes meetings."""


def jobs(settings: Settings) -> Mapping[str, Run]:
    """The work that `models/calendars.py` promises."""
    return {"read_calendar": partial(read_calendar, settings.time_zone, settings.default_language)}


async def read_calendar(zone: str, language: str, fed: Federation, payload: dict[str, Any]) -> None:
    """The job `read_calendar`: what goes wrong stands at the calendar, whose meetings stay as they are."""
    calendar_id, present = int(payload["calendar"]), now()
    try:
        url = await reading(fed.database, lambda db: calendars.get(db, calendar_id).url)
    except NotFound:
        return
    try:
        found = await understand(await _fetched(fed, url), present, zone)
    except (FetchError, Invalid) as error:
        why = str(error)
        await writing(fed.database, lambda db: calendars.failed(db, calendar_id, why))
        return
    listed = listed_of(found, present + AHEAD, zone, language)
    await writing(fed.database, lambda db: _take(db, calendar_id, listed, found, present + AHEAD))


def _take(db: Session, calendar_id: int, listed: list[Listed], found: Read, until: datetime) -> None:
    if found.full and found.occurrences:  # of what was cut off nobody knows whether it is still there
        until = min(until, found.occurrences[-1].begins)
    calendars.took(db, calendar_id, listed, until=until, name=found.name, skipped=found.skipped)


async def _fetched(fed: Federation, url: str) -> bytes:
    answer = await fed.client.get(
        url, accept=ACCEPT, max_bytes=MAX_BYTES, deadline=DEADLINE, content_types=_is_calendar
    )
    if not answer.ok:
        raise Invalid(f"The server answered {answer.status}.")
    return answer.body


def _is_calendar(header: str) -> bool:
    return media_types.parse(header).name in KINDS


def listed_of(found: Read, until: datetime, zone: str, language: str) -> list[Listed]:
    """What a calendar says, as meetings that may be planned."""
    return [
        Listed(one.key, _plan(one, found.name, zone, language), one.cancelled, one.url)
        for one in found.occurrences
        if one.begins < until
    ]


def _plan(one: Occurrence, name: str, zone: str, language: str) -> Plan:
    where = one.zone if zones.known(one.zone) else zone
    title = one.title if len(one.title) >= MIN_TITLE else f"{one.title} – {one.place or name}"
    return Plan(
        title=one_line(title, 200),
        theme=escape_markdown(one.text),
        starts=zones.wall(one.begins, where).replace(tzinfo=None),
        ends=zones.wall(one.ends, where).replace(tzinfo=None),
        timezone=where,
        place=one.place[:200] or one_line(name, 200) or "–",
        latitude=one.latitude if one.longitude is not None else None,
        longitude=one.longitude if one.latitude is not None else None,
        joining=Joining.EXTERNAL if one.url else Joining.NONE,
        join_url=one.url,
        by_reply=False,
        remind_hours=0,
        language=language if language == "en" else "da",
    )
