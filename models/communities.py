"""Communities: settings, moderators, and the list of threads each of them shows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, events, follows, notifications, outbox, text
from models.actors import PUBLIC, Actor
from models.base import Base, Id, Json, UtcTime, insert_unless_there, new_id, now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.follows import Follow, FollowState
from models.posts import Post, Visibility


class Community(Base):
    """What this node knows of a community beyond its actor. Local ones all have a row; remote ones once listed."""

    __tablename__ = "communities"

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    """The Group actor's id."""
    rules: Mapped[Any] = mapped_column(Json, default=list)
    """Rules as plain text, one a line."""
    allows_down: Mapped[bool] = mapped_column(default=False)
    """Down votes count here."""
    holds_outside: Mapped[bool] = mapped_column(default=False)
    """Answers from non-members stay hidden until kept."""
    node_only: Mapped[bool] = mapped_column(default=False)
    """Its threads never leave this node."""
    moderators_only: Mapped[bool] = mapped_column(default=False)
    """Only moderators may ask here."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Moderator(Base):
    """An actor who moderates a community, here or (as listed by its origin) elsewhere."""

    __tablename__ = "moderators"

    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


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


def create(
    db: Session,
    username: str,
    name: str,
    *,
    creator: Actor | None,
    summary: str = "",
    rules: Iterable[str] = (),
    allows_down: bool = False,
    holds_outside: bool = False,
    node_only: bool = False,
    moderators_only: bool = False,
) -> Actor:
    """A new community of this node; its creator moderates and follows it."""
    if not name.strip():
        raise Invalid("A community needs a name.", code="name_missing")
    group = actors.create_local(db, username, actors.ActorType.GROUP, name=name, summary_source=summary)
    db.add(
        Community(
            id=group.id,
            rules=[text.one_line(rule, 300) for rule in rules if rule.strip()][:50],
            allows_down=allows_down,
            holds_outside=holds_outside,
            node_only=node_only,
            moderators_only=moderators_only,
        )
    )
    db.flush()
    if creator is not None:
        db.add(Moderator(community_id=group.id, actor_id=creator.id))
        db.flush()
        follows.request(db, creator, group)
    return group


def settings(db: Session, group: Actor) -> Community:
    """The settings row of a community; one with defaults for a remote one we know nothing more of."""
    row = db.get(Community, group.id)
    if row is None:
        row = Community(
            id=group.id, rules=[], allows_down=False, holds_outside=False, node_only=False, moderators_only=False
        )
        db.add(row)
        db.flush()
    return row


def change(
    db: Session, by: Actor | None, group: Actor, *, name: str, summary: str, rules: Iterable[str], allows_down: bool,
    holds_outside: bool, moderators_only: bool,
) -> None:  # fmt: skip
    """New name, description, rules and settings of a local community, by a moderator; its followers are told."""
    _require_moderator(db, by, group)
    if not name.strip():
        raise Invalid("A community needs a name.", code="name_missing")
    row = settings(db, group)
    row.rules = [text.one_line(rule, 300) for rule in rules if rule.strip()][:50]
    row.allows_down, row.holds_outside, row.moderators_only = allows_down, holds_outside, moderators_only
    db.flush()
    actors.update_profile(db, group, name=name, summary_source=summary)


def home_of(db: Session, post: Post) -> Actor | None:
    """The community a post's thread belongs to."""
    return db.get(Actor, post.community_id) if post.community_id else None


def allows_down(db: Session, community_id: int | None) -> bool:
    """Whether down votes count there."""
    row = db.get(Community, community_id) if community_id else None
    return row is not None and row.allows_down


def all_local(db: Session) -> list[Actor]:
    """The communities of this node, by name."""
    return list(
        db.scalars(
            select(Actor)
            .where(Actor.local.is_(True), Actor.type == actors.ActorType.GROUP, Actor.deleted_at.is_(None))
            .order_by(Actor.name)
        )
    )


def known_remote(db: Session, limit: int = 100) -> list[Actor]:
    """Communities elsewhere that somebody here follows, by name."""
    followed = select(Follow.target_id).join(Actor, Follow.follower_id == Actor.id).where(Actor.local.is_(True))
    return list(
        db.scalars(
            select(Actor)
            .where(
                Actor.local.is_(False),
                Actor.type == actors.ActorType.GROUP,
                Actor.deleted_at.is_(None),
                Actor.id.in_(followed),
            )
            .order_by(Actor.name)
            .limit(limit)
        )
    )


def moderators(db: Session, group: Actor) -> list[Actor]:
    """Who moderates a community, as far as we know, longest first."""
    return list(
        db.scalars(
            select(Actor)
            .join(Moderator, Moderator.actor_id == Actor.id)
            .where(Moderator.community_id == group.id)
            .order_by(Moderator.created_at)
        )
    )


def is_moderator(db: Session, actor_id: int, community_id: int | None) -> bool:
    """Whether this actor moderates that community."""
    return community_id is not None and db.get(Moderator, (community_id, actor_id)) is not None


def add_moderator(db: Session, by: Actor | None, group: Actor, actor: Actor) -> None:
    """Make somebody a moderator (by a moderator, or by None: the administrator). Twice is once."""
    _require_moderator(db, by, group)
    if is_moderator(db, actor.id, group.id):
        return
    db.add(Moderator(community_id=group.id, actor_id=actor.id))
    db.flush()
    _tell_moderator(db, "Add", group, actor)


def remove_moderator(db: Session, by: Actor | None, group: Actor, actor: Actor) -> None:
    """End it. The last moderator of a community stays."""
    _require_moderator(db, by, group)
    row = db.get(Moderator, (group.id, actor.id))
    if row is None:
        return
    if len(moderators(db, group)) == 1:
        raise Conflict("A community needs at least one moderator.")
    db.delete(row)
    db.flush()
    _tell_moderator(db, "Remove", group, actor)


