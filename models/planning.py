"""Planning: writing a meeting, changing it, calling it off, and telling those who come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    attendance,
    attending,
    companions,
    composing,
    jobs,
    meeting_news,
    meeting_text,
    meetings,
    municipalities,
    notifications,
    posts,
    text,
    whereabouts,
    zones,
)
from models.actors import Actor
from models.base import now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.meeting_news import News
from models.meetings import COPIED, LONGEST, USUAL, Joining, Meeting, Plan, State, Status
from models.notifications import NotificationKind
from models.posts import Draft, Kind, Post, Visibility

MIN_TITLE = 5
MAX_PART = 10_000
MAX_LINE = 200
MAX_ACCESS = 1000
MAX_CAPACITY = 100_000
REMINDERS = (0, 2, 24, 72, 168)
"""How many hours before a meeting those who come can be reminded; 0: not at all."""

BATCH = 50
"""How many of those who come are told in one transaction."""

TELL, REMIND = "tell_attendees", "remind_meeting"


@dataclass(frozen=True)
class Around:
    """What stands around a meeting: where it is shown, and to whom. None in an edit leaves it as it is."""

    community: Actor | None = None
    visibility: str = Visibility.PUBLIC
    media: tuple[int, ...] | None = None
    disclosure: str | None = None
    app: dict[str, str] | None = None
    series_id: int | None = None
    linked: tuple[Post, ...] | None = None
    """Questions, reports and dogmas it belongs with."""


HERE = Around()


def publish(db: Session, author: Actor, plan: Plan, around: Around = HERE) -> Post:
    """Publish a meeting, in a community or on one's own profile. Raises Invalid, Forbidden, NotFound, and what
    `admission` says."""
    values = checked(plan)
    if values["starts_at"] <= now():
        raise Invalid("That time has passed.", code="starts_past")
    if around.visibility not in {Visibility.PUBLIC, Visibility.NODE}:
        raise Invalid("A meeting is public, or for this node only.", code="visibility_unfit")
    admission.check_place(db, around.community, around.visibility)

    def detail(db: Session, post: Post) -> None:
        row = Meeting(post_id=post.id, going=0, waiting=0, series_id=around.series_id, **values)
        db.add(row)
        db.flush()
        promise_reminder(db, row)

    draft = _draft(plan, values, around, detail)
    post = composing.write(db, author, draft, Kind.EVENT, community=around.community)
    companions.keep(db, post, db.get_one(Meeting, post.id))
    return post


def edit(db: Session, editor: Actor, post: Post, plan: Plan, around: Around = HERE) -> Post:
    """A new edition of one's own meeting. Where time, place or link change, those who come are told; where there are
    more places, the next who wait get them. Raises Forbidden, Invalid, NotFound."""
    row = meetings.find(db, post)
    if row is None or not post.local:
        raise NotFound("There is no such meeting.")
    values = checked(plan)
    if row.cancelled:
        values["status"] = Status.CANCELLED
    before = meetings.facts(row)
    if values["starts_at"] != row.starts_at and values["starts_at"] <= now():
        raise Invalid("That time has passed.", code="starts_past")

    def detail(db: Session, post: Post) -> None:
        held = attending.hold(db, post)
        for name, value in values.items():
            setattr(held, name, value)
        db.flush()
        promise_reminder(db, held)

    edited = composing.edit(db, editor, post, _draft(plan, values, around, detail))
    attending.refill(db, post)
    companions.keep(db, post, row)
    if meetings.changes(before, meetings.facts(row)) and not post.held_for and not row.over:
        _tell_all(db, post, News.CHANGED)
    return edited


def cancel(db: Session, by: Actor, post: Post, why: str = "") -> None:
    """Call one's own meeting off; whoever signed up, waits or asked is told. Twice is once. Raises Forbidden, Conflict
    for one that is over."""
    if not composing.may_edit(db, by, post) or meetings.find(db, post) is None:
        raise Forbidden("Only its organiser can cancel a meeting.", code="not_organiser")
    posts.hold(db, post)  # before the meeting, as a like does: two never wait for each other
    row = attending.hold(db, post)
    if row.cancelled:
        return
    if row.over:
        raise Conflict("This meeting is over.", code="meeting_over")
    if len(why) > MAX_ACCESS:
        raise Invalid(f"At most {MAX_ACCESS} characters.", code="why_long")
    row.status, row.cancelled_at, row.cancelled_why = Status.CANCELLED, now(), text.one_line(why, MAX_ACCESS)
    post.summary = meeting_text.summary(row, post.language)
    db.flush()
    composing.touch(db, actors.get(db, post.author_id), post)
    companions.keep(db, post, row)
    _tell_all(db, post, News.CANCELLED)


def taken_away(db: Session, post: Post) -> None:
    """A meeting is about to be deleted by a moderator, or with its organiser's account: whoever means to come hears at
    once that it is off, from the node itself, because nothing of the meeting is left then."""
    row = meetings.find(db, post)
    if row is None or not post.local or row.cancelled or row.over:
        return
    node = actors.node_actor(db)
    for own, actor in attendance.attendees(db, post, *TOLD[News.CANCELLED]):
        if actor.local:
            notifications.notify(db, actor.id, NotificationKind.MEETING_CANCELLED, node, subject=f"{post.id} gone")
        else:
            meeting_news.tell(db, post, row, actor, own, News.CANCELLED)


def all_taken_away(db: Session, organiser: Actor) -> None:
    """`taken_away` for all meetings of somebody who leaves."""
    query = select(Post).join(Meeting, Meeting.post_id == Post.id)
    query = query.where(Post.author_id == organiser.id, Post.deleted_at.is_(None), Meeting.ends_at > now())
    for post in db.scalars(query.order_by(Post.id)).all():
        taken_away(db, post)


def check_deletable(db: Session, post: Post) -> None:
    """Raise Conflict for a meeting that people still mean to come to: it is cancelled first, so that they hear of it."""
    row = meetings.find(db, post)
    if row is not None and post.local and not row.cancelled and not row.over and (row.going or row.waiting):
        raise Conflict("People have signed up. Cancel the meeting first, so that they are told.", code="cancel_first")


# What is checked


def checked(plan: Plan) -> dict[str, Any]:
    """The values of a meeting's row. Raises Invalid with a code that begins with the field's name."""
    if len(plan.title.strip()) < MIN_TITLE:
        raise Invalid(f"A meeting needs a title of at least {MIN_TITLE} characters.", code="title_missing")
    _check_lengths(plan)
    if plan.starts is None:
        raise Invalid("Say when it begins.", code="starts_missing")
    starts = zones.instant(plan.starts, plan.timezone, "starts")
    ends = zones.instant(plan.ends, plan.timezone, "ends") if plan.ends is not None else starts + USUAL
    if ends <= starts:
        raise Invalid("It ends before it begins.", code="ends_before")
    if ends - starts > LONGEST:
        raise Invalid("A meeting lasts a month at most.", code="ends_late")
    if not (plan.place.strip() or plan.street.strip() or plan.town.strip() or plan.online_url):
        raise Invalid("Say where it is: a place, a link, or both.", code="place_missing")
    _check_joining(plan)
    _check_point(plan.latitude, plan.longitude)
    values = {name: getattr(plan, name) for name in COPIED}
    values = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    lines = {name: text.one_line(values[name], MAX_LINE) for name in ("place", "street", "postal_code", "town")}
    if plan.municipality and not municipalities.name(plan.municipality):
        raise Invalid("There is no such municipality.", code="municipality_unknown")
    lines["municipality"] = plan.municipality or whereabouts.municipality(plan.town, plan.latitude, plan.longitude)
    state = Status.TENTATIVE if plan.tentative else Status.CONFIRMED
    return values | lines | {"starts_at": starts, "ends_at": ends, "open_end": plan.ends is None, "status": state}


def _check_lengths(plan: Plan) -> None:
    most = {"theme": MAX_PART, "agenda": MAX_PART, "accessibility": MAX_ACCESS}
    most |= dict.fromkeys(("place", "street", "postal_code", "town"), MAX_LINE)
    for name, length in most.items():
        if len(getattr(plan, name)) > length:
            raise Invalid("This is too long.", code=f"{name}_long")
    for name in ("online_url", "join_url"):
        said = getattr(plan, name)
        if said and not text.is_address(said):
            raise Invalid("Write the whole address, with https:// in front.", code=f"{name}_unfit")


def _check_joining(plan: Plan) -> None:
    if plan.joining not in set(Joining):
        raise Invalid("Choose one of these.", code="joining_unknown")
    if plan.joining == Joining.EXTERNAL and not plan.join_url:
        raise Invalid("Say where one signs up.", code="join_url_missing")
    if plan.capacity is not None and not 1 <= plan.capacity <= MAX_CAPACITY:
        raise Invalid(f"Write a whole number from 1 to {MAX_CAPACITY}.", code="capacity_range")
    if plan.remind_hours not in REMINDERS:
        raise Invalid("Choose one of these.", code="remind_hours_unknown")


def _check_point(latitude: float | None, longitude: float | None) -> None:
    if (latitude is None) != (longitude is None):
        raise Invalid("A point on the map needs both figures.", code="latitude_alone")
    if latitude is not None and not -90 <= latitude <= 90:
        raise Invalid("Write a latitude from -90 to 90.", code="latitude_range")
    if longitude is not None and not -180 <= longitude <= 180:
        raise Invalid("Write a longitude from -180 to 180.", code="longitude_range")


def _draft(plan: Plan, values: Mapping[str, Any], around: Around, detail: Any) -> Draft:
    return Draft(
        meeting_text.markdown(plan),
        plan.title,
        visibility=around.visibility,
        language=plan.language,
        summary=meeting_text.summary(Meeting(post_id=0, going=0, waiting=0, **values), plan.language),
        media=around.media,
        disclosure=around.disclosure,
        app=around.app,
        linked=around.linked,
        detail=detail,
    )


# Telling those who come


def _tell_all(db: Session, post: Post, news: News) -> None:
    key = f"{int(now().timestamp() * 1000)}"
    payload = {"post": post.id, "news": str(news), "key": key, "after": 0}
    jobs.enqueue(db, TELL, payload, dedupe=telling(payload))


def telling(payload: Mapping[str, Any]) -> str:
    """The name under which it stands in the job queue that everybody is told of one thing."""
    return f"{TELL}:{payload['post']}:{payload['news']}:{payload['key']}"


TOLD = {
    News.CHANGED: (State.GOING, State.WAITING, State.ASKED),
    News.CANCELLED: (State.GOING, State.WAITING, State.ASKED),
    News.SOON: (State.GOING,),
}


def tell_some(db: Session, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tell the next of those who come what is new; the payload to go on with, None where everybody knows.

    Of what is no longer so nobody is told: a change of a meeting that was cancelled since, a reminder of one that is
    over.
    """
    post, news = db.get(Post, int(payload["post"])), News(payload["news"])
    row = meetings.find(db, post) if post is not None and post.deleted_at is None else None
    if post is None or row is None or (news != News.CANCELLED and (row.cancelled or row.over)):
        return None
    found = attendance.attendees(db, post, *TOLD[news], after=int(payload["after"]), limit=BATCH)
    for own, actor in found:
        if post.local or actor.local:
            meeting_news.tell(db, post, row, actor, own, news, key=f"{news} {payload['key']}")
    return {**payload, "after": found[-1][0].number} if len(found) == BATCH else None


