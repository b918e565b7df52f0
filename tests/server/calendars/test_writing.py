"""Calendar files are understood by programs that are not ours: Thunderbird's parser, and calcurse."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recurring import Every, Pattern, Span, spans
from server.calendars.writing import FOLD, Entry, calendar, fold
from server.calendars.zones import vtimezone
from tests.server.calendars.programs import calcurse, thunderbird

HOME = ZoneInfo("Europe/Copenhagen")
TRICKY = "Blåbærgrød; æ, ø og å \\ i Århus: “ja” 🧯\nNæste linje – " + "🎉på torvet " * 20


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def entry(**said: Any) -> Entry:
    begins = said.pop("begins", at("2026-12-01 15:00+00:00"))
    values: dict[str, Any] = {
        "uid": "https://a.example/p/3",
        "sequence": 0,
        "begins": begins,
        "ends": begins + timedelta(hours=2),
        "zone": "Europe/Copenhagen",
        "title": "Fyraftensmøde: Når jura siger nej",
        "description": "Tre korte oplæg.",
        "url": "https://a.example/p/3/fyraftensmoede",
        "created": at("2026-11-10 08:00+00:00"),
        "changed": at("2026-11-11 08:00+00:00"),
    }
    return Entry(**{**values, **said})


def first_tuesdays(count: int = 4) -> list[Entry]:
    """A series over the October change."""
    found = spans(Span(at("2026-09-01 16:00"), at("2026-09-01 18:00")), HOME, Pattern(Every.MONTH_WEEKDAY, count=count))
    return [
        entry(uid=f"https://a.example/p/{number}", begins=begins, ends=ends, title=f"Første tirsdag {number}")
        for number, (begins, ends) in enumerate(found, 1)
    ]


def test_thunderbird_reads_every_part() -> None:
    full = entry(
        title=" ".join(TRICKY.split()),
        description=TRICKY.strip(),
        place="Rådhuset, Torvet 1; 1234 Eksempelby",
        latitude=56.15,
        longitude=10.21,
        online="https://møde.example/rum",
        organizer=('Lene "L" Holm\\', "https://a.example/u/lene"),
        tags=("fyraftensmøde", "jura, ret"),
        sequence=7,
        cancelled=True,
    )
    said = thunderbird(calendar([full], name="Møder: alle her"))
    assert said["name"] == "Møder: alle her" and said["method"] == "PUBLISH"
    (event,) = said["events"]
    assert event["uid"] == full.uid and event["title"] == full.title and event["description"] == full.description
    assert event["place"] == full.place and event["geo"] == [56.15, 10.21]
    assert event["url"] == full.url and event["conference"] == full.online
    assert event["organizer"] == "https://a.example/u/lene" and event["tags"] == list(full.tags)
    assert event["organizerName"].replace("^'", '"') == 'Lene "L" Holm\\'
    assert (event["sequence"], event["status"]) == (7, "CANCELLED")
    assert event["begins"] == full.begins.timestamp() and event["ends"] == full.ends.timestamp()
    assert event["attendees"] == 0


def test_a_series_over_the_october_change_stands_at_four_in_thunderbird() -> None:
    """By the zone that the file itself describes."""
    series = first_tuesdays()
    events = thunderbird(calendar(series))["events"]
    assert [one["wall"] for one in events] == [
        *("2026-09-01T16:00:00", "2026-10-06T16:00:00"),
        *("2026-11-03T16:00:00", "2026-12-01T16:00:00"),
    ]
    assert [one["begins"] for one in events] == [one.begins.timestamp() for one in series]
    assert {one["zone"] for one in events} == {"Europe/Copenhagen"}


def test_a_series_over_the_october_change_stands_at_four_in_calcurse(tmp_path: Path) -> None:
    listed = calcurse(calendar(first_tuesdays()), tmp_path, begin="2026-08-30", days=120)
    assert [(begins, ends) for begins, ends, _ in listed] == [
        *(("2026-09-01 16:00", "2026-09-01 18:00"), ("2026-10-06 16:00", "2026-10-06 18:00")),
        *(("2026-11-03 16:00", "2026-11-03 18:00"), ("2026-12-01 16:00", "2026-12-01 18:00")),
    ]
    assert [title for *_, title in listed] == [f"Første tirsdag {number}" for number in range(1, 5)]


def test_calcurse_elsewhere_shows_its_own_time(tmp_path: Path) -> None:
    listed = calcurse(calendar([entry(title=TRICKY)]), tmp_path, begin="2026-12-01", days=1, zone="Europe/Helsinki")
    assert [begins for begins, *_ in listed] == ["2026-12-01 17:00"]


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/Nuuk", "Africa/Casablanca", "Asia/Tokyo"])
def test_around_the_change_the_described_zone_agrees(zone: str) -> None:
    moments = (
        *("2026-03-29 00:59:59", "2026-03-29 01:00:00", "2026-03-29 01:30:00", "2026-06-01 12:00:00"),
        *("2026-10-25 00:59:59", "2026-10-25 01:00:00", "2026-10-25 02:00:00", "2027-03-28 00:59:00"),
    )
    series = [entry(begins=at(f"{moment}+00:00"), zone=zone) for moment in moments]
    events = thunderbird(calendar(series))["events"]
    assert [event["begins"] for event in events] == [one.begins.timestamp() for one in series]
    walls = [f"{one.begins.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}" for one in series]
    assert [event["wall"] for event in events if event["zone"]] == [
        wall for wall, event in zip(walls, events, strict=True) if event["zone"]
    ]


def test_a_zone_is_described_by_its_rule() -> None:
    """Outlook knows no other way."""
    lines = vtimezone("Europe/Copenhagen", 2026, 2026)
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in lines and "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU" in lines
    assert not [line for line in lines if line.startswith("RDATE")]


@pytest.mark.parametrize("zone", ["", "UTC", "Mars/Olympus", "../../etc/passwd", "Europe/", "Europe", "x" * 200])
def test_a_zone_nobody_knows_is_written_as_utc(zone: str) -> None:
    file = calendar([entry(zone=zone)])
    assert b"DTSTART:20261201T150000Z" in file and b"VTIMEZONE" not in file


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_people_write_comes_back(title: str, description: str) -> None:
    file = calendar([entry(title=title, description=description, organizer=(title, "https://a.example/u/a"))])
    assert all(len(line) <= FOLD for line in file.split(b"\r\n")) and file.count(b"BEGIN:VEVENT") == 1
    (event,) = icalendar.Calendar.from_ical(file).walk("VEVENT")
    kept = "".join(
        c for c in description if c in "\t\n\r" or (c >= " " and c != "\x7f" and not "\ud800" <= c <= "\udfff")
    )
    assert str(event.get("DESCRIPTION", "")) == kept.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_folding_splits_no_character_and_loses_none(line: str) -> None:
    folded = fold(line)
    pieces = folded[:-2].split(b"\r\n ")
    assert b"".join(pieces).decode() == line
    assert all(piece.decode() is not None and len(piece) <= FOLD for piece in pieces)


def test_the_same_meetings_are_the_same_file() -> None:
    assert calendar(first_tuesdays()) == calendar(first_tuesdays())
