"""Other servers' clocks, as the `Date` of what they send tells them."""

from email.utils import parsedate_to_datetime

from models import base


def skew(date: str) -> float | None:
    """The clock that wrote this `Date` minus ours, in seconds; None if it is none."""
    try:
        return (parsedate_to_datetime(date) - base.now()).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
