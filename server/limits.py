"""How often somebody may try: counters in the memory of this process, over a moving window.

Each process counts for itself; an installation with several web processes allows at most that many times the figures
below, which stays far from what a guesser needs.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from models.errors import DomainError
from server.settings import Settings


class TooMany(DomainError):
    """Too many tries in a short time (HTTP 429 with Retry-After)."""

    status = 429
    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many tries in a short time. Wait a little and try again.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Rule:
    """`times` per `seconds`, counted under `name`."""

    name: str
    times: int
    seconds: int


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
    return Rule("api/calls", settings.api_calls, API_SECONDS)


@dataclass(slots=True)
class _Tries:
    at: deque[float]
    until: float
    """When the last of them is over."""


class Limits:
    """Counts tries. Safe for any number of threads: a try is counted and judged in one step.

    Written here because it stands before every call of the client API: the package `limits` starts a thread for each
    try it counts in memory, and so took longer than many an answer.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._tries)

    def count(self, rule: Rule, key: str) -> None:
        """Count one try. Raises TooMany, with the seconds to wait, when there are no tries left."""
        self.spend(rule, key)

    def spend(self, rule: Rule, key: str) -> tuple[int, float]:
        """`count`; returns the tries left, and when (seconds since 1970) the oldest one comes free again."""
        present = self._clock()
        with self._lock:
            self._forget(present)
            tries = self._tries.pop((rule.name, key), None) or _Tries(deque(), 0.0)
            self._tries[rule.name, key] = tries  # now the last to be forgotten
            while tries.at and tries.at[0] <= present - rule.seconds:
                tries.at.popleft()
            free = tries.at[0] + rule.seconds if tries.at else present
            if len(tries.at) >= rule.times:
                raise TooMany(max(1, math.ceil(free - present)))
            tries.at.append(present)
            tries.until = max(tries.until, present + rule.seconds)
            return rule.times - len(tries.at), tries.at[0] + rule.seconds

    def _forget(self, present: float) -> None:
        """Let go of two of those who tried longest ago, if their windows are over: so all go as fast as they come."""
        for _ in range(2):
            if (oldest := next(iter(self._tries), None)) is None or self._tries[oldest].until > present:
                return
            del self._tries[oldest]
