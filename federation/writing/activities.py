"""What local actors did, as other servers read it.

An outbox row becomes JSON here: once when it is published (those bytes are stored and sent), and again whenever
somebody asks for its address. What is undone, answered or wrapped is embedded whole, because some servers cannot follow
an id.

    row                                             object
    Create, Update with a post                      the post as it is now
    Update without one                              the actor
    Delete                                          a Tombstone; for actors and for moderators' removals the bare id
    anything with data `embed`                      that JSON, as it came (without its own @context)
    anything with data `inner`                      that own activity
    else                                            the id of the object
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from federation.vocabulary import CTX, CTX_ACTOR, CTX_EVENT, CTX_LEAVING, CTX_PLAIN, CTX_POLL, CTX_QUOTE
from federation.writing import Json, document, objects, stamp
from federation.writing import actors as writing_actors
from models import actors, outbox
from models.outbox import Activity
from models.posts import Post

_PLAIN = frozenset({"Follow", "Accept", "Reject", "Block", "Flag", "Move", "Delete", "Add", "Remove", "Join", "Leave"})
_DATED = frozenset({"Create"})
DEPTH = 3
"""How deep activities are put into one another: Announce, Undo, and what is undone."""


def activity(db: Session, row: Activity, form: str = objects.NOTE, *, depth: int = 0) -> Json | None:
    """An outbox row as JSON without `@context`; None if there is nothing left to say (its post was deleted since)."""
    content = _object(db, row, form, depth)
    if content is None:
        return None
    data: dict[str, Any] = row.data
    body: Json = {"id": row.uri, "type": row.type, "actor": actors.get(db, row.actor_id).uri}
    if row.to:
        body["to"] = list(row.to)
    if row.cc:
        body["cc"] = list(row.cc)
    for key in ("audience", "target", "summary", "content", "endTime", "result", "torv:as", "torv:version"):
        if data.get(key):
            body[key] = data[key]
    if row.type in _DATED or outbox.is_plain_announce(row):
        body["published"] = stamp(row.published)
    if _leaves(row):
        body["removeData"] = True  # else PieFed and Lemmy keep all that was written
    body["object"] = content
    return body


def activity_document(db: Session, row: Activity, form: str = objects.NOTE) -> Json | None:
    """The activity with its `@context`; None as in `activity`."""
    body = activity(db, row, form)
    return None if body is None else document(body, context_of(row, body))


def context_of(row: Activity, body: Json) -> Any:
    """The smallest of our contexts that names every term of the activity, which reads `body`."""
    if row.type == "Update" and row.post_id is None:
        return CTX_ACTOR
    embed = row.data.get("embed")
    if isinstance(embed, dict) and embed.get("type") == "QuoteRequest":
        return CTX_QUOTE
    if _leaves(row):
        return CTX_LEAVING
    if row.type in _PLAIN:
        return CTX_PLAIN
    if row.type == "Undo" and isinstance(embed, dict) and embed.get("type") in _PLAIN:
        return CTX_PLAIN
    if row.type == "Create" and embed is not None:
        return CTX_PLAIN  # a vote in a poll elsewhere
    return context_for(body)


def _leaves(row: Activity) -> bool:
    """Whether an actor says goodbye for good."""
    return row.type == "Delete" and row.post_id is None and bool(row.data.get("everyone"))


def context_for(body: Json) -> Any:
    """The context of an object, or of an activity about it."""
    return next((_OF_TYPES[type] for type in _types(body) if type in _OF_TYPES), CTX)


_OF_TYPES: dict[str, Any] = {"Question": CTX_POLL, "Event": CTX_EVENT}
"""What needs terms of its own."""


def _types(body: Any) -> Iterator[str]:
    """The types of what an activity is about, however often it is wrapped."""
    while isinstance(body, dict):
        yield str(body.get("type", ""))
        body = body.get("object")


def _object(db: Session, row: Activity, form: str, depth: int) -> Any:
    data: dict[str, Any] = row.data
    if "embed" in data:
        return without_context(data["embed"])
    if "inner" in data:
        inner = outbox.get(db, data["inner"]) if depth < DEPTH else None
        return None if inner is None else activity(db, inner, form, depth=depth + 1)
    if row.type in {"Create", "Update"}:
        if row.post_id is None:
            return writing_actors.actor(db, actors.get(db, row.actor_id))
        post = db.get(Post, row.post_id)
        return None if post is None or post.deleted_at is not None else objects.post(db, post, form)
    if row.type == "Delete" and row.post_id is not None and not data.get("removal"):
        return {"id": row.object_uri, "type": "Tombstone"}
    return row.object_uri


def without_context(value: Any) -> Any:
    """An embedded object without `@context` of its own: the outer one speaks for all."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key != "@context"}
