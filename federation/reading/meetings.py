"""When and where an `Event` is, and how one signs up: FEP-8a8e, Mobilizon, Gancio, PieFed, each in its own words.

>>> event({"startTime": "2026-12-01T16:00:00+01:00", "joinMode": "free"})
{'starts': '2026-12-01T15:00:00+00:00', 'joining': 'free'}
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from federation.reading.values import line, moment, several, string, web_address, whole_number
from models import zones
from models.meetings import Joining, Status

JOIN_MODES = {
    "free": Joining.FREE,
    "restricted": Joining.APPROVAL,
    "external": Joining.EXTERNAL,
}
"""Every other word (`invite`, `none`) means that nobody signs up by himself."""

_ADDRESS = {"street": "streetAddress", "postal_code": "postalCode", "town": "addressLocality"}


def event(doc: Mapping[str, Any]) -> dict[str, Any]:
    """What an `Event` says, under our names; empty where it does not say when it begins. Times are ISO in UTC."""
    timezone = string(doc.get("timezone"), 60)
    timezone = timezone if zones.known(timezone) else ""
    starts = _instant(doc.get("startTime"), timezone)
    if starts is None:
        return {}
    ends = _instant(doc.get("endTime"), timezone) if doc.get("displayEndTime") is not False else None
    joining = JOIN_MODES.get(string(doc.get("joinMode"), 40), Joining.NONE)
    join_url = web_address(doc.get("externalParticipationUrl"))
    if joining == Joining.EXTERNAL and not join_url:
        joining = Joining.NONE
    found: dict[str, Any] = {
        "starts": starts.isoformat(),
        "ends": ends.isoformat() if ends is not None and ends > starts else None,
        "timezone": timezone,
        **_place(doc.get("location")),
        "joining": str(joining),
        "join_url": join_url,
        "capacity": whole_number(doc.get("maximumAttendeeCapacity"), 1_000_000) or None,
        "going": whole_number(doc.get("participantCount"), 1_000_000),
        "status": _status(doc),
    }
    if said := web_address(doc.get("torv:minutes")):
        found["minutes"] = said
    if link := web_address(doc.get("onlineLink")):
        found["online_url"] = link
    return {name: value for name, value in found.items() if value not in ("", None)}


def _instant(value: Any, timezone: str) -> datetime | None:
    """A time; one without an offset is what clocks show where it is."""
    found = moment(value)
    found = found.replace(microsecond=0) if found is not None else None
    if found is None or not timezone or not isinstance(value, str):
        return found
    written = datetime.fromisoformat(value)
    where = zones.zone(timezone)
    if written.tzinfo is not None or where is None:
        return found
    try:
        return written.replace(tzinfo=where, microsecond=0).astimezone(UTC)
    except OverflowError:
        return None


def _place(value: Any) -> dict[str, Any]:
    """The first place, and the first address at which it is held online."""
    found: dict[str, Any] = {}
    for item in several(value)[:8]:
        if isinstance(item, str):
            found.setdefault("place", line(item, 200))
        elif not isinstance(item, Mapping):
            continue
        elif string(item.get("type"), 40) == "VirtualLocation":
            found.setdefault("online_url", web_address(item.get("url")))
        elif "place" not in found:
            found |= _address(item)
    return found


def _address(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"place": line(item.get("name"), 200), "accessibility": line(item.get("summary"), 1000)}
    address = item.get("address")
    if isinstance(address, Mapping):
        found |= {name: line(address.get(theirs), 200) for name, theirs in _ADDRESS.items()}
    else:
        found["street"] = line(address, 200)
    point = (_degrees(item.get("latitude"), 90), _degrees(item.get("longitude"), 180))
    if None not in point:
        found["latitude"], found["longitude"] = point
    return found


def _degrees(value: Any, most: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and -most <= value <= most else None


def _status(doc: Mapping[str, Any]) -> str:
    words = {string(doc.get(name), 200).upper() for name in ("ical:status", "status", "eventStatus")}
    if any(one.endswith(("CANCELLED", "CANCELED")) for one in words):
        return Status.CANCELLED.value
    return Status.TENTATIVE.value if any(one.endswith("TENTATIVE") for one in words) else Status.CONFIRMED.value
