"""Attending: the places of a meeting, given in the order in which people ask for them.

A place is given, taken back and passed on while the meeting's row is held, so that two who ask at once never get the
same one, in whatever process they ask. Who asks in several ways (a like, a reply, a `Join`) has one place, and keeps it
until the last of them is taken back; a plain no gives it up at once.

For a meeting of another server its own server gives the places: a member of this node sends it a `Join`, and waits for
its answer.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, attendance, bans, blocks, meeting_news, meetings, notifications, outbox, plain_answers, text
from models.access import may_see
from models.actors import Actor, ActorType
from models.base import new_id
from models.errors import Conflict, Forbidden, NotFound
from models.meeting_news import News
from models.meetings import Attendee, Joining, Meeting, State, Way
from models.notifications import NotificationKind
from models.posts import Kind, Post

JOINS = (ActorType.PERSON, ActorType.SERVICE, ActorType.ORGANIZATION, ActorType.APPLICATION)


def hold(db: Session, post: Post) -> Meeting:
    """The meeting, kept to this transaction: nobody else gives or takes its places meanwhile. Raises NotFound."""
    db.flush()
    query = select(Meeting).where(Meeting.post_id == post.id).with_for_update()
    row = db.scalar(query.execution_options(populate_existing=True))
    if row is None or post.kind != Kind.EVENT or post.deleted_at is not None:
        raise NotFound("There is no such meeting.")
    return row


def sign_up(
    db: Session, actor: Actor, post: Post, way: Way, *, join_uri: str = "", reply_id: int | None = None
) -> Attendee:
    """Ask for a place at a meeting that `actor` may see: at once, on the waiting list, or when the organiser says yes.

    Asking again is asking once. Raises Conflict for a meeting that is over or cancelled, Forbidden for whom it does not
    want and where one signs up elsewhere or not at all.
    """
    row = hold(db, post)
    _check(db, actor, post, row)
    own = attendance.attendee(db, post, actor)
    fresh = own is None
    if own is None:
        own = Attendee(
            post_id=post.id, actor_id=actor.id, state=_first_state(row, post, actor), number=new_id(), ways=0
        )
        db.add(own)
    own.ways |= way
    own.join_uri, own.reply_id = join_uri or own.join_uri, reply_id or own.reply_id
    db.flush()
    if not post.local:
        if fresh or own.state == State.DECLINED:
            own.state, own.join_uri = State.ASKED, _send(db, "Join", actor, post, row).uri
            db.flush()
        return own
    _count(db, row)
    if fresh:
        _tell_organiser(db, post, actor, own)
        if way != Way.WEB:
            meeting_news.tell(db, post, row, actor, own, _NEWS[State(own.state)])
    elif way == Way.JOIN:
        meeting_news.answer_join(db, post, actor, own)
    return own


_NEWS = {State.GOING: News.PLACE, State.WAITING: News.WAITING, State.ASKED: News.ASKED}


def _first_state(row: Meeting, post: Post, actor: Actor) -> State:
    if not post.local or (row.joining == Joining.APPROVAL and post.author_id != actor.id):
        return State.ASKED
    return State.WAITING if row.free_places == 0 else State.GOING


def _check(db: Session, actor: Actor, post: Post, row: Meeting) -> None:
    if not actor.active or actor.type not in JOINS:
        raise Forbidden("Only people come to meetings.", code="not_a_person")
    if blocks.blocked_between(db, actor.id, post.author_id):
        raise Forbidden("You cannot sign up for this meeting.", code="not_welcome")
    bans.require_welcome(db, actor, post.community_id)
    if row.cancelled:
        raise Conflict("This meeting is cancelled.", code="meeting_cancelled")
    if row.over:
        raise Conflict("This meeting is over.", code="meeting_over")
    if row.joining not in {Joining.FREE, Joining.APPROVAL}:
        raise Forbidden("Nobody signs up for this meeting here.", code="joining_elsewhere")


def withdraw(db: Session, actor: Actor, post: Post, way: Way | None = None, *, tell: bool = False) -> bool:
    """Give a place up (`way` None), or take back one way of having asked for it; False if there was nothing to take.

    The next who waits gets the place. Whom the organiser declined stays declined. `tell`: say so to him as well.
    """
    row = hold(db, post)
    own = attendance.attendee(db, post, actor)
    if own is None or (way is not None and not own.ways & way):
        return False
    own.ways = 0 if way is None else own.ways & ~way
    if own.ways or (post.local and own.state == State.DECLINED):
        db.flush()
        return True
    if not post.local and own.state != State.DECLINED and not row.over:
        _send(db, "Leave", actor, post, row)
    db.delete(own)
    db.flush()
    _forget_notices(db, actor, post)
    if post.local:
        _refill(db, post, row)
    if tell:
        meeting_news.tell(db, post, row, actor, own, News.WITHDRAWN)
    return True


def _forget_notices(db: Session, actor: Actor, post: Post) -> None:
    for kind in (NotificationKind.ATTENDING, NotificationKind.ATTENDANCE_ASKED):
        notifications.forget(db, kind, actor, post=post)


def decide(db: Session, by: Actor, post: Post, actor: Actor, *, yes: bool) -> Attendee:
    """The organiser lets somebody come, or not (any more). Where it is full, a yes puts him on the waiting list.

    Raises Forbidden for whom it is not to decide, NotFound for who did not ask.
    """
    if not attendance.organises(db, by, post):
        raise Forbidden("Only the organiser decides who comes.", code="not_organiser")
    row = hold(db, post)
    own = attendance.attendee(db, post, actor)
    if own is None:
        raise NotFound("This person has not signed up.")
    if own.state in ({State.GOING, State.WAITING} if yes else {State.DECLINED}):
        return own
    if yes:
        own.state, own.number = State.WAITING if row.free_places == 0 else State.GOING, new_id()
    else:
        own.state = State.DECLINED
    db.flush()
    notifications.forget(db, NotificationKind.ATTENDANCE_ASKED, actor, post=post)
    _refill(db, post, row)
    meeting_news.tell(db, post, row, actor, own, _NEWS[State(own.state)] if yes else News.DECLINED)
    return own


def _count(db: Session, row: Meeting) -> None:
    db.flush()
    row.going = attendance.count(db, row.post_id, State.GOING)
    row.waiting = attendance.count(db, row.post_id, State.WAITING)
    db.flush()


def refill(db: Session, post: Post) -> list[Actor]:
    """Give the places that are free to those who wait, in order; who got one. Each is told."""
    return _refill(db, post, hold(db, post))


def _refill(db: Session, post: Post, row: Meeting) -> list[Actor]:
    _count(db, row)
    if row.cancelled or row.over or not row.waiting or row.free_places == 0:
        return []
    moved = attendance.attendees(db, post, State.WAITING, limit=row.free_places)
    for own, _ in moved:
        own.state = State.GOING
    _count(db, row)
    for own, actor in moved:
        meeting_news.tell(db, post, row, actor, own, News.PLACE)
    return [actor for _, actor in moved]


def _tell_organiser(db: Session, post: Post, actor: Actor, own: Attendee) -> None:
    kind = NotificationKind.ATTENDANCE_ASKED if own.state == State.ASKED else NotificationKind.ATTENDING
    notifications.notify(db, post.author_id, kind, actor, post)


# Meetings elsewhere


def _send(db: Session, type: str, actor: Actor, post: Post, row: Meeting) -> outbox.Activity:
    to = [actors.get(db, post.author_id).uri]
    return outbox.record(db, type, actor, object_uri=post.uri, to=to)


def by_join_uri(db: Session, uri: str) -> Attendee | None:
    """Who signed up with the `Join` of this id."""
    return db.scalars(select(Attendee).where(Attendee.join_uri == uri)).first() if uri else None


def answered(db: Session, own: Attendee, *, accepted: bool) -> bool:
    """The server of a meeting elsewhere says whether a member of this node comes; False if that was known."""
    post, actor = db.get_one(Post, own.post_id), actors.get(db, own.actor_id)
    state = State.GOING if accepted else State.DECLINED
    if own.state == state:
        return False
    own.state = state
    db.flush()
    kind = NotificationKind.PLACE if accepted else NotificationKind.PLACE_REFUSED
    notifications.notify(db, actor.id, kind, actors.get(db, post.author_id), post, subject=f"{post.id} {own.join_uri}")
    return True


# People who are gone


def drop(db: Session, actor: Actor, *, organiser: Actor | None = None, past: bool = False) -> None:
    """Somebody is gone, suspended, or kept away by `organiser`: his places at meetings (of that one) that are still to
    come are free for the next, without a word to him. Nothing is put back if it is lifted. `past`: it is forgotten as
    well where he was."""
    query = (
        select(Post)
        .join(Attendee, Attendee.post_id == Post.id)
        .join(Meeting, Meeting.post_id == Post.id)
        .where(Attendee.actor_id == actor.id, Post.deleted_at.is_(None))
        .order_by(Post.id)
    )
    if organiser is not None:
        query = query.where(Post.author_id == organiser.id)
    for post in db.scalars(query).all():
        row = hold(db, post)
        own = attendance.attendee(db, post, actor)
        if own is None or (row.over and not past):
            continue
        db.delete(own)
        db.flush()
        _forget_notices(db, actor, post)
        if post.local:
            _refill(db, post, row)


def drop_domain(db: Session, domain: str) -> None:
    """A server is blocked: nobody from there keeps a place."""
    db.flush()
    of_it = select(Attendee.actor_id).join(Actor, Actor.id == Attendee.actor_id).where(Actor.domain == domain)
    for actor in actors.many(db, db.scalars(of_it.distinct()).all()).values():
        drop(db, actor)


def reply_gone(db: Session, reply: Post) -> None:
    """A reply is deleted: if it signed its author up, it does so no longer."""
    meeting = db.get(Post, reply.in_reply_to_id) if reply.in_reply_to_id else None
    if meeting is None or not meeting.local or meetings.find(db, meeting) is None or meeting.deleted_at is not None:
        return
    author = actors.get(db, reply.author_id)
    own = attendance.attendee(db, meeting, author)
    if own is not None and own.reply_id == reply.id:
        withdraw(db, author, meeting, Way.REPLY)


# Likes and replies


def liked(db: Session, actor: Actor, post: Post, *, undone: bool = False) -> None:
    """Somebody likes a meeting of this node, or does so no longer: that counts where its organiser lets it."""
    row = meetings.find(db, post)
    if row is None or not post.local or post.author_id == actor.id:
        return
    if undone:
        withdraw(db, actor, post, Way.LIKE)
    elif row.by_like and _may(db, actor, post) is None:
        sign_up(db, actor, post, Way.LIKE)


def replied(db: Session, author: Actor, reply: Post, parent: Post) -> None:
    """Somebody answers a meeting of this node, or what he was told of his place there: a yes or no counts."""
    post = meeting_news.about(db, parent)
    row = meetings.find(db, post) if post is not None else None
    if post is None or row is None or not post.local or post.author_id == author.id or not row.by_reply:
        return
    words = text.plain(reply.content)
    if says_no(words):
        withdraw(db, author, post, tell=True)
    elif says_yes(words) or (parent.id != post.id and plain_answers.is_yes(words)):
        refusal = _may(db, author, post)
        if refusal is None:
            sign_up(db, author, post, Way.REPLY, reply_id=reply.id if parent.id == post.id else None)
        elif refusal.code in {"meeting_cancelled", "meeting_over"}:
            meeting_news.tell(db, post, row, author, None, News.TOO_LATE)


def _may(db: Session, actor: Actor, post: Post) -> Conflict | Forbidden | None:
    try:
        _check(db, actor, post, hold(db, post))
    except (Conflict, Forbidden) as refusal:
        return refusal
    return None if may_see(db, actor, post) else Forbidden("You may not see it.", code="not_seen")


PLAIN = 6
"""Words that a plain yes or no has at most: what goes on is a conversation."""


def says_yes(words: str) -> bool:
    """Whether a reply signs up: with its tag, or a plain yes."""
    from models.meeting_text import SIGN_UP_TAGS

    said = {one.strip(".,!").casefold() for one in words.split()}
    return bool(said & set(SIGN_UP_TAGS)) or (_plain(words) and plain_answers.is_yes(words))


def says_no(words: str) -> bool:
    """Whether a reply withdraws: a plain no."""
    return _plain(words) and plain_answers.is_no(words)


def _plain(words: str) -> bool:
    said = [one for one in words.split() if not one.startswith("@")]
    return len(said) <= PLAIN and "?" not in words
