"""What comes too early: an Undo before the act that it takes back, a Delete before its post.

Servers deliver in parallel and retry for days, so the second of two may well arrive first. It is remembered for six
hours; whichever then comes late finds that it is over already.
"""

from sqlalchemy.orm import Session

from federation.reading import ActivityIn
from models import inbox, memory

KEPT = 6 * 3600


def _name(activity: ActivityIn) -> str:
    return activity.id or f"{activity.type} {activity.actor} {activity.object_id}"


def settled(db: Session, undone: ActivityIn) -> None:
    """An act was taken back: its row is freed, for the same act may come again; the Undo's twin finds nothing to do."""
    if undone.id:
        inbox.forget(db, undone.id)
    memory.remember(db, "settled", _name(undone), True, KEPT)


def remember_undone(db: Session, undone: ActivityIn) -> bool:
    """Remember an Undo that found nothing to take back; False if what it means came and went already.

    An act that came and had no effect must not count as one to come: the next of that name would be swallowed.
    """
    if memory.recall(db, "settled", _name(undone)) or (undone.id and inbox.has_had(db, undone.id)):
        return False
    memory.remember(db, "undone", _name(undone), True, KEPT)
    return True


def was_undone(db: Session, activity: ActivityIn) -> bool:
    """Whether the Undo of this very act came before it; it counts once."""
    if not memory.recall(db, "undone", _name(activity)):
        return False
    memory.forget(db, "undone", _name(activity))
    return True
