"""How far somebody has read, and his direct conversations, as Mastodon 4.5 documents them."""

import msgspec

from server.api.entities.accounts import Account
from server.api.entities.statuses import Status


class Marker(msgspec.Struct, kw_only=True):
    """How far a timeline was read; `version` counts the changes."""

    last_read_id: str
    version: int
    updated_at: str


class Conversation(msgspec.Struct, kw_only=True):
    """A direct thread with those in it and its last status."""

    id: str
    unread: bool
    accounts: list[Account]
    last_status: Status | None
