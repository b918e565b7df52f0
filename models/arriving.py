"""Posts from other servers: recorded once, threaded, counted, shown in their community, told to whom it concerns."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    bans,
    calls,
    communities,
    composing,
    conversations,
    dogmas,
    duplicates,
    endorsing,
    events,
    experience_cases,
    experiences,
    figures,
    links,
    listings,
    meetings,
    memory,
    notifications,
    planning,
    polls,
    posts,
    responses,
    text,
    threads,
)
from models.actors import Actor
from models.base import new_id, now
from models.database import node_of
from models.errors import Forbidden, Gone, Invalid
from models.posts import Kind, Post, Visibility
from models.search import keeping

RESERVED_KINDS = {Kind.EXPERIENCE, Kind.EVENT, Kind.DOGMA}
TITLED_TYPES = {"Page", "Article"}


@dataclass(frozen=True)
class RemotePost:
    """A post as read from its origin: HTML clean, ids checked, lengths capped."""

    uri: str
    author: Actor
    visibility: Visibility
    published: datetime
    url: str = ""
    object_type: str = "Note"
    kind_hint: str = ""
    """`torv:kind`, where there is one."""
    title: str = ""
    content: str = ""
    source: str = ""
    summary: str = ""
    sensitive: bool = False
    language: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    in_reply_to_uri: str = ""
    context_uri: str = ""
    to: list[str] = field(default_factory=list)
    cc: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    """Ids that the tags mention and `to` or `cc` address."""
    tags: list[str] = field(default_factory=list)
    community: Actor | None = None
    """For a first post: its home community."""
    updated: datetime | None = None
    accepted_uri: str = ""
    poll: polls.RemotePoll | None = None
    co_authors: list[Actor] = field(default_factory=list)
    """Of a report: whom it names as co-authors, as far as they are known; and whom to ask."""
    contacts: list[Actor] = field(default_factory=list)

    @property
    def addressed(self) -> set[str]:
        """Everybody in `to` and `cc`."""
        return {*self.to, *self.cc}


def record_remote(
    db: Session, remote: RemotePost, *, inner: dict[str, Any] | None = None, told: bool = True
) -> tuple[Post, bool]:
    """Record a post of another server once; (row, whether it is new).

    `inner` is the Create as it came (with proof), for the community to wrap; None where the post was fetched. `told`
    False: a backfill, which notifies nobody and is passed on to nobody. Raises Gone for what was deleted, Invalid for
    an id of ours.
    """
    if remote.uri.startswith(node_of(db).origin + "/"):
        raise Invalid("A post of another server with an id of ours.")
    known = posts.by_uri(db, remote.uri)
    # A deletion that came before its post counts if its author sent it, not if somebody else on his server did.
    deleted_by = memory.recall(db, "deleted", remote.uri)
    if (known is not None and known.deleted_at is not None) or deleted_by in (True, remote.author.uri):
        raise Gone("This post was deleted.")
    if known is not None:
        if known.author_id != remote.author.id:
            raise Forbidden("This post belongs to somebody else.")
        return known, False
    parent = posts.by_uri(db, remote.in_reply_to_uri)
    if parent is not None and remote.visibility in duplicates.SHOWN:
        parent = posts.answered_at(db, parent)
    post = new(remote)
    if parent is None and not remote.in_reply_to_uri and remote.community is not None:
        post.community_id = remote.community.id
    _place(db, post, parent, remote.author, remote.kind_hint)
    home = communities.home_of(db, post)
    if home is not None and home.local:
        other = not post.in_reply_to_uri and post.kind != Kind.QUESTION
        if other and communities.known(db, home).questions_only:
            post.community_id = home = None
        let_in_as = Kind.QUESTION if remote.poll is not None and parent is None else Kind(post.kind)
        reason = admission.weigh(db, remote.author, home, let_in_as, admission.recorded(post))
        post.held_for = str(reason or "")
    db.add(post)
    db.flush()
    _names(db, post, remote)
    polls.take(db, post, remote.poll)
    posts.set_tags(db, post, remote.tags)
    if parent is not None and not post.held_for:
        composing.count_reply(db, parent, post, 1)
    adopt_orphans(db, post)
    links.arrived(db, post)
    _tie(db, post, remote)
    if post.kind == Kind.QUESTION and remote.accepted_uri:
        threads.note_accepted(db, post, remote.accepted_uri)
    duplicates.said_elsewhere(db, post, "", str(post.extra.get("duplicateOf", "")))
    conversations.note(db, post)
    if told and not post.held_for:
        let_out(db, remote.author, post, parent, inner)
    elif not told and parent is None and post.community_id is not None and composing.open_visibility(post):
        home = communities.home_of(db, post)
        if home is not None and not home.local:
            listings.list_thread(db, home, post)
    figures.wrote(db, post)
    return post, True


def _tie(db: Session, post: Post, remote: RemotePost) -> None:
    """What it is tied to, and what it has as a report, a meeting or a dogma."""
    links.take(db, post, (post.extra or {}).get("links") or {})
    experience_cases.take(db, post, claimed=remote.co_authors, contacts=remote.contacts)
    if dogmas.take(db, post) and not post.held_for:
        endorsing.look_again(db, post, remote.author)
    if post.kind == Kind.EXPERIENCE:  # what has rows of its own is not kept twice
        post.extra = {key: value for key, value in post.extra.items() if key not in experiences.IN_ROWS}
    planning.taken(db, post, meetings.take(db, post))
    if meetings.find(db, post) is not None:
        post.extra = {key: value for key, value in post.extra.items() if key != "event"}
    calls.take(db, post)


def new(remote: RemotePost) -> Post:
    """A post of another server as the first of a thread, its place not found yet and nothing written."""
    return Post(**values_of(remote))


def values_of(remote: RemotePost) -> dict[str, Any]:
    """All that `new` gives a post."""
    id = new_id(remote.published)
    return {
        "id": id,
        "uri": remote.uri,
        "local": False,
        "author_id": remote.author.id,
        "visibility": remote.visibility,
        "in_reply_to_uri": remote.in_reply_to_uri,
        "published": remote.published,
        "kind": Kind.NOTE,
        "context_uri": remote.context_uri,
        **dict.fromkeys(("up", "down", "reply_count", "answer_count", "boost_count"), 0),
        "thread_id": id,
        "held_for": "",
        **_said(remote),
    }


def let_out(db: Session, author: Actor, post: Post, parent: Post | None, inner: dict[str, Any] | None = None) -> None:
    """Show a post of another server to those it is for: the community's share, notices and streams."""
    _pass_on(db, post, parent, inner)
    composing.tell_readers(db, post, author, parent)
    calls.planned(db, post)
    events.posted(db, post)


