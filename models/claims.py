"""Claims: what people of other servers say they are to organisations, which those have to confirm.

Both sides are read at their own servers (`federation.affiliating`) and kept here for a while, beside the affiliations of
our own people.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models import affiliations, jobs, memory
from models.actors import Actor
from models.affiliations import State, Way
from models.base import now

MAX_CLAIMS = 3
"""How many claims of one person are looked into."""


@dataclass(frozen=True)
class Claim:
    """What somebody elsewhere says of himself: the organisation's id, and a class of ours."""

    organization: str
    affiliation_class: str


def claims(actor: Actor) -> list[Claim]:
    """What an actor of another server claims; classes that nobody here knows are left out."""
    found: Iterable[Mapping[str, Any]] = (actor.extra or {}).get("affiliation") or []
    read = [Claim(str(one.get("organization", "")), str(one.get("class", ""))) for one in found]
    return [one for one in read if one.organization and one.affiliation_class in affiliations.ORDER][:MAX_CLAIMS]


def claimed(db: Session, actor: Actor) -> None:
    """An actor of another server was read anew: what he no longer claims is no longer shown, and what he claims is
    looked into, the same claims once an hour at most."""
    said = claims(actor)
    if not said and not actor.affiliation:
        return
    wanted = {(claim.organization, claim.affiliation_class) for claim in said}
    kept = True
    for row, organization in affiliations.of(db, actor.id):
        if (organization.uri, row.affiliation_class) not in wanted:
            db.delete(row)
            kept = False
    if not kept:
        db.flush()
        affiliations.show_at_name(db, actor)
    if said and memory.first_time(db, "affiliation", f"{actor.id} {sorted(wanted)}", 3600):
        jobs.enqueue(db, "check_affiliations", {"actor": actor.id}, dedupe=f"affiliations:{actor.id}")


def record_checked(db: Session, actor: Actor, found: Mapping[Claim, int]) -> None:
    """What the organisations of other servers say: by claim the id of the organisation that confirms it. Whatever is not
    among them is no longer shown."""
    still = {claim for claim in claims(actor) if claim in found}
    by_organization = {found[claim]: claim for claim in still}
    for row, organization in affiliations.of(db, actor.id):
        if organization.id not in by_organization:
            db.delete(row)
    db.flush()
    for organization_id, claim in by_organization.items():
        row = affiliations.find(db, actor.id, organization_id) or affiliations.add(db, actor.id, organization_id)
        row.affiliation_class, row.state, row.way = claim.affiliation_class, State.CONFIRMED.value, Way.REMOTE.value
        row.checked_at = now()
        db.flush()
    affiliations.show_at_name(db, actor)
