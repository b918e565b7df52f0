"""Affiliations: what people are to organisations, and who has confirmed it.

Two sides have to say the same. The person says it of himself (by asking, by taking up an invitation or an offer), and
the organisation confirms it: by an e-mail domain of its own, by an invitation, or by somebody who looks after it. For
people of other servers both sides are read there (`federation.affiliating`) and kept here for a while.

What is shown at a name stands in `Actor.affiliation`, so that no page asks for it: `{"class", "name", "uri", "host"}`,
or nothing. Where somebody has several, a supplier's comes first: no commercial tie hides behind another.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, jobs, moderation, notifications, organizations, text
from models.accounts import Account
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.organizations import AffiliationClass
from models.windows import Window

MAX_EACH = 5
MAX_NOTE = 500
CHECK_EVERY = timedelta(days=1)
BELIEVED_FOR = timedelta(days=7)
"""How long what another server confirmed is shown while that server cannot be asked again."""

ORDER = {kind: place for place, kind in enumerate(("supplier", "public-body", "association", "citizen"))}


class State(StrEnum):
    """How far an affiliation has come; only a confirmed one is shown, published or counted."""

    OFFERED = "offered"
    """The organisation is ready to confirm it; the person has not said yes."""
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class Way(StrEnum):
    """How it was confirmed."""

    EMAIL = "email"
    INVITATION = "invitation"
    EDITOR = "editor"
    REMOTE = "remote"


class Affiliation(Base):
    """One person and one organisation."""

    __tablename__ = "affiliations"
    __table_args__ = (
        UniqueConstraint("actor_id", "organization_id"),
        Index("ix_affiliations_organization_id_state_id", "organization_id", "state", "id"),
        Index("ix_affiliations_state_id", "state", "id"),
        Index("ix_affiliations_checked_at", "checked_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    affiliation_class: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    """What the person wrote when he asked."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was refused or ended."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    checked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """For people of other servers: when the organisation last confirmed it."""


Row = tuple[Affiliation, Actor]


def class_of(db: Session, actor: Actor) -> AffiliationClass | None:
    """What an actor is by the affiliation shown at his name; None for somebody who has none that is confirmed."""
    shown: Mapping[str, str] = actor.affiliation or {}
    return AffiliationClass(shown["class"]) if shown else None


def classes_of(db: Session, actor: Actor) -> frozenset[AffiliationClass]:
    """Everything an actor is by his confirmed affiliations, for rules that admit by class."""
    return frozenset(AffiliationClass(row.affiliation_class) for row, _ in confirmed(db, actor.id))


# The person's side


def request(db: Session, actor: Actor, organization: Actor, affiliation_class: str, note: str = "") -> Affiliation:
    """A person of this node says what he is to an organisation of this node. It waits for an editor, unless his
    confirmed e-mail address is one of those who work there.

    Asking again after a refusal is allowed. Raises Invalid or Conflict.
    """
    org, account = organizations.get(db, organization), db.get(Account, actor.id)
    if account is None:
        raise Invalid("Only people with an account here belong to an organisation here.")
    if affiliation_class not in organizations.classes(org):
        raise Invalid("Nobody can be that to this organisation.", code="class_unknown")
    if len(note) > MAX_NOTE:
        raise Invalid("This is too long.", code="note_long")
    row = find(db, actor.id, organization.id)
    if row is not None and row.state in {State.CONFIRMED, State.REQUESTED}:
        raise Conflict("You have asked for this already.", code="organization_asked")
    if row is None:
        row = add(db, actor.id, organization.id)
    row.affiliation_class, row.state, row.note, row.reason = affiliation_class, State.REQUESTED.value, note, ""
    row.decided_at = row.decided_by_id = None
    db.flush()
    works_there = affiliation_class == org.kind and account.email_confirmed_at is not None
    if works_there and organization in organizations.at_domain(db, account.email):
        _confirm(db, row, Way.EMAIL)
        return row
    for account_id in _who_decides(db, organization):
        notifications.notify(db, account_id, NotificationKind.AFFILIATION_REQUEST, actor, subject=str(row.id))
    return row


