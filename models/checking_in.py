"""Checking in: who really came, by a code that is shown at the door, or by the organiser's tick.

The code stands in the address that a QR picture holds. It is made from the node's own secret, the same for all who come,
worth nothing to anybody who is not signed in, and taken only from an hour before the meeting until two hours after it.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import actor_keys, actors, attendance, attending
from models.actors import Actor
from models.base import now
from models.errors import Conflict, Forbidden, NotFound
from models.meetings import Attendee, Meeting, State, Way
from models.posts import Post

BEFORE = timedelta(hours=1)
AFTER = timedelta(hours=2)


def code(db: Session, post: Post) -> str:
    """What stands at the end of the address at the door: 22 letters that nobody guesses."""
    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    key = hashlib.sha256(b"codes at the doors of meetings\n" + pem.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, post.uri.encode(), "sha256")[:16]).decode().rstrip("=")


def fits(db: Session, post: Post, given: str) -> bool:
    """Whether it is the code of this meeting."""
    return hmac.compare_digest(code(db, post).encode(), given.encode())


def is_open(row: Meeting) -> bool:
    """Whether one can check in now."""
    return not row.cancelled and row.starts_at - BEFORE <= now() <= row.ends_at + AFTER


def check_in(db: Session, actor: Actor, post: Post, given: str) -> Attendee:
    """Somebody is there, and has read the code. Who did not sign up is signed up by it, where there is a place. Twice is
    once. Raises NotFound for a code that is none, Conflict at another time, Forbidden for who has no place."""
    if not fits(db, post, given):
        raise NotFound("This code is not whole. Scan it again.", code="code_unknown")
    row = attending.hold(db, post)
    if not post.local or not is_open(row):
        raise Conflict("One can check in from an hour before the meeting until two hours after it.", code="not_now")
    own = attendance.attendee(db, post, actor)
    if own is None and not row.over:
        own = attending.sign_up(db, actor, post, Way.WEB)
    if own is None or own.state != State.GOING:
        raise Forbidden("You have no place at this meeting. Ask the organiser.", code="no_place")
    return _there(db, own)


def tick(db: Session, by: Actor, post: Post, actor: Actor, *, there: bool) -> Attendee:
    """The organiser notes that somebody is there, or is not, also of those who signed up from other servers. Raises
    Forbidden, NotFound, Conflict before the day."""
    if not attendance.organises(db, by, post):
        raise Forbidden("Only the organiser can do that.", code="not_organiser")
    row = attending.hold(db, post)
    own = attendance.attendee(db, post, actor)
    if own is None or own.state != State.GOING:
        raise NotFound("This person has not signed up.")
    if row.cancelled or now() < row.starts_at - BEFORE:
        raise Conflict("One can check in from an hour before the meeting.", code="not_now")
    if there:
        return _there(db, own)
    own.checked_in_at = None
    db.flush()
    return own


def _there(db: Session, own: Attendee) -> Attendee:
    own.checked_in_at = own.checked_in_at or now()
    db.flush()
    return own


def count(db: Session, post: Post) -> int:
    """How many have checked in."""
    query = select(func.count()).select_from(Attendee)
    return db.scalar(query.where(Attendee.post_id == post.id, Attendee.checked_in_at.is_not(None))) or 0
