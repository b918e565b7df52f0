"""Plain notes of other servers, many at once: what most of the fediverse sends, in a few statements for all of them.

A note is plain if it answers nothing, is for no community, has no title and no poll, and nobody is waiting for it: then
only its author's followers, whom it mentions, and whoever searches have to do with it. Its rows are the very same that
`arriving.record_remote` writes; a test compares them. Everything else is left to that.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Insert, bindparam, insert, select, union_all
from sqlalchemy.orm import Session

from models import actors, arriving, events, figures, follows, memory, notifications, posts, quick, turns
from models.accounts import Account
from models.actors import Actor
from models.arriving import RemotePost
from models.base import Base, table_of
from models.database import node_of
from models.links import PostLink
from models.posts import Post, PostTag, Recipient, Visibility
from models.search import keeping


def may_be_plain(remote: RemotePost) -> bool:
    """Whether it looks plain by itself; what the database says of it is asked by `record`."""
    return (
        remote.object_type == "Note"
        and remote.visibility != Visibility.DIRECT
        and not (remote.in_reply_to_uri or remote.title or remote.kind_hint or remote.extra or remote.accepted_uri)
        and remote.community is None
        and remote.poll is None
    )


def record(db: Session, remotes: Sequence[RemotePost]) -> set[str]:
    """Record those that are plain and wanted here; their ids. Nothing happens to the others, nor to a second of one id.

    Wanted is what somebody here follows the author of, or is addressed by.
    """
    turns.take(db, *(remote.uri for remote in remotes))  # another process may have their deletion in hand
    found = _Facts.about(db, remotes)
    taken: dict[str, tuple[RemotePost, Post]] = {}
    for remote in remotes:
        if remote.uri not in taken and may_be_plain(remote) and found.allow(remote):
            taken[remote.uri] = remote, _bare(remote)
    if not taken:
        return set()
    fresh = list(taken.values())
    made = [post for _, post in fresh]
    _insert(db, Post, [_values(post) for post in made])
    _insert(db, Recipient, [row for remote, post in fresh for row in _recipients(remote, post, found)])
    _insert(db, PostTag, [row for remote, post in fresh for row in _tags(remote, post)])
    figures.wrote_all(db, made)
    events.posted_all(db, made)
    keeping.keep_new_posts(db, [(post, remote.author, remote.tags) for remote, post in fresh])
    for remote, post in fresh:
        _tell(db, remote.author, post, [found.named[uri] for uri in remote.mentions if uri in found.named], found)
    return set(taken)


@dataclass(frozen=True)
class _Facts:
    """What the database says of several notes, asked at once."""

    spoken_for: Collection[str]
    """Ids of posts that are here, or were, or were deleted before they came; and those that replies or links here wait
    for."""
    named: dict[str, Actor]
    """Whom they address, as far as we know them."""
    accounts: Sequence[Account]
    """Those of whom they name of this node: while they are in hand, no notice asks for its own once more."""
    followed: Collection[int]
    """Authors whom somebody here follows."""
    listening: Mapping[int, Sequence[int]]
    """Who here wants to hear of each post, by author."""
    origin: str

    @classmethod
    def about(cls, db: Session, remotes: Sequence[RemotePost]) -> "_Facts":
        uris = [remote.uri for remote in remotes]
        authors = {remote.author.id for remote in remotes}
        own = {remote.author.followers_uri for remote in remotes} | {actors.PUBLIC}
        addressed = {uri for remote in remotes for uri in (*remote.addressed, *remote.mentions)} - own
        followed = follows.those_followed_here(db, authors)
        named = {actor.uri: actor for actor in actors.by_uris(db, addressed)}
        here = [actor.id for actor in named.values() if actor.local]
        return cls(
            spoken_for={row[0] for row in quick.rows(db, _SPOKEN_FOR, {"uris": uris})},
            named=named,
            accounts=db.scalars(select(Account).where(Account.id.in_(here))).all() if here else (),
            followed=followed.keys(),
            listening=follows.hearing_of(db, [id for id, heard in followed.items() if heard]),
            origin=node_of(db).origin + "/",
        )

    def allow(self, remote: RemotePost) -> bool:
        """Whether it is plain and wanted, by what is known of it."""
        if remote.uri in self.spoken_for or remote.uri.startswith(self.origin):
            return False
        named = [self.named[uri] for uri in (*remote.addressed, *remote.mentions) if uri in self.named]
        if any(actor.is_community for actor in named):
            return False
        return remote.author.id in self.followed or any(actor.local for actor in named)


_posts, _links = table_of(Post).c, table_of(PostLink).c
_URIS: BindParameter[Any] = bindparam("uris", expanding=True)
_SPOKEN_FOR = union_all(
    select(_posts.uri).where(_posts.uri.in_(_URIS)),
    select(_posts.in_reply_to_uri).where(_posts.in_reply_to_uri.in_(_URIS)),
    select(_links.to_uri).where(_links.to_uri.in_(_URIS)),
    memory.kept("deleted", _URIS),
)
_INSERTS: dict[type[Base], Insert] = {mapped: insert(table_of(mapped)) for mapped in (Post, Recipient, PostTag)}


def _insert(db: Session, mapped: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        quick.insert(db, _INSERTS[mapped], rows)


def _bare(remote: RemotePost) -> Post:
    """A post that no session ever sees: none of its values is watched for changes, which would cost as much as the rest."""
    post = Post()
    vars(post).update(arriving.values_of(remote))
    return post


def _values(post: Post) -> dict[str, Any]:
    return {name: value for name, value in vars(post).items() if not name.startswith("_")}


def _recipients(remote: RemotePost, post: Post, found: _Facts) -> Iterable[dict[str, Any]]:
    mentioned = {found.named[uri].id for uri in remote.mentions if uri in found.named} - {post.author_id}
    addressed = {found.named[uri].id for uri in remote.addressed if uri in found.named} - {post.author_id}
    for actor_id in sorted(mentioned | addressed):
        yield {"post_id": post.id, "actor_id": actor_id, "mentioned": actor_id in mentioned}


def _tags(remote: RemotePost, post: Post) -> Iterable[dict[str, Any]]:
    for name, shown in posts.tag_keys(remote.tags).items():
        yield {"post_id": post.id, "name": name, "shown": shown}


def _tell(db: Session, author: Actor, post: Post, mentioned: Sequence[Actor], found: _Facts) -> None:
    for actor in sorted({one for one in mentioned if one.local}, key=lambda one: one.id):
        notifications.notify(db, actor.id, "mention", author, post)
    for account_id in found.listening.get(author.id, ()):
        notifications.notify(db, account_id, notifications.NotificationKind.STATUS, author, post)
