"""One small connection pool per host, kept for as long as it is worth it.

A single pool for many hosts looks at every connection at each request: at 200 hosts that costs about 20 times as much
as a small pool per host (encode/httpx #3215). So each host gets its own, and this keeps the most recently used.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What is kept here."""

    async def aclose(self) -> None: ...


T = TypeVar("T", bound=Closable)


@dataclass(eq=False)
class Kept(Generic[T]):
    """A transport, and how many requests it carries now."""

    transport: T
    slots: asyncio.Semaphore
    users: int = 0
    last_used: float = 0.0
    dropped: bool = False


class TransportsByHost(Generic[T]):
    """Lends the transport of a host. Never closes one that carries a request; closes those idle for `idle` seconds.

    Idle ones are closed by a timer, so that a burst to 500 hosts does not leave a thousand half-closed sockets behind.
    """

    def __init__(self, make: Callable[[str], T], *, at_once: int = 4, size: int = 512, idle: float = 45.0) -> None:
        self._make, self._at_once, self._size, self._idle = make, at_once, size, idle
        self._kept: OrderedDict[str, Kept[T]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._kept)

    @asynccontextmanager
    async def lend(self, host: str) -> AsyncIterator[Kept[T]]:
        """The transport of this host, for the time of one request; waits while `at_once` others have it.

        The pool of the HTTP library is never made to queue, and a transport whose request was cancelled (out of time)
        is not lent again: a request cancelled between getting a connection and opening it leaves a slot of its pool
        taken for ever, and four of those would silence the host until a restart.
        """
        kept = self._kept.get(host)
        if kept is None:
            kept = self._kept[host] = Kept(self._make(host), asyncio.Semaphore(self._at_once))
        kept.users += 1
        self._kept.move_to_end(host)
        self._shrink()
        try:
            async with kept.slots:
                try:
                    yield kept
                except asyncio.CancelledError:
                    self._retire(host, kept)
                    raise
        finally:
            kept.users -= 1
            kept.last_used = time.monotonic()
            if kept.users == 0 and (kept.dropped or self._closed):
                await kept.transport.aclose()
            elif self._timer is None and not self._closed:
                self._timer = asyncio.get_running_loop().call_later(self._idle, self._sweep)

    def _shrink(self) -> None:
        while len(self._kept) > self._size:
            _, kept = self._kept.popitem(last=False)
            self._drop(kept)

    def _retire(self, host: str, kept: Kept[T]) -> None:
        if self._kept.get(host) is kept:
            del self._kept[host]
        kept.dropped = True

    def _drop(self, kept: Kept[T]) -> None:
        kept.dropped = True
        if kept.users == 0:
            task = asyncio.get_running_loop().create_task(kept.transport.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _sweep(self) -> None:
        self._timer = None
        before = time.monotonic() - self._idle
        for host, kept in list(self._kept.items()):
            if kept.users == 0 and kept.last_used <= before:
                del self._kept[host]
                self._drop(kept)
        if self._kept:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._sweep)

    async def aclose(self) -> None:
        """Close all that are idle now, and each other one when its request ends."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        kept, self._kept = list(self._kept.values()), OrderedDict()
        for each in kept:
            each.dropped = True
            if each.users == 0:
                await each.transport.aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)
