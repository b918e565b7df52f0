"""How two accounts stand to each other, as Mastodon 4.5 documents it."""

from typing import Literal

import msgspec

from server.api.entities.accounts import Account


class Relationship(msgspec.Struct, kw_only=True):
    """How the caller and another stand to each other; each direction by itself."""

    id: str
    following: bool
    showing_reblogs: bool
    notifying: bool
    languages: list[str] | None
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    muting_expires_at: str | None
    requested: bool
    requested_by: bool
    domain_blocking: bool
    endorsed: bool
    note: str


class FamiliarFollowers(msgspec.Struct, kw_only=True):
    """Those the caller follows who also follow the account `id`."""

    id: str
    accounts: list[Account]


class Suggestion(msgspec.Struct, kw_only=True):
    """Somebody the caller might like to follow, and why. `source` is the older word for the first of `sources`."""

    source: Literal["staff", "past_interactions", "global"]
    sources: list[
        Literal["featured", "most_followed", "most_interactions", "similar_to_recently_followed", "friends_of_friends"]
    ]
    account: Account


class Report(msgspec.Struct, kw_only=True):
    """A report as its maker sees it."""

    id: str
    action_taken: bool
    action_taken_at: str | None
    category: Literal["spam", "legal", "violation", "other"]
    comment: str
    forwarded: bool
    created_at: str
    status_ids: list[str] | None
    rule_ids: list[str] | None
    collection_ids: list[str] | None
    target_account: Account
