"""Series: several meetings of one kind, each with a post of its own, tied by one number.

The same theme in five towns, or every first Tuesday. Each is signed up for, changed and called off by itself; a change
can also hold for it and all later ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import communities, composing, meetings, planning, recurring
from models.access import visible
from models.actors import Actor
from models.base import new_id, now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.meetings import Meeting, Plan
from models.planning import Around
from models.posts import Post
from models.recurring import MOST, Pattern, Span

WHERE = ("place", "street", "postal_code", "town", "municipality", "latitude", "longitude", "accessibility")
"""What is another in another town."""


@dataclass(frozen=True)
class Stop:
    """One more time and place for the same meeting, by the clock on the wall there."""

    starts: datetime
    ends: datetime | None
    place: str
    town: str = ""
    street: str = ""
    postal_code: str = ""


def repeat(db: Session, by: Actor, post: Post, pattern: Pattern) -> list[Post]:
    """Hold a meeting again by a pattern whose first is this one; the new ones. Raises what `recurring.spans` does."""
    row = _own(db, by, post)
    plan = meetings.plan_of(post, row)
    assert plan.starts is not None
    ends = plan.ends or recurring.on_the_wall(row.ends_at, ZoneInfo(row.timezone))
    found = recurring.spans(Span(plan.starts, ends), ZoneInfo(row.timezone), pattern)
    wanted = []
    for begins, over in found[1:]:
        starts = recurring.on_the_wall(begins, ZoneInfo(row.timezone))
        until = None if plan.ends is None else recurring.on_the_wall(over, ZoneInfo(row.timezone))
        wanted.append(replace(plan, starts=starts, ends=until))
    return _publish(db, by, post, row, wanted)


def tour(db: Session, by: Actor, post: Post, stops: Sequence[Stop]) -> list[Post]:
    """Hold a meeting in other places too; the new ones."""
    row = _own(db, by, post)
    plan = meetings.plan_of(post, row)
    if not stops:
        raise Invalid("Write at least one more place.", code="stops_missing")
    empty = {**dict.fromkeys(WHERE, ""), "latitude": None, "longitude": None}
    wanted = [replace(plan, **{**empty, **vars(stop)}) for stop in stops]
    return _publish(db, by, post, row, wanted)


def _own(db: Session, by: Actor, post: Post) -> Meeting:
    row = meetings.find(db, post)
    if row is None or not post.local:
        raise NotFound("There is no such meeting.")
    if not composing.may_edit(db, by, post):
        raise Forbidden("Only its organiser can do that.", code="not_organiser")
    if row.cancelled:
        raise Conflict("This meeting is cancelled.")
    return row


def _publish(db: Session, by: Actor, post: Post, row: Meeting, plans: Sequence[Plan]) -> list[Post]:
    if len(_numbers(db, row)) + len(plans) > MOST:
        raise Invalid(f"At most {MOST} times, and at most three years ahead.", code="pattern_long")
    if row.series_id is None:
        row.series_id = new_id()
        db.flush()
    around = Around(communities.home_of(db, post), post.visibility, series_id=row.series_id)
    return [planning.publish(db, by, plan, around) for plan in plans]


def _numbers(db: Session, row: Meeting) -> list[int]:
    if row.series_id is None:
        return [row.post_id]
    return list(db.scalars(select(Meeting.post_id).where(Meeting.series_id == row.series_id)))


def of(db: Session, viewer: Actor | None, row: Meeting) -> list[tuple[Post, Meeting]]:
    """The meetings of a series, this one among them, in the order of time, as far as `viewer` may see them."""
    if row.series_id is None:
        return []
    query = select(Post, Meeting).join(Meeting, Meeting.post_id == Post.id)
    query = query.where(Meeting.series_id == row.series_id, visible(viewer), Post.removed_at.is_(None))
    found = db.execute(query.order_by(Meeting.starts_at, Meeting.post_id))
    return [(one[0], one[1]) for one in found]


def later(db: Session, by: Actor, row: Meeting) -> list[tuple[Post, Meeting]]:
    """Those of the same series that come after it, are not over, and are `by`'s to change."""
    return [
        (post, one)
        for post, one in of(db, by, row)
        if (one.starts_at, one.post_id) > (row.starts_at, row.post_id)
        and not one.cancelled
        and not one.over
        and composing.may_edit(db, by, post)
    ]


def edit_later(db: Session, by: Actor, post: Post, before: Plan, after: Plan) -> int:
    """Do to all later meetings of the series what was just done to this one; how many there were.

    What was not changed there stays as it is in each. A new hour is a new hour for all of them, on the wall; so is
    another day: a series that moves from Tuesday to Wednesday moves by a day.
    """
    row = meetings.find(db, post)
    if row is None:
        raise NotFound("There is no such meeting.")
    changed = {
        name: value
        for name, value in vars(after).items()
        if name not in {"starts", "ends"} and value != getattr(before, name)
    }
    found = _after(db, by, row, before)
    for other, one in found:
        plan = replace(meetings.plan_of(other, one), **changed)
        planning.edit(db, by, other, _moved(plan, before, after), Around(visibility=other.visibility))
    return len(found)


def _after(db: Session, by: Actor, row: Meeting, before: Plan) -> list[tuple[Post, Meeting]]:
    """Those that came after it when it was still where it was before."""
    assert before.starts is not None
    then = recurring.moment(before.starts, ZoneInfo(before.timezone))
    return [
        (post, one)
        for post, one in of(db, by, row)
        if one.post_id != row.post_id
        and one.starts_at > then
        and one.starts_at > now()
        and not one.cancelled
        and composing.may_edit(db, by, post)
    ]


def _moved(plan: Plan, before: Plan, after: Plan) -> Plan:
    assert plan.starts is not None
    assert before.starts is not None
    assert after.starts is not None
    starts = plan.starts + (after.starts - before.starts)
    if after.ends is None:
        return replace(plan, starts=starts, ends=None)
    if before.ends == after.ends and before.starts == after.starts:
        return plan
    return replace(plan, starts=starts, ends=starts + (after.ends - after.starts))


def cancel_later(db: Session, by: Actor, post: Post, why: str = "") -> int:
    """Call this one and all later meetings of its series off; how many that were."""
    row = meetings.find(db, post)
    if row is None:
        raise NotFound("There is no such meeting.")
    found = later(db, by, row)
    planning.cancel(db, by, post, why)
    for other, _ in found:
        planning.cancel(db, by, other, why)
    return 1 + len(found)
