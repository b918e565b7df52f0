"""Plain notes: what can be recorded in the transaction that stores it, because nothing has to be fetched for it.

This is a short way for what comes most. It gives no reason for what it declines: `create` then judges as always.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federation import reading, resolving, urls
from federation.reading import ObjectIn
from federation.verified import Verified
from models import plain_notes
from models.actors import Actor
from models.database import node_of


def note_of(verified: Verified) -> ObjectIn | None:
    """The note that a Create by its own author carries, if it may be plain; asks nobody."""
    activity = verified.activity
    if activity.type != "Create" or not verified.signed or activity.object is None or activity.audience:
        return None
    if not urls.same_origin(activity.object_id, verified.actor):
        return None
    try:
        read = reading.note(activity.object)
    except reading.Unreadable:
        return None
    ordinary = not (read.in_reply_to or read.name or read.audience or read.is_vote)
    return read if ordinary and read.id == activity.object_id and read.author == verified.actor else None


def record(db: Session, notes: Sequence[tuple[ObjectIn, Actor]]) -> set[str]:
    """Record those of the notes, each with its author, that are plain indeed; their ids."""
    origin = node_of(db).origin
    remotes = [
        resolving.remote_of(read, author)
        for read, author in notes
        if author.active and not author.local and not urls.same_origin(read.id, origin)
    ]
    return plain_notes.record(db, remotes)


def said_of(uri: str) -> str:
    """What is noted of one that was recorded."""
    return f"Recorded the note {uri}."[:1000]
