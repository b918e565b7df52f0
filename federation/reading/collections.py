"""Collections of other servers: only the ids in them are ever used, never the copies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federation.reading.decoding import Unreadable
from federation.reading.values import first_type, ids, one_id, several, whole_number

TYPES = frozenset({"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"})
MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class CollectionIn:
    """A collection or one page of it."""

    id: str
    items: tuple[str, ...]
    """Ids, in their order."""
    first: str
    """Where the first page is to be fetched; `""` if there is none or it was embedded."""
    first_page: "CollectionIn | None"
    """The first page, if it was embedded."""
    next: str
    total: int | None


def collection(doc: Mapping[str, Any], *, deep: bool = True) -> CollectionIn:
    """Read a collection or a page; raises Unreadable if it is neither. Pages inside pages are not followed."""
    if first_type(doc.get("type"), TYPES) not in TYPES:
        raise Unreadable("The document is no collection.")
    first = doc.get("first")
    embedded = first if isinstance(first, Mapping) and ("items" in first or "orderedItems" in first) else None
    items = [*several(doc.get("items")), *several(doc.get("orderedItems"))]
    return CollectionIn(
        id=one_id(doc),
        items=ids(items, MAX_ITEMS),
        first="" if embedded is not None else one_id(first),
        first_page=collection({"type": "CollectionPage", **embedded}, deep=False)
        if embedded is not None and deep
        else None,
        next=one_id(doc.get("next")),
        total=whole_number(doc.get("totalItems")),
    )
