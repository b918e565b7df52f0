"""The node as Mastodon 4.5 documents it, in both versions, and what is told about it besides."""

from typing import Any, Literal

import msgspec

from server.api.entities.accounts import Account


class Rule(msgspec.Struct, kw_only=True):
    """One rule of the house."""

    id: str
    text: str
    hint: str
    translations: dict[str, Any]


class ActiveUsers(msgspec.Struct, kw_only=True):
    """People who wrote within the last four weeks."""

    active_month: int


class Usage(msgspec.Struct, kw_only=True):
    """How much the node is used."""

    users: ActiveUsers


class ThumbnailVersions(msgspec.Struct, kw_only=True, rename={"once": "@1x", "twice": "@2x"}):
    """The picture for ordinary and for fine screens."""

    once: str
    twice: str


class Thumbnail(msgspec.Struct, kw_only=True):
    """A picture that stands for the node."""

    url: str
    blurhash: str | None
    versions: ThumbnailVersions
    description: str


class Icon(msgspec.Struct, kw_only=True):
    """The node's mark in one size, `48x48`."""

    src: str
    size: str


class InstanceUrls(msgspec.Struct, kw_only=True):
    """Addresses of interest; null for what there is not."""

    streaming: str
    status: str | None
    about: str
    privacy_policy: str | None
    terms_of_service: str | None


class Vapid(msgspec.Struct, kw_only=True):
    """The key that Web Push of this node is signed with."""

    public_key: str


class AccountLimits(msgspec.Struct, kw_only=True):
    """How much fits into a profile."""

    max_display_name_length: int
    max_note_length: int
    max_avatar_description_length: int
    max_header_description_length: int
    max_featured_tags: int
    max_pinned_statuses: int
    max_profile_fields: int
    profile_field_name_limit: int
    profile_field_value_limit: int


class StatusLimits(msgspec.Struct, kw_only=True):
    """How much fits into a status. `characters_reserved_per_url` is what clients count an address as."""

    max_characters: int
    max_media_attachments: int
    characters_reserved_per_url: int
    supported_mime_types: list[str]


class MediaLimits(msgspec.Struct, kw_only=True):
    """What can be uploaded: bytes, pixels, frames in a second, characters of a description."""

    supported_mime_types: list[str]
    description_limit: int
    image_size_limit: int
    image_matrix_limit: int
    video_size_limit: int
    video_frame_rate_limit: int
    video_matrix_limit: int


class PollLimits(msgspec.Struct, kw_only=True):
    """What a poll may be; times in seconds."""

    max_options: int
    max_characters_per_option: int
    min_expiration: int
    max_expiration: int


class Translation(msgspec.Struct, kw_only=True):
    """Whether statuses can be translated by the node."""

    enabled: bool


class FeedAccess(msgspec.Struct, kw_only=True):
    """Who may read a kind of timeline."""

    local: Literal["public", "authenticated", "disabled"]
    remote: Literal["public", "authenticated", "disabled"]


class TimelinesAccess(msgspec.Struct, kw_only=True):
    """Who may read which timelines."""

    live_feeds: FeedAccess
    hashtag_feeds: FeedAccess
    trending_link_feeds: FeedAccess


class Configuration(msgspec.Struct, kw_only=True):
    """The limits of the node."""

    urls: InstanceUrls
    vapid: Vapid
    accounts: AccountLimits
    statuses: StatusLimits
    media_attachments: MediaLimits
    polls: PollLimits
    translation: Translation
    timelines_access: TimelinesAccess
    limited_federation: bool


class Registrations(msgspec.Struct, kw_only=True):
    """How accounts are made."""

    enabled: bool
    approval_required: bool
    reason_required: bool | None
    message: str | None
    min_age: int | None
    url: str | None


class Contact(msgspec.Struct, kw_only=True):
    """Whom to write to."""

    email: str
    account: Account | None


class Instance(msgspec.Struct, kw_only=True):
    """The node."""

    domain: str
    title: str
    version: str
    source_url: str
    description: str
    usage: Usage
    thumbnail: Thumbnail
    icon: list[Icon]
    languages: list[str]
    configuration: Configuration
    registrations: Registrations
    api_versions: dict[str, int]
    wrapstodon: int | None
    contact: Contact
    rules: list[Rule]


class Figures(msgspec.Struct, kw_only=True):
    """The node in figures."""

    user_count: int
    status_count: int
    domain_count: int


class V1Urls(msgspec.Struct, kw_only=True):
    """Where to listen."""

    streaming_api: str


class V1Configuration(msgspec.Struct, kw_only=True):
    """The limits, as the first version groups them."""

    accounts: AccountLimits
    statuses: StatusLimits
    media_attachments: MediaLimits
    polls: PollLimits


class V1Instance(msgspec.Struct, kw_only=True):
    """The node, first version. `description` is HTML, `short_description` one line."""

    uri: str
    title: str
    short_description: str
    description: str
    email: str
    version: str
    urls: V1Urls
    stats: Figures
    thumbnail: str
    languages: list[str]
    registrations: bool
    approval_required: bool
    invites_enabled: bool
    configuration: V1Configuration
    contact_account: Account | None
    rules: list[Rule]


class Activity(msgspec.Struct, kw_only=True):
    """A week in figures, as text; `week` is its beginning in seconds since 1970."""

    week: str
    statuses: str
    logins: str
    registrations: str


class ExtendedDescription(msgspec.Struct, kw_only=True):
    """What the administrators say about the node, as HTML."""

    updated_at: str | None
    content: str


class PrivacyPolicy(msgspec.Struct, kw_only=True):
    """What becomes of one's data, as HTML."""

    updated_at: str
    content: str


class TermsOfService(msgspec.Struct, kw_only=True):
    """On what terms the node can be used, as HTML."""

    effective_date: str
    effective: bool
    content: str
    succeeded_by: str | None


class DomainBlock(msgspec.Struct, kw_only=True):
    """A server that is kept out (`suspend`) or shown only to those who follow somebody there (`silence`)."""

    domain: str
    digest: str
    severity: Literal["silence", "suspend"]
    comment: str | None


class Language(msgspec.Struct, kw_only=True):
    """A language by its code and its own name."""

    code: str
    name: str
