"""Actors: persons, communities, organisations and services, of this node and of others, with their keys."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actor_keys, domains, outbox, quick, text
from models.actor_keys import Key
from models.base import IDS, Base, Id, Json, UtcTime, new_id, now, partial_index, table_of
from models.database import node_of, wake
from models.errors import Conflict, Invalid, NotFound

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


class ActorType(StrEnum):
    """The ActivityStreams actor types."""

    PERSON = "Person"
    GROUP = "Group"
    ORGANIZATION = "Organization"
    APPLICATION = "Application"
    SERVICE = "Service"


GROUPS = "type = 'Group'"
"""The condition of an index over the few communities; a query uses it if it says the same in the same words."""


class Actor(Base):
    """Whoever can act. `uri` is the ActivityPub id and never changes; compare ids to the letter."""

    __tablename__ = "actors"
    __table_args__ = (
        UniqueConstraint("username_key", "domain"),
        Index("ix_actors_domain", "domain"),
        Index("ix_actors_shared_inbox", "shared_inbox"),
        partial_index("ix_actors_groups", "local", "name", where=GROUPS),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    local: Mapped[bool]
    username: Mapped[str] = mapped_column(Text)
    username_key: Mapped[str] = mapped_column(Text)
    """The user name in one letter case: look names up by this."""
    domain: Mapped[str] = mapped_column(Text)
    """The handle's domain, A-label form; for local actors the node's."""
    name: Mapped[str] = mapped_column(Text, default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    """Clean HTML, safe to show."""
    summary_source: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    inbox: Mapped[str] = mapped_column(Text, default="")
    shared_inbox: Mapped[str] = mapped_column(Text, default="")
    outbox: Mapped[str] = mapped_column(Text, default="")
    followers_uri: Mapped[str] = mapped_column(Text, default="")
    following_uri: Mapped[str] = mapped_column(Text, default="")
    featured_uri: Mapped[str] = mapped_column(Text, default="")
    moderators_uri: Mapped[str] = mapped_column(Text, default="")
    icon_url: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[Any] = mapped_column(Json, default=list)
    """Profile fields: [{"name": plain text, "value": clean HTML}]; of this node's people also "source", and "verified",
    the time at which the page behind the address named this person as its own."""
    role: Mapped[str] = mapped_column(Text, default="")
    """What a person of this node works as."""
    municipality: Mapped[str] = mapped_column(Text, default="")
    """The four-digit code of a person's municipality."""
    topics: Mapped[Any] = mapped_column(Json, default=list)
    """What a person of this node can be asked about: plain text."""
    affiliation: Mapped[Any] = mapped_column(Json, default=dict)
    """What is shown at the name, see `affiliations`; only ever what is confirmed."""
    also_known_as: Mapped[Any] = mapped_column(Json, default=list)
    moved_to: Mapped[str] = mapped_column(Text, default="")
    moved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    locked: Mapped[bool] = mapped_column(default=False)
    """Follows wait for approval."""
    discoverable: Mapped[bool] = mapped_column(default=False)
    indexable: Mapped[bool] = mapped_column(default=False)
    hides_followers: Mapped[bool] = mapped_column(default=False)
    extra: Mapped[Any] = mapped_column(Json, default=dict)
    """`torv:` and other terms we keep and show but do not act on."""
    published: Mapped[datetime | None] = mapped_column(UtcTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When a remote actor was last read from its origin."""
    standing: Mapped[str] = mapped_column(Text, default="")
    """What holds for it here: empty, `limited` or `blocked`, by the domain rules or by `limited_at` (see `weigh`)."""
    limited_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when moderators of this node show what it writes in lists to its followers only."""
    suspended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)

    @property
    def handle(self) -> str:
        """`name@domain`, without the leading @."""
        return f"{self.username}@{self.domain}"

    @property
    def display_name(self) -> str:
        """The name people see; the user name where there is none."""
        return self.name or self.username

    @property
    def is_community(self) -> bool:
        """A Group, here or elsewhere."""
        return self.type == ActorType.GROUP

    @property
    def automated(self) -> bool:
        """Says of itself that a program writes here: a Service or Application, or a person of ours who marked it so."""
        return self.type in {ActorType.SERVICE, ActorType.APPLICATION} or bool((self.extra or {}).get("automated"))

    @property
    def active(self) -> bool:
        """Neither suspended, deleted, nor on a blocked server."""
        return self.suspended_at is None and self.deleted_at is None and self.standing != "blocked"


