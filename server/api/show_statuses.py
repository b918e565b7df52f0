"""Posts as statuses, a whole list at a time: a fixed number of queries however many there are.

A question's status begins with its title in bold and ends with the line that names the accepted answer, as other
servers get it. A report of experience is its title, its abstract and a link, as Mastodon shows an article. A post for
this node only is `private` to clients, which is how they treat it rightly: it is not to be boosted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models import (
    access,
    actors,
    bookmarks,
    dogmas,
    experience_text,
    experiences,
    polls,
    posts,
    quotes,
    reactions,
    text,
    thread_mutes,
    wording,
)
from models.actors import Actor
from models.base import IDS, made_at
from models.database import node_of
from models.listings import Listing
from models.pins import Pin
from models.posts import Kind, Post, PostTag, Recipient, Visibility
from models.reactions import Boost
from models.statuses import Item
from server.api import show_accounts, show_filters
from server.api.entities.accounts import Account
from server.api.entities.statuses import (
    Application,
    FilterResult,
    Mention,
    Poll,
    PollOption,
    Quote,
    QuoteApproval,
    Seen,
    Status,
    StatusTag,
)
from server.api.show_accounts import SEEN
from server.api.show_attachments import attachments, links
from server.api.times import stamp
from server.media.links import Links
from server.media.links import links as made_here

OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}
ABSTRACT = {"Article", "Page", "Event"}
"""Types on which `summary` is no warning."""


@dataclass
class _Gathered:
    """What belongs to a list of posts."""

    origin: str
    here: Links
    people: dict[int, Actor]
    accounts: dict[int, Account]
    tags: dict[int, list[PostTag]]
    mentioned: dict[int, list[int]]
    parents: dict[int, int]
    """The author of what a post answers, by the answered post's id; without deleted ones."""
    answers: dict[int, Post]
    """Accepted answers, and questions that were asked before, by id."""
    polls: dict[int, polls.Shown]
    quotes: dict[int, int]
    mine: "_Mine"
    reports: dict[int, experiences.Experience] = field(default_factory=dict)
    """What those of the posts have that are reports."""
    brought: dict[int, tuple[str, Seen]] = field(default_factory=dict)
    """Address and visibility of the boosts and announces among the items."""
    endorsable: set[int] = field(default_factory=set)
    """The dogmas among the posts that can be endorsed."""


@dataclass
class _Mine:
    """What the viewer did to the posts."""

    votes: dict[int, int] = field(default_factory=dict)
    boosts: set[int] = field(default_factory=set)
    bookmarks: set[int] = field(default_factory=set)
    pins: set[int] = field(default_factory=set)
    muted: set[int] = field(default_factory=set)
    """Threads."""
    filters: dict[int, list[FilterResult]] = field(default_factory=dict)


def status(db: Session, viewer: Actor | None, one: Item | Post) -> Status:
    """One status as `viewer` sees it. That he may see it is the caller's affair."""
    return statuses(db, viewer, [one])[0]


def statuses(db: Session, viewer: Actor | None, listed: Sequence[Item | Post]) -> list[Status]:
    """Statuses in the order given, as `viewer` sees them. That he may see them is the caller's affair."""
    items = [Item(one.id, one) if isinstance(one, Post) else one for one in listed]
    if not items:
        return []
    quoted = quotes.quoted_in(db, viewer, list({item.post.id: item.post for item in items}.values()))
    found = _gather(db, viewer, [*items, *(Item(post.id, post) for post in quoted.values())])
    shown: dict[int, Status] = {}
    for item in items:
        if item.post.id not in shown:
            shown[item.post.id] = _shown(item.post, found, quoted.get(item.post.id))
    return [shown[item.post.id] if item.through is None else _brought(item, shown, found) for item in items]


