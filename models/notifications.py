"""Notifications: what happened that concerns somebody who has an account here."""

from datetime import datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import (
    BindParameter,
    ForeignKey,
    Index,
    Select,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import events, quick, thread_mutes
from models.accounts import Account
from models.actors import Actor
from models.base import Base, Id, UtcTime, insert_all_unless_there, new_id, now
from models.posts import Post


class NotificationKind(StrEnum):
    """Why somebody is told."""

    MENTION = "mention"
    ANSWER = "answer"
    COMMENT = "comment"
    ACCEPTED = "accepted"
    VOTE = "vote"
    BOOST = "boost"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    FOLLOW_ACCEPTED = "follow_accepted"
    TWIN_REQUEST = "twin_request"
    REPORT = "report"
    REMOVED = "removed"
    POLL = "poll"
    STATUS = "status"
    SIGN_UP = "sign_up"
    AFFILIATION_REQUEST = "affiliation_request"
    AFFILIATION_OFFER = "affiliation_offer"
    AFFILIATION_CONFIRMED = "affiliation_confirmed"
    AFFILIATION_REFUSED = "affiliation_refused"
    ASKED = "asked"
    THREAD = "thread"
    DUPLICATE = "duplicate"
    EXPORT = "export"
    IMPORT = "import"
    SANCTION = "sanction"
    APPEAL = "appeal"
    APPEAL_DECIDED = "appeal_decided"
    REPORT_CLOSED = "report_closed"
    REPORT_GIVEN = "report_given"
    CO_AUTHOR = "co_author"
    CO_AUTHOR_ACCEPTED = "co_author_accepted"
    CONTACT = "contact"
    REPLICATED = "replicated"
    FOLLOW_UP = "follow_up"
    FOLLOW_UP_DUE = "follow_up_due"
    EXAMPLE = "example"
    ATTENDING = "attending"
    ATTENDANCE_ASKED = "attendance_asked"
    PLACE = "place"
    PLACE_WAITING = "place_waiting"
    PLACE_ASKED = "place_asked"
    PLACE_REFUSED = "place_refused"
    MEETING_CHANGED = "meeting_changed"
    MEETING_CANCELLED = "meeting_cancelled"
    MEETING_SOON = "meeting_soon"
    MEETING_PLANNED = "meeting_planned"
    ENDORSED = "endorsed"
    DOGMA_PROPOSED = "dogma_proposed"
    DOGMA_DECIDED = "dogma_decided"
    DOGMA_VERSION = "dogma_version"
    DOGMA_VOTE = "dogma_vote"


CLIENT_TYPES = {
    NotificationKind.MENTION: "mention",
    NotificationKind.ANSWER: "mention",
    NotificationKind.COMMENT: "mention",
    NotificationKind.ACCEPTED: "update",
    NotificationKind.VOTE: "favourite",
    NotificationKind.BOOST: "reblog",
    NotificationKind.FOLLOW: "follow",
    NotificationKind.FOLLOW_REQUEST: "follow_request",
    NotificationKind.REPORT: "admin.report",
    NotificationKind.POLL: "poll",
    NotificationKind.STATUS: "status",
    NotificationKind.ASKED: "mention",
    NotificationKind.THREAD: "status",
    NotificationKind.DUPLICATE: "update",
    NotificationKind.CONTACT: "mention",
    NotificationKind.REPLICATED: "mention",
    NotificationKind.FOLLOW_UP: "status",
    NotificationKind.PLACE: "update",
    NotificationKind.PLACE_WAITING: "update",
    NotificationKind.PLACE_REFUSED: "update",
    NotificationKind.MEETING_CHANGED: "update",
    NotificationKind.MEETING_CANCELLED: "update",
    NotificationKind.MEETING_SOON: "update",
    NotificationKind.MEETING_PLANNED: "status",
    NotificationKind.ENDORSED: "favourite",
    NotificationKind.DOGMA_VERSION: "update",
    NotificationKind.DOGMA_DECIDED: "update",
    NotificationKind.DOGMA_VOTE: "status",
}
"""What a kind is called in the client API. Kinds that are not here have no like there, and only the pages show them.

An accepted answer is an `update` of the question: choosing an answer edits the question, whose author thereby tells
those who wrote below it. So is a question that was asked before, and what is new of a meeting. A new answer in a thread one follows is a `status`.
"""

GROUPED = {"favourite", "reblog", "follow"}
"""Types that clients may show together where they are about the same post and come within the same half day."""

GROUP_SPAN = 12 * 3600


ALWAYS = (
    NotificationKind.REMOVED,
    NotificationKind.REPORT,
    NotificationKind.REPORT_GIVEN,
    NotificationKind.SIGN_UP,
    NotificationKind.SANCTION,
    NotificationKind.APPEAL,
    NotificationKind.APPEAL_DECIDED,
)
"""What somebody is told of also in a conversation he has muted: it is about him, not about what is said there."""


class Notification(Base):
    """One event for one account; the same event never twice."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "from_id", "subject"),
        Index("ix_notifications_account_id_id", "account_id", "id"),
        Index("ix_notifications_account_id_group_key", "account_id", "group_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(Text)
    from_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    subject: Mapped[str] = mapped_column(Text, default="")
    """What makes it one event: the post's or the other thing's id."""
    group_key: Mapped[str] = mapped_column(Text, default="")
    """The same for all that clients show together; empty for what stands alone."""
    filtered: Mapped[bool] = mapped_column(default=False)
    """Its reader wants to be asked before he sees anything of this sender (`notification_policy`)."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)


def notify(db: Session, account_id: int, kind: str, who: Actor, post: Post | None = None, *, subject: str = "") -> bool:
    """Tell an account of something once; False if it knows, has no account here, or does not want to hear of `who`."""
    from models import anonymity, notice_choices, notification_policy, push  # know notices themselves

    if account_id == who.id and kind != NotificationKind.POLL:
        return False
    account_id = anonymity.told(db, account_id, post)
    # Of the end of his own poll somebody is told by nobody but himself.
    account = db.get(Account, account_id)
    if (account_id == who.id and kind != NotificationKind.POLL) or account is None:
        return False
    if not notice_choices.shown(account, kind):
        return False
    db.flush()
    asked = {
        "account": account_id,
        "other": who.id,
        "domain": "" if who.local else who.domain,
        "thread": post.thread_id if post is not None and kind not in ALWAYS else 0,
    }
    ((unwanted, chosen, subscribed),) = quick.rows(db, _concerning(), asked)
    if unwanted:
        return False
    judged = chosen or who.standing == "limited"
    verdict = notification_policy.judge(db, account_id, kind, who, post) if judged else "accept"
    if verdict == "drop":
        return False
    id, at = new_id(), now()
    type = client_type(kind, subject)
    row = {
        "id": id,
        "account_id": account_id,
        "kind": kind,
        "from_id": who.id,
        "post_id": post.id if post else None,
        "subject": subject or (str(post.id) if post else ""),
        "group_key": f"{type}-{post.id if post else 0}-{int(at.timestamp()) // GROUP_SPAN}" if type in GROUPED else "",
        "filtered": verdict == "filter",
        "created_at": at,
    }
    fresh = bool(insert_all_unless_there(db, Notification, [row], "id"))
    if fresh and verdict == "accept":
        events.notified(db, account_id, id)
        if subscribed:
            push.promise(db, account_id, id, type, who.id)
        if notice_choices.mailed(account, kind):
            notice_choices.promise(db, account_id, at)
    return fresh


@cache
def _concerning() -> Select[bool, bool, bool]:
    """Asks all at once, for an account and somebody else: whether it does not want to hear of him (there, in this
    thread), whether it chose whom to hear of, and whether a device of it is told of notices."""
    from models import account_domains, blocks, notification_policy, push

    account: BindParameter[int] = bindparam("account", type_=Id)
    other: BindParameter[int] = bindparam("other", type_=Id)
    unwanted = or_(
        blocks.between(account, other),
        blocks.hiding_notices(account, other),
        account_domains.turning_away(account, other, bindparam("domain", type_=Text())),
        thread_mutes.muting(account, bindparam("thread", type_=Id)),
    )
    return select(unwanted, notification_policy.chosen(account), push.subscribed(account))


def client_type(kind: str, subject: str = "") -> str | None:
    """What the client API calls such a notice; None where it has nothing like it.

    A request to follow a community (`subject` names it) is answered on the pages; clients know only one's own.
    """
    if kind == NotificationKind.FOLLOW_REQUEST and subject:
        return None
    return CLIENT_TYPES.get(kind)  # type: ignore[call-overload, no-any-return]


def forget(db: Session, kind: str, who: Actor, *, post: Post | None = None, account_id: int | None = None) -> None:
    """Take a notice back whose cause was undone."""
    query = delete(Notification).where(Notification.kind == kind, Notification.from_id == who.id)
    if post is not None:
        query = query.where(Notification.post_id == post.id)
    if account_id is not None:
        query = query.where(Notification.account_id == account_id)
    db.execute(query)


def follow_waits(db: Session, follower: Actor, target: Actor) -> None:
    """A follow waits for an answer: of the person, or of a community's moderators."""
    from models import communities

    if target.is_community:
        kind = NotificationKind.TWIN_REQUEST if follower.is_community else NotificationKind.FOLLOW_REQUEST
        for moderator in communities.moderators(db, target):
            notify(db, moderator.id, kind, follower, subject=str(target.id))
    else:
        notify(db, target.id, NotificationKind.FOLLOW_REQUEST, follower)


def of(
    db: Session, account_id: int, *, before: int | None = None, limit: int = 20
) -> list[tuple[Notification, Actor, Post | None]]:
    """An account's notices, newest first, with who caused them and the post they are about."""
    query = (
        select(Notification, Actor, Post)
        .join(Actor, Notification.from_id == Actor.id)
        .outerjoin(Post, Notification.post_id == Post.id)
        .where(Notification.account_id == account_id, Notification.filtered.is_(False))
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Notification.id < before)
    return [(row[0], row[1], row[2]) for row in db.execute(query)]


def unread(db: Session, account_id: int) -> int:
    """How many notices wait, counted to 100."""
    waiting = (
        select(Notification.id)
        .where(Notification.account_id == account_id, Notification.read_at.is_(None), Notification.filtered.is_(False))
        .limit(100)
    )
    return db.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def mark_read(db: Session, account_id: int, *, up_to: int | None = None) -> None:
    """Mark all notices read, or those up to one."""
    query = (
        update(Notification)
        .where(Notification.account_id == account_id, Notification.read_at.is_(None))
        .values(read_at=now())
    )
    db.execute(query if up_to is None else query.where(Notification.id <= up_to))