RESERVED = frozenset(
    [
        "actor",
        "admin",
        "administrator",
        "anonym",
        "api",
        "about",
        "activities",
        "c",
        "help",
        "inbox",
        "intents",
        "me",
        "moderator",
        "moderators",
        "node",
        "nodeinfo",
        "oauth",
        "org",
        "p",
        "postmaster",
        "root",
        "settings",
        "static",
        "support",
        "system",
        "t",
        "tags",
        "torv",
        "u",
        "webmaster",
    ]
)
PATHS = {ActorType.GROUP: "c", ActorType.ORGANIZATION: "org"}
USERNAMES = {ActorType.SERVICE: r"(?:anonym|kalender)-[a-z0-9_]{1,30}"}
"""What the node makes for a community (`anonymity`, `calendars`); the hyphen keeps the name from everybody else."""


@dataclass(frozen=True)
class RemoteActor:
    """An actor as read from its origin: texts clean, ids checked."""

    uri: str
    type: str
    username: str
    domain: str
    inbox: str
    name: str = ""
    summary: str = ""
    url: str = ""
    shared_inbox: str = ""
    outbox: str = ""
    followers_uri: str = ""
    following_uri: str = ""
    featured_uri: str = ""
    moderators_uri: str = ""
    icon_url: str = ""
    image_url: str = ""
    fields: list[dict[str, str]] = field(default_factory=list)
    also_known_as: list[str] = field(default_factory=list)
    moved_to: str = ""
    locked: bool = False
    discoverable: bool = False
    indexable: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    published: datetime | None = None
    keys: list[tuple[str, str]] = field(default_factory=list)
    """(key id, PEM) of every key whose owner is this actor."""


def get(db: Session, actor_id: int) -> Actor:
    """The actor with this id; raises NotFound."""
    if (actor := db.get(Actor, actor_id)) is None:
        raise NotFound("There is no such actor.")
    return actor


