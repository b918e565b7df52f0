"""One node's deliveries to another, as `models.deliveries` and `models.peers` decide on them, for the simulation.

The numbers are theirs, imported; the rules are told again here in a few lines, because the database would make two weeks
of a network take two weeks. What the rules promise is tested on both.
"""

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field

from federation.context import Limits
from models.deliveries import KEPT, SCHEDULE
from models.jobs import spread
from models.peers import DAYS_TO_PARK, FAILURES_TO_OPEN, OPEN_SECONDS

DAY = 86400.0
KEPT_S = KEPT.total_seconds()
LIMITS = Limits()


@dataclass(eq=False)
class Delivery:
    """One activity on its way to one node. `about`: deliveries about the same thing keep their order."""

    activity: int
    about: int
    created: float
    run_at: float
    attempts: int = 0


@dataclass(eq=False)
class Link:
    """The queue from one node to another, and the circuit on it."""

    waiting: int = 0
    flying: int = 0
    failures: int = 0
    failing_days: int = 0
    last_failure_day: int = -1
    open_until: float = 0.0
    parked: bool = False
    wake_at: float = float("inf")
    """When somebody looks at it next."""
    _chains: dict[int, deque[Delivery]] = field(default_factory=lambda: defaultdict(deque))
    _ready: list[tuple[float, int, Delivery]] = field(default_factory=list)
    _number: int = 0

    def add(self, delivery: Delivery) -> None:
        """Queue it, behind what is queued about the same thing."""
        chain = self._chains[delivery.about]
        chain.append(delivery)
        self.waiting += 1
        if len(chain) == 1:
            self._push(delivery)

    def _push(self, delivery: Delivery) -> None:
        self._number += 1
        heapq.heappush(self._ready, (delivery.run_at, self._number, delivery))

    @property
    def room(self) -> int:
        """How many more may be under way at once: one to a host that has to prove itself."""
        return (1 if self.failures >= FAILURES_TO_OPEN else LIMITS.per_host) - self.flying

    def take(self, now: float) -> Delivery | None:
        """The next that may be sent at this moment."""
        if self.parked or now < self.open_until or self.room <= 0 or not self._ready or self._ready[0][0] > now:
            return None
        self.flying += 1
        return heapq.heappop(self._ready)[2]

    def next_look(self) -> float:
        """When something may be sent at the earliest, if nothing changes before."""
        if self.parked or not self._ready or self.room <= 0:
            return float("inf")
        return max(self._ready[0][0], self.open_until)

    def arrived(self, delivery: Delivery, now: float) -> None:
        """It was taken: the circuit closes."""
        self._end(delivery)
        self.heard_from(now)

    def failed(self, delivery: Delivery, now: float) -> bool:
        """It was not taken, and the fault is the host's. True if it is given up."""
        day = int(now // DAY)
        if self.last_failure_day != day or not self.failing_days:
            self.failing_days += 1
        self.last_failure_day = day
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN:
            self.open_until = now + OPEN_SECONDS
        self.parked = self.parked or self.failing_days >= DAYS_TO_PARK
        if delivery.attempts >= len(SCHEDULE) or now - delivery.created >= KEPT_S:
            self._end(delivery)
            return True
        delivery.attempts += 1
        delivery.run_at = now + spread(SCHEDULE[delivery.attempts - 1])
        self.flying -= 1
        self._push(delivery)
        return False

    def heard_from(self, now: float) -> None:
        """The host sent something itself, or took something: it lives. If it was thought dead, what waits goes now."""
        if self.failures >= FAILURES_TO_OPEN or self.parked:
            waits, self._ready = self._ready, []
            for _, _, delivery in sorted(waits, key=lambda one: one[:2]):
                if delivery.run_at > now:
                    delivery.run_at, delivery.attempts = now, 1
                self._push(delivery)
        self.failures = self.failing_days = 0
        self.open_until, self.parked = 0.0, False

    def _end(self, delivery: Delivery) -> None:
        self.flying -= 1
        self._drop(delivery)

    def _drop(self, delivery: Delivery) -> None:
        chain = self._chains[delivery.about]
        assert chain[0] is delivery, "something was sent out of order"
        chain.popleft()
        self.waiting -= 1
        if chain:
            self._push(chain[0])
        else:
            del self._chains[delivery.about]

    def give_up(self, *, older_than: float = float("inf")) -> int:
        """Take out what is queued since before a time (all without), except what is under way; how many."""
        in_queue = {id(delivery) for _, _, delivery in self._ready}
        gone = 0
        self._ready = []
        for about, chain in list(self._chains.items()):
            under_way = [] if id(chain[0]) in in_queue else [chain[0]]
            rest = [one for one in list(chain)[len(under_way) :] if one.created >= older_than]
            gone += len(chain) - len(under_way) - len(rest)
            self._chains[about] = deque([*under_way, *rest])
            if not self._chains[about]:
                del self._chains[about]
            elif not under_way:
                self._push(rest[0])
        self.waiting -= gone
        return gone

    @property
    def oldest(self) -> float:
        """When the longest-waiting was queued; infinity for an empty queue."""
        return min((chain[0].created for chain in self._chains.values()), default=float("inf"))