def _gather(db: Session, viewer: Actor | None, items: Sequence[Item]) -> _Gathered:
    found = list({item.post.id: item.post for item in items}.values())
    ids = [post.id for post in found]
    mentioned: dict[int, list[int]] = {}
    for post_id, actor_id in db.execute(_MENTIONED, {"ids": ids}):
        mentioned.setdefault(post_id, []).append(actor_id)
    parents = _authors(db, {post.in_reply_to_id for post in found if post.in_reply_to_id})
    answers = _answers(db, viewer, {id for post in found for id in (post.accepted_id, post.duplicate_of_id) if id})
    wanted = {post.author_id for post in found} | {item.through.id for item in items if item.through}
    others = {post.community_id for post in found if post.community_id} | set(parents.values())
    others |= {actor_id for one in mentioned.values() for actor_id in one}
    others |= {answer.author_id for answer in answers.values()}
    people = actors.many(db, wanted | others)
    shown = [people[id] for id in sorted(wanted)]
    return _Gathered(
        node_of(db).origin,
        made_here(db),
        people,
        {actor.id: account for actor, account in zip(shown, show_accounts.accounts(db, shown), strict=True)},
        posts.tags_of(db, ids),
        mentioned,
        parents,
        answers,
        polls.of(db, viewer.id if viewer else None, ids),
        quotes.counts(db, ids),
        _mine(db, viewer, found) if viewer is not None else _Mine(),
        experiences.many(db, found),
        _addresses(db, items),
        {id for id, row in dogmas.many(db, found).items() if row.status in dogmas.OPEN},
    )


_MENTIONED = (
    select(Recipient.post_id, Recipient.actor_id)
    .where(Recipient.post_id.in_(IDS), Recipient.mentioned.is_(True))
    .order_by(Recipient.actor_id)
)


def _authors(db: Session, ids: set[int]) -> dict[int, int]:
    if not ids:
        return {}
    rows = db.execute(select(Post.id, Post.author_id).where(Post.id.in_(ids), Post.deleted_at.is_(None)))
    return {row[0]: row[1] for row in rows}


def _answers(db: Session, viewer: Actor | None, ids: set[int]) -> dict[int, Post]:
    return access.several(db, viewer, ids) if ids else {}


def _mine(db: Session, viewer: Actor, found: Sequence[Post]) -> _Mine:
    ids = [post.id for post in found]
    return _Mine(
        votes=reactions.my_votes(db, viewer.id, ids),
        boosts=reactions.my_boosts(db, viewer.id, ids),
        bookmarks=bookmarks.mine(db, viewer.id, ids),
        pins=set(db.scalars(_PINS, {"actor": viewer.id, "ids": ids})),
        muted=thread_mutes.muted(db, viewer.id, {post.thread_id for post in found}),
        filters=show_filters.matched(db, viewer.id, found),
    )


_PINS = select(Pin.post_id).where(Pin.actor_id == bindparam("actor"), Pin.post_id.in_(IDS))


def _addresses(db: Session, items: Sequence[Item]) -> dict[int, tuple[str, Seen]]:
    ids = [item.at for item in items if item.through is not None]
    if not ids:
        return {}
    found: dict[int, tuple[str, Seen]] = {}
    for at, uri, seen in db.execute(select(Boost.id, Boost.uri, Boost.visibility).where(Boost.id.in_(ids))):
        found[at] = (uri, SEEN.get(seen, "public"))
    for at, uri in db.execute(select(Listing.id, Listing.announce_uri).where(Listing.id.in_(ids))):
        found[at] = (uri, "public")
    return found


def _shown(post: Post, found: _Gathered, quoted: Post | None = None) -> Status:
    mine = found.mine
    seen = SEEN[post.visibility]
    parent_author = found.parents.get(post.in_reply_to_id or 0)
    app = (post.extra or {}).get("app")
    return Status(
        id=str(post.id),
        created_at=stamp(post.published),
        in_reply_to_id=str(post.in_reply_to_id) if parent_author is not None else None,
        in_reply_to_account_id=str(parent_author) if parent_author is not None else None,
        sensitive=post.sensitive,
        spoiler_text="" if post.object_type in ABSTRACT else post.summary,
        visibility=seen,
        language=post.language or None,
        uri=post.uri,
        url=post.url if post.url.startswith("https://") or (post.local and post.url) else post.uri,
        replies_count=post.reply_count,
        reblogs_count=post.boost_count,
        favourites_count=post.up,
        quotes_count=found.quotes.get(post.id, 0),
        edited_at=stamp(post.updated) if post.updated is not None else None,
        favourited=mine.votes.get(post.id) == 1,
        reblogged=post.id in mine.boosts,
        muted=post.thread_id in mine.muted,
        bookmarked=post.id in mine.bookmarks,
        pinned=post.id in mine.pins,
        content=_content(post, found),
        filtered=mine.filters.get(post.id, []),
        reblog=None,
        application=Application(name=app["name"], website=app.get("website") or None) if app else None,
        account=found.accounts[post.author_id],
        media_attachments=attachments(post, found.here),
        mentions=_mentions(post, found),
        tags=[
            StatusTag(name=tag.shown, url=text.tag_url(found.origin, tag.name)) for tag in found.tags.get(post.id, [])
        ],
        emojis=[],
        card=None,
        poll=poll(found.polls[post.id]) if post.id in found.polls else None,
        quote=Quote(state="accepted", quoted_status=_shown(quoted, found)) if quoted is not None else None,
        quote_approval=_quoters(post),
    )


