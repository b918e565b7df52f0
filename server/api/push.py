"""Web Push: the caller's device asks to be told of notices although no client of his is open.

The subscription belongs to the token it was made with; nobody reaches another's.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import push
from models.actors import Actor
from models.oauth import AccessToken
from server.api import show_notifications
from server.api.arguments import Nothing
from server.api.calls import Call, endpoint
from server.api.entities.notifications import WebPushSubscription

Short = Annotated[str, Meta(max_length=2000)]


class Keys(msgspec.Struct, kw_only=True):
    """The device's public key and its secret."""

    p256dh: Short
    auth: Short


class Device(msgspec.Struct, kw_only=True):
    """Where the device listens."""

    endpoint: Short
    keys: Keys
    standard: bool = False


class WantedAlerts(msgspec.Struct, kw_only=True):
    """Of what to be told."""

    mention: bool = False
    quote: bool = False
    status: bool = False
    reblog: bool = False
    follow: bool = False
    follow_request: bool = False
    favourite: bool = False
    poll: bool = False
    update: bool = False
    quoted_update: bool = False
    admin_sign_up: bool = msgspec.field(name="admin.sign_up", default=False)
    admin_report: bool = msgspec.field(name="admin.report", default=False)

    @property
    def by_name(self) -> dict[str, bool]:
        """The same by the names of the API."""
        wanted: dict[str, bool] = msgspec.to_builtins(self)
        return wanted


class Wanted(msgspec.Struct, kw_only=True):
    """Of what, and from whom. Some clients put the policy here."""

    alerts: WantedAlerts = msgspec.field(default_factory=WantedAlerts)
    policy: Literal["all", "followed", "follower", "none"] | None = None


class Subscribe(msgspec.Struct, kw_only=True):
    """A device and what it wants."""

    subscription: Device
    data: Wanted = msgspec.field(default_factory=Wanted)
    policy: Literal["all", "followed", "follower", "none"] | None = None


class Change(msgspec.Struct, kw_only=True):
    """What the device wants from now on."""

    data: Wanted = msgspec.field(default_factory=Wanted)
    policy: Literal["all", "followed", "follower", "none"] | None = None


@endpoint("push", Subscribe, WebPushSubscription)
async def subscribe(call: Call, args: Subscribe) -> WebPushSubscription:
    """Tell a device of notices from now on; what the token asked for before ends."""
    family_id = _token(call).family_id

    def work(db: Session, me: Actor) -> WebPushSubscription:
        row = push.subscribe(
            db,
            family_id=family_id,
            account_id=me.id,
            endpoint=args.subscription.endpoint,
            p256dh=args.subscription.keys.p256dh,
            auth=args.subscription.keys.auth,
            standard=args.subscription.standard,
            alerts=args.data.alerts.by_name,
            policy=args.data.policy or args.policy or "all",
        )
        return show_notifications.subscription(db, row)

    return await call.write(work)


@endpoint("push", Nothing, WebPushSubscription)
async def show(call: Call, args: Nothing) -> WebPushSubscription:
    """What the token's device is told of."""
    family_id = _token(call).family_id
    return await call.read(lambda db: show_notifications.subscription(db, push.of_family(db, family_id)))


@endpoint("push", Change, WebPushSubscription)
async def change(call: Call, args: Change) -> WebPushSubscription:
    """Tell it of other things."""
    family_id = _token(call).family_id

    def work(db: Session, me: Actor) -> WebPushSubscription:
        row = push.of_family(db, family_id)
        push.change(db, row, alerts=args.data.alerts.by_name, policy=args.data.policy or args.policy)
        return show_notifications.subscription(db, row)

    return await call.write(work)


@endpoint("push", Nothing, dict[str, str])
async def unsubscribe(call: Call, args: Nothing) -> dict[str, str]:
    """Tell it of nothing any more."""
    family_id = _token(call).family_id
    await call.write(lambda db, me: push.unsubscribe(db, family_id))
    return {}


def _token(call: Call) -> AccessToken:
    assert call.token is not None  # an endpoint with a scope has one
    return call.token
