"""Asking without showing one's name: a question that its community's own `Service` actor writes for somebody.

Readers, apps and other servers see `anonym-<community>` as author of the question, and of what its asker says below it.
Who that is stands in one table that nothing but this module reads. He himself is shown it, and those who moderate the
node; nobody else, and he keeps the rights of an author: to edit, delete and accept, which then happen in the name of
the `Service`. He is told of what happens to the post; he cannot vote for it or pin it, because that would name him.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors
from models.accounts import Account, Role
from models.actors import Actor, ActorType
from models.base import Base
from models.errors import Forbidden, Invalid
from models.media import Media
from models.posts import Kind, Post, Visibility

PREFIX = "anonym-"
"""Of the user names; people and communities have no hyphen in theirs, so nobody can take one."""

NAME = "Anonym"


class AnonymousPost(Base):
    """Who wrote a post whose author is a community's `Service` actor. Goes when the post or the account does."""

    __tablename__ = "anonymous_posts"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)


def is_service(actor: Actor) -> bool:
    """Whether an actor is one through which the members of a community of this node ask anonymously."""
    return actor.local and actor.type == ActorType.SERVICE and actor.username.startswith(PREFIX)


def offered(community: Actor | None) -> bool:
    """Whether one can ask anonymously there: in the communities of this node, whose moderators then know who asks."""
    return community is not None and community.local


def face(db: Session, author: Actor, kind: Kind, community: Actor | None, parent: Post | None) -> Actor:
    """The actor who writes an anonymous post for `author`: a question, or a reply below his own anonymous question.

    Raises Invalid for anything else, Forbidden below a question that is not his,
    and for who is limited: the limit would not hold.
    """
    if author.standing == "limited":
        raise Forbidden("The moderators have limited your account: you can write, but not anonymously.", code="limited")
    if parent is not None and _asker_id(db, parent.thread_id) != author.id:
        raise Forbidden("Only the person who asked anonymously can write anonymously there.", code="not_asker")
    if community is None or not offered(community) or (parent is None and kind != Kind.QUESTION):
        raise Invalid("You can ask anonymously only in a community on this server.", code="anonymity_unfit")
    service = actors.by_handle(db, PREFIX + community.username)
    if service is None:
        service = actors.create_local(
            db,
            PREFIX + community.username,
            ActorType.SERVICE,
            name=NAME,
            summary_source=f"Medlemmer af @{community.username} spørger her uden at vise deres navn. / "
            f"Members of @{community.username} ask here without showing their names.",
        )
        service.discoverable = False
    if not service.active:
        raise Forbidden("Nobody can ask anonymously here at present.", code="anonymity_closed")
    return service


def remember(db: Session, post: Post, author: Actor) -> None:
    """Note who wrote an anonymous post."""
    db.add(AnonymousPost(post_id=post.id, account_id=author.id))
    db.flush()


def wrote(db: Session, actor: Actor, post: Post) -> bool:
    """Whether a post is `actor`'s, be it under his name or anonymously."""
    return is_of(db, actor.id, post)


def is_of(db: Session, account_id: int, post: Post) -> bool:
    """Whether a post is this account's, under whatever name."""
    return post.author_id == account_id or (post.local and _asker_id(db, post.id) == account_id)


def acting(db: Session, actor: Actor, post: Post) -> Actor:
    """As whom `actor` does something to a post: as its anonymous author where that is he, else as himself."""
    return actors.get(db, post.author_id) if post.author_id != actor.id and wrote(db, actor, post) else actor


def told(db: Session, actor_id: int, post: Post | None) -> int:
    """Whose account hears what concerns `actor_id` about `post`: for the author of an anonymous question, its asker.

    He hears nothing of a reply to the `Service` alone, which he may not read.
    """
    if post is None or post.visibility in {Visibility.DIRECT, Visibility.FOLLOWERS}:
        return actor_id
    # Where questions were merged, several people may write as one `Service` in one thread: what is nearest counts.
    for id in dict.fromkeys((post.id, post.in_reply_to_id, post.thread_id)):
        one = post if id == post.id else db.get(Post, id) if id is not None else None
        if one is not None and one.author_id == actor_id and one.local:
            return _asker_id(db, one.id) or actor_id
    return actor_id


def unlink(db: Session, account_id: int) -> None:
    """Forget which posts somebody wrote anonymously: he leaves. They stay, pictures included, and are nobody's now; did
    they go with him, everybody could see whose they were."""
    of_his = select(AnonymousPost.post_id).where(AnonymousPost.account_id == account_id)
    db.execute(update(Media).where(Media.post_id.in_(of_his)).values(account_id=None))
    db.execute(delete(AnonymousPost).where(AnonymousPost.account_id == account_id))


def posts_of(db: Session, account_id: int) -> list[Post]:
    """What somebody wrote anonymously, oldest first: for the copy of his own data."""
    query = select(Post).join(AnonymousPost, AnonymousPost.post_id == Post.id)
    return list(db.scalars(query.where(AnonymousPost.account_id == account_id).order_by(Post.id)))


def mine(db: Session, account_id: int, post_ids: Sequence[int]) -> set[int]:
    """Which of these posts somebody wrote anonymously."""
    query = select(AnonymousPost.post_id).where(
        AnonymousPost.post_id.in_(post_ids), AnonymousPost.account_id == account_id
    )
    return set(db.scalars(query))


def authors(db: Session, viewer: Actor, post_ids: Iterable[int]) -> dict[int, int]:
    """Who wrote those of these posts that are anonymous, for who moderates this node; for others nothing at all."""
    if not moderates_node(db, viewer):
        return {}
    query = select(AnonymousPost.post_id, AnonymousPost.account_id).where(AnonymousPost.post_id.in_(list(post_ids)))
    return {row[0]: row[1] for row in db.execute(query)}


def moderates_node(db: Session, viewer: Actor) -> bool:
    """Whether somebody has the role of moderator or administrator on this node."""
    account = db.get(Account, viewer.id)
    return account is not None and account.suspended_at is None and account.role in {Role.MODERATOR, Role.ADMIN}


def _asker_id(db: Session, post_id: int) -> int | None:
    row = db.get(AnonymousPost, post_id)
    return row.account_id if row is not None else None
