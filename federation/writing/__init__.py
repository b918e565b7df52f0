"""From rows to ActivityStreams JSON: one small function per object, actor, activity and collection.

The functions return plain dicts without `@context`; `document` puts it in front, `dumps` makes the bytes. Nothing here
changes a row or touches the network.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

Json = dict[str, Any]


def document(body: Json, context: Any) -> Json:
    """A whole document: `body` with `context` in front."""
    return {"@context": context, **{key: value for key, value in body.items() if key != "@context"}}


def dumps(body: Json) -> bytes:
    """The one serialisation that is stored, signed and sent."""
    return msgspec.json.encode(body)


def stamp(time: datetime) -> str:
    """A time as it stands in JSON: UTC, whole seconds, `Z`.

    >>> stamp(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    '2026-11-23T08:00:00Z'
    """
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
