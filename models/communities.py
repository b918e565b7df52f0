"""Communities: settings, rules, moderators, members and twins."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, delete, exists, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models import actors, follows, outbox, text
from models import settings as node_settings
from models.accounts import Account, Role
from models.actors import PUBLIC, Actor
from models.base import Base, Json, UtcTime, now
from models.database import node_of
from models.errors import Conflict, Forbidden, Invalid
from models.follows import Follow, FollowState
from models.organizations import AffiliationClass
from models.posts import Post
from models.windows import Window

WITHOUT = "without"
"""Stands among affiliation classes for those who have none that is confirmed."""

CLASSES = (*(str(one) for one in AffiliationClass), WITHOUT)
"""Whom a community may let ask and answer."""

MAX_RULES = 50
MAX_RULE = 300
MAX_WORDS = 100
MAX_COUNT = 50
FOUNDERS = "communities_founded_by"
"""Under which it stands who may found communities."""


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
    questions_only: Mapped[bool] = mapped_column(default=False)
    """No notes: what begins a thread here is a question."""
    language: Mapped[str] = mapped_column(Text, default="da")
    askers: Mapped[Any] = mapped_column(Json, default=list)
    """Which of `CLASSES` may ask; none named: everybody."""
    answerers: Mapped[Any] = mapped_column(Json, default=list)
    """Which of `CLASSES` may answer; none named: everybody."""
    max_links: Mapped[int | None]
    """Most links in a post of a supplier, or of somebody who is new in the community."""
    own_links_a_week: Mapped[int | None]
    """Most questions and answers of a supplier in seven days that link to a site of his own."""
    held_words: Mapped[Any] = mapped_column(Json, default=list)
    """A post with one of these waits for a moderator."""
    wants_disclosure: Mapped[bool] = mapped_column(default=False)
    """Suppliers have to say what their commercial interest is."""
    icon: Mapped[str] = mapped_column(Text, default="")
    """Name of the picture's file; empty for none."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when no new threads are taken."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Ways:
    """How a community works, as its moderators choose it; the meaning of each stands at `Community`."""

    allows_down: bool = False
    holds_outside: bool = False
    node_only: bool = False
    moderators_only: bool = False
    questions_only: bool = False
    language: str = "da"
    askers: tuple[str, ...] = ()
    answerers: tuple[str, ...] = ()
    max_links: int | None = None
    own_links_a_week: int | None = None
    held_words: tuple[str, ...] = ()
    wants_disclosure: bool = False

    @classmethod
    def of(cls, row: Community) -> "Ways":
        """What holds in a community now."""
        found: dict[str, Any] = {one.name: getattr(row, one.name) for one in fields(cls)}
        listed = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
        return cls(**{**found, **listed})

    def checked(self) -> "Ways":
        """The same in one form. Raises Invalid, with a code that begins with the field's name."""
        if not re.fullmatch(r"[a-z]{2,3}", self.language):
            raise Invalid("This language is not known here.", code="language_unknown")
        for name in ("askers", "answerers"):
            if set(getattr(self, name)) - set(CLASSES):
                raise Invalid("Choose among these.", code=f"{name}_unknown")
        for name in ("max_links", "own_links_a_week"):
            number = getattr(self, name)
            if number is not None and not 0 <= number <= MAX_COUNT:
                raise Invalid(f"Write a whole number from 0 to {MAX_COUNT}.", code=f"{name}_range")
        words = tuple(dict.fromkeys(text.one_line(word, 60).casefold() for word in self.held_words if word.strip()))
        if len(words) > MAX_WORDS:
            raise Invalid(f"At most {MAX_WORDS} words.", code="held_words_many")
        askers, answerers = (() if set(some) == set(CLASSES) else some for some in (self.askers, self.answerers))
        return replace(self, held_words=words, askers=askers, answerers=answerers)

    def put(self, row: Community) -> None:
        """Write them into a community's row."""
        for one in fields(self):
            value = getattr(self, one.name)
            setattr(row, one.name, list(value) if isinstance(value, tuple) else value)


AS_EVER = Ways()


class Moderator(Base):
    """An actor who moderates a community, here or (as listed by its origin) elsewhere."""

    __tablename__ = "moderators"

    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def founders(db: Session) -> Role:
    """The lowest role on this node that may found communities: administrators, or everybody with an account."""
    return Role(node_settings.get(db, FOUNDERS, Role.ADMIN))


def let_found(db: Session, role: Role) -> None:
    """Choose who may found communities. Raises Invalid for a role that is neither member nor administrator."""
    if role not in {Role.MEMBER, Role.ADMIN}:
        raise Invalid("Choose one of these.", code="founders_unknown")
    node_settings.put(db, FOUNDERS, str(role))


def may_found(db: Session, actor: Actor | None) -> bool:
    """Whether somebody may found a community here."""
    account = db.get(Account, actor.id) if actor is not None else None
    return account is not None and (account.role == Role.ADMIN or founders(db) == Role.MEMBER)


