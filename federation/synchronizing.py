"""Healing lists of followers (FEP-8fcf): a server tells, with a post for its followers, which of ours it counts.

The header is a hint. Before anybody is dropped, the list itself is asked for, from the sender's own host, and it has
to give the very digest that the header promised.

    Collection-Synchronization: collectionId="https://m.example/users/jonas/followers",
        url="https://m.example/users/jonas/followers_synchronization", digest="b08a…"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from federation import crossing, signatures, urls
from federation.budget import Budget
from federation.context import Federation
from federation.documents import Gone, Unusable, fetch_collection
from models import actors, follows, jobs, outbox
from models.actors import Actor

MAX_HEADER = 8192
MAX_PAGES = 10
_PARAMETER = re.compile(r'\s*(collectionId|url|digest)="([^"\\]{1,2048})"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Claim:
    """What the header says."""

    collection: str
    url: str
    digest: str


def claim_of(header: str) -> Claim | None:
    """What the header says, if it can be read."""
    if not header or len(header) > MAX_HEADER:
        return None
    found = dict(_PARAMETER.findall(header))
    if len(found) != 3 or not re.fullmatch(r"[0-9a-f]{64}", found["digest"].lower()):
        return None
    return Claim(found["collectionId"], found["url"], found["digest"].lower())


def note_claim(db: Session, owner: Actor, claim: Claim) -> None:
    """Promise to look into it, if the claim is about the sender's own followers and differs from what we have."""
    if not owner.followers_uri or claim.collection != owner.followers_uri or not urls.same_origin(claim.url, owner.uri):
        return
    if signatures.followers_digest(one.uri for one in follows.local_followers(db, owner)) == claim.digest:
        return
    payload = {"actor": owner.uri, "url": claim.url, "digest": claim.digest}
    jobs.enqueue(db, "synchronize_followers", payload, dedupe=f"followers:{owner.id}")


async def synchronize_followers(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job: fetch the list, and if it is the promised one, end what is not on it on either side."""
    budget = Budget(fetches=MAX_PAGES + 1)
    listed: list[str] = []
    try:
        page = await fetch_collection(fed, str(payload["url"]), budget)
        while True:
            listed += page.items
            if page.first_page is not None:
                page = page.first_page
            elif (address := page.first or page.next) and urls.same_origin(address, str(payload["url"])):
                if not budget.first_visit(address) or len(budget.visited) > MAX_PAGES:
                    return
                page = await fetch_collection(fed, address, budget)
            else:
                break
    except (Gone, Unusable):
        return
    ours = set(listed)
    if signatures.followers_digest(ours) != payload["digest"]:
        return
    await crossing.writing(fed.database, lambda db: _settle(db, str(payload["actor"]), ours))


def _settle(db: Session, owner_uri: str, listed: set[str]) -> None:
    owner = actors.by_uri(db, owner_uri)
    if owner is None or owner.local:
        return
    here = follows.local_followers(db, owner)
    for follower in here:
        row = follows.find(db, follower.id, owner.id)
        if follower.uri not in listed and row is not None:
            follows.reject(db, row)
    for stranger in actors.by_uris(db, listed - {follower.uri for follower in here}):
        # He is counted as a follower there and is none here (a lost Undo, a restored backup): say so once more.
        if stranger.local and follows.find(db, stranger.id, owner.id) is None:
            follow = {
                "id": f"{stranger.uri}#follow-{owner.id}",
                "type": "Follow",
                "actor": stranger.uri,
                "object": owner.uri,
            }
            outbox.record(db, "Undo", stranger, object_uri=follow["id"], to=[owner.uri], data={"embed": follow})
