"""Statuses that wait for their time, as Mastodon 4.5 documents them."""

from typing import Literal

import msgspec

from server.api.entities.statuses import MediaAttachment, Seen


class ScheduledPoll(msgspec.Struct, kw_only=True):
    """The poll of a status that waits; `expires_in` is counted in seconds from when it is published."""

    options: list[str]
    expires_in: int
    multiple: bool
    hide_totals: bool


class ScheduledParams(msgspec.Struct, kw_only=True):
    """What was sent to POST /api/v1/statuses, as far as it was."""

    text: str
    poll: ScheduledPoll | None = None
    media_ids: list[str] | None = None
    sensitive: bool | None = None
    spoiler_text: str | None = None
    visibility: Seen | None = None
    in_reply_to_id: int | None = None
    """A number here, as at Mastodon."""
    language: str | None = None
    application_id: int
    scheduled_at: str | None = None
    """Always null, as at Mastodon: the time stands beside."""
    idempotency: str | None = None
    with_rate_limit: bool = False
    content_type: str | None = None
    """Ours: `text/plain` or `text/markdown`."""
    quoted_status_id: str | None = None
    quote_approval_policy: Literal["public", "followers", "nobody"] | None = None


class ScheduledStatus(msgspec.Struct, kw_only=True):
    """A status that will be published at `scheduled_at`."""

    id: str
    scheduled_at: str
    params: ScheduledParams
    media_attachments: list[MediaAttachment]
