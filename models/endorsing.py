"""Standing behind a dogma. A like *is* the endorsement, whoever sends it and from wherever: a page here, an app, any other
server; taking the like back withdraws it. There is one like of each actor, so nobody is counted twice.

An organisation endorses by its own actor: one of this node through those who look after it, one elsewhere through its own
server. It counts as an organisation if its like says so (`torv:as`) and it is one; every other like counts as a person's.

An endorsement is given for a version. When there is a new one it still counts, shown with its version, and those who
endorsed from here are asked to look again: a second like renews it, taking the like back ends it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.orm import Session

from models import dogmas, municipalities, notifications, organizations
from models.access import listed
from models.accounts import Account
from models.actors import Actor, ActorType
from models.dogmas import OPEN, Dogma, DogmaEndorsement, Status
from models.errors import Conflict
from models.notifications import NotificationKind
from models.organizations import Organization
from models.posts import Kind, Post
from models.windows import Window

FACES = 60
"""People whom the page of a dogma names; all are counted."""

MOST_ORGANIZATIONS = 200
APPROVING = frozenset(("", "❤", "❤️", "♥", "♥️", "👍", "⭐", "🌟", "✅", "🤝", "🙌", "💯"))
"""What a like may look like where people choose among signs: any other of them says something else."""

ENDORSERS = (ActorType.PERSON, ActorType.ORGANIZATION, ActorType.SERVICE)
HIDDEN = "hides_endorsements"
"""Under which an account's wish not to be named is kept among its settings."""


# What follows from a like


def liked(
    db: Session, actor: Actor, post: Post, value: int, *, emoji: str = "", said_as: str = "", version: int | None = None
) -> bool:
    """An actor likes a dogma (or likes it again, or votes it down): his endorsement follows. Whether it is new, or renewed
    for a later version."""
    if post.kind != Kind.DOGMA or (row := db.get(Dogma, post.id)) is None:
        return False
    if value < 1 or emoji not in APPROVING or actor.type not in ENDORSERS:
        unliked(db, actor, post)
        return False
    given = min(max(version or row.version, 1), row.version)
    mine = of(db, actor, post)
    if mine is None:
        named = ActorType.ORGANIZATION if _is_organization(actor, said_as) else ActorType.PERSON
        db.add(dogmas.fresh_endorsement(post, actor, str(named), given, shown=_lets_be_named(db, actor)))
        db.flush()
        return True
    if mine.version >= given:
        return False
    mine.version = given
    db.flush()
    return True


def unliked(db: Session, actor: Actor, post: Post) -> None:
    """The like is taken back."""
    mine = (DogmaEndorsement.post_id == post.id, DogmaEndorsement.actor_id == actor.id)
    db.execute(delete(DogmaEndorsement).where(*mine))
    db.flush()


def forget(db: Session, actor: Actor) -> None:
    """Somebody is gone, with all his likes."""
    db.execute(delete(DogmaEndorsement).where(DogmaEndorsement.actor_id == actor.id))


def _is_organization(actor: Actor, said_as: str) -> bool:
    return actor.type == ActorType.ORGANIZATION and said_as == ActorType.ORGANIZATION


def said_of(db: Session, actor: Actor, post: Post) -> dict[str, str | int]:
    """What our like of a dogma says beside being one (the terms of the wire); nothing for other posts."""
    if post.kind != Kind.DOGMA or (row := db.get(Dogma, post.id)) is None:
        return {}
    named = "Organization" if actor.type == ActorType.ORGANIZATION else "Person"
    return {"torv:as": named, "torv:version": row.version}


# Deeds of this node's people


def endorse(db: Session, by: Actor, post: Post, *, organization: Actor | None = None) -> DogmaEndorsement:
    """Stand behind a dogma, oneself or for an organisation one looks after; where one did for an earlier version, do so for
    this one. Raises Forbidden, NotFound, and Conflict for one that is withdrawn or rejected."""
    from models import reactions  # tells this module of likes

    row = dogmas.get(db, post)
    if row.status not in OPEN:
        raise Conflict("This dogma does not hold any more.", code="dogma_over")
    actor = by
    if organization is not None:
        organizations.get(db, organization)
        organizations.require_editor(db, by, organization)
        actor = organization
    reactions.vote(db, actor, post, 1, said_as=str(actor.type))
    found = of(db, actor, post)
    assert found is not None
    return found


