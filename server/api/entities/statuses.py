"""Statuses as Mastodon 4.5 documents them: every field, in its form; what does not apply is null or empty."""

from typing import Any, Literal

import msgspec

from server.api.entities.accounts import Account, CustomEmoji

Seen = Literal["public", "unlisted", "private", "direct"]
"""How visible a status is, in Mastodon's words."""


class Application(msgspec.Struct, kw_only=True):
    """The program a status was written with, as its readers see it."""

    name: str
    website: str | None


class Mention(msgspec.Struct, kw_only=True):
    """Somebody whom a status names."""

    id: str
    username: str
    url: str
    acct: str


class StatusTag(msgspec.Struct, kw_only=True):
    """A hashtag in a status. `name` without the #."""

    name: str
    url: str


class MediaAttachment(msgspec.Struct, kw_only=True):
    """An image, a film, a sound, or a link to a file elsewhere. `url` is null while it is being worked on."""

    id: str
    type: Literal["unknown", "image", "gifv", "video", "audio"]
    url: str | None
    preview_url: str | None
    remote_url: str | None
    preview_remote_url: str | None = None
    text_url: str | None = None
    meta: dict[str, Any] | None
    description: str | None
    blurhash: str | None


class PollOption(msgspec.Struct, kw_only=True):
    """One choice; the votes are null while they are hidden."""

    title: str
    votes_count: int | None


class Poll(msgspec.Struct, kw_only=True):
    """A poll with what the asker chose; `voted` and `own_votes` are null for somebody who is not signed in."""

    id: str
    expires_at: str | None
    expired: bool
    multiple: bool
    votes_count: int
    voters_count: int | None
    options: list[PollOption]
    emojis: list[CustomEmoji]
    voted: bool | None
    own_votes: list[int] | None


class PreviewCardAuthor(msgspec.Struct, kw_only=True):
    """Who wrote the page that a card shows."""

    name: str
    url: str
    account: Account | None


class PreviewCard(msgspec.Struct, kw_only=True):
    """A link shown as a card. Torv fetches no linked pages, so no status of it carries one."""

    url: str
    title: str
    description: str
    language: str | None
    type: Literal["link", "photo", "video", "rich"]
    author_name: str
    author_url: str
    provider_name: str
    provider_url: str
    html: str
    width: int
    height: int
    image: str | None
    image_description: str
    embed_url: str
    blurhash: str | None
    published_at: str | None
    authors: list[PreviewCardAuthor]


class Quote(msgspec.Struct, kw_only=True):
    """A status quoted in another."""

    state: Literal[
        "pending", "accepted", "rejected", "revoked", "deleted", "unauthorized", "blocked_account", "blocked_domain",
        "muted_account",
    ]  # fmt: skip
    quoted_status: "Status | None" = None


class QuoteApproval(msgspec.Struct, kw_only=True):
    """Who may quote a status; `current_user` is what holds for the asker."""

    automatic: list[Literal["public", "followers", "following", "unsupported_policy"]]
    manual: list[Literal["public", "followers", "following", "unsupported_policy"]]
    current_user: Literal["automatic", "manual", "denied", "unknown"]


class MatchedFilter(msgspec.Struct, kw_only=True):
    """The filter that a status fits, without its words."""

    id: str
    title: str
    context: list[str]
    expires_at: str | None
    filter_action: Literal["warn", "hide", "blur"]


class FilterResult(msgspec.Struct, kw_only=True):
    """That a status fits one of the asker's filters, and by what."""

    filter: MatchedFilter
    keyword_matches: list[str] | None
    status_matches: list[str] | None


class Status(msgspec.Struct, kw_only=True):
    """A post as clients read it. `text` is there only in the answer to a deletion, so that it can be written anew."""

    id: str
    created_at: str
    in_reply_to_id: str | None
    in_reply_to_account_id: str | None
    sensitive: bool
    spoiler_text: str
    visibility: Seen
    language: str | None
    uri: str
    url: str | None
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int
    edited_at: str | None
    favourited: bool
    reblogged: bool
    muted: bool
    bookmarked: bool
    pinned: bool
    content: str
    filtered: list[FilterResult]
    reblog: "Status | None"
    application: Application | None
    account: Account
    media_attachments: list[MediaAttachment]
    mentions: list[Mention]
    tags: list[StatusTag]
    emojis: list[CustomEmoji]
    card: PreviewCard | None
    poll: Poll | None
    quote: Quote | None
    quote_approval: QuoteApproval
    text: str | msgspec.UnsetType = msgspec.UNSET


class Context(msgspec.Struct, kw_only=True):
    """What stands above and below a status in its thread."""

    ancestors: list[Status]
    descendants: list[Status]


class StatusSource(msgspec.Struct, kw_only=True):
    """A status as it was written, to be edited. `content_type` is ours: `text/plain` or `text/markdown`."""

    id: str
    text: str
    spoiler_text: str
    content_type: str


class EditedPollOption(msgspec.Struct, kw_only=True):
    """A choice as an edition had it."""

    title: str


class EditedPoll(msgspec.Struct, kw_only=True):
    """A poll as an edition had it."""

    options: list[EditedPollOption]


class StatusEdit(msgspec.Struct, kw_only=True):
    """One edition of a status."""

    content: str
    spoiler_text: str
    sensitive: bool
    created_at: str
    account: Account
    poll: EditedPoll | None
    media_attachments: list[MediaAttachment]
    emojis: list[CustomEmoji]
    quote: Quote | None
