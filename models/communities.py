"""Communities: settings, rules, moderators, members and twins."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, follows, outbox, text
from models.actors import PUBLIC, Actor
from models.base import Base, Json, UtcTime, now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.follows import Follow, FollowState
from models.posts import Post


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
    require_moderator(db, by, group)
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
    require_moderator(db, by, group)
    if is_moderator(db, actor.id, group.id):
        return
    db.add(Moderator(community_id=group.id, actor_id=actor.id))
    db.flush()
    _tell_moderator(db, "Add", group, actor)


def remove_moderator(db: Session, by: Actor | None, group: Actor, actor: Actor) -> None:
    """End it. The last moderator of a community stays."""
    require_moderator(db, by, group)
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


def require_moderator(db: Session, by: Actor | None, group: Actor) -> None:
    """Raise Forbidden unless `by` moderates the community; None is the administrator."""
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
    require_moderator(db, by, group)
    if not target.is_community or settings(db, group).node_only:
        raise Invalid("Only open communities can be twinned.")
    return follows.request(db, group, target)


def untwin(db: Session, by: Actor | None, group: Actor, target: Actor) -> None:
    """End a twinning: no new threads either way; old ones stay."""
    require_moderator(db, by, group)
    follows.undo(db, group, target)
    follows.drop_follower(db, group, target)


def answer_twin(db: Session, by: Actor | None, group: Actor, follower: Actor, *, accept: bool) -> None:
    """A moderator takes a twin's request on, or refuses it."""
    require_moderator(db, by, group)
    row = follows.find(db, follower.id, group.id)
    if row is None:
        raise NotFound("There is no such request.")
    if accept:
        follows.accept(db, row)
    else:
        follows.reject(db, row)
