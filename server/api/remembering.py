"""Answers that cost a walk through the tables and are the same for all: found once in a while, told many times."""

import time
from collections.abc import Callable
from typing import TypeVar, cast

from sqlalchemy.orm import Session

from server.api.calls import Call

T = TypeVar("T")


async def remembered(call: Call, name: str, seconds: float, work: Callable[[Session], T]) -> T:
    """What `work` finds, at most so many seconds old. Two who ask at once for what nobody remembers may both look."""
    kept: dict[str, tuple[float, object]] = call.request.app.state.__dict__.setdefault("remembered", {})
    known = kept.get(name)
    if known is not None and time.monotonic() - known[0] < seconds:
        return cast(T, known[1])
    value = await call.read(work)
    kept[name] = (time.monotonic(), value)
    return value
