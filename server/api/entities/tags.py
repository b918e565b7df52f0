"""Hashtags as Mastodon 4.5 documents them."""

import msgspec


class TagDay(msgspec.Struct, kw_only=True):
    """The use of a tag on one day: the time of its midnight (UTC, seconds since 1970), posts, and people; as text."""

    day: str
    uses: str
    accounts: str


class Tag(msgspec.Struct, kw_only=True):
    """A hashtag and its last seven days, today first. `following` and `featuring` are there for who is signed in."""

    id: str
    name: str
    url: str
    history: list[TagDay]
    following: bool | msgspec.UnsetType = msgspec.UNSET
    featuring: bool | msgspec.UnsetType = msgspec.UNSET


class FeaturedTag(msgspec.Struct, kw_only=True):
    """A tag on somebody's profile. `last_status_at` is a date without a time."""

    id: str
    name: str
    url: str
    statuses_count: str
    last_status_at: str | None