def on_confirmed_email(db: Session, account: Account) -> None:
    """Somebody's e-mail address was confirmed: what he asked for is granted where it is one of the organisation's, and
    what he could ask for is offered to him. Nothing is shown that he has not said yes to.

    What only an earlier address confirmed is no longer shown until somebody has looked at it.
    """
    actor = actors.get(db, account.id)
    here = organizations.at_domain(db, account.email)
    for row, organization in of(db, actor.id):
        if row.way == Way.EMAIL and organization not in here:
            _lapse(db, row, actor)
    for organization in here:
        kind = organizations.get(db, organization).kind
        known = find(db, actor.id, organization.id)
        if known is None:
            offer(db, actor, organization, kind, Way.EMAIL)
        elif known.state == State.REQUESTED and known.affiliation_class == kind:
            _confirm(db, known, Way.EMAIL)


def _lapse(db: Session, row: Affiliation, actor: Actor) -> None:
    was, row.way = row.state, ""
    if was == State.OFFERED:
        db.delete(row)
    if was == State.CONFIRMED:
        row.state, row.decided_at = State.REQUESTED.value, None
        db.flush()
        for account_id in _who_decides(db, actors.get(db, row.organization_id)):
            notifications.notify(db, account_id, NotificationKind.AFFILIATION_REQUEST, actor, subject=str(row.id))
        show_at_name(db, actor)
    db.flush()


def offer(db: Session, actor: Actor, organization: Actor, affiliation_class: str, way: Way) -> None:
    """An organisation is ready to confirm somebody; he is told and has the last word. Nothing if they know each other."""
    if find(db, actor.id, organization.id) is not None or _count(db, actor.id) >= MAX_EACH:
        return
    row = add(db, actor.id, organization.id)
    row.affiliation_class, row.state, row.way = str(affiliation_class), State.OFFERED.value, way.value
    db.flush()
    notifications.notify(db, actor.id, NotificationKind.AFFILIATION_OFFER, organization, subject=str(row.id))


def accept_invited(db: Session, actor: Actor, organization: Actor, affiliation_class: str) -> None:
    """Somebody took up an invitation that names an affiliation: both sides have said yes."""
    row = find(db, actor.id, organization.id) or add(db, actor.id, organization.id)
    row.affiliation_class = affiliation_class
    _confirm(db, row, Way.INVITATION)


def accept_offer(db: Session, actor: Actor, row_id: int) -> Affiliation:
    """Say yes to an offer. Raises NotFound."""
    row = db.get(Affiliation, row_id)
    if row is None or row.actor_id != actor.id or row.state != State.OFFERED:
        raise NotFound("There is no such offer.")
    _confirm(db, row, Way(row.way))
    return row


def leave(db: Session, actor: Actor, row_id: int) -> None:
    """Take back what one is to an organisation, or asked to be. Raises NotFound."""
    row = db.get(Affiliation, row_id)
    if row is None or row.actor_id != actor.id:
        raise NotFound("There is no such affiliation.")
    was = row.state
    db.delete(row)
    db.flush()
    if was == State.CONFIRMED:
        show_at_name(db, actor)


def of(db: Session, actor_id: int) -> list[Row]:
    """Everything between a person and organisations, confirmed or not, oldest first."""
    return [(row[0], row[1]) for row in db.execute(_OF, {"actor": actor_id})]


_OF = (
    select(Affiliation, Actor)
    .join(Actor, Actor.id == Affiliation.organization_id)
    .where(Affiliation.actor_id == bindparam("actor"))
    .order_by(Affiliation.id)
)


def confirmed(db: Session, actor_id: int) -> list[Row]:
    """A person's confirmed affiliations, the one shown at the name first."""
    rows = [(row, org) for row, org in of(db, actor_id) if row.state == State.CONFIRMED and org.active and _fresh(row)]
    return sorted(rows, key=lambda pair: (ORDER[pair[0].affiliation_class], pair[0].id))


def _fresh(row: Affiliation) -> bool:
    return row.checked_at is None or row.checked_at > now() - BELIEVED_FOR


# The organisation's side


