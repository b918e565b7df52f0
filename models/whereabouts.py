"""Where a meeting is, for lists, the map, and *near me*: its municipality, and how far it is from another.

A point of its own counts first; without one a meeting stands where the town of its municipality's town hall is.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from models import municipalities
from models.municipalities import Municipality

if TYPE_CHECKING:  # a meeting asks where it is
    from models.meetings import Meeting

Point = tuple[float, float]
"""Latitude and longitude."""

FAR = 40.0
"""Kilometres from the nearest town hall beyond which a point is in none of our municipalities."""

EARTH = 6371.0


def kilometres(one: Point, other: Point) -> float:
    """As the crow flies."""
    (north, east), (other_north, other_east) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def of_seat(code: str) -> Point | None:
    """Where a municipality's town hall is."""
    found = municipalities.known().get(code)
    return (found.latitude, found.longitude) if found is not None else None


def point(row: "Meeting") -> Point | None:
    """Where a meeting is, as exactly as it says; None for one that is only online, or says nothing we know."""
    if row.latitude is not None and row.longitude is not None:
        return row.latitude, row.longitude
    return of_seat(row.municipality)


def municipality(town: str, latitude: float | None = None, longitude: float | None = None) -> str:
    """The code of the municipality whose town hall is nearest to a point, or stands in that town; empty for none."""
    if latitude is not None and longitude is not None:
        near = min(municipalities.known().values(), key=lambda one: _from(one, (latitude, longitude)))
        return near.code if _from(near, (latitude, longitude)) <= FAR else ""
    return _by_town().get(town.strip().casefold(), "")


def _from(one: Municipality, place: Point) -> float:
    return kilometres((one.latitude, one.longitude), place)


@lru_cache(maxsize=1)
def _by_town() -> dict[str, str]:
    known = municipalities.known().values()
    found = {one.name.casefold(): one.code for one in known}
    return {one.seat.casefold(): one.code for one in known} | found
