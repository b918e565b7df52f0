"""What a process remembers of other people's keys between requests; the rules are in `federation.keys`."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from federation.recent import Recent

KEPT = 4096


@dataclass
class KeyRing:
    """Keys fetched a moment ago, and fetches under way, so that a burst from a new actor costs one fetch."""

    fetched: Recent[Any] = field(default_factory=lambda: Recent(KEPT))
    held: Recent[Any] = field(default_factory=lambda: Recent(KEPT))
    """Keys of which a signature was good a moment ago, as the database has them; whether it still has is asked again."""
    under_way: dict[str, "asyncio.Task[Any]"] = field(default_factory=dict)
