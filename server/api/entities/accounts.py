"""Accounts as Mastodon 4.5 documents them."""

from typing import Any

import msgspec


class CustomEmoji(msgspec.Struct, kw_only=True):
    """A picture that stands for a word between colons."""

    shortcode: str
    url: str
    static_url: str
    visible_in_picker: bool
    category: str | None = None


class Field(msgspec.Struct, kw_only=True):
    """A line of a profile."""

    name: str
    value: str
    verified_at: str | None


class AccountRole(msgspec.Struct, kw_only=True):
    """What somebody does on his node, shown on his profile."""

    id: str
    name: str
    color: str


class Account(msgspec.Struct, kw_only=True):
    """A person, community or other actor."""

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
    moved: "Account | None" = None
    suspended: bool | msgspec.UnsetType = msgspec.UNSET
    limited: bool | msgspec.UnsetType = msgspec.UNSET
    memorial: bool | msgspec.UnsetType = msgspec.UNSET
    mute_expires_at: str | None | msgspec.UnsetType = msgspec.UNSET
    source: Any | msgspec.UnsetType = msgspec.UNSET