def found(
    db: Session, by: Actor, username: str, name: str, *, summary: str = "", rules: Iterable[str] = (), ways: Ways = AS_EVER
) -> Actor:  # fmt: skip
    """Somebody founds a community on the web. Raises Forbidden for who may not, else as `create`."""
    if not may_found(db, by):
        raise Forbidden("Only an administrator can start communities here.", code="founders_only")
    group = create(db, username, name, creator=by, summary=summary, rules=rules, ways=ways)
    _audit(db, by, "community.create", group)
    return group


def create(
    db: Session,
    username: str,
    name: str,
    *,
    creator: Actor | None,
    summary: str = "",
    rules: Iterable[str] = (),
    ways: Ways = AS_EVER,
) -> Actor:
    """A new community of this node; its creator moderates and follows it. Raises Invalid or Conflict."""
    if not name.strip():
        raise Invalid("A community needs a name.", code="name_missing")
    ways = ways.checked()
    group = actors.create_local(db, username, actors.ActorType.GROUP, name=name, summary_source=summary)
    row = unknown(group.id)
    row.rules = _rules(rules)
    ways.put(row)
    db.add(row)
    db.flush()
    if creator is not None:
        db.add(Moderator(community_id=group.id, actor_id=creator.id))
        db.flush()
        follows.request(db, creator, group)
    return group


def _rules(rules: Iterable[str]) -> list[str]:
    return [text.one_line(rule, MAX_RULE) for rule in rules if rule.strip()][:MAX_RULES]


def unknown(group_id: int) -> Community:
    """A row, in no session, for a community of which we know nothing but its actor."""
    row = Community(id=group_id, rules=[], icon="")
    AS_EVER.put(row)
    return row


def settings(db: Session, group: Actor) -> Community:
    """The settings row of a community; one with defaults for a remote one we know nothing more of."""
    row = db.get(Community, group.id)
    if row is None:
        row = unknown(group.id)
        db.add(row)
        db.flush()
    return row


def known(db: Session, group: Actor) -> Community:
    """`settings` for reading: a remote one we know nothing more of gets no row."""
    return db.get(Community, group.id) or unknown(group.id)


def restricted(db: Session, group: Actor) -> bool:
    """Whether only moderators may ask, as a community of this node holds it or one elsewhere says of itself."""
    if not group.local:
        return bool((group.extra or {}).get("postingRestrictedToMods"))
    row = known(db, group)
    return row.moderators_only or row.closed_at is not None


def change(
    db: Session, by: Actor | None, group: Actor, *, name: str, summary: str, rules: Iterable[str], ways: Ways,
    icon: str | None = None,
) -> None:  # fmt: skip
    """New name, description, rules and ways of a local community, by a moderator; its followers are told.

    `icon` is the name of a picture's file, empty for none, None to leave it. Raises Forbidden, Invalid, Conflict.
    """
    require_moderator(db, by, group)
    if not name.strip():
        raise Invalid("A community needs a name.", code="name_missing")
    ways, row = ways.checked(), settings(db, group)
    if ways.node_only and (twins(db, group) or twins_asked(db, group)):
        raise Conflict("End its twinnings first: nothing of it may leave the server then.", code="node_only_twinned")
    row.rules = _rules(rules)
    ways.put(row)
    changes = {} if icon is None else {"icon_url": _show_icon(db, row, icon)}
    db.flush()
    actors.update_profile(db, group, name=name, summary_source=summary, **changes)
    _audit(db, by, "community.change", group)


def _show_icon(db: Session, row: Community, icon: str) -> str:
    """Show this picture instead of the one before, whose file nobody needs then; its address."""
    from models import jobs, media

    if row.icon and row.icon != icon:
        jobs.enqueue(db, "media_gone", {"files": [row.icon], "uploads": []})
    row.icon = icon
    return media.address(node_of(db).origin, icon) if icon else ""


def close(db: Session, by: Actor | None, group: Actor, *, closed: bool = True) -> None:
    """Take no new threads any more, or again. What was written stays, and answers go on. Other servers are told."""
    require_moderator(db, by, group)
    row = settings(db, group)
    if (row.closed_at is not None) == closed:
        return
    row.closed_at = now() if closed else None
    db.flush()
    actors.update_profile(db, group)
    _audit(db, by, "community.close" if closed else "community.open", group)


def _audit(db: Session, by: Actor | None, action: str, group: Actor, **detail: Any) -> None:
    from models import moderation

    moderation.audit(db, by.id if by is not None else None, action, group.uri, **detail)


def home_of(db: Session, post: Post) -> Actor | None:
    """The community a post's thread belongs to."""
    return db.get(Actor, post.community_id) if post.community_id else None


def allows_down(db: Session, community_id: int | None) -> bool:
    """Whether down votes count there."""
    row = db.get(Community, community_id) if community_id else None
    return row is not None and row.allows_down


def all_local(db: Session) -> list[Actor]:
    """The communities of this node, by name."""
    query = select(Actor).where(Actor.id.in_(select(Community.id)), Actor.local.is_(True), Actor.deleted_at.is_(None))
    return list(db.scalars(query.order_by(Actor.name)))