def waiting(
    db: Session, organization_id: int | None = None, limit: int = 100
) -> list[tuple[Affiliation, Actor, Actor]]:
    """Requests that wait, oldest first, with who asks whom; of one organisation or of all."""
    query = select(Affiliation).where(Affiliation.state == State.REQUESTED).order_by(Affiliation.id).limit(limit)
    if organization_id is not None:
        query = query.where(Affiliation.organization_id == organization_id)
    rows = list(db.scalars(query))
    people = actors.many(db, [id for row in rows for id in (row.actor_id, row.organization_id)])
    return [(row, people[row.actor_id], people[row.organization_id]) for row in rows]


def answer(db: Session, by: Actor, row_id: int, *, accept: bool, reason: str = "") -> Affiliation:
    """An editor of the organisation, or a moderator of the node, confirms or refuses a request. A refusal has a reason,
    and the person is told it. Raises NotFound, Forbidden or Invalid."""
    row = _decidable(db, by, row_id, State.REQUESTED)
    if accept:
        _confirm(db, row, Way.EDITOR, by=by)
        return row
    _refuse(db, row, by, reason)
    return row


def end(db: Session, by: Actor, row_id: int, reason: str) -> Affiliation:
    """The organisation no longer confirms somebody. Raises NotFound, Forbidden or Invalid."""
    row = _decidable(db, by, row_id, State.CONFIRMED)
    _refuse(db, row, by, reason)
    show_at_name(db, actors.get(db, row.actor_id))
    return row


def _decidable(db: Session, by: Actor, row_id: int, state: State) -> Affiliation:
    row = db.get(Affiliation, row_id)
    if row is None or row.state != state or not actors.get(db, row.actor_id).local:
        raise NotFound("There is no such request.")
    if not may_decide(db, by, actors.get(db, row.organization_id)):
        raise Forbidden("Only those who look after this organisation may do that.")
    return row


def _who_decides(db: Session, organization: Actor) -> list[int]:
    """Who is told of a request: the editors, or the node's moderators while there are none."""
    editors = [editor.id for editor in organizations.editors(db, organization)]
    return editors or list(db.scalars(select(Account.id).where(Account.role.in_(["moderator", "admin"]))))


def may_decide(db: Session, by: Actor, organization: Actor) -> bool:
    """Whether somebody answers for who belongs to an organisation: its editors, and moderators of the node."""
    account = db.get(Account, by.id)
    moderates = account is not None and account.role in {"moderator", "admin"}
    return moderates or organizations.may_edit(db, by, organization)


def _refuse(db: Session, row: Affiliation, by: Actor, reason: str) -> None:
    reason = text.one_line(reason, MAX_NOTE)
    if not reason:
        raise Invalid("Say why. The person will read it.", code="reason_missing")
    row.state, row.reason, row.decided_at, row.decided_by_id = State.REFUSED.value, reason, now(), by.id
    db.flush()
    organization, person = actors.get(db, row.organization_id), actors.get(db, row.actor_id)
    subject = f"{row.id}:{int(now().timestamp())}"
    notifications.notify(db, row.actor_id, NotificationKind.AFFILIATION_REFUSED, organization, subject=subject)
    moderation.audit(db, by.id, "affiliation.refuse", person.uri, organization=organization.uri, reason=reason)


def members(db: Session, organization: Actor, window: Window | None = None) -> list[tuple[int, Actor, Affiliation]]:
    """Who is confirmed to belong to an organisation of this node, with cursors, newest first."""
    query = (
        select(Affiliation, Actor)
        .join(Actor, Actor.id == Affiliation.actor_id)
        .where(
            Affiliation.organization_id == organization.id,
            Affiliation.state == State.CONFIRMED,
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
        )
    )
    rows = (window or Window(limit=40)).rows(db, query, Affiliation.id)
    return [(row[0].id, row[1], row[0]) for row in rows]


def member(db: Session, organization: Actor, uri: str) -> Actor | None:
    """The person with this id, if the organisation confirms him."""
    found = actors.by_uri(db, uri)
    row = find(db, found.id, organization.id) if found is not None and found.active else None
    return found if row is not None and row.state == State.CONFIRMED else None


