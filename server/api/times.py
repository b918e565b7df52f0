"""Times as clients read them."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, `2026-03-01T12:00:00.000Z`: the one form that every client parses."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
