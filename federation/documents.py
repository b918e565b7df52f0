"""One document of another server, by its id, with proof that the id is its own.

What is at an address proves something about that address's host, and about nobody else:

- only addresses of others are fetched, never our own (else a stranger could have our own words confirm his);
- the answer must be ActivityPub by its type, come from the host that was asked, and carry that very id. Another id on
  the same host is asked for once, and then has to be it (CVE-2024-23832, CVE-2024-25623).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from federation import crossing, media_types, reading, urls
from federation.budget import Budget
from federation.client import Fetched
from federation.context import Federation, KeySigner
from federation.fetch_errors import FetchError
from federation.outcomes import KNOCK
from models import peers

PASSING_STATUS = frozenset({408, 421, 425, 429})


class FetchFailed(Exception):
    """There is no document. The text is for the log."""


class Gone(FetchFailed):
    """Its server says that it is not, or no longer, there."""


class Unusable(FetchFailed):
    """There is something, but it proves nothing; asking again would not change that."""


class Passing(FetchFailed):
    """Its server did not answer, or asked for patience: later may be better."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its id."""

    id: str
    doc: dict[str, Any]

    @property
    def deleted(self) -> bool:
        """A Tombstone, whatever the status it came with."""
        return reading.is_tombstone(self.doc)


def check_foreign(fed: Federation, uri: str) -> None:
    """Raise Unusable unless `uri` is an https address of another server."""
    host = urls.host_of(uri)
    if host is None:
        raise Unusable("It is not an https address.")
    if host == urls.host_of(fed.node.origin) or host == fed.node.domain:
        raise Unusable("It would be one of our own, and we have none of that id.")


async def fetch(fed: Federation, uri: str, budget: Budget) -> Document:
    """The document whose id is `uri`. Raises Gone, Unusable, Passing, or OverBudget."""
    doc = await _get(fed, uri, budget, media_types.is_activity_type)
    name = doc.get("id")
    if name == uri:
        return Document(uri, doc)
    if not isinstance(name, str) or not urls.same_origin(name, uri):
        raise Unusable("The document has an id on another host.")
    again = await _get(fed, name, budget, media_types.is_activity_type)
    if again.get("id") != name:
        raise Unusable("The document does not stand at its own id.")
    return Document(name, again)


async def fetch_collection(fed: Federation, uri: str, budget: Budget) -> reading.CollectionIn:
    """A collection or a page of one. PieFed and WordPress serve theirs as plain JSON; only the ids are used."""
    doc = await _get(fed, uri, budget, _is_collection_type)
    try:
        return reading.collection(doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error


def _is_collection_type(content_type: str) -> bool:
    return media_types.is_activity_type(content_type) or media_types.parse(content_type).name == "application/json"


async def _get(fed: Federation, uri: str, budget: Budget, judge: Callable[[str], bool]) -> dict[str, Any]:
    check_foreign(fed, uri)
    address = uri.partition("#")[0]
    answer = await _knock(fed, address, budget, judge)
    if answer.status in (404, 410):
        raise Gone(f"{uri} answers {answer.status}.")
    if answer.status in PASSING_STATUS or answer.status >= 500:
        raise Passing(f"{uri} answers {answer.status}.")
    if not answer.ok:
        raise Unusable(f"{uri} answers {answer.status}.")
    if not urls.same_origin(answer.url, address):
        raise Unusable("The answer came from another host.")
    try:
        return reading.decode(answer.body)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error


async def _knock(fed: Federation, address: str, budget: Budget, judge: Callable[[str], bool]) -> Fetched:
    """The answer to a GET signed by the node; after 400 or 401 signed once more in the other scheme, which is remembered."""
    host = urls.host_of(address) or ""
    signer = await fed.signer()
    first = await crossing.reading(fed.database, lambda db: peers.scheme(db, host))
    answer = await _ask(fed, address, budget, judge, replace(signer, scheme=first))
    if answer.status not in KNOCK:
        return answer
    other = "cavage" if first == "rfc9421" else "rfc9421"
    second = await _ask(fed, address, budget, judge, replace(signer, scheme=other))
    if second.ok:
        await crossing.writing(fed.database, lambda db: peers.remember_scheme(db, host, other))
    return second


async def _ask(
    fed: Federation, address: str, budget: Budget, judge: Callable[[str], bool], signer: KeySigner
) -> Fetched:
    budget.take(address)
    try:
        return await fed.client.get(
            address,
            max_bytes=fed.limits.max_body,
            deadline=fed.limits.fetch_deadline,
            signer=signer,
            content_types=judge,
        )
    except FetchError as error:
        if error.permanent:
            raise Unusable(f"{error.code}: {error}") from error
        raise Passing(f"{error.code}: {error}") from error
