"""Answers kept in memory for as long as they are right.

What is read often and changed seldom (an actor's document, the newest posts) is worked out once. An answer holds as
long as the database's stamp is the one from before it was worked out: then nothing was committed since, by whatever
process, so it is what would be worked out now. A stamp costs some microseconds where an answer costs milliseconds.

What the clock alone changes (a poll ends, a mute runs out) leaves no commit; therefore no answer gets older than
`SECONDS`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from federation.crossing import in_thread
from models.base import clock
from models.database import Database
from models.errors import Unavailable
from models.stamps import Stamp

T = TypeVar("T")

SECONDS = 5.0
"""How late an answer may notice that time has passed."""

BYTES = 16_000_000
"""Most that is kept by one process, by what the askers say of the size of their answers."""


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
        if stamp != self._stamp:
            self._known.clear()
            self._held, self._stamp = 0, stamp
        known = self._known.get(key)
        if known is not None and known.until > clock.time():
            self._known.move_to_end(key)
            return cast(T, known.value)
        task = self._making.get((stamp, key))
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(stamp, key, make, size))
            self._making[stamp, key] = task
            task.add_done_callback(lambda ended: self._made(stamp, key, ended))
        # Shielded: whoever goes away must not take the answer from the others who wait for it.
        return cast(T, await asyncio.shield(task))

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
