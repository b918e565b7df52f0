"""What the federation layer did, as plain numbers that only grow; the metrics page shows them."""

from collections import Counter

_counts: Counter[str] = Counter()


def count(what: str, times: int = 1) -> None:
    """Add to a figure. `what` comes from our own code, never from a peer, so that the number of figures has a bound."""
    _counts[what] += times


def snapshot() -> dict[str, int]:
    """All figures as they stand."""
    return dict(_counts)
