"""Web Push: the devices that want to be told of notices although no client of theirs is open (RFC 8030, 8291, 8292).

A subscription belongs to an access token and ends with it. Which notices go where is decided here, in the transaction
that makes the notice; the sending is a job.
"""

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, Text, delete, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actor_keys, actors, follows, jobs, oauth
from models.base import Base, Id, Json, UtcTime, new_id, now, table_of
from models.errors import Invalid, NotFound

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ALERTS = (
    "mention", "quote", "status", "reblog", "follow", "follow_request", "favourite", "poll", "update", "quoted_update",
    "admin.sign_up", "admin.report",
)  # fmt: skip
"""What a device can ask to be told of, in the words of the client API."""

POLICIES = ("all", "followed", "follower", "none")
MAX_ENDPOINT = 2000


class Subscription(Base):
    """Where one device listens. What is sent there only it can read."""

    __tablename__ = "push_subscriptions"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    family_id: Mapped[int] = mapped_column(Id, unique=True)
    """The access token it was made with, or the first of those it was refreshed from: they share one subscription."""
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    endpoint: Mapped[str] = mapped_column(Text)
    p256dh: Mapped[str] = mapped_column(Text)
    """The device's public key, base64url."""
    auth: Mapped[str] = mapped_column(Text)
    standard: Mapped[bool] = mapped_column(default=False)
    """True: RFC 8291. False: the draft before it, which older clients speak."""
    alerts: Mapped[Any] = mapped_column(Json, default=dict)
    policy: Mapped[str] = mapped_column(Text, default="all")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def subscribe(
    db: Session,
    *,
    family_id: int,
    account_id: int,
    endpoint: str,
    p256dh: str,
    auth: str,
    standard: bool,
    alerts: dict[str, bool],
    policy: str,
) -> Subscription:
    """Tell a device of notices from now on; replaces what was asked for with the same token before. Raises Invalid."""
    _check(endpoint, p256dh, auth)
    unsubscribe(db, family_id)
    row = Subscription(
        id=new_id(),
        family_id=family_id,
        account_id=account_id,
        endpoint=endpoint,
        p256dh=_plain(p256dh),
        auth=_plain(auth),
        standard=standard,
        alerts={},
        policy="all",
    )
    db.add(row)
    change(db, row, alerts=alerts, policy=policy)
    return row


def change(db: Session, row: Subscription, *, alerts: dict[str, bool], policy: str | None = None) -> None:
    """Choose anew of what the device is told. Raises Invalid."""
    if policy is not None:
        if policy not in POLICIES:
            raise Invalid("The policy is one of all, followed, follower and none.", code="policy_unknown")
        row.policy = policy
    row.alerts = {name: bool(alerts.get(name, False)) for name in ALERTS}
    db.flush()


def of_family(db: Session, family_id: int) -> Subscription:
    """The subscription made with a token of this family. Raises NotFound."""
    row = db.scalar(select(Subscription).where(Subscription.family_id == family_id))
    if row is None:
        raise NotFound("Record not found")
    return row


def unsubscribe(db: Session, family_id: int) -> None:
    """End it, if there is one."""
    db.execute(delete(Subscription).where(Subscription.family_id == family_id))


def drop(db: Session, subscription_id: int) -> None:
    """The push service says that the device is gone."""
    db.execute(delete(Subscription).where(Subscription.id == subscription_id))


def holds(db: Session, row: Subscription) -> bool:
    """Whether a token of the subscription's family still holds: without one nobody may be told of anything."""
    family = select(oauth.AccessToken.id).where(oauth.AccessToken.family_id == row.family_id)
    return bool(oauth.still_hold(db, list(db.scalars(family))))


def subscribed(account: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that any device of an account is told of anything."""
    return exists().where(table_of(Subscription).c.account_id == account)


def promise(db: Session, account_id: int, notification_id: int, type: str | None, from_id: int) -> None:
    """Send a notice to each device of an account that wants to hear of this type and from this actor."""
    if type is None:
        return
    for row in db.scalars(select(Subscription).where(Subscription.account_id == account_id)):
        if row.alerts.get(type) and _wanted(db, row, from_id):
            payload = {"subscription": row.id, "notification": notification_id}
            jobs.enqueue(db, "push", payload, dedupe=f"push {row.id} {notification_id}")


def _wanted(db: Session, row: Subscription, from_id: int) -> bool:
    match row.policy:
        case "all":
            return True
        case "followed":
            return follows.state(db, row.account_id, from_id) == follows.FollowState.ACCEPTED
        case "follower":
            return follows.state(db, from_id, row.account_id) == follows.FollowState.ACCEPTED
    return False


def vapid_public_key(db: Session) -> str:
    """The public key by which push services know this node: an uncompressed P-256 point in base64url, no padding."""
    from models import push_keys  # here and below: it loads `cryptography`, and a node starts without

    point = push_keys.point(vapid_key(db))
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def vapid_key(db: Session) -> "ec.EllipticCurvePrivateKey":
    """The private half. It is drawn from the key of the node's own actor, so it is there as soon as the node is,
    the same in every process, and moves with the database."""
    from models import push_keys

    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    return push_keys.drawn(pem)


def decoded(text: str) -> bytes:
    """Base64url without padding. Raises ValueError."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    try:
        parts = urlsplit(endpoint)
        fine = parts.scheme == "https" and bool(parts.hostname) and len(endpoint) <= MAX_ENDPOINT
    except ValueError:
        fine = False
    if not fine or not endpoint.isascii() or not endpoint.isprintable():
        raise Invalid("Validation failed: Endpoint must be a valid https URL", code="endpoint_form")
    from models import push_keys

    try:
        push_keys.check_point(decoded(_plain(p256dh)))
        if len(decoded(_plain(auth))) != 16:
            raise ValueError("16 bytes")
    except ValueError:
        raise Invalid("Validation failed: the keys are not those of a push subscription", code="keys_form") from None


def _plain(text: str) -> str:
    """Base64url without padding, however the client wrote it."""
    return text.strip().rstrip("=").replace("+", "-").replace("/", "_")