def counts(db: Session, organization_ids: list[int]) -> dict[int, int]:
    """How many each of several organisations confirms."""
    query = (
        select(Affiliation.organization_id, func.count())
        .where(Affiliation.organization_id.in_(organization_ids), Affiliation.state == State.CONFIRMED)
        .group_by(Affiliation.organization_id)
    )
    return {row[0]: row[1] for row in db.execute(query)} if organization_ids else {}


def count_members(db: Session, organization_id: int) -> int:
    """How many an organisation confirms."""
    query = select(func.count()).select_from(Affiliation)
    here = (Affiliation.organization_id == organization_id, Affiliation.state == State.CONFIRMED)
    return db.scalar(query.where(*here)) or 0


def find(db: Session, actor_id: int, organization_id: int) -> Affiliation | None:
    return db.scalar(
        select(Affiliation).where(Affiliation.actor_id == actor_id, Affiliation.organization_id == organization_id)
    )


def _count(db: Session, actor_id: int) -> int:
    return db.scalar(select(func.count()).select_from(Affiliation).where(Affiliation.actor_id == actor_id)) or 0


def add(db: Session, actor_id: int, organization_id: int) -> Affiliation:
    if _count(db, actor_id) >= MAX_EACH:
        raise Conflict(f"You can belong to {MAX_EACH} organisations.", code="organization_many")
    row = Affiliation(id=new_id(), actor_id=actor_id, organization_id=organization_id, created_at=now())
    db.add(row)
    return row


def _confirm(db: Session, row: Affiliation, way: Way, *, by: Actor | None = None) -> None:
    row.state, row.way, row.reason = State.CONFIRMED.value, way.value, ""
    row.decided_at, row.decided_by_id = now(), by.id if by else None
    db.flush()
    person, organization = actors.get(db, row.actor_id), actors.get(db, row.organization_id)
    notifications.forget(db, NotificationKind.AFFILIATION_REQUEST, person)
    if by is not None:
        subject = f"{row.id}:{int(now().timestamp())}"
        notifications.notify(db, person.id, NotificationKind.AFFILIATION_CONFIRMED, organization, subject=subject)
    moderation.audit(
        db, by.id if by else None, "affiliation.confirm", person.uri, organization=organization.uri, way=way.value
    )
    show_at_name(db, person)


# What is shown


def _shown(db: Session, actor: Actor) -> dict[str, str]:
    for row, organization in confirmed(db, actor.id):
        host = "" if organization.local else organization.domain
        name = organization.display_name
        return {"class": row.affiliation_class, "name": name, "uri": organization.uri, "host": host}
    return {}


def show_at_name(db: Session, actor: Actor) -> None:
    """Write down what stands at the name now, and tell the followers of somebody of this node."""
    from models import holding  # posts know affiliations themselves

    actor.affiliation = _shown(db, actor)
    holding.reconsider(db, actor)
    if actor.local and actor.deleted_at is None:
        actors.update_profile(db, actor)
    db.flush()


def show_again(db: Session, organization: Actor) -> None:
    """An organisation has another name: it stands at its people's names at once."""
    query = select(Actor).join(Affiliation, Affiliation.actor_id == Actor.id)
    for actor in db.scalars(query.where(Affiliation.organization_id == organization.id)):
        actor.affiliation = _shown(db, actor)
    db.flush()


def forget(db: Session, actor: Actor) -> None:
    """A person is gone: nothing of it stays."""
    db.execute(delete(Affiliation).where(Affiliation.actor_id == actor.id))
    actor.affiliation = {}
    db.flush()


def sweep(db: Session, limit: int) -> int:
    """Ask again where the last answer of another server is a day old, and drop what nobody has confirmed for a week; how
    many of both."""
    done = 0
    old = Affiliation.checked_at < now() - BELIEVED_FOR
    for row in db.scalars(select(Affiliation).where(old).limit(limit)).all():
        actor = actors.get(db, row.actor_id)
        db.delete(row)
        db.flush()
        show_at_name(db, actor)
        done += 1
    due = select(Affiliation.actor_id).where(Affiliation.checked_at < now() - CHECK_EVERY)
    for actor_id in db.scalars(due.distinct().limit(limit)).all():
        done += jobs.enqueue(db, "check_affiliations", {"actor": actor_id}, dedupe=f"affiliations:{actor_id}")
    return done