def _said(remote: RemotePost) -> dict[str, Any]:
    """What every edition says anew."""
    titled = bool(remote.title) and not remote.in_reply_to_uri
    content = text.without_title(remote.content, remote.title) if titled else remote.content
    if remote.object_type == "Event":  # when and where stand in rows, and Torv writes them in the text as well
        content = text.without_title(content, remote.summary)
    return {
        "url": remote.url or remote.uri,
        "title": remote.title if titled else "",
        "content": text.without_accepted_line(
            text.strip_leading_mentions(content) if remote.in_reply_to_uri else content
        ),
        "source": remote.source,
        "summary": remote.summary,
        "sensitive": remote.sensitive,
        "language": remote.language,
        "attachments": remote.attachments,
        "extra": {**remote.extra, **({"kind": remote.kind_hint} if remote.kind_hint else {})},
        "object_type": remote.object_type,
        "updated": remote.updated,
        "checked_at": now(),
    }


def _place(db: Session, post: Post, parent: Post | None, author: Actor, hint: str) -> None:
    """Thread, community and kind of a post, judged by what it answers (never by how it is addressed)."""
    if parent is not None:
        post.in_reply_to_id, post.thread_id, post.community_id = parent.id, parent.thread_id, parent.community_id
        post.context_uri = post.context_uri or parent.context_uri
        direct = parent.kind == Kind.QUESTION
        post.kind = Kind.ANSWER if direct and hint != Kind.COMMENT else Kind.COMMENT
        home = communities.home_of(db, post)
        # Whether somebody is from outside is for the home to say; elsewhere we only know what it announces.
        post.unreviewed = (
            post.kind == Kind.ANSWER and home is not None and home.local and not communities.is_member(db, author, home)
        )
        return
    if post.in_reply_to_uri:
        post.kind = Kind.COMMENT
    elif hint in RESERVED_KINDS:
        post.kind = Kind(hint)
    elif post.object_type == polls.OBJECT_TYPE:
        post.kind = Kind.NOTE  # what ActivityStreams calls a Question is a poll
    elif post.community_id is not None and (post.title or post.object_type in TITLED_TYPES or hint == Kind.QUESTION):
        post.kind = Kind.QUESTION
        post.title = post.title or text.one_line(text.plain(post.content), 100)


