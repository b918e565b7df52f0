"""Having a calendar file read by the program that is allowed little (`reading`)."""

import sys
from datetime import datetime, timedelta

import msgspec

from models.errors import Invalid
from server.calendars.occurrences import Read
from server.i18n import later
from server.media.programs import Bounds, Failed, run

AHEAD = timedelta(days=400)
"""How far ahead what repeats is written out."""

BACK = timedelta(days=1)
UNREADABLE = later("It is no calendar file that can be read here.")
BOUNDS = Bounds(seconds=20, cpu=5, memory=1_000_000_000, file_bytes=0)


async def understand(file: bytes, present: datetime, zone: str) -> Read:
    """What takes place from yesterday on, by a calendar file of a stranger. Raises Invalid for what cannot be read, or
    not in the time it may take."""
    span = (present - BACK).isoformat(), (present + AHEAD).isoformat()
    try:
        said = await run([sys.executable, "-m", "server.calendars.reading", *span, zone], BOUNDS, file or b"\n")
        return msgspec.json.decode(said, type=Read)
    except (Failed, msgspec.DecodeError, msgspec.ValidationError):
        raise Invalid(UNREADABLE, code="calendar_unreadable") from None