def many(db: Session, ids: Iterable[int]) -> dict[int, Actor]:
    """Actors by id, for a page that shows several."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {actor.id: actor for actor in db.scalars(_BY_IDS, {"ids": list(wanted)})}


_BY_IDS = select(Actor).where(Actor.id.in_(IDS))


def by_uri(db: Session, uri: str) -> Actor | None:
    """The actor with exactly this id, if we know it."""
    return db.scalar(_BY_URI, {"uri": uri})


_BY_URI = select(Actor).where(Actor.uri == bindparam("uri"))


def by_uris(db: Session, uris: Iterable[str]) -> list[Actor]:
    """Those of these ids that we know."""
    wanted = set(uris)
    return list(db.scalars(_BY_URIS, {"uris": list(wanted)})) if wanted else []


_BY_URIS = select(Actor).where(Actor.uri.in_(bindparam("uris", expanding=True)))


def by_handle(db: Session, username: str, domain: str | None = None) -> Actor | None:
    """The actor with this handle, letter case ignored; of this node without `domain`."""
    domain = (domain or node_of(db).domain).lower()
    return db.scalar(_BY_HANDLE, {"name": username.casefold(), "domain": domain})


def _by_handles(db: Session, handles: Collection[tuple[str, str]]) -> list[Actor]:
    """Those who have one of these handles now: folded names and domains."""
    names, hosts = {name for name, _ in handles}, {domain for _, domain in handles}
    found = db.scalars(_BY_HANDLES, {"names": list(names), "domains": list(hosts)})
    return [actor for actor in found if (actor.username_key, actor.domain) in handles]


_BY_HANDLES = select(Actor).where(
    Actor.domain.in_(bindparam("domains", expanding=True)), Actor.username_key.in_(bindparam("names", expanding=True))
)
_BY_HANDLE = select(Actor).where(Actor.username_key == bindparam("name"), Actor.domain == bindparam("domain"))


def find(db: Session, handle: str) -> Actor | None:
    """The actor for `name`, `@name`, `name@domain` or an id, if we know it."""
    if "://" in handle:
        return by_uri(db, handle)
    name, _, domain = handle.lstrip("@").partition("@")
    return by_handle(db, name, domain or None)


def node_actor(db: Session) -> Actor:
    """The Application that signs our fetches; made when first asked for (`torv init` does)."""
    node = node_of(db)
    if (actor := by_uri(db, f"{node.origin}/actor")) is None:
        raise NotFound("This node is not set up yet: run `torv init`.")
    return actor


def create_local(
    db: Session, username: str, type: ActorType, *, name: str = "", summary_source: str = "", locked: bool = False
) -> Actor:
    """A new actor of this node with its RSA key.

    Names are `[a-z0-9_]{1,30}`, unique over persons, communities and organisations, and never used twice: also a
    deleted actor keeps its name. Raises Invalid or Conflict.
    """
    node = node_of(db)
    application = type == ActorType.APPLICATION
    if not application:
        username = username.strip().lower()
        if not re.fullmatch(USERNAMES.get(type, r"[a-z0-9_]{1,30}"), username):
            raise Invalid("A user name has 1 to 30 letters a–z, digits or underscores.", code="username_form")
        if username in RESERVED:
            raise Conflict("This name is reserved.", code="username_reserved")
    if by_handle(db, username):
        raise Conflict("This name is taken.", code="username_taken")
    path = "/actor" if application else f"/{PATHS.get(type, 'u')}/{username}"
    uri = node.origin + path
    actor = Actor(
        id=new_id(),
        uri=uri,
        type=type,
        local=True,
        username=username,
        username_key=username.casefold(),
        domain=node.domain,
        name=text.one_line(name, 100),
        summary_source=summary_source,
        summary=_summary(db, summary_source),
        url=uri,
        inbox=f"{uri}/inbox",
        shared_inbox=f"{node.origin}/inbox",
        outbox=f"{uri}/outbox",
        followers_uri="" if application else f"{uri}/followers",
        following_uri="" if application else f"{uri}/following",
        featured_uri="" if application else f"{uri}/featured",
        moderators_uri=f"{uri}/moderators" if type == ActorType.GROUP else "",
        locked=locked,
        discoverable=not application,
        indexable=not application,
        published=now(),
    )
    db.add(actor)
    db.flush()
    _keep_names(db, actor)
    private_pem, public_pem = actor_keys.new_key_pair()
    db.add(Key(id=new_id(), uri=f"{uri}#main-key", actor_id=actor.id, public_pem=public_pem, private_pem=private_pem))
    db.flush()
    return actor


def _summary(db: Session, source: str) -> str:
    return text.render_markdown(source, resolve=lambda handle: find(db, handle), origin=node_of(db).origin).html


def keys_by_uri(db: Session, key_uris: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(id of its owner, PEM) of each of these keys that we hold."""
    wanted = list(key_uris)
    if not wanted:
        return {}
    return {uri: (owner, pem) for uri, owner, pem in quick.rows(db, _KEYS_BY_URI, {"uris": wanted})}


_keys, _actors = table_of(Key).c, table_of(Actor).c
_KEYS_BY_URI = (
    select(_keys.uri, _actors.uri, _keys.public_pem)
    .join_from(table_of(Key), table_of(Actor), _keys.actor_id == _actors.id)
    .where(_keys.uri.in_(bindparam("uris", expanding=True)), ~_actors.local)
)


def key_by_uri(db: Session, key_uri: str) -> tuple[Key, Actor] | None:
    """A key we hold, and its owner."""
    row = db.execute(_KEY_BY_URI, {"uri": key_uri}).first()
    return (row[0], row[1]) if row else None


_KEY_BY_URI = select(Key, Actor).join(Actor, Key.actor_id == Actor.id).where(Key.uri == bindparam("uri"))


def record_remote(db: Session, remote: RemoteActor, *, ruled: str | None = None) -> Actor:
    """Insert or refresh an actor of another server. What we decided about it (suspension) stays.

    `ruled`: the standing of its server by the domain rules, where it is known already.
    """
    ruled = domains.standing(db, remote.domain) if ruled is None else ruled
    return record_all(db, [remote], {remote.domain: ruled})[0]


