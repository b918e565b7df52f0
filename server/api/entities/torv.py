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
    questions_only: bool
    """What begins a thread here is a question."""
    node_only: bool
    """Nothing of it leaves this node."""
    closed: bool
    """It takes no new threads."""
    language: str | None
    """The language mostly written there; null for communities elsewhere."""
    may_ask: list[str]
    """Who may ask, by affiliation: `public-body`, `supplier`, `association`, `citizen`, `without`. Empty: everybody."""
    may_answer: list[str]
    max_links: int | None
    """Most links in a post of a supplier or a new member; null: as many as they like."""
    own_links_a_week: int | None
    """Most questions and answers a week in which a supplier links to an own site."""
    wants_disclosure: bool
    """Suppliers have to give `disclosure`."""
    anonymity: bool
    """One can ask anonymously there."""
    unanswered: int | None
    """Questions without an answer now; null for communities elsewhere."""
    askable: bool | None
    """Whether the caller may ask there."""
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
    """Of an anonymous one the `anonym-` account of its community."""
    anonymous: bool
    mine: bool | None
    """The caller wrote it, under his name or anonymously; null without a caller."""
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
    disclosure: str
    """What the author says of a commercial interest."""
    waits: bool
    """Only its author and the community's moderators see it, until one of them lets it in."""
    tags: list[str]


class Question(Contribution, kw_only=True):
    """A question."""

    community_id: str | None
    answer_count: int
    accepted_answer_id: str | None
    barriers: list[str]
    municipality: str
    duplicate_of_id: str | None
    """The question that asked the same before."""
    merged: bool
    """What was answered to it stands below that one, and new answers go there."""


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
