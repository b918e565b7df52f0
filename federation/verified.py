"""The proof that handlers ask for by type: a `Verified` is an activity of which it is known who vouches for it.

Only `federation.receiving` makes one, and a test sees to that. A check that is an `if` can be forgotten in the next
handler; a parameter cannot.
"""

from dataclasses import dataclass
from enum import StrEnum

from federation.budget import Budget
from federation.reading import ActivityIn


class Proof(StrEnum):
    """Why an activity counts."""

    SIGNED = "signed"
    """Its actor's own key signed the request that brought it."""
    WRAPPED = "wrapped"
    """A community's key signed an Announce around it. That vouches for the community only: what the inner actor is
    said to have done counts where the handler says so, by that community being the thread's home, or by the origin."""


@dataclass(frozen=True, slots=True)
class Verified:
    """An activity, whose it is, and what that rests on."""

    activity: ActivityIn
    actor: str
    """Id of the actor: proven if `signed`, claimed by the wrapper if `wrapped`."""
    proof: Proof
    budget: Budget
    """What may still be fetched because of it."""
    wrapper: str = ""
    """Id of the community that wrapped it."""
    received_id: int = 0
    """Its row in the inbox."""

    @property
    def signed(self) -> bool:
        """Whether the actor itself signed it."""
        return self.proof == Proof.SIGNED
