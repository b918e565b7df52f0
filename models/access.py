"""Who may see what: the only way to a row that is not for everybody."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session, aliased

from models import viewers
from models.account_domains import AccountDomain
from models.actors import Actor
from models.base import IDS
from models.blocks import Block
from models.communities import Moderator
from models.errors import NotFound
from models.follows import Follow, FollowState
from models.posts import Post, Recipient, Visibility
from models.viewers import is_insider as is_insider

OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)

_Author, _Mine = aliased(Actor), aliased(Follow)
"""Names of their own, so that the conditions mean the post's author and the viewer's follow in whatever query they
stand, also in one that selects actors or follows itself."""


def visible(viewer: Actor | None) -> ColumnElement[bool]:
    """The condition under which `viewer` (None: anybody) may read a Post.

    Deleted posts, and posts of suspended, deleted or blocked-domain actors, are visible to nobody; posts that moderators
    hid, to their authors only.
    """
    hidden = exists().where(
        or_(_Author.suspended_at.is_not(None), _Author.standing == "blocked"), _Author.id == Post.author_id
    )
    shown = and_(Post.deleted_at.is_(None), ~hidden)
    if viewer is None:
        return and_(shown, Post.hidden_at.is_(None), Post.visibility.in_(OPEN), Post.held_for == "")
    unwelcome = [] if viewer.local else [~_domain_blocked(viewer)]
    return and_(shown, _addressed(viewer), _let_in(viewer), ~_blocked(viewer), *unwelcome)


def readable(viewer: Actor) -> ColumnElement[bool]:
    """Whether a post was meant for `viewer` too, whatever moderators or he himself decided about it or its author since:
    what he can report."""
    return and_(Post.deleted_at.is_(None), _addressed(viewer))


def _addressed(viewer: Actor) -> ColumnElement[bool]:
    addressed = exists().where(Recipient.post_id == Post.id, Recipient.actor_id == viewer.id)
    follows = exists().where(
        _Mine.follower_id == viewer.id, _Mine.target_id == Post.author_id, _Mine.state == FollowState.ACCEPTED
    )
    ways = [
        Post.visibility.in_(OPEN),
        Post.author_id == viewer.id,
        and_(Post.visibility == Visibility.FOLLOWERS, or_(addressed, follows)),
        and_(Post.visibility == Visibility.DIRECT, addressed),
    ]
    if is_insider(viewer):
        ways.append(Post.visibility == Visibility.NODE)
    return or_(*ways)


def _let_in(viewer: Actor) -> ColumnElement[bool]:
    """What waits for a moderator is read by its author and the moderators of its community only, and what one has hidden
    by its author."""
    from models.anonymity import AnonymousPost  # knows posts itself

    moderated = exists().where(Moderator.community_id == Post.community_id, Moderator.actor_id == viewer.id)
    wrote = exists().where(AnonymousPost.post_id == Post.id, AnonymousPost.account_id == viewer.id)
    own = or_(Post.author_id == viewer.id, wrote)
    return and_(or_(Post.held_for == "", own, moderated), or_(Post.hidden_at.is_(None), own))


def _blocked(viewer: Actor) -> ColumnElement[bool]:
    return exists().where(
        or_(
            and_(Block.actor_id == viewer.id, Block.target_id == Post.author_id),
            and_(Block.actor_id == Post.author_id, Block.target_id == viewer.id),
        )
    )


def _domain_blocked(viewer: Actor) -> ColumnElement[bool]:
    """The author wants nothing of the server that `viewer` reads from."""
    return exists().where(AccountDomain.actor_id == Post.author_id, AccountDomain.domain == viewer.domain)


def apart(viewer: Actor | None) -> ColumnElement[bool]:
    """The condition that a Post is by somebody whom moderators have limited, himself or his server, and whom `viewer`
    does not follow: in no list that nobody asked for by his name, and folded away at the end of a thread."""
    limited = exists().where(_Author.id == Post.author_id, _Author.standing == "limited")
    if viewer is None:
        return limited
    followed = exists().where(
        _Mine.follower_id == viewer.id, _Mine.target_id == Post.author_id, _Mine.state == FollowState.ACCEPTED
    )
    return and_(limited, ~followed, Post.author_id != viewer.id)


def listed(viewer: Actor | None) -> ColumnElement[bool]:
    """`visible`, and fit for lists nobody asked for by name."""
    return and_(visible(viewer), ~apart(viewer))


def kept_apart(db: Session, viewer: Actor | None, people: Iterable[Actor]) -> set[int]:
    """Those of these people whose posts are `apart` for `viewer`, by id."""
    limited = {actor.id for actor in people if actor.standing == "limited"}
    if viewer is None or not limited:
        return limited
    followed = select(Follow.target_id).where(
        Follow.follower_id == viewer.id, Follow.target_id.in_(limited), Follow.state == FollowState.ACCEPTED
    )
    return limited - set(db.scalars(followed)) - {viewer.id}


def access_post(db: Session, viewer: Actor | None, post_id: int) -> Post:
    """The post, if `viewer` may read it. Private, deleted and never written give the same NotFound."""
    post = several(db, viewer, [post_id]).get(post_id)
    if post is None:
        raise NotFound("There is no such post, or you may not see it.")
    return post


def several(db: Session, viewer: Actor | None, post_ids: Iterable[int]) -> dict[int, Post]:
    """Those of these posts that `viewer` may read, by id."""
    values = {"ids": list(post_ids), **viewers.values(viewer)}
    return {post.id: post for post in db.scalars(_several(viewer), values)}


@viewers.kept
def _several(viewer: Actor | None) -> Select[Post]:
    return select(Post).where(Post.id.in_(IDS), visible(viewer))


def access_post_uri(db: Session, viewer: Actor | None, uri: str) -> Post:
    """`access_post` by ActivityPub id."""
    post = db.scalar(select(Post).where(Post.uri == uri, visible(viewer)))
    if post is None:
        raise NotFound("There is no such post, or you may not see it.")
    return post


def may_see(db: Session, viewer: Actor | None, post: Post) -> bool:
    """Whether `viewer` may read this post."""
    return db.scalar(_may_see(viewer), {"post": post.id, **viewers.values(viewer)}) is not None


@viewers.kept
def _may_see(viewer: Actor | None) -> Select[int]:
    return select(Post.id).where(Post.id == bindparam("post"), visible(viewer))


def access_actor(db: Session, viewer: Actor | None, username: str, domain: str | None = None) -> Actor:
    """The actor with this handle, if there is one to be shown; raises NotFound."""
    from models import actors, blocks

    actor = actors.by_handle(db, username, domain)
    if actor is None or not actor.active:
        raise NotFound("There is no such account.")
    if viewer is not None and blocks.has_blocked(db, actor.id, viewer.id):
        raise NotFound("There is no such account.")
    return actor
