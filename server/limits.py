"""How often somebody may try, over a moving window.

On SQLite, where one process answers, the counters lie in its memory. On PostgreSQL they lie in the database, so that any
number of processes on any machines count together, and not one try too many is given. What is counted at every call
(`often`) would cost a write each: of somebody who calls again and again a process takes some in advance, for a few
seconds and at most an eighth of what is left. So he may hear 429 a little early, never late.

Written here because it stands before every call of the client API: the package `limits` starts a thread for each try it
counts in memory, and so took longer than many an answer.
"""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from federation.crossing import writing
from models import tries
from models.database import Database
from models.errors import DomainError
from server.settings import Settings

AHEAD_SECONDS = 5.0
"""For how long a process may spend what it took in advance."""

AHEAD_MOST = 64
KEPT = 20_000
"""Callers whose tries a process holds; of whoever is forgotten it takes them one by one again."""


class TooMany(DomainError):
    """Too many tries in a short time (HTTP 429 with Retry-After)."""

    status = 429
    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many tries in a short time. Wait a little and try again.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Rule:
    """`times` per `seconds`, counted under `name`. `often`: at every call."""

    name: str
    times: int
    seconds: int
    often: bool = False


SIGN_IN_BY_ADDRESS = Rule("sign-in/address", 25, 5 * 60)
SIGN_IN_BY_ACCOUNT = Rule("sign-in/account", 25, 60 * 60)
FINDING_BY_ADDRESS = Rule("finding/address", 20, 10 * 60)
LOOKUPS_BY_ACCOUNT = Rule("lookup/account", 60, 60 * 60)
WRITES_BY_ACCOUNT = Rule("write/account", 300, 60 * 60)
MAILS_BY_ADDRESS = Rule("mail/address", 10, 60 * 60)
MAILS_BY_ACCOUNT = Rule("mail/account", 3, 60 * 60)
INVITATIONS_BY_ACCOUNT = Rule("invitation/account", 30, 24 * 60 * 60)
OAUTH_BY_ADDRESS = Rule("oauth/address", 300, 5 * 60)
APPS_BY_ADDRESS = Rule("apps/address", 5, 10 * 60)
API_SECONDS = 5 * 60
API_COSTLY_SECONDS = 30 * 60
SIGN_UP_SECONDS = 60 * 60
"""Seconds over which calls by apps, their uploads and deletions, and new accounts count; how many is a setting."""


def sign_ups(settings: Settings) -> Rule:
    """How many accounts one network may make."""
    return Rule("sign-up/address", settings.sign_ups_per_hour, SIGN_UP_SECONDS)


def api_calls(settings: Settings) -> Rule:
    """How many calls one account, or one network without an account, has."""
    return Rule("api/calls", settings.api_calls, API_SECONDS, often=True)


@dataclass
class _Ahead:
    """What this process holds in advance of one caller's tries, and how much it takes next."""

    held: int = 0
    until: float = 0.0
    next: int = 1
    left: int = 0
    resets: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class _Tries:
    at: deque[float]
    until: float
    """When the last of them is over."""


class Limits:
    """Counts tries. Safe for any number of threads and processes: a try is counted and judged in one step."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._shared = None if database.sqlite else database
        self._clock = clock
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._lock = Lock()
        self._ahead: OrderedDict[str, _Ahead] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    async def count(self, rule: Rule, key: str) -> None:
        """Count one try. Raises TooMany, with the seconds to wait, when there are no tries left."""
        await self.spend(rule, key)

    async def spend(self, rule: Rule, key: str) -> tuple[int, float]:
        """`count`; returns the tries left, and when (seconds since 1970) the oldest one comes free again."""
        if self._shared is None:
            return self.spend_here(rule, key)
        if rule.often:
            return await self._from_ahead(self._shared, rule, key)
        spent = await _take(self._shared, rule, key)
        return spent.left, spent.resets

    def spend_here(self, rule: Rule, key: str) -> tuple[int, float]:
        """`spend` without waiting: in this process's memory, where the counters lie on SQLite."""
        present = self._clock()
        with self._lock:
            self._forget(present)
            known = self._tries.pop((rule.name, key), None) or _Tries(deque(), 0.0)
            self._tries[rule.name, key] = known  # now the last to be forgotten
            while known.at and known.at[0] <= present - rule.seconds:
                known.at.popleft()
            free = known.at[0] + rule.seconds if known.at else present
            if len(known.at) >= rule.times:
                raise TooMany(max(1, math.ceil(free - present)))
            known.at.append(present)
            known.until = max(known.until, present + rule.seconds)
            return rule.times - len(known.at), known.at[0] + rule.seconds

    def _forget(self, present: float) -> None:
        """Let go of two of those who tried longest ago, if their windows are over: so all go as fast as they come."""
        for _ in range(2):
            if (oldest := next(iter(self._tries), None)) is None or self._tries[oldest].until > present:
                return
            del self._tries[oldest]

    async def _from_ahead(self, database: Database, rule: Rule, key: str) -> tuple[int, float]:
        ahead = self._ahead.setdefault(f"{rule.name} {key}", _Ahead())
        self._ahead.move_to_end(f"{rule.name} {key}")
        while len(self._ahead) > KEPT:
            self._ahead.popitem(last=False)
        async with ahead.lock:
            in_time = time.monotonic() < ahead.until
            if not (in_time and ahead.held):
                # who has used up what was taken for him within seconds gets more at once the next time
                ahead.next = min(2 * ahead.next, AHEAD_MOST) if in_time else 1
                spent = await _take(database, rule, key, ahead.next)
                ahead.held, ahead.left, ahead.resets = spent.taken, spent.left, spent.resets
                ahead.until = time.monotonic() + AHEAD_SECONDS
            ahead.held -= 1
            return ahead.left + ahead.held, ahead.resets


async def _take(database: Database, rule: Rule, key: str, wanted: int = 1) -> tries.Spent:
    """Take tries out of the common count. Raises TooMany."""
    spent = await writing(
        database,
        lambda db: tries.spend(db, rule.name, key, times=rule.times, seconds=rule.seconds, wanted=wanted),
    )
    if not spent.taken:
        raise TooMany(max(1, math.ceil(spent.resets - time.time())))
    return spent
