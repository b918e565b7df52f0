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


class Tied(msgspec.Struct, kw_only=True):
    """A post that another is tied to, or that is tied to it."""

    tie: str
    """`related`, `about`, `practises`, `adaptedFrom` or `followUpOf`."""
    uri: str
    id: str | None
    """Null where this node does not have it."""
    kind: str | None
    """What it is; null where nobody can say."""
    title: str


class MeetingCall(msgspec.Struct, kw_only=True):
    """That a question calls for a meeting."""

    coming: int
    """How many would come."""
    municipalities: dict[str, int]
    """From where, by name, as far as they say; of questions of this node."""
    mine: bool | None
    """The caller would come; null without a caller."""


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
    links: list[Tied]
    """What it is tied to. Empty in lists."""
    linked_from: list[Tied]
    """What is tied to it. Empty in lists."""
    call: MeetingCall | None
    """Null for one that calls for no meeting, and in lists."""


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


class ExperienceState(msgspec.Struct, kw_only=True):
    """How a case stood from a time on."""

    phase: str
    outcome: str
    at: str
    source_id: str | None
    """The follow-up that says so; null where the report itself does."""


class Experience(Contribution, kw_only=True):
    """A report of experience."""

    community_id: str | None
    summary: str
    """In short: what most other servers show of it."""
    parts: dict[str, str]
    """Markdown by `wanted`, `tried`, `decided`, `rule`, `cost`, `happened`, `value_citizens`, `value_staff`,
    `value_economy`, `value_law`."""
    barriers: dict[str, str]
    """What each was like, in Markdown, by `bureaukrati`, `politik`, `vaner`, `kultur`, `regler`, `love`."""
    rule_url: str
    phase: str
    """As it is now: `ide`, `pilot`, `implementering`, `drift`, `stoppet`, or a word of another node's list."""
    outcome: str
    """As it is now: `lykkedes`, `delvist`, `nej`, `endnu-ikke`, or a word of another node's list."""
    states: list[ExperienceState]
    """Oldest first. Empty in lists."""
    municipality: str
    kle: str
    follow_up: bool
    """It tells what happened since another report."""
    example: bool
    """Moderators of this node chose it as a good example."""
    co_authors: list[Account]
    contacts: list[Account]
    """Whom to ask."""
    links: list[Tied]
    """What it is tied to. Empty in lists."""
    linked_from: list[Tied]
    """What is tied to it: follow-ups, reports adapted from it, and others. Empty in lists."""


class DogmaVersion(msgspec.Struct, kw_only=True):
    """What a dogma said from a time on."""

    version: int
    statement: str
    content: str
    """Clean HTML."""
    note: str
    """What had changed."""
    at: str


class Dogma(Contribution, kw_only=True):
    """A principle of a community, or of the network."""

    community_id: str | None
    """Null for the network's."""
    number: int | None
    """Null until it is adopted."""
    status: str
    """`proposed`, `adopted`, `withdrawn` or `rejected`."""
    statement: str
    """What it says, in one line, without its number."""
    version: int
    decided_at: str | None
    """Null where another server decided."""
    decided_through: str | None
    """`moderators` or `vote`."""
    reason: str
    vote_id: str | None
    """The status with the poll that decides, or decided."""
    people: int
    """How many stand behind it, as this node knows."""
    organizations: int
    endorsed_elsewhere: int
    """How many more its own server counts."""
    practised: int
    """In how many reports."""
    endorsed_version: int | None
    """The version the caller stands behind; null if he does not."""
    versions: list[DogmaVersion]
    """Oldest first. Empty in lists."""
    links: list[Tied]
    """What it belongs with; empty in lists."""
    linked_from: list[Tied]
    """What says that it belongs with it; empty in lists."""
    practised_in: list[Tied]
    """Empty in lists."""
    may_edit: bool | None
    """Whether the caller writes new versions; null in lists, and without a caller."""
    may_decide: bool | None


class Endorser(msgspec.Struct, kw_only=True):
    """Somebody who stands behind a dogma."""

    account: Account
    endorsed_as: str
    """`person` or `organization`."""
    version: int
    at: str


class GapCount(msgspec.Struct, kw_only=True):
    """So many cases have these four in common."""

    barriers: list[str]
    phase: str
    outcome: str
    municipality: str
    cases: int


class Place(msgspec.Struct, kw_only=True):
    """Where a meeting is held."""

    name: str
    street: str
    postal_code: str
    town: str
    accessibility: str
    """How to get in and take part, in plain text."""
    latitude: float | None
    longitude: float | None
    municipality: str
    """The four-digit code; empty where it is not known."""


class Meeting(Contribution, kw_only=True):
    """A meeting."""

    community_id: str | None
    summary: str
    """When and where on one line, in the meeting's language."""
    theme: str
    """What it is about, in Markdown; empty for other servers' meetings, whose `content` says it."""
    agenda: str
    starts_at: str
    """In UTC."""
    ends_at: str | None
    timezone: str
    """The IANA name of the zone in which `starts` is written; empty where its server named none."""
    place: Place | None
    online: bool
    """One can take part online."""
    online_url: str | None
    """Null where it is for those who come only, and the caller is none of them."""
    status: str
    """`confirmed`, `tentative` or `cancelled`."""
    cancelled_why: str
    joining: str
    """`free`, `restricted` (the organiser decides), `external` (at `join_url`) or `none`."""
    join_url: str | None
    capacity: int | None
    going: int
    waiting: int
    by_like: bool
    """A like signs up."""
    by_reply: bool
    """A reply with #deltager, or a plain yes, signs up."""
    series: bool
    """It is one of several: see `series` below its address."""
    minutes_id: str | None
    """The comment that is its minutes."""
    my_state: str | None
    """`going`, `waiting`, `asked` or `declined`; null for who has not signed up, and without a caller."""
    organised: bool | None
    """The caller decides who comes; null without a caller."""
    sees_attendees: bool
    """The caller may ask who comes."""
    links: list[Tied]
    """What it is tied to. Empty in lists."""
    linked_from: list[Tied]
    """What is tied to it: its questions, reports that came of it. Empty in lists."""


class Attendee(msgspec.Struct, kw_only=True):
    """Somebody who signed up."""

    number: str
    """The cursor of the list."""
    account: Account
    state: str
    ways: list[str]
    """`web`, `join`, `like`, `reply`; empty to those who only come themselves."""
    signed_up_at: str
    checked_in_at: str | None