def rows_of(db: Session, groups: Iterable[Actor]) -> dict[int, Community]:
    """`known` for several communities in one query."""
    listed = list(groups)
    query = select(Community).where(Community.id.in_([group.id for group in listed]))
    found = {row.id: row for row in db.scalars(query)} if listed else {}
    return {group.id: found.get(group.id) or unknown(group.id) for group in listed}


def members(db: Session, group: Actor, window: Window) -> list[tuple[int, Actor, datetime]]:
    """Who follows a community, with the cursor and since when, newest first. Other communities are twins, not members."""
    query = (
        select(Follow.id, Actor, Follow.created_at)
        .join(Actor, Follow.follower_id == Actor.id)
        .where(
            Follow.target_id == group.id,
            Follow.state == FollowState.ACCEPTED,
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
            Actor.type != actors.ActorType.GROUP,
        )
    )
    return [(row[0], row[1], row[2]) for row in window.rows(db, query, Follow.id)]


def known_remote(db: Session, limit: int = 200) -> list[Actor]:
    """Communities elsewhere that somebody here follows, by name."""
    here = aliased(Actor)
    followed = exists().where(Follow.target_id == Actor.id, Follow.follower_id == here.id, here.local.is_(True))
    return list(
        db.scalars(
            select(Actor)
            .where(
                Actor.local.is_(False),
                sql(f"actors.{actors.GROUPS}"),
                Actor.deleted_at.is_(None),
                followed,
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


def moderated(db: Session, actor_id: int) -> set[int]:
    """The communities that an actor moderates."""
    return set(db.scalars(select(Moderator.community_id).where(Moderator.actor_id == actor_id)))


def add_moderator(
    db: Session, by: Actor | None, group: Actor, actor: Actor, *, inner: dict[str, Any] | None = None
) -> None:
    """Make somebody a moderator (by a moderator, or by None: the administrator). Twice is once. `inner` is the JSON of an
    `Add` that came from elsewhere."""
    require_moderator(db, by, group)
    if is_moderator(db, actor.id, group.id):
        return
    db.add(Moderator(community_id=group.id, actor_id=actor.id))
    db.flush()
    _tell_moderator(db, "Add", by, group, actor, inner)
    _audit(db, by, "community.moderator", group, moderator=actor.uri)


def remove_moderator(
    db: Session, by: Actor | None, group: Actor, actor: Actor, *, inner: dict[str, Any] | None = None
) -> None:
    """End it. The last moderator of a community stays."""
    require_moderator(db, by, group)
    row = db.get(Moderator, (group.id, actor.id))
    if row is None:
        return
    if len(moderators(db, group)) == 1:
        raise Conflict("A community needs at least one moderator.")
    db.delete(row)
    db.flush()
    _tell_moderator(db, "Remove", by, group, actor, inner)
    _audit(db, by, "community.moderator_removed", group, moderator=actor.uri)


def set_moderators(db: Session, group: Actor, found: list[Actor]) -> None:
    """Replace what we know of a remote community's moderators by what its origin lists."""
    db.execute(delete(Moderator).where(Moderator.community_id == group.id))
    for actor in {actor.id: actor for actor in found}.values():
        db.add(Moderator(community_id=group.id, actor_id=actor.id))
    db.flush()


def _tell_moderator(
    db: Session, type: str, by: Actor | None, group: Actor, actor: Actor, inner: dict[str, Any] | None
) -> None:
    """Lemmy and PieFed believe it of a moderator whose act the community wraps; an administrator acts as the community."""
    if not tells(db, group):
        return
    data = {"target": group.moderators_uri, "audience": group.uri}
    if by is None:
        cc = [group.followers_uri]
        outbox.record(db, type, group, object_uri=actor.uri, to=[PUBLIC], cc=cc, public=True, data=data)
    elif by.local:
        cc = [group.uri, actor.uri]
        said = outbox.record(db, type, by, object_uri=actor.uri, to=[PUBLIC], cc=cc, data=data)
        wrap(db, group, said.uri, {"inner": said.id})
    elif inner is not None:
        wrap(db, group, str(inner.get("id", "")), {"embed": inner})


def tells(db: Session, group: Actor) -> bool:
    """Whether other servers hear of what a community does: not of one elsewhere, nor of one that stays on this node."""
    return group.local and not settings(db, group).node_only


def wrap(db: Session, group: Actor, uri: str, data: dict[str, Any]) -> None:
    """What a moderator did, passed on by the community to those who read that."""
    outbox.record(
        db, "Announce", group, object_uri=uri, to=[PUBLIC], cc=[group.followers_uri], public=True,
        data={"only": "wraps", **data},
    )  # fmt: skip


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
    waiting = select(Follow.target_id).where(Follow.follower_id == group.id, Follow.state == FollowState.PENDING)
    return list(db.scalars(select(Actor).where(Actor.id.in_(waiting)).order_by(Actor.id)))
