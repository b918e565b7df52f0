"""Announcements of the administrators, as Mastodon 4.5 documents them."""

import msgspec

from server.api.entities.accounts import CustomEmoji
from server.api.entities.statuses import Mention, StatusTag


class AnnouncedStatus(msgspec.Struct, kw_only=True):
    """A status that an announcement links to."""

    id: str
    url: str


class AnnouncementReaction(msgspec.Struct, kw_only=True):
    """An emoji below an announcement, with how many chose it. The addresses belong to custom emojis: none here."""

    name: str
    count: int
    me: bool
    url: str | msgspec.UnsetType = msgspec.UNSET
    static_url: str | msgspec.UnsetType = msgspec.UNSET


class Announcement(msgspec.Struct, kw_only=True):
    """What everybody with an account should know; `read` when the caller has dismissed it."""

    id: str
    content: str
    starts_at: str | None
    ends_at: str | None
    all_day: bool
    published: bool
    published_at: str
    updated_at: str
    read: bool
    mentions: list[Mention]
    statuses: list[AnnouncedStatus]
    tags: list[StatusTag]
    emojis: list[CustomEmoji]
    reactions: list[AnnouncementReaction]
