"""Keys of others: who owns the key that a request names, asked at most as often as is good for both sides.

- A key is what its owner's own document says it is, and the owner's document is on the key's host.
- A signature that fails may mean a new key: asked again once in five minutes, whoever sends how many bad ones.
- A key that cannot be had (404, 410, refused, malformed) is not asked for again for 15 minutes; one whose server does
  not answer for 2 seconds, and its request hears 503, because peers take our 4xx for final.

What was fetched is recorded only once a signature verified with it: a stranger's claim alone changes nothing here.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from federation import crossing, reading, signatures
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed, Gone, Passing, Unusable, fetch
from federation.resolving.actors import with_handle
from models import actors, memory
from models.actors import Actor, RemoteActor

FRESH_FOR = 300
REFRESH_EVERY = 300
REFUSED_FOR = 900
SILENT_FOR = 2
RETRY_AFTER = 30
FETCHES = 6


@dataclass(frozen=True, slots=True)
class FetchedKey:
    """A key and its owner as the owner's server shows them now."""

    owner: RemoteActor
    pem: str

    @property
    def key(self) -> "signatures.PublicKey":
        """The key, ready to verify with."""
        return signatures.public_key(self.pem)


class NoKey(Exception):
    """The key cannot be had. `passing`: its server did not answer, so nobody knows."""

    def __init__(self, text: str, *, passing: bool) -> None:
        super().__init__(text)
        self.passing = passing


def remembered(fed: Federation, key_id: str) -> FetchedKey | None:
    """The key, if this process fetched it a moment ago."""
    found = fed.keyring.fetched.get(key_id)
    assert found is None or isinstance(found, FetchedKey)
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What the database says before a key is fetched."""

    failed: str | None
    """`passing` or `refused`, if it could not be had a moment ago."""
    owner: Actor | None
    """The actor whose id the key's begins with, if he is known."""


def ask(db: Session, key_ids: Iterable[str]) -> dict[str, Asked]:
    """Look up what there is about keys that are to be fetched."""
    wanted = set(key_ids)
    if not wanted:
        return {}
    failed = memory.recall_all(db, "key-failed", wanted)
    owners = {owner.uri: owner for owner in actors.by_uris(db, map(owner_of, wanted))}
    return {key_id: Asked(failed.get(key_id), owners.get(owner_of(key_id))) for key_id in wanted}


def owner_of(key_id: str) -> str:
    """Where the document that shows a key is asked for: for nearly all the id of its owner."""
    return key_id.partition("#")[0]


async def fetched(fed: Federation, key_id: str, asked: Asked | None = None) -> FetchedKey:
    """The key with this id from its own host, of this very moment or the last five minutes. Raises NoKey.

    `asked`: what `ask` found, where that was done just now.
    """
    if (found := remembered(fed, key_id)) is not None:
        return found
    task = fed.keyring.under_way.get(key_id)
    if task is None:
        task = asyncio.ensure_future(_fetch_and_remember(fed, key_id, asked))
        fed.keyring.under_way[key_id] = task
        task.add_done_callback(lambda done: _forget_task(fed, key_id, done))
    found = await asyncio.shield(task)
    assert isinstance(found, FetchedKey)
    return found


def _forget_task(fed: Federation, key_id: str, done: "asyncio.Task[FetchedKey]") -> None:
    fed.keyring.under_way.pop(key_id, None)
    if not done.cancelled():
        done.exception()  # whoever waited has it; if all left, it need not be shouted


async def refreshed(fed: Federation, key_id: str, tried: str) -> FetchedKey | None:
    """Another key under the same id than the PEM that was `tried`, if its host shows one; None if not, or asked too soon.

    Raises NoKey if its host does not answer.
    """
    found = remembered(fed, key_id)
    if found is None or found.pem == tried:
        first = await crossing.writing(
            fed.database, lambda db: memory.first_time(db, "key-refreshed", key_id, REFRESH_EVERY)
        )
        if not first:
            return None
        fed.keyring.fetched.forget(key_id)
        found = await fetched(fed, key_id)
    return found if found.pem != tried else None


async def _fetch_and_remember(fed: Federation, key_id: str, asked: Asked | None) -> FetchedKey:
    if asked is None:
        asked = await crossing.reading(fed.database, lambda db: ask(db, [key_id])[key_id])
    if asked.failed is not None:
        raise NoKey("This key could not be had a moment ago.", passing=asked.failed == "passing")
    try:
        async with asyncio.timeout(fed.limits.fetch_deadline):
            found = await _fetch(fed, key_id, {owner_of(key_id): asked.owner})
    except (Passing, TimeoutError) as error:
        await _remember_failure(fed, key_id, "passing", SILENT_FOR)
        raise NoKey(str(error) or "time-out", passing=True) from error
    except (FetchFailed, OverBudget) as error:
        await _remember_failure(fed, key_id, "refused", REFUSED_FOR)
        raise NoKey(str(error), passing=False) from error
    fed.keyring.fetched.put(key_id, found, FRESH_FOR)
    return found


async def _remember_failure(fed: Federation, key_id: str, kind: str, seconds: float) -> None:
    await crossing.writing(fed.database, lambda db: memory.remember(db, "key-failed", key_id, kind, seconds))


async def _fetch(fed: Federation, key_id: str, asked: Mapping[str, Actor | None]) -> FetchedKey:
    budget = Budget(fetches=FETCHES, seconds=fed.limits.fetch_deadline)
    document = await fetch(fed, owner_of(key_id), budget)
    if document.deleted:
        raise Gone("The owner of the key is deleted.")
    doc = document.doc
    try:
        if not reading.is_actor(doc) or "inbox" not in doc:
            # A key on its own, or the stub that GoToSocial shows without a signature: its owner must name it back.
            alone = reading.key_document(doc)
            if alone.id != key_id:
                raise Unusable("The document is about another key.")
            doc = (await fetch(fed, alone.owner, budget)).doc
        read = reading.actor(doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error
    pem = dict(read.remote.keys).get(key_id)
    if pem is None:
        raise Unusable("The actor does not list this key as its own.")
    return FetchedKey(await with_handle(fed, read, budget, asked), pem)
