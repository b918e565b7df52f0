"""Notifications: what happened that concerns the caller, in a list or in groups, and from whom he wants to hear.

What is ours becomes what clients know: an answer or a comment is a `mention`, a vote a `favourite`, a boost a `reblog`.
That one's answer was accepted is an `update` of the question, whose text names it from then on.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import notices, notification_policy
from models.errors import NotFound
from models.notices import Wish
from models.notifications import GROUPED
from server.api import show_accounts, show_notifications
from server.api.arguments import Id, Nothing, Paged, Whole
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.notifications import (
    Answer,
    Count,
    GroupedNotificationsResults,
    Merged,
    Notification,
    NotificationPolicy,
    NotificationPolicyV1,
    NotificationRequest,
)
from server.api.paging import Page

Types = Annotated[list[str], Meta(max_length=50)]
Some = Annotated[list[Id], Meta(max_length=100)]


class Chosen(Paged, kw_only=True):
    """Which notices. Types that do not exist match nothing."""

    types: Types = msgspec.field(default_factory=list)
    exclude_types: Types = msgspec.field(default_factory=list)
    account_id: Id | None = None
    include_filtered: bool = False

    @property
    def wish(self) -> Wish:
        """The same for the database."""
        types = frozenset(self.types) if self.types else None
        return Wish(types, frozenset(self.exclude_types), self.account_id, self.include_filtered)


class Grouped(Chosen, kw_only=True):
    """Which notices, and which types may be put together (all that can be, if nothing is said)."""

    grouped_types: Types = msgspec.field(default_factory=list)
    expand_accounts: Literal["full", "partial_avatars"] = "full"

    @property
    def together(self) -> frozenset[str]:
        """The types that are put together."""
        return frozenset(GROUPED) & frozenset(self.grouped_types) if self.grouped_types else frozenset(GROUPED)


class Several(msgspec.Struct, kw_only=True):
    """Requests by number."""

    id: Some = []


class Choices(msgspec.Struct, kw_only=True):
    """From whom one wants to hear; what is left out stays as it is."""

    for_not_following: Answer | None = None
    for_not_followers: Answer | None = None
    for_new_accounts: Answer | None = None
    for_private_mentions: Answer | None = None
    for_limited_accounts: Answer | None = None


class ChoicesV1(msgspec.Struct, kw_only=True):
    """The same in the first version."""

    filter_not_following: bool | None = None
    filter_not_followers: bool | None = None
    filter_new_accounts: bool | None = None
    filter_private_mentions: bool | None = None


@endpoint("read:notifications", Chosen, list[Notification])
async def index(call: Call, args: Chosen) -> Page[Notification]:
    """The caller's notices, newest first."""
    window = args.window(40, 80)
    found = await call.read(lambda db: notices.page(db, call.me, window, args.wish))
    shown = await call.read(lambda db: show_notifications.several(db, call.me, found))
    return Page.of(shown, [notice.row.id for notice in found])


@endpoint("read:notifications", Nothing, Notification)
async def show(call: Call, args: Nothing) -> Notification:
    """One of the caller's notices."""

    def work(db: Session) -> Notification:
        notice = notices.find(db, call.me, call.path())
        if notice is None:
            raise NotFound("Record not found")
        return show_notifications.several(db, call.me, [notice])[0]

    return await call.read(work)


@endpoint("write:notifications", Nothing, dict[str, str])
async def clear(call: Call, args: Nothing) -> dict[str, str]:
    """Throw all notices away."""
    await call.write(lambda db, me: notices.clear(db, me.id))
    return {}


@endpoint("write:notifications", Nothing, dict[str, str])
async def dismiss(call: Call, args: Nothing) -> dict[str, str]:
    """Throw one notice away."""
    await call.write(lambda db, me: notices.dismiss(db, me.id, call.path()))
    return {}


class OneOf(msgspec.Struct, kw_only=True):
    """A notice by number."""

    id: Id


@endpoint("write:notifications", OneOf, dict[str, str])
async def dismiss_named(call: Call, args: OneOf) -> dict[str, str]:
    """The same, as old clients ask for it."""
    await call.write(lambda db, me: notices.dismiss(db, me.id, args.id))
    return {}


class Counted(Chosen, kw_only=True):
    """What to count, and to which number."""

    limit: Whole | None = None

    @property
    def most(self) -> int:
        """The number after which counting ends."""
        return 100 if self.limit is None else min(max(self.limit, 1), 1000)


class CountedGroups(Grouped, kw_only=True):
    """The same for groups."""

    @property
    def most(self) -> int:
        """The number after which counting ends."""
        return 100 if self.limit is None else min(max(self.limit, 1), 1000)


@endpoint("read:notifications", Counted, Count)
async def unread_count(call: Call, args: Counted) -> Count:
    """How many notices are unread."""
    return Count(count=await call.read(lambda db: notices.unread(db, call.me, args.most, args.wish)))


@endpoint("read:notifications", Grouped, GroupedNotificationsResults)
async def index_grouped(call: Call, args: Grouped) -> Page[object] | GroupedNotificationsResults:
    """The caller's notices in groups, newest first."""
    window = args.window(40, 80)
    partial = args.expand_accounts == "partial_avatars"
    found = await call.read(lambda db: notices.groups(db, call.me, window, args.wish, args.together))
    shown = await call.read(lambda db: show_notifications.grouped(db, call.me, found, partial=partial))
    if not found:
        return shown
    cursors = [max(group.ids[0] for group in found), min(group.ids[-1] for group in found)]
    return Page(shown, cursors[0], cursors[1])  # type: ignore[arg-type]


