"""How much one sender may pour into the inbox before it hears 429.

A sender is the domain that a request says it comes from *and* the network it really comes from: so nobody can use up
another's share by posing as him. There are two measures: all requests, and those that cost us something (a key to be
fetched, a signature that fails). The second is also counted by network alone, for whoever makes up a new domain each
time. Counted in this process's memory, in buckets that fill again; their number has a bound.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from models.errors import Unavailable
from server.settings import Settings

KEPT = 20_000
"""Senders remembered; whoever is forgotten starts with a full bucket, which costs less than remembering all."""

MANY_DOMAINS = 10
"""So many times the share of one domain has a network with all its domains together."""

EACH_NETWORK = 4
"""The share of all places at the inbox that one network may take: a fourth."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Token buckets by key: `burst` at once, `per_second` more each second."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, per_second, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def _fill(self, key: str) -> _Bucket:
        present = self._clock()
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, present)
        bucket.tokens = min(self._burst, bucket.tokens + (present - bucket.at) * self._rate)
        bucket.at = present
        self._buckets[key] = bucket
        while len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        return bucket

    def left(self, key: str) -> bool:
        """Whether there is one to take."""
        return self._fill(key).tokens >= 1

    def take(self, key: str) -> bool:
        """Take one; False if there is none."""
        bucket = self._fill(key)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def __len__(self) -> int:
        return len(self._buckets)


class Floods:
    """The measures of one process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        burst, rate = settings.inbox_unknown_burst, settings.inbox_unknown_per_second
        self._all = Buckets(settings.inbox_burst, settings.inbox_per_second, clock)
        self._costly = Buckets(burst, rate, clock)
        self._costly_by_network = Buckets(burst * MANY_DOMAINS, rate * MANY_DOMAINS, clock)

    def admits(self, domain: str, network: str) -> bool:
        """Count one request; False if the sender has sent too many."""
        return self._all.take(f"{domain} {network}")

    def allowance(self, domain: str, network: str) -> "Share":
        """What the sender may still cost us."""
        return Share(self, f"{domain} {network}", network)

    def costly_left(self, key: str, network: str) -> bool:
        """Whether a request that costs something is still allowed."""
        return self._costly.left(key) and self._costly_by_network.left(network)

    def take_costly(self, key: str, network: str) -> bool:
        """Count one that costs something; False if it is too many."""
        return self._costly.take(key) and self._costly_by_network.take(network)


class Places:
    """How many activities may be in hand at once, of all senders and of one network: so many bodies are in memory.

    Who finds no place waits outside, with his body unread, and is told to come again when it takes too long.
    """

    def __init__(self, whole: int, seconds: float) -> None:
        self._whole = asyncio.Semaphore(whole)
        self._each = max(1, whole // EACH_NETWORK)
        self._seconds = seconds
        self._networks: dict[str, _Network] = {}

    def take(self, network: str) -> "_Place":
        """A place for the length of an `async with`; raises Unavailable when none comes free in time."""
        return _Place(self, network)

    async def enter(self, network: str) -> None:
        """Take a place, or wait for one."""
        own = self._networks.get(network)
        if own is None:
            own = self._networks[network] = _Network(asyncio.Semaphore(self._each))
        own.users += 1
        try:
            if own.places.locked() or self._whole.locked():
                await self._wait(own.places)
            else:  # nearly always; it takes no waiting, and no clock
                await own.places.acquire()
                await self._whole.acquire()
        except BaseException:
            self._forget(network, own)
            raise

    def leave(self, network: str) -> None:
        """Give it back."""
        own = self._networks[network]
        self._whole.release()
        own.places.release()
        self._forget(network, own)

    def _forget(self, network: str, own: "_Network") -> None:
        own.users -= 1
        if not own.users:
            del self._networks[network]

    async def _wait(self, own: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await own.acquire()
                try:
                    await self._whole.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise Unavailable from None

    def __len__(self) -> int:
        return len(self._networks)


@dataclass(slots=True)
class _Network:
    places: asyncio.Semaphore
    users: int = 0
    """How many have a place or wait for one."""


class _Place:
    __slots__ = ("_network", "_places")

    def __init__(self, places: Places, network: str) -> None:
        self._places, self._network = places, network

    async def __aenter__(self) -> None:
        await self._places.enter(self._network)

    async def __aexit__(self, *_: object) -> None:
        self._places.leave(self._network)


@dataclass(frozen=True, slots=True)
class Share:
    """One sender's allowance, as `federation.receiving` asks for it."""

    floods: Floods
    key: str
    network: str

    def spend(self) -> bool:
        """Take one; False if there is none left."""
        return self.floods.take_costly(self.key, self.network)

    def left(self) -> bool:
        """Whether there is one left."""
        return self.floods.costly_left(self.key, self.network)
