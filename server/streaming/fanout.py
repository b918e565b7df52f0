"""From an event to messages: who of those who listen may have it, and how it looks to each of them.

A constant number of queries finds all readers of an event. What depends on the reader is rendered for each; what goes
to everybody (`public`, `hashtag`) once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from models import actors, announcements, conversations, notices, polls, posts, watching
from models.actors import Actor
from models.errors import NotFound
from models.events import Event, EventKind
from models.posts import Post, Visibility
from models.statuses import Item
from server.api import show_announcements, show_conversations, show_notifications, show_statuses
from server.streaming.channels import LIST, NOTICES_AT_HOME, PLAIN, TAGGED, Channel
from server.streaming.connections import Message

Listeners = Mapping[Channel, frozenset[int]]
"""Who (account ids) listens to each channel."""

HOME, NOTICES, DIRECT = Channel("user"), Channel("user:notification"), Channel("direct")
PUBLIC = tuple(Channel(name) for name in sorted(PLAIN) if name.startswith("public"))
STATUSES = {EventKind.POSTED, EventKind.EDITED, EventKind.BOOSTED, EventKind.LISTED}


@dataclass(frozen=True)
class Told:
    """A message and the accounts it goes to, among those who listen to its channel."""

    message: Message
    accounts: frozenset[int]


@dataclass
class _Views:
    """How one status looks to each reader, made when somebody asks for it."""

    db: Session
    item: Item
    made: dict[int | None, str] = field(default_factory=dict)
    readers: dict[int, Actor] = field(default_factory=dict)

    def to(self, account_id: int | None) -> str:
        """JSON for this reader, or for anybody."""
        if account_id not in self.made:
            reader = None if account_id is None else self.readers[account_id]
            self.made[account_id] = _json(show_statuses.status(self.db, reader, self.item))
        return self.made[account_id]


def tell(db: Session, event: Event, listeners: Listeners) -> list[Told]:
    """The messages of an event; none if nobody who listens may have it."""
    kind = EventKind(event.kind)
    if kind in STATUSES:
        return list(_status(db, event, listeners))
    if kind == EventKind.DELETED:
        return list(_deleted(db, event, listeners))
    if kind == EventKind.NOTIFIED:
        return list(_notified(db, event, listeners))
    return list(_others(db, event, kind, listeners))


def _status(db: Session, event: Event, listeners: Listeners) -> Iterator[Told]:
    if (found := watching.brought(db, event)) is None:
        return
    post = posts.get(db, found[0])
    if post.deleted_at is not None:
        return
    through = actors.get(db, found[1]) if found[1] else None
    if through is not None and not through.active:
        return
    views = _Views(db, Item(event.subject, post, through))
    name = "status.update" if event.kind == EventKind.EDITED else "update"
    at_home = watching.homes(db, event, post.id, listeners.get(HOME, frozenset()))
    owners = {account for channel, who in listeners.items() if channel.name == LIST for account in who}
    views.readers = actors.many(db, at_home | owners)
    yield from _at_home(db, event, views, name, at_home)
    for channel, who in listeners.items():
        if channel.name == LIST:
            for account_id in who:
                if watching.in_list(db, event, post.id, int(channel.param), views.readers[account_id]):
                    yield _one(channel, name, views.to(account_id), account_id)
    if through is not None:
        return
    for channel, accounts in _open_to(db, post, listeners):
        # Who has filters sees what they make of it; the others all see the same.
        choosy = watching.with_filters(db, accounts)
        views.readers |= actors.many(db, choosy - views.readers.keys())
        for account_id in choosy:
            yield _one(channel, name, views.to(account_id), account_id)
        if accounts - choosy:
            yield Told(Message(channel, name, views.to(None)), accounts - choosy)


def _at_home(db: Session, event: Event, views: _Views, name: str, readers: set[int]) -> Iterator[Told]:
    """What comes into homes. A new post, which nobody has done anything with yet, looks alike to most of its readers."""
    if not readers:
        return
    post = views.item.post
    particular = readers
    if event.kind == EventKind.POSTED and polls.get(db, post.id) is None:
        among = readers - {post.author_id}
        particular = watching.with_filters(db, among) | watching.who_muted(db, post.thread_id, among)
        particular |= readers & {post.author_id}
    if alike := frozenset(readers - particular):
        yield Told(Message(HOME, name, views.to(min(alike))), alike)
    for account_id in particular:
        yield _one(HOME, name, views.to(account_id), account_id)


def _open_to(db: Session, post: Post, listeners: Listeners) -> Iterator[tuple[Channel, frozenset[int]]]:
    """The public channels a post is on, each with those of its listeners who are to see it."""
    if post.visibility != Visibility.PUBLIC:
        return
    public = [channel for channel in PUBLIC if channel in listeners and _fits(channel, post)]
    if not public and not any(channel.name in TAGGED for channel in listeners):
        return
    names = {tag.name for tag in posts.tags_of(db, [post.id]).get(post.id, [])}
    tagged = [
        channel
        for channel in listeners
        if channel.name in TAGGED and channel.param in names and (post.local or channel.local is None)
    ]
    for channels, by_tag in ((public, False), (tagged, True)):
        among = frozenset[int]().union(*(listeners[channel] for channel in channels))
        readers = watching.public_readers(db, post.id, among, tagged=by_tag)
        for channel in channels:
            if reached := listeners[channel] & readers:
                yield channel, reached


def _fits(channel: Channel, post: Post) -> bool:
    return (channel.local is None or channel.local == post.local) and (not channel.media or bool(post.attachments))


def _deleted(db: Session, event: Event, listeners: Listeners) -> Iterator[Told]:
    reached, id = event.data, str(event.subject)
    personal = [channel for channel in listeners if channel == HOME or channel.name == LIST]
    among = frozenset[int]().union(*(listeners[channel] for channel in personal))
    followers = watching.followers(db, reached.get("followers_of", []), among)
    for channel in personal:
        had_it = listeners[channel] & (followers | set(reached.get("accounts", [])))
        if had_it:
            yield Told(Message(channel, "delete", id), had_it)
    if not reached.get("public"):
        return
    for channel, accounts in listeners.items():
        here = channel.local is None or channel.local == reached["local"]
        public = channel in PUBLIC and reached["first"]
        if here and (public or (channel.name in TAGGED and channel.param in reached["tags"])):
            yield Told(Message(channel, "delete", id), accounts)


def _notified(db: Session, event: Event, listeners: Listeners) -> Iterator[Told]:
    account_id = event.account_id or 0
    channels = [channel for channel in (NOTICES_AT_HOME, NOTICES) if account_id in listeners.get(channel, ())]
    if not channels:
        return
    reader = actors.get(db, account_id)
    notice = notices.find(db, reader, event.subject)
    if notice is None:
        return
    shown = _json(show_notifications.several(db, reader, [notice])[0])
    for channel in channels:
        yield _one(channel, "notification", shown, account_id)


def _others(db: Session, event: Event, kind: EventKind, listeners: Listeners) -> Iterator[Told]:
    everybody = listeners.get(HOME, frozenset())
    payload: str | None
    match kind:
        case EventKind.FILTERS:
            yield from _personal(HOME, "filters_changed", None, event.account_id, listeners)
        case EventKind.CONVERSATION if event.account_id in listeners.get(DIRECT, ()):
            payload = _conversation(db, event.account_id or 0, event.subject)
            if payload is not None:
                yield _one(DIRECT, "conversation", payload, event.account_id)
        case EventKind.ANNOUNCEMENT if everybody:
            payload = _announcement(db, event.subject)
            if payload is not None:
                yield Told(Message(HOME, "announcement", payload), everybody)
        case EventKind.ANNOUNCEMENT_GONE if everybody:
            yield Told(Message(HOME, "announcement.delete", str(event.subject)), everybody)
        case EventKind.ANNOUNCEMENT_REACTION if everybody:
            payload = _json({**event.data, "announcement_id": str(event.subject)})
            yield Told(Message(HOME, "announcement.reaction", payload), everybody)


def _conversation(db: Session, account_id: int, conversation_id: int) -> str | None:
    reader = actors.get(db, account_id)
    try:
        row = conversations.get(db, reader, conversation_id)
    except NotFound:
        return None
    return _json(show_conversations.several(db, reader, [row])[0])


def _announcement(db: Session, announcement_id: int) -> str | None:
    try:
        row = announcements.get(db, announcement_id)
    except NotFound:
        return None
    return _json(show_announcements.several(db, None, [row])[0])


def _personal(
    channel: Channel, name: str, payload: str | None, account_id: int | None, listeners: Listeners
) -> Iterable[Told]:
    if account_id in listeners.get(channel, ()):
        yield _one(channel, name, payload, account_id)


def _one(channel: Channel, name: str, payload: str | None, account_id: int | None) -> Told:
    assert account_id is not None
    return Told(Message(channel, name, payload), frozenset([account_id]))


def _json(entity: Any) -> str:
    return msgspec.json.encode(entity).decode()
