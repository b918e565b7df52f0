"""Reading what others send: tolerant in, typed out. Pure: no clock but for dates to come, no network, no database."""

from federation.reading.activities import (
    SECRET,
    WITHOUT_ID,
    ActivityIn,
    activity,
    is_named_by,
    without_context,
    without_secret,
)
from federation.reading.actors import ACTOR_TYPES, ActorIn, KeyDocument, actor, is_actor, key_document
from federation.reading.collections import TYPES as COLLECTIONS
from federation.reading.collections import CollectionIn, collection
from federation.reading.decoding import Unreadable, decode
from federation.reading.objects import POST_TYPES, ObjectIn, is_tombstone, note
from federation.reading.values import line, one_id

__all__ = [
    "ACTOR_TYPES",
    "COLLECTIONS",
    "POST_TYPES",
    "SECRET",
    "WITHOUT_ID",
    "ActivityIn",
    "ActorIn",
    "CollectionIn",
    "KeyDocument",
    "ObjectIn",
    "Unreadable",
    "activity",
    "actor",
    "collection",
    "decode",
    "is_actor",
    "is_named_by",
    "is_tombstone",
    "key_document",
    "line",
    "note",
    "one_id",
    "without_context",
    "without_secret",
]