def set_moderators(db: Session, group: Actor, found: list[Actor]) -> None:
    """Replace what we know of a remote community's moderators by what its origin lists."""
    db.execute(delete(Moderator).where(Moderator.community_id == group.id))
    for actor in {actor.id: actor for actor in found}.values():
        db.add(Moderator(community_id=group.id, actor_id=actor.id))
    db.flush()


def _tell_moderator(db: Session, type: str, group: Actor, actor: Actor) -> None:
    if group.local:
        outbox.record(
            db,
            type,
            group,
            object_uri=actor.uri,
            to=[PUBLIC],
            cc=[group.followers_uri],
            public=True,
            data={"target": group.moderators_uri},
        )


def _require_moderator(db: Session, by: Actor | None, group: Actor) -> None:
    if by is not None and not is_moderator(db, by.id, group.id):
        raise Forbidden("Only the moderators of this community may do that.", code="not_moderator")


def is_member(db: Session, actor: Actor, group: Actor) -> bool:
    """An accepted follower, a moderator, anybody of the community's own server, or of a twin's server."""
    if actor.domain == group.domain or is_moderator(db, actor.id, group.id):
        return True
    if follows.state(db, actor.id, group.id) == FollowState.ACCEPTED:
        return True
    return any(actor.domain == twin.domain for twin in twins(db, group))


def twins(db: Session, group: Actor) -> list[Actor]:
    """The communities elsewhere that this one follows or is followed by."""
    ids = select(Follow.target_id).where(Follow.follower_id == group.id, Follow.state == FollowState.ACCEPTED)
    back = select(Follow.follower_id).where(Follow.target_id == group.id, Follow.state == FollowState.ACCEPTED)
    return list(
        db.scalars(
            select(Actor)
            .where(Actor.type == actors.ActorType.GROUP, or_(Actor.id.in_(ids), Actor.id.in_(back)))
            .order_by(Actor.id)
        )
    )


def twins_asked(db: Session, group: Actor) -> list[Actor]:
    """The communities that this one has asked to be twins, and that have not answered."""
    asked = select(Follow.target_id).where(Follow.follower_id == group.id, Follow.state == FollowState.PENDING)
    return list(db.scalars(select(Actor).where(Actor.id.in_(asked)).order_by(Actor.id)))


def twin(db: Session, by: Actor | None, group: Actor, target: Actor) -> Follow:
    """Ask a community elsewhere to be a twin: a Follow from Group to Group (FEP-d36d). Waiting is a normal state."""
    _require_moderator(db, by, group)
    if not target.is_community or settings(db, group).node_only:
        raise Invalid("Only open communities can be twinned.")
    return follows.request(db, group, target)


def untwin(db: Session, by: Actor | None, group: Actor, target: Actor) -> None:
    """End a twinning: no new threads either way; old ones stay."""
    _require_moderator(db, by, group)
    follows.undo(db, group, target)
    follows.drop_follower(db, group, target)


def answer_twin(db: Session, by: Actor | None, group: Actor, follower: Actor, *, accept: bool) -> None:
    """A moderator takes a twin's request on, or refuses it."""
    _require_moderator(db, by, group)
    row = follows.find(db, follower.id, group.id)
    if row is None:
        raise NotFound("There is no such request.")
    if accept:
        follows.accept(db, row)
    else:
        follows.reject(db, row)


def open_to_all(db: Session, post: Post) -> bool:
    """Whether a community may show a post to the world at all: private and node-only ones are never announced."""
    if post.visibility not in {Visibility.PUBLIC, Visibility.UNLISTED} or post.deleted_at is not None:
        return False
    row = db.get(Community, post.community_id) if post.community_id else None
    return not (row is not None and row.node_only)


def pass_on(
    db: Session, post: Post, inner: dict[str, Any] | None, *, own: outbox.Activity | None = None, deleted: bool = False
) -> None:
    """The home community wraps an activity about one of its threads for the servers that read FEP-1b12.

    Only the home does (no loops, no doubles), only for open threads. `inner` is the activity unchanged as it came;
    `own` one of ours. With neither, the activity had no proof and the post's id is announced instead.
    """
    group = home_of(db, post)
    if group is None or not group.local or not (deleted or open_to_all(db, post)) or held(db, post):
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
    """An answer from outside that the community holds back until somebody keeps it."""
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
    if group.local and open_to_all(db, post):
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
    _require_moderator(db, by, group)
    row = db.scalar(select(Listing).where(Listing.community_id == group.id, Listing.post_id == post.id))
    if row is None:
        raise NotFound("This thread is not on the community's list.")
    row.hidden_at = now() if hidden else None
    db.flush()


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


def remove_post(db: Session, by: Actor, post: Post, reason: str, *, inner: dict[str, Any] | None = None) -> None:
    """A moderator takes a post out of the community. The post itself stays with its author, who is told."""
    group = home_of(db, post)
    if group is None or not is_moderator(db, by.id, group.id):
        raise Forbidden("Only the moderators of this community may do that.", code="not_moderator")
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
    notifications.notify(db, post.author_id, "removed", by, post)


def restore_post(db: Session, by: Actor, post: Post, *, inner: dict[str, Any] | None = None) -> None:
    """Undo `remove_post`."""
    group = home_of(db, post)
    if group is None or not is_moderator(db, by.id, group.id):
        raise Forbidden("Only the moderators of this community may do that.", code="not_moderator")
    if post.removed_at is None:
        return
    post.removed_at = None
    db.flush()
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
