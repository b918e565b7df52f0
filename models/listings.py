"""The list of threads that each community shows: its own and its twins', announced, hidden and taken out."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import events, follows, moderation, notifications, outbox, text
from models.actors import PUBLIC, Actor
from models.base import Base, Id, UtcTime, insert_unless_there, new_id, now
from models.communities import Community, home_of, is_moderator, require_moderator
from models.errors import Forbidden, NotFound
from models.posts import Post, Visibility


class Listing(Base):
    """A thread in a community's list: its own threads, and those a twinned community announced."""

    __tablename__ = "listings"
    __table_args__ = (
        Index("ix_listings_community_id_id", "community_id", "id"),
        UniqueConstraint("community_id", "post_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), index=True)
    through_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """The twin that announced it; null for the home's own."""
    announce_uri: Mapped[str] = mapped_column(Text, default="")
    """Our plain Announce of it (so that a Delete can undo it), or the one received."""
    hidden_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Hidden here by a moderator of this node."""


def open_to_all(db: Session, post: Post) -> bool:
    """Whether a community may show a post to the world at all: private and node-only ones are never announced."""
    if post.visibility not in {Visibility.PUBLIC, Visibility.UNLISTED} or post.deleted_at is not None:
        return False
    row = db.get(Community, post.community_id) if post.community_id else None
    return not (row is not None and row.node_only)


def apart(db: Session, post: Post) -> bool:
    """Whether moderators have limited whoever wrote a post, himself or his server: no community of ours announces it."""
    author = db.get(Actor, post.author_id)
    return author is not None and author.standing == "limited"


def pass_on(
    db: Session, post: Post, inner: dict[str, Any] | None, *, own: outbox.Activity | None = None, deleted: bool = False
) -> None:
    """The home community wraps an activity about one of its threads for the servers that read FEP-1b12.

    Only the home does (no loops, no doubles), only for open threads. Of a limited author's post others hear what
    becomes of it if they heard of it before he was limited, and nothing else. `inner` is the activity unchanged as it came;
    `own` one of ours. With neither, the activity had no proof and the post's id is announced instead.
    """
    group = home_of(db, post)
    if group is None or not group.local or not (deleted or open_to_all(db, post)) or held(db, post):
        return
    if apart(db, post) and not outbox.announced(db, group.id, post):
        return
    data: dict[str, Any] = {"only": "wraps"}
    if own is not None:
        data["inner"] = own.id
        object_uri = own.uri
    elif inner is not None:
        data["embed"] = {key: value for key, value in inner.items() if key not in {"@context", "signature"}}
        object_uri = str(inner.get("id", ""))
    else:
        object_uri = post.uri
    outbox.record(
        db,
        "Announce",
        group,
        object_uri=object_uri,
        post=post,
        to=[PUBLIC],
        cc=[group.followers_uri],
        public=True,
        data=data,
    )


def held(db: Session, post: Post) -> bool:
    """What the community holds back: until a moderator lets it in, or an answer from outside until somebody keeps it."""
    if post.held_for:
        return True
    row = db.get(Community, post.community_id) if post.community_id else None
    return post.unreviewed and row is not None and row.holds_outside


def publish_thread(
    db: Session, post: Post, inner: dict[str, Any] | None, *, own: outbox.Activity | None = None
) -> None:
    """A first post enters its home community: into the list, wrapped, and announced plainly for everybody else."""
    group = home_of(db, post)
    if group is None:
        return
    announce_uri = ""
    if group.local and open_to_all(db, post) and not apart(db, post):
        pass_on(db, post, inner, own=own)
        # Mastodon does not read the Announce of a poll; those who follow its author, or whom it names, have it from him.
        announce_uri = announce(db, group, post).uri if post.object_type != "Question" else ""
    list_thread(db, group, post, uri=announce_uri)


def announce(db: Session, group: Actor, post: Post) -> outbox.Activity:
    """The plain Announce: its followers on Mastodon and the like see the post."""
    return outbox.record(
        db, "Announce", group, object_uri=post.uri, post=post, to=[PUBLIC], cc=[group.followers_uri], public=True
    )


def list_thread(db: Session, group: Actor, post: Post, *, through: Actor | None = None, uri: str = "") -> bool:
    """Put a thread on a community's list once; False if it stands there."""
    from models import figures

    id = new_id(post.published)
    fresh = insert_unless_there(
        db,
        Listing,
        id=id,
        community_id=group.id,
        post_id=post.id,
        through_id=through.id if through else None,
        announce_uri=uri,
    )
    if fresh:
        figures.listed(db, group.id, post)
        events.listed(db, id, post)
    return fresh


def announced(db: Session, by: Actor, post: Post, uri: str) -> bool:
    """A community elsewhere announced one of its own threads: list it there, and at every twin of this node.

    False if the thread's home is another community (then it is an ordinary boost).
    """
    if post.community_id != by.id or post.in_reply_to_uri:
        return False
    list_thread(db, by, post, uri=uri)
    # A thread that came by itself is listed already; the first Announce is the one that its Undo will name.
    unnamed = (Listing.community_id == by.id, Listing.post_id == post.id, Listing.announce_uri == "")
    db.execute(update(Listing).where(*unnamed).values(announce_uri=uri))
    for group in follows.local_followers(db, by):
        if group.is_community:
            list_thread(db, group, post, through=by, uri=uri)
    return True


def listed_by(db: Session, announce_uri: str) -> Post | None:
    """The thread that an Announce of this id put on a list."""
    if not announce_uri:
        return None
    return db.scalars(
        select(Post).join(Listing, Listing.post_id == Post.id).where(Listing.announce_uri == announce_uri)
    ).first()


def unannounced(db: Session, by: Actor, post: Post) -> bool:
    """A community elsewhere took its Announce of a thread back (moved, deleted): off its list and its twins' lists."""
    from models import figures

    rows = db.scalars(
        select(Listing).where(
            Listing.post_id == post.id, or_(Listing.community_id == by.id, Listing.through_id == by.id)
        )
    ).all()
    for row in rows:
        db.delete(row)
        figures.unlisted(db, row.community_id, post)
    db.flush()
    return bool(rows)


def hide(db: Session, by: Actor, group: Actor, post: Post, *, hidden: bool = True) -> None:
    """Hide a twin's thread here (or show it again); its home is not told."""
    require_moderator(db, by, group)
    row = db.scalar(select(Listing).where(Listing.community_id == group.id, Listing.post_id == post.id))
    if row is None:
        raise NotFound("This thread is not on the community's list.")
    row.hidden_at = now() if hidden else None
    moderation.audit(db, by.id, "community.hide" if hidden else "community.show", post.uri, community=group.uri)


def undo_announces(db: Session, post: Post) -> None:
    """Take the plain Announces of a deleted post back, for servers that only hear the community."""
    group = home_of(db, post)
    if group is None or not group.local:
        return
    for activity in outbox.plain_announces(db, group.id, post):
        embed = {
            "id": activity.uri,
            "type": "Announce",
            "actor": group.uri,
            "object": post.uri,
            "to": activity.to,
            "cc": activity.cc,
        }
        outbox.record(
            db,
            "Undo",
            group,
            object_uri=activity.uri,
            post=post,
            to=[PUBLIC],
            cc=[group.followers_uri],
            data={"embed": embed},
        )


def remove_post(
    db: Session, by: Actor, post: Post, reason: str, *, inner: dict[str, Any] | None = None, tell: bool = True
) -> None:
    """A moderator, or the community itself, takes a post out of it. The post stays with its author, who is told."""
    group = _governed(db, by, post)
    if post.removed_at is not None:
        return
    post.removed_at = now()
    db.flush()
    if by.local and group.local:
        deletion = outbox.record(
            db,
            "Delete",
            by,
            object_uri=post.uri,
            post=post,
            to=[PUBLIC],
            cc=[group.uri],
            data={"audience": group.uri, "summary": text.one_line(reason, 500), "removal": True},
        )
        pass_on(db, post, None, own=deletion)
    else:
        pass_on(db, post, inner)
    if tell:
        notifications.notify(db, post.author_id, "removed", by, post)
    moderation.audit(db, by.id, "post.remove", post.uri, community=group.uri, reason=text.one_line(reason, 500))


def _governed(db: Session, by: Actor, post: Post) -> Actor:
    """The home community of a post, if it is `by`, or `by` moderates it. Raises Forbidden."""
    group = home_of(db, post)
    if group is None or (by.id != group.id and not is_moderator(db, by.id, group.id)):
        raise Forbidden("Only the moderators of this community may do that.", code="not_moderator")
    return group


def restore_post(db: Session, by: Actor, post: Post, *, inner: dict[str, Any] | None = None) -> None:
    """Undo `remove_post`."""
    group = _governed(db, by, post)
    if post.removed_at is None:
        return
    post.removed_at = None
    moderation.audit(db, by.id, "post.restore", post.uri, community=group.uri)
    if by.local and group.local:
        embed = {"type": "Delete", "actor": by.uri, "object": post.uri, "audience": group.uri}
        undo = outbox.record(
            db,
            "Undo",
            by,
            object_uri=post.uri,
            post=post,
            to=[PUBLIC],
            cc=[group.uri],
            data={"audience": group.uri, "embed": {"id": f"{post.uri}#removal", **embed}},
        )
        pass_on(db, post, None, own=undo)
    else:
        pass_on(db, post, inner)
