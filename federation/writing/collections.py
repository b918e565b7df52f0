"""Collections and their pages."""

from collections.abc import Sequence
from typing import Any

from federation.writing import Json


def ordered(uri: str, total: int, *, first: str | None = None, items: Sequence[Any] | None = None) -> Json:
    """An OrderedCollection: whole with `items`, in pages with `first`, a mere number with neither."""
    body: Json = {"id": uri, "type": "OrderedCollection", "totalItems": total}
    if first is not None:
        body["first"] = first
    if items is not None:
        body["orderedItems"] = list(items)
    return body


def ordered_page(
    uri: str, part_of: str, items: Sequence[Any], *, next: str | None = None, prev: str | None = None
) -> Json:
    """One page; the last one has no `next`."""
    body: Json = {"id": uri, "type": "OrderedCollectionPage", "partOf": part_of}
    if next is not None:
        body["next"] = next
    if prev is not None:
        body["prev"] = prev
    body["orderedItems"] = list(items)
    return body


def members(uri: str, total: int, *, first: str | None = None, items: Sequence[str] | None = None) -> Json:
    """An unordered Collection: in pages with `first`, or with the one member that was asked for, or none."""
    body: Json = {"id": uri, "type": "Collection", "totalItems": total}
    if first is not None:
        body["first"] = first
    if items is not None:
        body["items"] = list(items)
    return body


def members_page(uri: str, part_of: str, items: Sequence[str], *, next: str | None = None) -> Json:
    """One page of members; the last one has no `next`."""
    body: Json = {"id": uri, "type": "CollectionPage", "partOf": part_of}
    if next is not None:
        body["next"] = next
    body["items"] = list(items)
    return body


def number(uri: str, total: int) -> Json:
    """A Collection that tells how many, not who."""
    return {"id": uri, "type": "Collection", "totalItems": total}


def context(uri: str, owner: str | None, total: int, items: Sequence[str], next: str | None = None) -> Json:
    """A thread in the order it was written (FEP-f228, FEP-7888). A long one goes on in pages: `next`."""
    body: Json = {"id": uri, "type": "OrderedCollection"}
    if owner is not None:
        body["attributedTo"] = owner
    body["totalItems"] = total
    if next is None:
        body["orderedItems"] = list(items)
    else:
        body["first"] = {"type": "OrderedCollectionPage", "partOf": uri, "next": next, "orderedItems": list(items)}
    return body