@endpoint("read:notifications", Nothing, GroupedNotificationsResults)
async def show_group(call: Call, args: Nothing) -> GroupedNotificationsResults:
    """One group."""
    key = call.path_text("group_key")
    return await call.read(lambda db: show_notifications.grouped(db, call.me, [notices.group(db, call.me, key)]))


@endpoint("write:notifications", Nothing, dict[str, str])
async def dismiss_group(call: Call, args: Nothing) -> dict[str, str]:
    """Throw a whole group away."""
    await call.write(lambda db, me: notices.dismiss_group(db, me.id, call.path_text("group_key")))
    return {}


@endpoint("read:notifications", Paged, list[Account])
async def group_accounts(call: Call, args: Paged) -> Page[Account]:
    """Who is behind a group."""
    window, key = args.window(40, 80), call.path_text("group_key")
    found = await call.read(lambda db: notices.senders(db, call.me, key, window))
    shown = await call.read(lambda db: show_accounts.accounts(db, [actor for _, actor in found]))
    return Page.of(shown, [cursor for cursor, _ in found])


@endpoint("read:notifications", CountedGroups, Count)
async def unread_groups(call: Call, args: CountedGroups) -> Count:
    """How many groups have something unread."""
    return Count(
        count=await call.read(lambda db: notices.unread(db, call.me, args.most, args.wish, grouped=args.together))
    )


@endpoint("read:notifications", Nothing, NotificationPolicy)
async def policy(call: Call, args: Nothing) -> NotificationPolicy:
    """From whom the caller wants to hear."""
    return await call.read(lambda db: show_notifications.policy(db, notification_policy.get(db, call.me.id)))


@endpoint("write:notifications", Choices, NotificationPolicy)
async def change_policy(call: Call, args: Choices) -> NotificationPolicy:
    """Choose from whom to hear."""
    chosen = {
        name.removeprefix("for_"): value for name, value in msgspec.structs.asdict(args).items() if value is not None
    }
    await call.write(lambda db, me: notification_policy.choose(db, me.id, chosen))
    return await call.read(lambda db: show_notifications.policy(db, notification_policy.get(db, call.me.id)))


@endpoint("read:notifications", Nothing, NotificationPolicyV1)
async def policy_v1(call: Call, args: Nothing) -> NotificationPolicyV1:
    """The same in the first version."""
    return await call.read(lambda db: show_notifications.policy_v1(db, notification_policy.get(db, call.me.id)))


@endpoint("write:notifications", ChoicesV1, NotificationPolicyV1)
async def change_policy_v1(call: Call, args: ChoicesV1) -> NotificationPolicyV1:
    """Choose from whom to hear, in the first version."""
    chosen = {
        name.removeprefix("filter_"): "filter" if value else "accept"
        for name, value in msgspec.structs.asdict(args).items()
        if value is not None
    }
    await call.write(lambda db, me: notification_policy.choose(db, me.id, chosen))
    return await call.read(lambda db: show_notifications.policy_v1(db, notification_policy.get(db, call.me.id)))


@endpoint("read:notifications", Paged, list[NotificationRequest])
async def requests(call: Call, args: Paged) -> Page[NotificationRequest]:
    """Who waits to be let in."""
    window = args.window(40, 80)
    found = await call.read(lambda db: notification_policy.requests(db, call.me.id, window))
    shown = await call.read(lambda db: show_notifications.requests(db, call.me, found))
    return Page.of(shown, [request.sender.id for request in found])


@endpoint("read:notifications", Nothing, NotificationRequest)
async def request(call: Call, args: Nothing) -> NotificationRequest:
    """One who waits."""
    found = await call.read(lambda db: notification_policy.request(db, call.me.id, call.path()))
    return (await call.read(lambda db: show_notifications.requests(db, call.me, [found])))[0]


@endpoint("write:notifications", Nothing, dict[str, str])
async def accept(call: Call, args: Nothing) -> dict[str, str]:
    """Let somebody in."""
    await call.write(lambda db, me: notification_policy.let_in(db, me.id, [call.path()]))
    return {}


@endpoint("write:notifications", Nothing, dict[str, str])
async def refuse(call: Call, args: Nothing) -> dict[str, str]:
    """Throw away what was kept of somebody."""
    await call.write(lambda db, me: notification_policy.dismiss(db, me.id, [call.path()]))
    return {}


@endpoint("write:notifications", Several, dict[str, str])
async def accept_several(call: Call, args: Several) -> dict[str, str]:
    """Let several in."""
    await call.write(lambda db, me: notification_policy.let_in(db, me.id, args.id))
    return {}


@endpoint("write:notifications", Several, dict[str, str])
async def refuse_several(call: Call, args: Several) -> dict[str, str]:
    """Throw away what was kept of several."""
    await call.write(lambda db, me: notification_policy.dismiss(db, me.id, args.id))
    return {}


@endpoint("read:notifications", Nothing, Merged)
async def merged(call: Call, args: Nothing) -> Merged:
    """Whether what was accepted is in the list: it always is, as it comes in at once."""
    return Merged(merged=True)