def promise_reminder(db: Session, row: Meeting) -> None:
    """Remind those who come in good time, if the organiser wants it; a meeting that is moved reminds anew."""
    at = row.starts_at - timedelta(hours=row.remind_hours)
    if row.remind_hours and at > now() and row.reminded_for != row.starts_at:
        start = int(row.starts_at.timestamp())
        payload = {"post": row.post_id, "starts": start}
        jobs.enqueue(db, REMIND, payload, dedupe=f"{REMIND}:{row.post_id}:{start}:{row.remind_hours}", run_at=at)


def remind(db: Session, post_id: int, start: int) -> bool:
    """The time has come; False if the meeting was moved, called off, or reminds of itself at another time."""
    post = db.get(Post, post_id)
    row = meetings.find(db, post) if post is not None and post.deleted_at is None else None
    if post is None or row is None or row.cancelled or row.over or int(row.starts_at.timestamp()) != start:
        return False
    due = row.starts_at - timedelta(hours=row.remind_hours)
    if row.reminded_for == row.starts_at or not row.remind_hours or due > now():
        return False
    row.reminded_for = row.starts_at
    db.flush()
    _tell_all(db, post, News.SOON)
    return True


def taken(db: Session, post: Post, changed: list[str]) -> None:
    """A meeting of another server says something else of time, place, or whether it takes place: the members of this
    node who come are told."""
    row = meetings.find(db, post)
    if row is None:
        return
    promise_reminder(db, row)
    if changed and not row.over and attendance.attendees(db, post, limit=1):
        _tell_all(db, post, News.CANCELLED if "status" in changed and row.cancelled else News.CHANGED)
