"""A memory of bounded size and age, for one process: what was fetched a moment ago need not be fetched again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Up to `size` values, each for its own number of seconds; the one unused for longest goes first."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def put(self, key: str, value: V, seconds: float) -> None:
        """Keep `value` under `key` for so long."""
        self._kept[key] = (self._clock() + seconds, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def get(self, key: str) -> V | None:
        """What is kept under `key`; None if nothing is, or no longer."""
        found = self._kept.get(key)
        if found is None:
            return None
        until, value = found
        if until <= self._clock():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return value

    def forget(self, key: str) -> None:
        """Let go of one value before its time."""
        self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)
