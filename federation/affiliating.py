"""Whether the organisations of other servers confirm what people of other servers say of themselves.

Both sides are believed about themselves only: the claim stands in the person's own document, and the confirmation is
fetched from the organisation's own host, from the collection that its own document names there. A list on another host
proves nothing.
"""

from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from federation import urls
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.crossing import reading, writing
from federation.documents import Gone, Unusable, fetch_collection
from federation.resolving import actors as resolving
from models import actors, claims
from models.actors import Actor, ActorType
from models.claims import Claim

FETCHES = 12
ORGANIZATIONS = (ActorType.ORGANIZATION, ActorType.SERVICE)
"""A public body's account may be a Service, where that is what its readers understand (PieFed)."""


async def check_affiliations(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `check_affiliations`: ask every organisation that a remote actor names, and keep what they confirm.

    Raises Passing while one of them cannot be asked; what was confirmed before stays until then.
    """
    actor_id = int(payload["actor"])
    actor = await reading(fed.database, lambda db: db.get(Actor, actor_id))
    if actor is None or actor.local or actor.deleted_at is not None:
        return
    budget = Budget(fetches=FETCHES)
    found: dict[Claim, int] = {}
    for claim in claims.claims(actor):
        organization = await _confirming(fed, claim, actor.uri, budget)
        if organization is not None:
            found[claim] = organization.id

    def record(db: Session) -> None:
        claims.record_checked(db, actors.get(db, actor_id), found)

    await writing(fed.database, record)


async def _confirming(fed: Federation, claim: Claim, person: str, budget: Budget) -> Actor | None:
    """The organisation of a claim, if it lists the person."""
    if urls.same_origin(claim.organization, fed.node.origin):
        return None  # our organisations confirm people of this node only
    try:
        organization = await resolving.actor(fed, claim.organization, budget, fresh=True)
        listed = (organization.extra or {}).get("members", "")
        if organization.type not in ORGANIZATIONS or not urls.same_origin(listed, organization.uri):
            return None
        asked = f"{listed}{'&' if '?' in listed else '?'}actor={quote(person, safe='')}"
        answer = await fetch_collection(fed, asked, budget)
    except (Gone, Unusable, OverBudget):
        return None
    return organization if person in (answer.first_page or answer).items else None