def record_all(db: Session, remotes: Sequence[RemoteActor], ruled: Mapping[str, str]) -> list[Actor]:
    """`record_remote` for several, no two with the same id; `ruled` by domain."""
    from models import claims, names  # know actors themselves

    node = node_of(db)
    if any(remote.uri.startswith(node.origin + "/") or remote.domain == node.domain for remote in remotes):
        raise Invalid("An actor of another server with an id or handle of ours.")
    known = {actor.uri: actor for actor in by_uris(db, (remote.uri for remote in remotes))}
    handles = {(remote.username.casefold(), remote.domain.lower()) for remote in remotes}
    holders = {(actor.username_key, actor.domain): actor for actor in _by_handles(db, handles)}
    recorded, fresh = [], set()
    for remote in remotes:
        actor, handle = known.get(remote.uri), (remote.username.casefold(), remote.domain.lower())
        holder = holders.get(handle)
        if holder is not None and holder is not actor:
            # The handle changed hands at its origin (account deleted and made anew): the old actor keeps its posts.
            holder.username_key = f"{holder.username_key}\x1f{holder.id}"
            db.flush()
        if actor is None:
            actor = Actor(id=new_id(), uri=remote.uri, local=False)
            db.add(actor)
            fresh.add(actor.id)
        holders[handle] = actor
        for name in (
            *("type", "username", "domain", "name", "summary", "url", "inbox", "shared_inbox", "outbox"),
            *("followers_uri", "following_uri", "featured_uri", "moderators_uri", "icon_url", "image_url", "fields"),
            *("also_known_as", "locked", "discoverable", "indexable", "extra", "published"),
        ):
            setattr(actor, name, getattr(remote, name))
        actor.username_key = remote.username.casefold()
        if actor.moved_at is None:
            actor.moved_to = remote.moved_to
        actor.fetched_at = actor.changed_at = now()
        actor.deleted_at = None
        weigh(db, actor, ruled=ruled[remote.domain])
        recorded.append(actor)
    db.flush()
    names.keep_new(db, [actor for actor in recorded if actor.id in fresh])
    for actor in recorded:
        if actor.id not in fresh:
            names.keep(db, actor)
    shown = {actor.id: remote.keys for actor, remote in zip(recorded, remotes, strict=True)}
    actor_keys.record_keys(db, shown)
    for actor in recorded:
        claims.claimed(db, actor)
    return recorded


def _keep_names(db: Session, actor: Actor) -> None:
    from models import names

    names.keep(db, actor)


def update_profile(db: Session, actor: Actor, **changes: Any) -> None:
    """Change a local actor's profile and tell the followers.

    Takes name, summary_source, locked, discoverable, indexable, hides_followers, fields, icon_url, image_url,
    also_known_as, role, municipality, topics.
    """
    if "name" in changes:
        changes["name"] = text.one_line(changes["name"], 100)
    if "summary_source" in changes:
        changes["summary_source"] = changes["summary_source"][:5000]
        actor.summary = _summary(db, changes["summary_source"])
    for name, value in changes.items():
        setattr(actor, name, value)
    actor.changed_at = now()
    _keep_names(db, actor)
    outbox.record(
        db, "Update", actor, object_uri=actor.uri, to=[PUBLIC], cc=[actor.followers_uri], public=True, urgent=True
    )


def suspend(db: Session, actor: Actor) -> None:
    """Hide an actor and take nothing more from it. Follows in both directions end, and his places at meetings."""
    from models import attending  # knows actors itself

    actor.suspended_at = actor.suspended_at or now()
    if actor.local:
        wake(db, "tokens")
    db.flush()
    attending.drop(db, actor)


def unsuspend(db: Session, actor: Actor) -> None:
    """End a suspension."""
    actor.suspended_at = None
    db.flush()


def weigh(db: Session, actor: Actor, *, ruled: str | None = None) -> None:
    """Set the actor's standing anew: what the rules say of its server, and what moderators decided about itself.

    `ruled`: the standing of the server, where it is known already.
    """
    if ruled is None:
        ruled = "" if actor.local else domains.standing(db, actor.domain)
    actor.standing = ruled or ("limited" if actor.limited_at is not None else "")


def limit(db: Session, actor: Actor, on: bool = True) -> None:
    """Show what an actor writes in lists to its followers only (or to all again)."""
    actor.limited_at = (actor.limited_at or now()) if on else None
    weigh(db, actor)
    db.flush()
