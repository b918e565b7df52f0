"""Filters as Mastodon 4.5 documents them, in both versions."""

from typing import Literal

import msgspec

Context = Literal["home", "notifications", "public", "thread", "account"]


class FilterKeyword(msgspec.Struct, kw_only=True):
    """A word or phrase of a filter."""

    id: str
    keyword: str
    whole_word: bool


class FilterStatus(msgspec.Struct, kw_only=True):
    """A status that a filter names."""

    id: str
    status_id: str


class Filter(msgspec.Struct, kw_only=True):
    """One of the caller's filters with its words and statuses."""

    id: str
    title: str
    context: list[Context]
    expires_at: str | None
    filter_action: Literal["warn", "hide", "blur"]
    keywords: list[FilterKeyword]
    statuses: list[FilterStatus]


class V1Filter(msgspec.Struct, kw_only=True):
    """One keyword of a filter, as clients before filters had names know it. `id` is the keyword's."""

    id: str
    phrase: str
    context: list[Context]
    whole_word: bool
    expires_at: str | None
    irreversible: bool
