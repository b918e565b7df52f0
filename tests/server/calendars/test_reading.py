"""Other people's calendars: each occurrence for itself, at its hour; and whatever a file holds, it takes little."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import Invalid
from server.calendars.occurrences import Read
from server.calendars.reading import MAX_TEXT, MOST, PER_EVENT, read
from server.calendars.understanding import understand
from server.calendars.writing import calendar
from tests.server.calendars.test_writing import first_tuesdays

NOW = datetime(2026, 9, 1, tzinfo=UTC)
HOME = "Europe/Copenhagen"
ZONE = b"""BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def file(*events: str, head: str = "", zone: bytes = b"") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}".encode() + zone + body.encode() + b"END:VCALENDAR\n"
    return whole.replace(b"\n", b"\r\n")


def found(*events: str, head: str = "", zone: bytes = b"", days: int = 400) -> Read:
    return read(file(*events, head=head, zone=zone), NOW, NOW + timedelta(days=days), HOME)


def starts(said: Read) -> list[str]:
    return [f"{one.begins:%m-%d %H:%M}" for one in said.occurrences]


def test_what_repeats_keeps_its_hour_over_the_october_change() -> None:
    said = found(
        "UID:1\nSUMMARY:Café\nDTSTART;TZID=Europe/Copenhagen:20261006T160000\nDURATION:PT2H\n"
        "RRULE:FREQ=MONTHLY;BYDAY=1TU;COUNT=3"
    )
    assert starts(said) == ["10-06 14:00", "11-03 15:00", "12-01 15:00"]
    assert {one.ends - one.begins for one in said.occurrences} == {timedelta(hours=2)}
    assert len({one.key for one in said.occurrences}) == 3 and {one.zone for one in said.occurrences} == {HOME}


def test_a_zone_by_outlooks_name_is_understood() -> None:
    said = found(
        "UID:1\nSUMMARY:Café\nDTSTART;TZID=W. Europe Standard Time:20261020T160000\nRRULE:FREQ=WEEKLY;COUNT=2",
        zone=ZONE,
    )
    assert starts(said) == ["10-20 14:00", "10-27 15:00"]


def test_a_time_without_a_zone_is_meant_at_home_or_where_the_file_says() -> None:
    one = "UID:1\nSUMMARY:Café\nDTSTART:20261201T160000"
    assert starts(found(one)) == ["12-01 15:00"]
    assert starts(found(one, head="X-WR-TIMEZONE:Europe/Helsinki\n")) == ["12-01 14:00"]


def test_an_exception_is_left_out_and_one_that_was_moved_stands_where_it_was_moved_to() -> None:
    said = found(
        "UID:1\nSUMMARY:Café\nDTSTART;TZID=Europe/Copenhagen:20261201T160000\nRRULE:FREQ=WEEKLY;UNTIL=20261222T150000Z\n"
        "EXDATE;TZID=Europe/Copenhagen:20261208T160000",
        "UID:1\nSUMMARY:Café på biblioteket\nRECURRENCE-ID;TZID=Europe/Copenhagen:20261215T160000\n"
        "DTSTART;TZID=Europe/Copenhagen:20261216T170000",
    )
    assert [(f"{one.begins:%d %H}", one.title) for one in said.occurrences] == [
        *(("01 15", "Café"), ("16 16", "Café på biblioteket"), ("22 15", "Café")),
    ]
    assert said.occurrences[1].key == "1 20261215T150000Z"


def test_every_part_is_read() -> None:
    said = found(
        "UID:1\nSUMMARY:Blåbær\\, grød\nDTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261203\n"
        "DESCRIPTION:Linje 1\\nLinje 2\nLOCATION:Torvet\\; 1\nGEO:56.15;10.21\nURL:https://x.example/e\nSTATUS:CANCELLED",
        head="X-WR-CALNAME:Havby Bibliotek\n",
    )
    (one,) = said.occurrences
    assert said.name == "Havby Bibliotek"
    assert (one.title, one.text, one.place) == ("Blåbær, grød", "Linje 1\nLinje 2", "Torvet; 1")
    assert (one.latitude, one.longitude, one.url) == (56.15, 10.21, "https://x.example/e")
    assert one.cancelled and one.all_day
    assert (one.begins, one.ends) == (datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 2, 23, tzinfo=UTC))


def test_our_own_file_is_read_as_it_was_written() -> None:
    series = first_tuesdays()
    said = read(calendar(series, name="Møder"), NOW - timedelta(days=9), NOW + timedelta(days=400), HOME)
    assert [(one.key, one.begins, one.ends, one.title) for one in said.occurrences] == [
        (one.uid, one.begins, one.ends, one.title) for one in series
    ]


def test_what_is_long_ago_or_far_away_is_left_out() -> None:
    said = found(
        "UID:1\nSUMMARY:Gammelt\nDTSTART:20200101T100000Z",
        "UID:2\nSUMMARY:Fjernt\nDTSTART:20400101T100000Z",
        "UID:3\nSUMMARY:Siden 1970\nDTSTART:19700101T100000Z\nRRULE:FREQ=YEARLY",
    )
    assert [one.title for one in said.occurrences] == ["Siden 1970"]


