"""Notifications, alone and in groups, and Web Push subscriptions, as Mastodon 4.5 documents them."""

from typing import Literal

import msgspec

from server.api.entities.accounts import Account
from server.api.entities.relations import Report
from server.api.entities.statuses import Status

Answer = Literal["accept", "filter", "drop"]
"""What happens to notices of one sort."""


class RelationshipSeveranceEvent(msgspec.Struct, kw_only=True):
    """Follows that ended because a server was blocked. Torv tells of none, so it is always null."""

    id: str
    type: Literal["domain_block", "user_domain_block", "account_suspension"]
    purged: bool
    target_name: str
    followers_count: int
    following_count: int
    created_at: str


class AccountWarning(msgspec.Struct, kw_only=True):
    """What a moderator decided about one's account. Torv tells of none this way, so it is always null."""

    id: str
    action: Literal[
        "none", "disable", "mark_statuses_as_sensitive", "delete_statuses", "sensitive", "silence", "suspend"
    ]
    text: str
    status_ids: list[str] | None
    target_account: Account
    appeal: None
    created_at: str


class Notification(msgspec.Struct, kw_only=True):
    """Something happened that concerns the reader. `status` is null for what is not about a status."""

    id: str
    type: str
    group_key: str
    created_at: str
    account: Account
    status: Status | None
    report: Report | None
    event: RelationshipSeveranceEvent | None
    moderation_warning: AccountWarning | None


class NotificationGroup(msgspec.Struct, kw_only=True):
    """Notices that say the same of the same status. The fields that begin with `page` are about the page asked for."""

    group_key: str
    notifications_count: int
    type: str
    most_recent_notification_id: int
    page_min_id: str | None
    page_max_id: str | None
    latest_page_notification_at: str | None
    sample_account_ids: list[str]
    status_id: str | None
    report: Report | None
    event: RelationshipSeveranceEvent | None
    moderation_warning: AccountWarning | None


class PartialAccountWithAvatar(msgspec.Struct, kw_only=True):
    """As much of an account as is needed to show its picture."""

    id: str
    acct: str
    url: str
    avatar: str
    avatar_static: str
    locked: bool
    bot: bool


class GroupedNotificationsResults(msgspec.Struct, kw_only=True):
    """Groups, and each account and status in them once. `partial_accounts` is there where it was asked for."""

    accounts: list[Account]
    statuses: list[Status]
    notification_groups: list[NotificationGroup]
    partial_accounts: list[PartialAccountWithAvatar] | msgspec.UnsetType = msgspec.UNSET


class Count(msgspec.Struct, kw_only=True):
    """How many wait to be read."""

    count: int


class PolicySummary(msgspec.Struct, kw_only=True):
    """What waits among the filtered."""

    pending_requests_count: int
    pending_notifications_count: int


class NotificationPolicy(msgspec.Struct, kw_only=True):
    """From whom one wants to hear (version 2 of the API)."""

    for_not_following: Answer
    for_not_followers: Answer
    for_new_accounts: Answer
    for_private_mentions: Answer
    for_limited_accounts: Answer
    summary: PolicySummary


class NotificationPolicyV1(msgspec.Struct, kw_only=True):
    """The same in version 1, which only knows whether something is filtered."""

    filter_not_following: bool
    filter_not_followers: bool
    filter_new_accounts: bool
    filter_private_mentions: bool
    summary: PolicySummary


class NotificationRequest(msgspec.Struct, kw_only=True):
    """Filtered notices of one sender."""

    id: str
    created_at: str
    updated_at: str
    notifications_count: str
    account: Account
    last_status: Status | None


class Merged(msgspec.Struct, kw_only=True):
    """Whether what was accepted is in the list by now."""

    merged: bool


class Alerts(msgspec.Struct, kw_only=True):
    """Of which notices a device wants to be told."""

    mention: bool
    quote: bool
    status: bool
    reblog: bool
    follow: bool
    follow_request: bool
    favourite: bool
    poll: bool
    update: bool
    quoted_update: bool
    admin_sign_up: bool = msgspec.field(name="admin.sign_up")
    admin_report: bool = msgspec.field(name="admin.report")


class WebPushSubscription(msgspec.Struct, kw_only=True):
    """A device that is told of notices. `server_key` is the public key we sign with."""

    id: str
    endpoint: str
    standard: bool
    server_key: str
    policy: Literal["all", "followed", "follower", "none"]
    alerts: Alerts
