"""What `/api/torv/v1/` answers with: questions and what belongs to them, as themselves and not as statuses."""

import msgspec

from server.api.entities.accounts import Account


class Community(msgspec.Struct, kw_only=True):
    """A community: a group account with rules of its own."""

    id: str
    uri: str
    name: str
    handle: str
    account: Account
    rules: list[str]
    allows_down_votes: bool
    moderators_only: bool
    """Only moderators ask here."""
    followed: bool | None
    """Whether the caller follows it; null without a caller."""
    moderated: bool | None
    """Whether the caller moderates it."""


class Contribution(msgspec.Struct, kw_only=True):
    """A question, an answer, a comment or a note."""

    id: str
    status_id: str
    """The same contribution as a status of the Mastodon API."""
    uri: str
    url: str
    kind: str
    """`question`, `answer`, `comment` or `note`."""
    title: str
    content: str
    """Clean HTML without the title."""
    source: str | None
    """As it was written; only to its author."""
    account: Account
    language: str | None
    visibility: str
    """`public`, `unlisted`, `followers`, `direct` or `node`."""
    in_reply_to_id: str | None
    created_at: str
    edited_at: str | None
    votes_up: int
    votes_down: int
    my_vote: int | None
    """1, -1 or 0; null without a caller."""
    reply_count: int
    unreviewed: bool
    """It came from outside the community and nobody there has kept it yet."""
    accepted: bool
    """It is the accepted answer of its question."""
    tags: list[str]


class Question(Contribution, kw_only=True):
    """A question."""

    community_id: str | None
    answer_count: int
    accepted_answer_id: str | None
    barriers: list[str]
    municipality: str


class Thread(msgspec.Struct, kw_only=True):
    """A question with its answers, the accepted one first, then by votes; and the comments under each."""

    question: Question
    community: Community | None
    answers: list[Contribution]
    comments: dict[str, list[Contribution]]
    """By the id of the answer, or the question, under which they stand."""
    more: int
    """Replies that are not here because there are too many."""
    may_accept: bool
