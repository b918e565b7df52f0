"""One document of another server, by its id, with proof that the id is its own.

What is at an address proves something about that address's host, and about nobody else:

- only addresses of others are fetched, never our own (else a stranger could have our own words confirm his);
- the answer must be ActivityPub by its type, come from the host that was asked, and carry that very id. Another id on
  the same host is asked for once, and then has to be it (CVE-2024-23832, CVE-2024-25623).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from federation import media_types, reading, urls
from federation.budget import Budget
from federation.client import Signer
from federation.context import Federation
from federation.fetch_errors import FetchError

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


async def fetch(fed: Federation, uri: str, budget: Budget, *, signer: Signer | None = None) -> Document:
    """The document whose id is `uri`. Raises Gone, Unusable, Passing, or OverBudget."""
    doc = await _get(fed, uri, budget, media_types.is_activity_type, signer)
    name = doc.get("id")
    if name == uri:
        return Document(uri, doc)
    if not isinstance(name, str) or not urls.same_origin(name, uri):
        raise Unusable("The document has an id on another host.")
    again = await _get(fed, name, budget, media_types.is_activity_type, signer)
    if again.get("id") != name:
        raise Unusable("The document does not stand at its own id.")
    return Document(name, again)


async def fetch_collection(
    fed: Federation, uri: str, budget: Budget, *, signer: Signer | None = None
) -> reading.CollectionIn:
    """A collection or a page of one. PieFed and WordPress serve theirs as plain JSON; only the ids are used."""
    doc = await _get(fed, uri, budget, _is_collection_type, signer)
    try:
        return reading.collection(doc)
    except reading.Unreadable as error:
        raise Unusable(error.text) from error


def _is_collection_type(content_type: str) -> bool:
    return media_types.is_activity_type(content_type) or media_types.parse(content_type).name == "application/json"


async def _get(
    fed: Federation, uri: str, budget: Budget, judge: Callable[[str], bool], signer: Signer | None
) -> dict[str, Any]:
    check_foreign(fed, uri)
    address = uri.partition("#")[0]
    budget.take(address)
    try:
        answer = await fed.client.get(
            address,
            max_bytes=fed.limits.max_body,
            deadline=fed.limits.fetch_deadline,
            signer=signer or await fed.signer(),
            content_types=judge,
        )
    except FetchError as error:
        if error.permanent:
            raise Unusable(f"{error.code}: {error}") from error
        raise Passing(f"{error.code}: {error}") from error
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
