"""What somebody wants to be told of, and whether also by mail: chosen for each sort of notice."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import jobs
from models.accounts import Account
from models.errors import Invalid
from models.notifications import Notification, NotificationKind

TOGETHER = 300
"""Seconds: notices that come within the same five minutes go in one letter."""

MOST = 50
"""Most notices one letter names."""


class Sort(StrEnum):
    """Kinds of notices that people choose for together."""

    ANSWERS = "answers"
    MENTIONS = "mentions"
    ACCEPTED = "accepted"
    VOTES = "votes"
    FOLLOWERS = "followers"
    POSTS = "posts"
    EXPERIENCE = "experience"
    DOGMAS = "dogmas"
    REMINDERS = "reminders"
    MEETINGS = "meetings"
    ATTENDANCE = "attendance"
    REQUESTS = "requests"
    HOUSE = "house"


KINDS: Mapping[Sort, tuple[NotificationKind, ...]] = {
    Sort.ANSWERS: (
        NotificationKind.ANSWER,
        NotificationKind.COMMENT,
        NotificationKind.THREAD,
        NotificationKind.DUPLICATE,
    ),
    Sort.MENTIONS: (NotificationKind.MENTION, NotificationKind.ASKED),
    Sort.ACCEPTED: (NotificationKind.ACCEPTED,),
    Sort.VOTES: (NotificationKind.VOTE, NotificationKind.BOOST),
    Sort.FOLLOWERS: (NotificationKind.FOLLOW, NotificationKind.FOLLOW_ACCEPTED),
    Sort.POSTS: (NotificationKind.STATUS, NotificationKind.POLL),
    Sort.EXPERIENCE: (
        NotificationKind.CONTACT,
        NotificationKind.REPLICATED,
        NotificationKind.FOLLOW_UP,
        NotificationKind.EXAMPLE,
        NotificationKind.CO_AUTHOR_ACCEPTED,
    ),
    Sort.DOGMAS: (
        NotificationKind.ENDORSED,
        NotificationKind.DOGMA_DECIDED,
        NotificationKind.DOGMA_VERSION,
        NotificationKind.DOGMA_VOTE,
    ),
    Sort.REMINDERS: (NotificationKind.FOLLOW_UP_DUE,),
    Sort.MEETINGS: (
        NotificationKind.PLACE,
        NotificationKind.PLACE_WAITING,
        NotificationKind.PLACE_ASKED,
        NotificationKind.PLACE_REFUSED,
        NotificationKind.MEETING_CHANGED,
        NotificationKind.MEETING_CANCELLED,
        NotificationKind.MEETING_SOON,
        NotificationKind.MEETING_PLANNED,
    ),
    Sort.ATTENDANCE: (NotificationKind.ATTENDING,),
    Sort.REQUESTS: (
        NotificationKind.CO_AUTHOR,
        NotificationKind.ATTENDANCE_ASKED,
        NotificationKind.DOGMA_PROPOSED,
        NotificationKind.FOLLOW_REQUEST,
        NotificationKind.TWIN_REQUEST,
        NotificationKind.AFFILIATION_REQUEST,
        NotificationKind.AFFILIATION_OFFER,
        NotificationKind.SIGN_UP,
        NotificationKind.APPEAL,
    ),
}
"""Kinds that stand nowhere here are of the sort `house`: what moderators and the node itself have to say."""

KEPT = (Sort.REQUESTS, Sort.HOUSE)
"""What always stands on the page: somebody waits for an answer, or it is about the account itself."""

BY_MAIL = (Sort.HOUSE, Sort.REMINDERS, Sort.MEETINGS)
"""What is mailed where nobody chose."""

_SORTS: Mapping[str, Sort] = {kind: sort for sort, kinds in KINDS.items() for kind in kinds}
NAME = "notices"
"""Under which the choices are kept among an account's settings."""


def sort_of(kind: str) -> Sort:
    """The sort a kind belongs to."""
    return _SORTS.get(kind, Sort.HOUSE)


def shown(account: Account, kind: str) -> bool:
    """Whether somebody wants to be told of such a thing at all."""
    sort = sort_of(kind)
    return sort in KEPT or bool(_chosen(account, sort).get("page", True))


def mailed(account: Account, kind: str) -> bool:
    """Whether he wants it by mail as well. What moderators decided comes in a letter of its own (`letters.moderated`)."""
    if kind in {NotificationKind.SANCTION, NotificationKind.APPEAL_DECIDED}:
        return False
    sort = sort_of(kind)
    return bool(_chosen(account, sort).get("mail", sort in BY_MAIL))


def _chosen(account: Account, sort: Sort) -> dict[str, bool]:
    found: dict[str, bool] = (account.settings or {}).get(NAME, {}).get(sort.value, {})
    return found


def choose(db: Session, account: Account, page: set[str], mail: set[str]) -> None:
    """Choose all anew: the sorts that stand on the page, and those that are mailed. Raises Invalid."""
    if (page | mail) - set(Sort):
        raise Invalid("Choose among these.", code="sort_unknown")
    choices = {sort.value: {"page": sort in page or sort in KEPT, "mail": sort in mail} for sort in Sort}
    account.settings = {**(account.settings or {}), NAME: choices}
    db.flush()


def now_mailed(account: Account) -> set[Sort]:
    """The sorts that are mailed as it is now."""
    return {sort for sort in Sort if _chosen(account, sort).get("mail", sort in BY_MAIL)}


def no_mail(db: Session, account: Account) -> None:
    """No notice is mailed any more; what stands on the page stays."""
    choose(db, account, {sort for sort in Sort if _chosen(account, sort).get("page", True)}, set())


def promise(db: Session, account_id: int, at: datetime) -> None:
    """Promise a letter for a notice that came at `at`, together with all others of the same five minutes."""
    start = int(at.timestamp()) // TOGETHER
    end = datetime.fromtimestamp((start + 1) * TOGETHER, UTC)
    payload = {"letter": "notices", "account": account_id, "start": start}
    jobs.enqueue(db, "mail", payload, dedupe=f"notices:{account_id}:{start}", run_at=end + timedelta(seconds=1))


def to_mail(db: Session, account: Account, start: int) -> list[Notification]:
    """The notices of those five minutes that are wanted by mail and not read yet, oldest first."""
    begin = datetime.fromtimestamp(start * TOGETHER, UTC)
    rows = db.scalars(
        select(Notification)
        .where(
            Notification.account_id == account.id,
            Notification.created_at >= begin,
            Notification.created_at < begin + timedelta(seconds=TOGETHER),
            Notification.read_at.is_(None),
            Notification.filtered.is_(False),
        )
        .order_by(Notification.id)
        .limit(MOST)
    )
    return [row for row in rows if mailed(account, row.kind)]
