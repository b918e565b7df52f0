"""Meetings as iCalendar (RFC 5545), so that every calendar program shows them, and follows when they change.

    BEGIN:VEVENT
    UID:https://a.example/p/3
    DTSTART;TZID=Europe/Copenhagen:20261201T160000
    SUMMARY:Fyraftensmøde: Når jura siger nej

Written here line by line: an object for each would cost a hundred times as much, and a feed has hundreds. Who has signed
up is never in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from server.calendars.zones import known, vtimezone

MEDIA_TYPE = "text/calendar; charset=utf-8"
FOLD = 75
"""Octets of a line at most, without its end."""

HOURLY = "PT1H"
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """A meeting as a calendar shows it. Times are UTC; `zone` is where it takes place."""

    uid: str
    sequence: int
    """Grows with every change that matters to who has it in his calendar."""
    begins: datetime
    ends: datetime
    zone: str
    title: str
    description: str
    """Plain text."""
    url: str
    created: datetime
    changed: datetime
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    online: str = ""
    """Where it is joined from afar."""
    cancelled: bool = False
    organizer: tuple[str, str] | None = None
    """Name and address of a page."""
    tags: tuple[str, ...] = ()


def calendar(entries: Sequence[Entry], *, name: str = "", product: str = "Torv") -> bytes:
    """A whole calendar file. With a `name` it is one to subscribe to, and asks to be read anew every hour."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{_line(product)}//Torv//EN", "CALSCALE:GREGORIAN"]
    lines.append("METHOD:PUBLISH")
    if name:
        lines += [f"NAME:{_line(name)}", f"X-WR-CALNAME:{_line(name)}"]
        lines += [f"REFRESH-INTERVAL;VALUE=DURATION:{HOURLY}", f"X-PUBLISHED-TTL:{HOURLY}"]
    for zone, years in _years(entries).items():
        lines += vtimezone(zone, min(years), max(years))
    for entry in entries:
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return b"".join(fold(line) for line in lines)


def fold(line: str) -> bytes:
    """A line with its end, in pieces of at most 75 octets that no character is split between."""
    raw = line.encode()
    pieces, at, room = [], 0, FOLD
    while len(raw) - at > room:
        cut = at + room
        while raw[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(raw[at:cut])
        at, room = cut, FOLD - 1  # the blank that begins a piece counts
    pieces.append(raw[at:])
    return b"\r\n ".join(pieces) + b"\r\n"


def _event(entry: Entry) -> Iterable[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(entry.uid)}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTAMP:{_utc(entry.changed)}"
    yield f"CREATED:{_utc(entry.created)}"
    yield f"LAST-MODIFIED:{_utc(entry.changed)}"
    yield f"DTSTART{_local(entry.begins, entry.zone)}"
    yield f"DTEND{_local(entry.ends, entry.zone)}"
    yield f"SUMMARY:{_line(entry.title)}"
    yield f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}"
    if entry.description:
        yield f"DESCRIPTION:{_text(entry.description)}"
    if entry.place:
        yield f"LOCATION:{_line(entry.place)}"
    if entry.latitude is not None and entry.longitude is not None:
        yield f"GEO:{entry.latitude:.6f};{entry.longitude:.6f}"
    yield f"URL:{_uri(entry.url)}"
    if entry.online:
        yield f"CONFERENCE;VALUE=URI;FEATURE=VIDEO:{_uri(entry.online)}"
    if entry.organizer is not None:
        name, address = entry.organizer
        yield f'ORGANIZER;CN="{_parameter(name)}":{_uri(address)}'
    if entry.tags:
        yield f"CATEGORIES:{','.join(_line(tag) for tag in entry.tags)}"
    yield "END:VEVENT"


def _years(entries: Iterable[Entry]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for entry in entries:
        if known(entry.zone) is not None:
            found.setdefault(entry.zone, set()).update((entry.begins.year, entry.ends.year))
    return found


def _local(at: datetime, name: str) -> str:
    """A time as the clock shows it where it is; in UTC where nobody knows that zone, and in the hour that comes twice,
    for which programs do not agree which of the two is meant."""
    zone: ZoneInfo | None = known(name)
    if zone is None:
        return f":{_utc(at)}"
    local = at.astimezone(zone)
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
        return f":{_utc(at)}"
    return f";TZID={name}:{local:%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(words: str) -> str:
    plain = UNWRITABLE.sub("", words.replace("\r\n", "\n").replace("\r", "\n"))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _line(words: str) -> str:
    """A text without line breaks: some programs refuse a title that has one."""
    return _text(" ".join(words.split()))


def _parameter(words: str) -> str:
    """A value in quotes, with RFC 6868's way for what cannot stand there."""
    plain = UNWRITABLE.sub("", words.replace("\r", ""))
    return plain.replace("^", "^^").replace("\n", "^n").replace('"', "^'").replace("\t", " ")


def _uri(address: str) -> str:
    """An address without anything that would end the line."""
    return UNWRITABLE.sub("", address).replace("\n", "").replace("\t", "").replace(" ", "%20")
