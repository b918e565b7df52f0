"""What comes too early: an Undo before the act that it takes back, a Delete before its post.

Servers deliver in parallel and retry for days, so the second of two may well arrive first. It is remembered for six
hours; whichever then comes late finds that it is over already.
"""

from sqlalchemy.orm import Session

from federation.reading import ActivityIn
from models import inbox, memory

KEPT = 6 * 3600
OVER = "It was taken back before it came."
"""The effect of an act whose Undo came first: that Undo is used up, so the next such act counts."""


def _names(activity: ActivityIn) -> list[str]:
    """What an act may be known by: its id, or who did what to what.

    The actor is part of both: whoever takes something back chooses the id in it, and could name somebody else's act.
    """
    described = f"{activity.actor} {activity.type} {activity.object_id}"
    return [f"{activity.actor} {activity.id}", described] if activity.id else [described]


def settled(db: Session, undone: ActivityIn) -> None:
    """An act was taken back: its row is freed, for the same act may come again; the Undo's twin finds nothing to do."""
    if undone.id:
        inbox.forget(db, undone.id, undone.actor)
    memory.remember(db, "settled", _names(undone)[0], True, KEPT)


def remember_undone(db: Session, undone: ActivityIn) -> bool:
    """Remember an Undo that found nothing to take back; False if what it means came and went already.

    An act that came and had no effect must not count as one to come: the next of that name would be swallowed.
    """
    name = _names(undone)[0]
    if memory.recall(db, "settled", name) or (undone.id and inbox.has(db, undone.id, undone.actor)):
        return False
    memory.remember(db, "undone", name, True, KEPT)
    return True


def was_undone(db: Session, activity: ActivityIn) -> bool:
    """Whether the Undo of this very act came before it; it counts once."""
    found = [name for name in _names(activity) if memory.recall(db, "undone", name)]
    for name in found:
        memory.forget(db, "undone", name)
    return bool(found)