def _quoters(post: Post) -> QuoteApproval:
    """Who may quote it. Nobody does so from here; who may quote what came from elsewhere is not known here."""
    chosen = quotes.policy(post) if post.local else "nobody"
    return QuoteApproval(automatic=[] if chosen == "nobody" else [chosen], manual=[], current_user="denied")


def _content(post: Post, found: _Gathered) -> str:
    if (report := found.reports.get(post.id)) is not None:
        return wording.report(post, experience_text.facts(post, report))
    if post.kind == Kind.EVENT and post.object_type == "Event":
        return wording.meeting(post)
    answer = found.answers.get(post.accepted_id or 0)
    author = found.people.get(answer.author_id) if answer is not None else None
    named = wording.Accepted(answer.uri, author.handle) if answer is not None and author is not None else None
    before = found.answers.get(post.duplicate_of_id or 0)
    original = wording.Original(before.uri, before.title) if before is not None else None
    # What other servers call a tag of theirs stands in their text already.
    tags = [tag.shown for tag in found.tags.get(post.id, [])] if post.local else []
    around = wording.Around(named, original, post.id in found.endorsable)
    return wording.whole(post, origin=found.origin, tags=tags, around=around) + links(post)


def _mentions(post: Post, found: _Gathered) -> list[Mention]:
    """Whom the text names, and as other servers are told: the author of what is answered, and the community."""
    ids = [*found.mentioned.get(post.id, [])]
    if post.local and (parent_author := found.parents.get(post.in_reply_to_id or 0)) is not None:
        ids.insert(0, parent_author)
    if post.community_id is not None and post.visibility in OPEN:
        ids.append(post.community_id)
    return [
        mention(found.people[actor_id])
        for actor_id in dict.fromkeys(ids)
        if actor_id != post.author_id and actor_id in found.people
    ]


def mention(actor: Actor) -> Mention:
    """An actor as a status names it."""
    return Mention(
        id=str(actor.id),
        username=actor.username,
        url=actor.url if actor.url.startswith("http") else actor.uri,
        acct=actor.username if actor.local else actor.handle,
    )


def poll(shown: polls.Shown) -> Poll:
    """A poll as its status carries it."""
    return Poll(
        id=str(shown.post_id),
        expires_at=stamp(shown.expires_at) if shown.expires_at is not None else None,
        expired=shown.expired,
        multiple=shown.multiple,
        votes_count=shown.votes_count,
        voters_count=shown.voters_count,
        options=[PollOption(title=title, votes_count=votes) for title, votes in shown.options],
        emojis=[],
        voted=shown.voted,
        own_votes=list(shown.own) if shown.own is not None else None,
    )


def _brought(item: Item, shown: dict[int, Status], found: _Gathered) -> Status:
    """A boost or an announce: the post inside, and around it who brought it and when."""
    assert item.through is not None
    inner = shown[item.post.id]
    uri, seen = found.brought.get(item.at, ("", "public"))
    return msgspec.structs.replace(
        inner,
        id=str(item.at),
        created_at=stamp(made_at(item.at)),
        edited_at=None,
        in_reply_to_id=None,
        in_reply_to_account_id=None,
        visibility=seen,
        uri=uri or inner.uri,
        url=inner.url,
        account=found.accounts[item.through.id],
        application=None,
        pinned=False,
        reblog=inner,
    )


def ids(items: Iterable[Item | Post]) -> list[int]:
    """The cursors of a list, for its page."""
    return [one.id if isinstance(one, Post) else one.at for one in items]
