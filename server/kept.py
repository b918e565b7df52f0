"""Answers kept in memory for as long as they are right.

What is read often and changed seldom (an actor's document, the newest posts) is worked out once. An answer holds as
long as the database's stamp is the one from before it was worked out: then nothing was committed since, by whatever
process, so it is what would be worked out now. A stamp costs some microseconds where an answer costs milliseconds.

What the clock alone changes (a poll ends, a mute runs out) leaves no commit; therefore nothing is kept for longer than
`SECONDS`, and what is made of it not much longer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from starlette.requests import Request

from federation.crossing import in_thread
from models.base import clock
from models.database import Database
from models.errors import Unavailable
from models.stamps import Stamp
from server.limits import Rule

T = TypeVar("T")

SECONDS = 4.0
"""How late what is kept may notice that time has passed."""

WHOLE_SECONDS = 1.0
"""How long a whole answer is given again, whose parts may be so old already."""

BYTES = 16_000_000
"""Most that is kept by one process, by what the askers say of the size of their answers."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """What an endpoint says of an answer; `rule` and `caller`: what each such call counts for."""

    rule: Rule | None = None
    caller: str = ""


@dataclass(slots=True)
class _Kept:
    value: Any
    until: float
    size: int


class Kept:
    """The kept answers of one process, those asked for last."""

    def __init__(self, database: Database, *, size: int = BYTES) -> None:
        self._database = database
        self._size = size
        self._held = 0
        self._stamp: Stamp | None = None
        self._known: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._making: dict[tuple[Stamp, Hashable], asyncio.Task[Any]] = {}
        self._asking: asyncio.Task[Stamp] | None = None
        self._turn = asyncio.Lock()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]], size: Callable[[T], int]) -> T:
        """What `make` gives, or gave for the same `key` when nothing was different.

        It must depend on the key, the database and the clock only, and nobody may change what he gets: others get the
        same. Those who ask at once for what is not there wait for one `make`. What it raises they all hear, and it is
        not kept.
        """
        try:
            stamp = await self._now()
        except Unavailable:
            return await make()
        known = self._found(stamp, key)
        if known is not None:
            return cast(T, known.value)
        task = self._making.get((stamp, key))
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(stamp, key, make, size))
            self._making[stamp, key] = task
            task.add_done_callback(lambda ended: self._made(stamp, key, ended))
        # Shielded: whoever goes away must not take the answer from the others who wait for it.
        return cast(T, await asyncio.shield(task))

    def stamp(self) -> Stamp | None:
        """The stamp of this moment, if that takes no waiting."""
        if not self._database.stamps.quick:
            return None
        try:
            return self._database.stamps.now()
        except Unavailable:
            return None

    def at_hand(self, key: Hashable) -> Any | None:
        """What is kept for `key`, if that can be told without waiting."""
        if key not in self._known or (stamp := self.stamp()) is None:
            return None
        known = self._found(stamp, key)
        return None if known is None else known.value

    def keep(self, key: Hashable, value: Any, size: int, stamp: Stamp, until: float) -> None:
        """Keep what somebody worked out since `stamp`, if nothing was committed meanwhile."""
        if stamp == self.stamp():
            self._found(stamp, key)
            self._put(key, _Kept(value, until, size))

    def _found(self, stamp: Stamp, key: Hashable) -> _Kept | None:
        if stamp != self._stamp:
            self._known.clear()
            self._held, self._stamp = 0, stamp
        known = self._known.get(key)
        if known is None or known.until <= clock.time():
            return None
        self._known.move_to_end(key)
        return known

    def _made(self, stamp: Stamp, key: Hashable, ended: asyncio.Task[Any]) -> None:
        del self._making[stamp, key]
        if not ended.cancelled():
            ended.exception()  # whoever waited has heard of it, and where nobody did, nobody need

    async def _make(self, stamp: Stamp, key: Hashable, make: Callable[[], Awaitable[T]], size: Callable[[T], int]) -> T:
        until = clock.time() + SECONDS
        value = await make()
        if stamp == self._stamp:
            self._put(key, _Kept(value, until, size(value)))
        return value

    def _put(self, key: Hashable, kept: _Kept) -> None:
        if (former := self._known.pop(key, None)) is not None:
            self._held -= former.size
        self._known[key] = kept
        self._held += kept.size
        while self._held > self._size:
            _, oldest = self._known.popitem(last=False)
            self._held -= oldest.size

    async def _now(self) -> Stamp:
        if self._database.stamps.quick:
            return self._database.stamps.now()
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Stamp:
        """One query at a time. All who come while it runs share the next: theirs must begin after they came."""
        async with self._turn:
            self._asking = None
            return await in_thread(self._database.stamps.now)


def repeatable(request: Request, rule: Rule | None = None, caller: str = "") -> None:
    """Say that this answer hangs on nothing but the question, the database and the clock."""
    request.state.repeated = Repeated(rule, caller)