def withdraw(db: Session, by: Actor, post: Post, *, organization: Actor | None = None) -> bool:
    """Stand behind it no longer; False if one did not. Raises Forbidden, NotFound."""
    from models import reactions

    dogmas.get(db, post)
    actor = by
    if organization is not None:
        organizations.get(db, organization)
        organizations.require_editor(db, by, organization)
        actor = organization
    return reactions.withdraw_vote(db, actor, post)


def _lets_be_named(db: Session, actor: Actor) -> bool:
    account = db.get(Account, actor.id) if actor.local else None
    return account is None or not hides(account)


def hides(account: Account) -> bool:
    """Whether somebody wants to be counted, and not named, among those who endorse."""
    return bool((account.settings or {}).get(HIDDEN))


def hide(db: Session, account: Account, *, hidden: bool) -> None:
    """Choose it anew, for what one has endorsed too."""
    account.settings = {**(account.settings or {}), HIDDEN: hidden}
    mine = update(DogmaEndorsement).where(DogmaEndorsement.actor_id == account.id)
    db.execute(mine.values(shown=not hidden))
    db.flush()


def look_again(db: Session, post: Post, by: Actor) -> None:
    """There is a new version: those of this node who endorsed an earlier one are told, for an organisation those who look
    after it."""
    row = dogmas.get(db, post)
    query = (
        select(Actor)
        .join(DogmaEndorsement, DogmaEndorsement.actor_id == Actor.id)
        .where(DogmaEndorsement.post_id == post.id, DogmaEndorsement.version < row.version, Actor.local.is_(True))
    )
    told: dict[int, None] = {}
    for actor in db.scalars(query):
        people = organizations.editors(db, actor) if actor.type == ActorType.ORGANIZATION else [actor]
        told |= dict.fromkeys(one.id for one in people)
    for account_id in told:
        subject = f"{post.id} {row.version}"
        notifications.notify(db, account_id, NotificationKind.DOGMA_VERSION, by, post, subject=subject)


# Who stands behind what


def _present() -> ColumnElement[bool]:
    """Neither gone, nor shut out of this node, nor on a server that is."""
    return and_(Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), Actor.standing != "blocked")


def of(db: Session, actor: Actor, post: Post) -> DogmaEndorsement | None:
    """An actor's endorsement of a dogma."""
    mine = (DogmaEndorsement.post_id == post.id, DogmaEndorsement.actor_id == actor.id)
    return db.scalar(select(DogmaEndorsement).where(*mine))


@dataclass(frozen=True)
class Count:
    """How many stand behind a dogma."""

    people: int = 0
    organizations: int = 0

    @property
    def all(self) -> int:
        """Both."""
        return self.people + self.organizations


NOBODY = Count()


def counts(db: Session, post_ids: Collection[int]) -> dict[int, Count]:
    """How many stand behind each of these, in one query; those who are gone or shut out are not counted."""
    query = (
        select(DogmaEndorsement.post_id, DogmaEndorsement.said_as, func.count())
        .join(Actor, Actor.id == DogmaEndorsement.actor_id)
        .where(DogmaEndorsement.post_id.in_(post_ids), _present())
        .group_by(DogmaEndorsement.post_id, DogmaEndorsement.said_as)
    )
    found: dict[int, dict[str, int]] = {}
    for post_id, said_as, number in db.execute(query):
        found.setdefault(post_id, {})[said_as] = number
    return {
        post_id: Count(by.get(ActorType.PERSON, 0), by.get(ActorType.ORGANIZATION, 0)) for post_id, by in found.items()
    }


def count(db: Session, post: Post) -> int:
    """How many stand behind one."""
    return counts(db, [post.id]).get(post.id, NOBODY).all


def endorsers(
    db: Session, post: Post, window: Window, *, said_as: str | None = None
) -> list[tuple[int, DogmaEndorsement, Actor]]:
    """Who stands behind a dogma and lets himself be named, with cursors, the last first."""
    query = (
        select(DogmaEndorsement.id, DogmaEndorsement, Actor)
        .join(Actor, Actor.id == DogmaEndorsement.actor_id)
        .where(DogmaEndorsement.post_id == post.id, DogmaEndorsement.shown.is_(True), _present())
    )
    if said_as is not None:
        query = query.where(DogmaEndorsement.said_as == said_as)
    return [(row[0], row[1], row[2]) for row in window.rows(db, query, DogmaEndorsement.id)]


