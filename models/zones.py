"""Time zones by their IANA names: what the clock on the wall shows in a place, and the instant that is.

>>> instant(datetime(2026, 12, 1, 16), "Europe/Copenhagen")
datetime.datetime(2026, 12, 1, 15, 0, tzinfo=datetime.timezone.utc)
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from models.errors import Invalid

HOME = "Europe/Copenhagen"
"""What stands in a form that nobody has filled in yet."""


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """All zones this system knows, in the order of the alphabet: of places only, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return (*sorted(places), "UTC")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo | None:
    """The zone of that name; None for what is none here."""
    if name not in names():
        return None
    return ZoneInfo(name)


def known(name: str) -> bool:
    """Whether there is such a zone."""
    return zone(name) is not None


def instant(wall: datetime, name: str, code: str = "starts") -> datetime:
    """The instant at which clocks in a zone show `wall`, in UTC. Of an hour that comes twice it is the first.

    Raises Invalid for a zone that is unknown, and for an hour that is left out when clocks go forward; the code begins
    with `code`.
    """
    where = zone(name)
    if where is None:
        raise Invalid("There is no such time zone.", code="timezone_unknown")
    try:
        found = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
        shown = found.astimezone(where).replace(tzinfo=None)
    except OverflowError as error:
        raise Invalid("That is no time.", code=f"{code}_unfit") from error
    if shown != wall.replace(tzinfo=None, fold=0):
        raise Invalid("That hour does not exist: clocks go forward in that night. Choose another.", code=f"{code}_gap")
    return found


def wall(at: datetime, name: str) -> datetime:
    """What clocks in a zone show at an instant, with the zone; UTC where the zone is unknown."""
    return at.astimezone(zone(name) or UTC)
