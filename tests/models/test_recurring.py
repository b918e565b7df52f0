"""What repeats keeps its time on the wall, also over the nights when the clock is put back or forward."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Invalid
from models.recurring import MOST, Every, Pattern, Span, moment, on_the_wall, spans

HOME = ZoneInfo("Europe/Copenhagen")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def walls(first: str, pattern: Pattern, hours: float = 2) -> list[str]:
    found = spans(Span(at(first), at(first) + timedelta(hours=hours)), HOME, pattern)
    return [on_the_wall(begins, HOME).isoformat(sep=" ", timespec="minutes") for begins, _ in found]


def test_four_o_clock_stays_four_o_clock_over_the_october_change() -> None:
    found = spans(Span(at("2026-10-20 16:00"), at("2026-10-20 18:00")), HOME, Pattern(Every.WEEK, count=2))
    assert found == [
        (at("2026-10-20 14:00").replace(tzinfo=UTC), at("2026-10-20 16:00").replace(tzinfo=UTC)),
        (at("2026-10-27 15:00").replace(tzinfo=UTC), at("2026-10-27 17:00").replace(tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("first", "pattern", "dates"),
    [
        ("2026-10-06", Pattern(Every.MONTH_WEEKDAY, count=4), ["2026-10-06", "2026-11-03", "2026-12-01", "2027-01-05"]),
        ("2026-10-29", Pattern(Every.MONTH_LAST, count=4), ["2026-10-29", "2026-11-26", "2026-12-31", "2027-01-28"]),
        ("2026-12-31", Pattern(Every.MONTH_DATE, count=3), ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("2026-12-29", Pattern(Every.MONTH_WEEKDAY, count=2), ["2026-12-29", "2027-03-30"]),  # a fifth Tuesday
        ("2026-12-15", Pattern(Every.FORTNIGHT, count=3), ["2026-12-15", "2026-12-29", "2027-01-12"]),
        ("2026-12-15", Pattern(Every.WEEK, until=date(2026, 12, 29)), ["2026-12-15", "2026-12-22", "2026-12-29"]),
    ],
)
def test_the_days_are_those_people_mean(first: str, pattern: Pattern, dates: list[str]) -> None:
    assert walls(f"{first} 16:00", pattern) == [f"{one} 16:00" for one in dates]


def test_the_hour_that_comes_twice_is_the_first_of_the_two() -> None:
    assert moment(at("2026-10-25 02:30"), HOME) == at("2026-10-25 00:30+00:00")


def test_the_hour_that_never_comes_is_one_later() -> None:
    assert moment(at("2027-03-28 02:30"), HOME) == at("2027-03-28 01:30+00:00")
    assert on_the_wall(moment(at("2027-03-28 02:30"), HOME), HOME) == at("2027-03-28 03:30")


def test_a_meeting_over_the_night_of_the_change_ends_when_the_clock_says_so() -> None:
    ((begins, ends), _) = spans(
        Span(at("2026-10-24 22:00"), at("2026-10-25 06:00")), HOME, Pattern(Every.WEEK, count=2)
    )
    assert ends - begins == timedelta(hours=9)


@pytest.mark.parametrize(
    ("first", "pattern", "code"),
    [
        ("2026-10-06", Pattern(Every.WEEK), "pattern_unfit"),
        ("2026-10-06", Pattern(Every.WEEK, count=3, until=date(2026, 12, 1)), "pattern_unfit"),
        ("2026-10-06", Pattern(Every.WEEK, count=1), "pattern_long"),
        ("2026-10-06", Pattern(Every.WEEK, count=MOST + 1), "pattern_long"),
        ("2026-10-06", Pattern(Every.WEEK, until=date(9999, 12, 31)), "pattern_long"),
        ("2026-10-06", Pattern(Every.MONTH_DATE, count=MOST), "pattern_long"),
        ("2026-10-06", Pattern(Every.WEEK, until=date(2026, 10, 7)), "pattern_short"),
        ("2026-10-06", Pattern(Every.MONTH_LAST, count=2), "pattern_unfit"),
    ],
)
def test_what_is_no_series_is_refused_with_its_reason(first: str, pattern: Pattern, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        walls(f"{first} 16:00", pattern)
    assert refused.value.code == code


def test_what_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid, match="before it begins"):
        walls("2026-10-06 16:00", Pattern(Every.WEEK, count=2), hours=-1)


@given(
    st.datetimes(at("2020-01-01"), at("2035-01-01")).map(lambda one: one.replace(second=0, microsecond=0)),
    st.sampled_from([Every.WEEK, Every.MONTH_DATE, Every.MONTH_WEEKDAY]),
)
def test_another_implementation_finds_the_same_days(first: datetime, every: Every) -> None:
    day = weekday(first.weekday())
    rule = {
        Every.WEEK: {"freq": WEEKLY},
        Every.MONTH_DATE: {"freq": MONTHLY, "bymonthday": first.day},
        Every.MONTH_WEEKDAY: {"freq": MONTHLY, "byweekday": day((first.day - 1) // 7 + 1)},
    }[every]
    found = spans(Span(first, first + timedelta(hours=1)), HOME, Pattern(every, count=4))
    theirs = [moment(one, HOME) for one in rrule(dtstart=first, count=4, **rule)]
    assert [begins for begins, _ in found] == theirs
