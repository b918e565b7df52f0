"""What the answer to a delivery means: done, again later, refused for good, or ask whether the actor is still there.

Our reading of other servers' status codes is generous where they mean "not now", and gives up one delivery (never the
host) where they mean "not this": some servers refuse every question and must still get the rest.
"""

from dataclasses import dataclass
from enum import StrEnum

from federation import clocks
from federation.client import Answer
from federation.fetch_errors import FetchError, Refused

AGAIN = frozenset({408, 421, 425, 429})
KNOCK = frozenset({400, 401})
"""Perhaps the peer only reads the other signature scheme."""

CLOCK_TRUSTED = 60.0
"""Seconds between a server's clock and ours above which what it says of a signature may only mean that ours is wrong."""

MISSES = 3
"""So many 404 in a row before we ask whether the actor is still there."""


class Verdict(StrEnum):
    """How a delivery goes on."""

    DONE = "done"
    LATER = "later"
    DROP = "drop"
    GONE = "gone"
    """The inbox is not there any more: confirm, or write to the actors' own inboxes instead of the shared one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's result. `host_failed`: for a reason that concerns the whole host, so its circuit counts it."""

    verdict: Verdict
    status: int | None = None
    error: str = ""
    retry_after: float | None = None
    host_failed: bool = False
    skew: float | None = None
    """The server's clock minus ours, in seconds, by the `Date` of its answer."""
    scheme: str | None = None
    """The signature scheme that worked after the other had not: to be remembered for the host."""


def of_answer(answer: Answer, *, attempts: int, last_status: int | None) -> Outcome:
    """Judge an answer. `attempts` is the number of attempts before this one, `last_status` the last one's answer."""
    status, skew = answer.status, clocks.skew(answer.headers.get("date", ""))
    # Whatever stands in it is kept; PostgreSQL takes no NUL, and one answer would undo what came of all the others.
    error = f"{status} {answer.body[:200].decode('utf-8', 'replace')}".replace("\x00", "").strip()
    verdict = _verdict(status, skew, often=attempts + 1 >= MISSES and last_status == 404)
    if verdict == Verdict.DONE:
        return Outcome(verdict, status, skew=skew)
    wait = answer.retry_after if status >= 500 or status in AGAIN else None
    return Outcome(verdict, status, error, wait, host_failed=status >= 500, skew=skew)


def _verdict(status: int, skew: float | None, *, often: bool) -> Verdict:
    if 200 <= status < 300:
        return Verdict.DONE
    if status >= 500 or status in AGAIN:
        return Verdict.LATER
    if status == 410:
        return Verdict.GONE
    if status == 404:
        return Verdict.GONE if often else Verdict.LATER
    if status < 400:  # an inbox does not move; whoever answers for it now may be put right again
        return Verdict.LATER
    if status in KNOCK and skew is not None and abs(skew) > CLOCK_TRUSTED:
        return Verdict.LATER  # one of the two clocks is wrong, and when it is set right the signature will do
    return Verdict.DROP


def of_error(error: FetchError) -> Outcome:
    """Judge a failure to get an answer: our own refusal is final, everything else may pass."""
    text = f"{error.code}: {error}"
    if isinstance(error, Refused):
        return Outcome(Verdict.DROP, None, text)
    return Outcome(Verdict.LATER, None, text, host_failed=True)
