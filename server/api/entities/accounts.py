"""Accounts as Mastodon 4.5 documents them (with the descriptions of pictures that 4.6 adds)."""

from typing import Literal

import msgspec


class CustomEmoji(msgspec.Struct, kw_only=True):
    """A picture that stands for a word between colons."""

    shortcode: str
    url: str
    static_url: str
    visible_in_picker: bool
    category: str | None = None


class Field(msgspec.Struct, kw_only=True):
    """A line of a profile. `value` is HTML; in a source it is as it was written."""

    name: str
    value: str
    verified_at: str | None


class AccountRole(msgspec.Struct, kw_only=True):
    """What somebody does on his node, shown on his profile."""

    id: str
    name: str
    color: str


class Role(AccountRole, kw_only=True):
    """One's own role, with what it permits (Mastodon's bit set, as a decimal string)."""

    permissions: str
    highlighted: bool


class Account(msgspec.Struct, kw_only=True):
    """A person, community or other actor. `created_at` is the day, `last_status_at` a date without a time."""

    id: str
    username: str
    acct: str
    display_name: str
    locked: bool
    bot: bool
    discoverable: bool | None
    indexable: bool
    group: bool
    created_at: str
    note: str
    url: str
    uri: str
    avatar: str
    avatar_static: str
    avatar_description: str
    header: str
    header_static: str
    header_description: str
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: str | None
    hide_collections: bool | None
    noindex: bool | None
    emojis: list[CustomEmoji]
    roles: list[AccountRole]
    fields: list[Field]
    moved: "Account | None"
    suspended: bool
    limited: bool
    memorial: bool


Posting = Literal["public", "unlisted", "private", "direct"]
"""Who may read what somebody posts, if he says nothing else."""


class Source(msgspec.Struct, kw_only=True):
    """A profile as its owner wrote it, with his choices."""

    privacy: Posting
    sensitive: bool
    language: str | None
    note: str
    fields: list[Field]
    follow_requests_count: int
    hide_collections: bool | None
    discoverable: bool | None
    indexable: bool
    attribution_domains: list[str]
    quote_policy: Literal["public", "followers", "nobody"]


class CredentialAccount(Account, kw_only=True):
    """One's own account."""

    source: Source
    role: Role


class MutedAccount(Account, kw_only=True):
    """Somebody who is muted, and until when."""

    mute_expires_at: str | None


class Preferences(msgspec.Struct, kw_only=True):
    """What somebody chose, for clients that want to behave the same."""

    visibility: Posting = msgspec.field(name="posting:default:visibility")
    sensitive: bool = msgspec.field(name="posting:default:sensitive")
    language: str | None = msgspec.field(name="posting:default:language")
    quote_policy: Literal["public", "followers", "nobody"] = msgspec.field(name="posting:default:quote_policy")
    media: Literal["default", "show_all", "hide_all"] = msgspec.field(name="reading:expand:media")
    spoilers: bool = msgspec.field(name="reading:expand:spoilers")
    autoplay: bool = msgspec.field(name="reading:autoplay:gifs")