@pytest.mark.parametrize(
    "event",
    [
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nRRULE:FREQ=SECONDLY",
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2,3",
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nRRULE:FREQ=DAILY;INTERVAL=0",
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nRRULE:FREQ=NEVER",
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nCLASS:PRIVATE",
        "UID:1\nDTSTART:20261201T100000Z",
        "UID:1\nSUMMARY:x",
        "UID:1\nSUMMARY:x\nDTSTART:tomorrow",
        "UID:1\nSUMMARY:x\nDTSTART:99999999T999999",
    ],
)
def test_an_event_that_is_none_to_us_is_passed_over_and_the_others_stay(event: str) -> None:
    said = found(event, "UID:2\nSUMMARY:Godt\nDTSTART:20261202T100000Z")
    assert [one.title for one in said.occurrences] == ["Godt"] and said.skipped == 1


def test_only_so_much_is_taken() -> None:
    daily = [f"UID:{n}\nSUMMARY:x\nDTSTART:20260101T1000{n:02}Z\nRRULE:FREQ=DAILY" for n in range(5)]
    said = found(*daily, f"UID:9\nSUMMARY:{'å' * 5000}\nDTSTART:20260901T100000Z\nDESCRIPTION:{'æ' * 9000}")
    assert len(said.occurrences) == MOST
    assert sum(one.key.startswith("0 ") for one in said.occurrences) <= PER_EVENT
    long = next(one for one in said.occurrences if one.key == "9")
    assert (len(long.title), len(long.text)) == (200, MAX_TEXT)


BOMBS = {
    "no calendar": b"<html>not found</html>",
    "nothing": b"",
    "bytes": bytes(range(256)) * 500,
    "a day that never comes": file(
        "UID:1\nSUMMARY:x\nDTSTART:19000101T100000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    ),
    "many of them": file(
        *(f"UID:{n}\nSUMMARY:x\nDTSTART:19000101T100000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30" for n in range(900))
    ),
    "nested": b"BEGIN:VCALENDAR\r\n" * 20_000 + b"END:VCALENDAR\r\n" * 20_000,
    "a zone that changes every second": file(
        "UID:1\nSUMMARY:x\nDTSTART;TZID=X:20261201T100000",
        zone=b"BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nRRULE:FREQ=SECONDLY\n"
        b"TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:STANDARD\nEND:VTIMEZONE\n",
    ),
    "one long line": b"BEGIN:VCALENDAR\r\nX-A:" + b"a\r\n " * 300_000 + b"\r\nEND:VCALENDAR\r\n",
    "a million exceptions": file(
        "UID:1\nSUMMARY:x\nDTSTART:20261201T100000Z\nRRULE:FREQ=DAILY\nEXDATE:"
        + ",".join(["20270101T100000Z"] * 100_000)
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", BOMBS)
async def test_a_hostile_file_is_read_or_refused_and_the_node_goes_on(name: str) -> None:
    """Under the limits of the worker; that it comes to an end at all is what the limits are for."""
    try:
        said = await understand(BOMBS[name], NOW, HOME)
    except Invalid:
        return
    assert len(said.occurrences) <= MOST


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [
                *("UID:1", "SUMMARY:x", "DTSTART:20261201T100000Z", "DTSTART;TZID=Nowhere:20261201T100000"),
                *(
                    "DTEND:20261201T110000",
                    "DURATION:-PT9H",
                    "RRULE:FREQ=WEEKLY;COUNT=3",
                    "RRULE:FREQ=MONTHLY;BYDAY=9MO",
                ),
                *("RDATE;VALUE=PERIOD:20261203T100000Z/PT1H", "EXDATE:20261208", "RECURRENCE-ID:20261208T100000Z"),
                *(
                    "GEO:north;west",
                    "GEO:999;1",
                    "STATUS:;",
                    "URL:javascript:x",
                    'LOCATION;X="',
                    "DTSTART;VALUE=DATE:2026",
                ),
                *(
                    "BEGIN:VALARM",
                    "END:VALARM",
                    "\x00",
                    "RRULE:;;;",
                    "DTSTART:20261201T100000Z\nDTSTART:20261202T100000Z",
                ),
            ]
        ),
        max_size=8,
    )
)
def test_no_event_breaks_the_others(lines: list[str]) -> None:
    try:
        said = found("\n".join(lines), "UID:2\nSUMMARY:Godt\nDTSTART:20261202T100000Z")
    except ValueError:
        return  # the whole file is none
    assert all(one.title and one.begins < one.ends for one in said.occurrences)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        read(b"BEGIN:VCALENDAR\r\n" + raw + b"\r\nEND:VCALENDAR\r\n", NOW, NOW + timedelta(days=1), HOME)
    except ValueError:
        return