@dataclass(frozen=True)
class Body:
    """An organisation that stands behind a dogma, and for which municipality it speaks."""

    actor: Actor
    endorsement: DogmaEndorsement
    municipality: str


@dataclass
class Behind:
    """Who stands behind a dogma, as its page names them: organisations by name, people the last first."""

    count: Count = NOBODY
    bodies: list[Body] = field(default_factory=list)
    people: list[tuple[DogmaEndorsement, Actor]] = field(default_factory=list)


def behind(db: Session, post: Post) -> Behind:
    """All of it, in a fixed number of queries."""
    found = endorsers(db, post, Window(limit=MOST_ORGANIZATIONS), said_as=str(ActorType.ORGANIZATION))
    codes = municipality_codes(db, [actor for _, _, actor in found])
    bodies = [Body(actor, row, municipalities.name(codes.get(actor.id, ""))) for _, row, actor in found]
    people = endorsers(db, post, Window(limit=FACES), said_as=str(ActorType.PERSON))
    return Behind(
        counts(db, [post.id]).get(post.id, NOBODY),
        sorted(bodies, key=lambda one: one.actor.display_name.casefold()),
        [(row, actor) for _, row, actor in people],
    )


def municipality_codes(db: Session, bodies: Iterable[Actor]) -> Mapping[int, str]:
    """The municipalities of organisations, as codes: of ours as kept here, of others as they say."""
    listed = list(bodies)
    said = {one.id: str((one.extra or {}).get("municipalityCode", "")) for one in listed if not one.local}
    query = select(Organization.id, Organization.municipality_code).where(Organization.id.in_([o.id for o in listed]))
    return said | {row[0]: row[1] for row in db.execute(query)}


def by_actor(db: Session, viewer: Actor | None, actor: Actor, limit: int = 100) -> list[tuple[Post, Dogma]]:
    """What an actor stands behind and lets be seen, the last first. He himself sees it in any case."""
    query = (
        select(Post, Dogma)
        .join(Dogma, Dogma.post_id == Post.id)
        .join(DogmaEndorsement, DogmaEndorsement.post_id == Post.id)
        .where(
            DogmaEndorsement.actor_id == actor.id,
            Dogma.status == Status.ADOPTED,
            Post.removed_at.is_(None),
            listed(viewer),
        )
        .order_by(DogmaEndorsement.id.desc())
        .limit(limit)
    )
    if viewer is None or viewer.id != actor.id:
        query = query.where(DogmaEndorsement.shown.is_(True))
    return [(row[0], row[1]) for row in db.execute(query)]


def mine(db: Session, actor: Actor, post_ids: Collection[int]) -> dict[int, DogmaEndorsement]:
    """Those of these dogmas that an actor stands behind."""
    query = select(DogmaEndorsement).where(
        DogmaEndorsement.actor_id == actor.id, DogmaEndorsement.post_id.in_(post_ids)
    )
    return {row.post_id: row for row in db.scalars(query)}


@dataclass(frozen=True)
class Hat:
    """As whom somebody can endorse: himself, or an organisation he looks after; with what that one has endorsed."""

    actor: Actor
    endorsement: DogmaEndorsement | None


def hats(db: Session, by: Actor, post: Post) -> list[Hat]:
    """Himself first."""
    wearing = [by, *(one for one in organizations.edited_by(db, by.id) if one.active)]
    query = select(DogmaEndorsement).where(
        DogmaEndorsement.post_id == post.id, DogmaEndorsement.actor_id.in_([one.id for one in wearing])
    )
    given = {row.actor_id: row for row in db.scalars(query)}
    return [Hat(actor, given.get(actor.id)) for actor in wearing]


def organization_of(db: Session, by: Actor, organization_id: int | None) -> Actor | None:
    """The organisation of this number that somebody acts for; None for himself. Raises NotFound, Forbidden."""
    if organization_id is None or organization_id == by.id:
        return None
    organization = organizations.by_id(db, organization_id)
    organizations.require_editor(db, by, organization)
    return organization
