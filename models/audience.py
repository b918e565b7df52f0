"""Whom a post is addressed to: the one place that turns visibility, thread and community into `to` and `cc`."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.actors import PUBLIC, Actor, get
from models.posts import Post, Recipient, Visibility


def recipients(db: Session, post: Post, *, mentioned_only: bool = False) -> list[Actor]:
    """The actors a post is addressed to by name, in the order they were added."""
    return list(db.scalars(_MENTIONED if mentioned_only else _RECIPIENTS, {"post": post.id}))


_RECIPIENTS = (
    select(Actor)
    .join(Recipient, Recipient.actor_id == Actor.id)
    .where(Recipient.post_id == bindparam("post"))
    .order_by(Actor.id)
)
_MENTIONED = _RECIPIENTS.where(Recipient.mentioned.is_(True))


def addressing(db: Session, post: Post) -> tuple[list[str], list[str]]:
    """`to` and `cc` of a local post and of its Create, Update and Delete.

    Top level in a community: to the community and Public. A reply: to Public and the parent's author, the community
    in cc. Followers-only and direct posts name neither Public nor a community. A node-only post addresses nobody.
    """
    author = get(db, post.author_id)
    named = [actor.uri for actor in recipients(db, post)]
    community = get(db, post.community_id).uri if post.community_id else None
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    parent_author = get(db, parent.author_id).uri if parent else None
    match post.visibility:
        case Visibility.PUBLIC:
            to = [PUBLIC, parent_author] if parent else [community, PUBLIC]
            cc = [community if parent else None, author.followers_uri, *named]
        case Visibility.UNLISTED:
            to = [author.followers_uri, parent_author]
            cc = [PUBLIC, community, *named]
        case Visibility.FOLLOWERS:
            to, cc = [author.followers_uri], [*named]
        case Visibility.DIRECT:
            to, cc = [*named], []
        case _:
            to, cc = [], []
    return _clean(to, set()), _clean(cc, set(filter(None, to)))


def _clean(uris: list[str | None], taken: set[str]) -> list[str]:
    kept: dict[str, None] = {}
    for uri in uris:
        if uri and uri not in taken:
            kept[uri] = None
    return list(kept)
