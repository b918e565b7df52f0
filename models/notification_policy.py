"""From whom somebody wants to hear: notices of strangers can be let in, kept aside until he decides, or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, Text, delete, exists, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors
from models.actors import Actor
from models.base import Base, UtcTime, insert_unless_there, now, table_of
from models.errors import Invalid, NotFound
from models.notifications import Notification
from models.posts import Post, Visibility
from models.windows import Window

VERDICTS = ("accept", "filter", "drop")
SORTS = ("not_following", "not_followers", "new_accounts", "private_mentions", "limited_accounts")
DEFAULTS = {sort: "filter" if sort == "limited_accounts" else "accept" for sort in SORTS}
"""What holds for who chose nothing: moderators have a reason when they limit somebody."""

NEW = timedelta(days=30)
"""An account is new for so long."""

ALWAYS = {"report", "follow_accepted", "twin_request", "poll", "status", "removed", "accepted", "sign_up"}
ALWAYS |= {"sanction", "appeal", "appeal_decided", "report_closed", "report_given"}
"""Kinds that follow from what their reader did or is, so nobody has to be kept off."""


class NotificationPolicy(Base):
    """What one account chose for each sort of sender. For who has no row `DEFAULTS` hold."""

    __tablename__ = "notification_policies"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    not_following: Mapped[str] = mapped_column(Text, default="accept")
    not_followers: Mapped[str] = mapped_column(Text, default="accept")
    new_accounts: Mapped[str] = mapped_column(Text, default="accept")
    private_mentions: Mapped[str] = mapped_column(Text, default="accept")
    limited_accounts: Mapped[str] = mapped_column(Text, default="filter")


class NotificationPermission(Base):
    """A sender whose notices come in whatever the policy says."""

    __tablename__ = "notification_permissions"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    from_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Request:
    """Notices of one sender that were kept aside. Its id is the sender's."""

    sender: Actor
    count: int
    first: datetime
    last: datetime
    last_post: Post | None


def get(db: Session, account_id: int) -> NotificationPolicy:
    """What an account chose, or the defaults, in a row that is not in the database."""
    row = db.get(NotificationPolicy, account_id)
    return row or NotificationPolicy(account_id=account_id, **DEFAULTS)


def choose(db: Session, account_id: int, choices: dict[str, str]) -> NotificationPolicy:
    """Choose for some sorts of senders (names of `SORTS`). Raises Invalid."""
    row = get(db, account_id)
    for sort, verdict in choices.items():
        if sort not in SORTS or verdict not in VERDICTS:
            raise Invalid("Each choice is one of accept, filter and drop.", code="policy_unknown")
        setattr(row, sort, verdict)
    db.merge(row)
    db.flush()
    return row


def chosen(account: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that an account has chosen anything."""
    return exists().where(table_of(NotificationPolicy).c.account_id == account)


def judge(db: Session, account_id: int, kind: str, who: Actor, post: Post | None) -> str:
    """`accept`, `filter` or `drop` for a notice; the sternest of what holds for its sender."""
    if kind in ALWAYS:
        return "accept"
    policy = get(db, account_id)
    if policy not in db and who.standing != "limited":
        return "accept"
    if all(getattr(policy, sort) == "accept" for sort in SORTS):
        return "accept"
    if db.get(NotificationPermission, (account_id, who.id)) is not None:
        return "accept"
    holding = [getattr(policy, sort) for sort in _sorts(db, account_id, who, post)]
    return max(holding, key=VERDICTS.index, default="accept")


def _sorts(db: Session, account_id: int, who: Actor, post: Post | None) -> list[str]:
    from models import follows

    found = []
    following = follows.state(db, account_id, who.id) == follows.FollowState.ACCEPTED
    if not following:
        found.append("not_following")
        if who.standing == "limited":
            found.append("limited_accounts")
        if (who.published or now()) > now() - NEW:
            found.append("new_accounts")
    if follows.state(db, who.id, account_id) != follows.FollowState.ACCEPTED:
        found.append("not_followers")
    if post is not None and post.visibility == Visibility.DIRECT and not following:
        parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
        if parent is None or parent.author_id != account_id:
            found.append("private_mentions")
    return found


def pending(db: Session, account_id: int) -> tuple[int, int]:
    """(senders, notices) that wait to be let in."""
    query = select(func.count(func.distinct(Notification.from_id)), func.count()).where(
        Notification.account_id == account_id, Notification.filtered.is_(True)
    )
    senders, notices = db.execute(query).one()
    return senders, notices


def requests(db: Session, account_id: int, window: Window, *, only: int | None = None) -> list[Request]:
    """Who waits to be let in, by the sender's id, newest id first; `only` this one."""
    query = (
        select(
            Notification.from_id,
            func.count(),
            func.min(Notification.created_at),
            func.max(Notification.created_at),
            func.max(Notification.post_id),
        )
        .where(Notification.account_id == account_id, Notification.filtered.is_(True))
        .group_by(Notification.from_id)
    )
    if only is not None:
        query = query.where(Notification.from_id == only)
    rows = window.rows(db, query, Notification.from_id)
    senders = actors.many(db, [row[0] for row in rows])
    wanted = [row[4] for row in rows if row[4] is not None]
    found = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(wanted)))} if wanted else {}
    return [Request(senders[row[0]], row[1], row[2], row[3], found.get(row[4])) for row in rows]


def request(db: Session, account_id: int, from_id: int) -> Request:
    """The kept notices of one sender. Raises NotFound."""
    found = requests(db, account_id, Window(limit=1), only=from_id)
    if not found:
        raise NotFound("Record not found")
    return found[0]


def let_in(db: Session, account_id: int, from_ids: Sequence[int]) -> None:
    """What was kept of these senders comes into the list, and so does what they do from now on."""
    for from_id in from_ids:
        request(db, account_id, from_id)
        insert_unless_there(db, NotificationPermission, account_id=account_id, from_id=from_id, created_at=now())
    db.execute(update(Notification).where(*_kept(account_id, from_ids)).values(filtered=False))


def dismiss(db: Session, account_id: int, from_ids: Sequence[int]) -> None:
    """Throw away what was kept of these senders."""
    for from_id in from_ids:
        request(db, account_id, from_id)
    db.execute(delete(Notification).where(*_kept(account_id, from_ids)))


def _kept(account_id: int, from_ids: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return (
        Notification.account_id == account_id,
        Notification.filtered.is_(True),
        Notification.from_id.in_(from_ids),
    )