def _names(db: Session, post: Post, remote: RemotePost) -> list[Actor]:
    mentioned = actors.by_uris(db, remote.mentions)
    addressed = [actor for actor in actors.by_uris(db, remote.addressed) if not actor.is_community]
    return posts.set_recipients(db, post, [a for a in mentioned if not a.is_community], addressed)


def _pass_on(db: Session, post: Post, parent: Post | None, inner: dict[str, Any] | None) -> None:
    if not composing.open_visibility(post) or post.community_id is None:
        return
    if parent is None and not post.in_reply_to_uri:
        listings.publish_thread(db, post, inner)
    elif parent is not None:
        listings.pass_on(db, post, inner)


def adopt_orphans(db: Session, parent: Post) -> None:
    """Replies that came before what they answer take their place below it."""
    orphans = db.scalars(
        select(Post).where(
            Post.in_reply_to_uri == parent.uri,
            Post.in_reply_to_id.is_(None),
            Post.deleted_at.is_(None),
            Post.id != parent.id,
        )
    ).all()
    for orphan in orphans:
        old_thread = orphan.thread_id
        _place(db, orphan, parent, actors.get(db, orphan.author_id), (orphan.extra or {}).get("kind", ""))
        if bans.is_banned(db, orphan.author_id, orphan.community_id):
            orphan.held_for = str(admission.Reason.KEPT_OUT)
        db.flush()
        if not orphan.held_for:
            composing.count_reply(db, parent, orphan, 1)
        below = Post.thread_id == old_thread if old_thread == orphan.id else Post.in_reply_to_id == orphan.id
        moved = (
            update(Post)
            .where(below, Post.id != orphan.id)
            .values(thread_id=parent.thread_id, community_id=parent.community_id)
        )
        keeping.touch(db, db.scalars(moved.returning(Post.id)).all())
        if old_thread == orphan.id:
            conversations.rethread(db, old_thread, parent.thread_id)
    db.flush()


def update_remote(
    db: Session, remote: RemotePost, *, inner: dict[str, Any] | None = None, fetched: bool = False
) -> bool:
    """A new edition of a remote post; False if it is not newer.

    Only what is strictly newer counts, unless it was `fetched` from its origin just now, which is the truth whatever
    its date. Who may read it never changes by an Update. Raises Forbidden when the author is another.
    """
    post = posts.by_uri(db, remote.uri)
    if post is None or post.deleted_at is not None:
        return False
    if post.author_id != remote.author.id:
        raise Forbidden("This post belongs to somebody else.")
    last = post.updated or post.published
    newer = remote.updated is not None and remote.updated > last
    if not newer and not fetched:
        return False
    old = {"title": post.title, "content": post.content, "summary": post.summary, "source": post.source}
    kind, title, extra = post.kind, post.title, post.extra or {}
    for name, value in _said(remote).items():
        setattr(post, name, value)
    if kind == Kind.QUESTION and not post.title:
        post.title = title
    if not newer:
        post.updated = last if last != post.published else None
    changed = any(getattr(post, name) != value for name, value in old.items())
    if changed:
        db.add(posts.Edition(id=new_id(), post_id=post.id, written_at=last, **old))
        if not newer:
            post.updated = posts.next_update(post)
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    if (
        parent is not None
        and parent.kind == Kind.QUESTION
        and remote.kind_hint in {Kind.ANSWER, Kind.COMMENT}
        and remote.kind_hint not in {kind, extra.get("kind")}  # what was turned here stays so
    ):
        threads.set_kind(db, post, Kind(remote.kind_hint))
    home = communities.home_of(db, post)
    reason = admission.weigh(db, remote.author, home, Kind(post.kind), admission.recorded(post), edited=post)
    if reason is not None and reason != admission.Reason.CLASS:
        composing.hold_again(db, post, reason)
    db.flush()
    polls.take(db, post, remote.poll)
    posts.set_tags(db, post, remote.tags)
    named = _names(db, post, remote)
    _tie(db, post, remote)
    told = {one.account_id: one.kind for one in experience_cases.told(db, post)}
    for actor in named if not post.held_for else ():
        notifications.notify(db, actor.id, told.get(actor.id, "mention"), remote.author, post)
    if post.kind == Kind.QUESTION:
        threads.note_accepted(db, post, remote.accepted_uri)
        duplicates.said_elsewhere(db, post, str(extra.get("duplicateOf", "")), str(post.extra.get("duplicateOf", "")))
    if changed and parent is not None and not post.held_for:
        responses.replied(db, remote.author, post, parent)
    if newer or changed:
        listings.pass_on(db, post, inner)
        if not post.held_for:
            events.edited(db, post)
    return newer or changed
