"""What a search finds, as Mastodon 4.5 documents it."""

import msgspec

from server.api.entities.accounts import Account
from server.api.entities.statuses import Status
from server.api.entities.tags import Tag


class Search(msgspec.Struct, kw_only=True):
    """Accounts, statuses and hashtags, the best first."""

    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[Tag]


class OlderSearch(msgspec.Struct, kw_only=True):
    """The same, with hashtags as mere names."""

    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[str]
