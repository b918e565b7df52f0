"""Other servers' clocks, as the `Date` of what they send tells them."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from models import base


def skew(date: str) -> float | None:
    """The clock that wrote this `Date` minus ours, in seconds; None if it is none."""
    try:
        return (_read(date) - base.now()).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


@lru_cache(maxsize=256)  # the many that come within a second say the same
def _read(date: str) -> datetime:
    return parsedate_to_datetime(date)
