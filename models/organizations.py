"""Organisations of this node: public bodies, suppliers and associations that people belong to.

An organisation is an actor of its own (`/org/<name>`), made by an administrator and looked after by its editors. It
confirms who belongs to it (`affiliations`); its municipality code and CVR number say which body it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, domains, moderation, municipalities, profiles, text
from models.accounts import Account, Role
from models.actors import Actor, ActorType
from models.base import Base, Json, UtcTime, insert_unless_there, now
from models.errors import Conflict, Forbidden, Invalid, NotFound

MAX_DOMAINS = 20


class AffiliationClass(StrEnum):
    """What somebody is to an organisation, as it is published (`torv:affiliationClass`)."""

    PUBLIC_BODY = "public-body"
    SUPPLIER = "supplier"
    ASSOCIATION = "association"
    CITIZEN = "citizen"


KINDS = (AffiliationClass.PUBLIC_BODY, AffiliationClass.SUPPLIER, AffiliationClass.ASSOCIATION)
"""What an organisation can be: what those who work there are."""


class Organization(Base):
    """What this node knows of one of its own organisations beyond the actor."""

    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    municipality_code: Mapped[str] = mapped_column(Text, default="")
    cvr: Mapped[str] = mapped_column(Text, default="")
    email_domains: Mapped[Any] = mapped_column(Json, default=list)
    """Whoever has a confirmed e-mail address at one of these works here."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Editor(Base):
    """An account that looks after an organisation."""

    __tablename__ = "organization_editors"

    organization_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)


@dataclass(frozen=True)
class Facts:
    """What an organisation says of itself."""

    name: str
    kind: str = AffiliationClass.PUBLIC_BODY
    summary: str = ""
    website: str = ""
    municipality_code: str = ""
    cvr: str = ""
    email_domains: tuple[str, ...] = ()

    def checked(self) -> "Facts":
        """The same in one form. Raises Invalid, with a code that begins with the field's name."""
        name = text.one_line(self.name, 100)
        if not name:
            raise Invalid("An organisation needs a name.", code="name_missing")
        if self.kind not in KINDS:
            raise Invalid("Choose one of these.", code="kind_unknown")
        if self.website and not profiles.ADDRESS.fullmatch(self.website):
            raise Invalid("This is not an address. It begins with https://.", code="website_form")
        if self.municipality_code and not municipalities.name(self.municipality_code):
            raise Invalid("There is no municipality with this code.", code="municipality_code_unknown")
        if self.cvr and not re.fullmatch(r"[0-9]{8}", self.cvr):
            raise Invalid("A CVR number has eight digits.", code="cvr_form")
        return replace(self, name=name, email_domains=_domains(self.email_domains))


def _domains(written: Iterable[str]) -> tuple[str, ...]:
    names = [name.strip().lstrip("@") for name in written if name.strip()]
    if len(names) > MAX_DOMAINS:
        raise Invalid(f"At most {MAX_DOMAINS} domains.", code="email_domains_many")
    try:
        return tuple(dict.fromkeys(domains.canonical(name) for name in names))
    except Invalid as error:
        raise Invalid("One of these is not a domain.", code="email_domains_form") from error


def create(db: Session, by: Actor | None, username: str, facts: Facts) -> Actor:
    """A new organisation of this node; who makes it is its first editor. None: from the command line.

    Raises Forbidden for all but administrators, Invalid or Conflict.
    """
    if by is not None and not _is_admin(db, by):
        raise Forbidden("Only an administrator makes organisations.")
    facts = facts.checked()
    actor = actors.create_local(
        db, username, ActorType.ORGANIZATION, name=facts.name, summary_source=facts.summary[:5000]
    )
    db.add(Organization(id=actor.id, kind=facts.kind, email_domains=[]))
    db.flush()
    if by is not None:
        _add_editor(db, actor, by)
    _put(db, actor, facts)
    moderation.audit(db, by.id if by else None, "organization.create", actor.uri)
    return actor


def change(db: Session, by: Actor, actor: Actor, facts: Facts) -> None:
    """An editor or an administrator changes what an organisation says of itself; followers are told.

    Only an administrator may change its kind and the e-mail domains: they decide who is confirmed without being looked
    at. Raises Forbidden or Invalid.
    """
    require_editor(db, by, actor)
    row, facts = get(db, actor), facts.checked()
    if not _is_admin(db, by):
        facts = replace(facts, kind=row.kind, email_domains=tuple(row.email_domains))
    _put(db, actor, facts)
    moderation.audit(db, by.id, "organization.change", actor.uri)


def _put(db: Session, actor: Actor, facts: Facts) -> None:
    from models import affiliations

    row = get(db, actor)
    row.kind, row.municipality_code, row.cvr = str(facts.kind), facts.municipality_code, facts.cvr
    row.email_domains = list(facts.email_domains)
    db.flush()
    renamed = actor.name != facts.name
    fields = [profiles.field("Websted", facts.website)] if facts.website else []
    actors.update_profile(db, actor, name=facts.name, summary_source=facts.summary, fields=fields)
    if renamed:
        affiliations.show_again(db, actor)


def facts_of(db: Session, actor: Actor) -> Facts:
    """What an organisation of this node says of itself now."""
    row = get(db, actor)
    website = actor.fields[0]["source"] if actor.fields else ""
    return Facts(
        actor.name, row.kind, actor.summary_source, website, row.municipality_code, row.cvr, tuple(row.email_domains)
    )


def get(db: Session, actor: Actor) -> Organization:
    """What is known of an organisation of this node; raises NotFound for any other actor."""
    row = db.get(Organization, actor.id)
    if row is None:
        raise NotFound("There is no such organisation.")
    return row


def by_name(db: Session, username: str) -> Actor:
    """The organisation of this node with this user name; raises NotFound."""
    actor = actors.by_handle(db, username)
    if actor is None or not actor.active:
        raise NotFound("There is no such organisation.")
    get(db, actor)
    return actor


def by_id(db: Session, actor_id: int) -> Actor:
    """The organisation of this node with this number; raises NotFound."""
    actor = db.get(Actor, actor_id)
    if actor is None or not actor.active:
        raise NotFound("There is no such organisation.")
    get(db, actor)
    return actor


def all_local(db: Session) -> list[tuple[Organization, Actor]]:
    """The organisations of this node, by name."""
    query = select(Organization, Actor).join(Actor, Actor.id == Organization.id)
    rows = db.execute(query.where(Actor.deleted_at.is_(None), Actor.suspended_at.is_(None)).order_by(Actor.name))
    return [(row[0], row[1]) for row in rows]


def at_domain(db: Session, email: str) -> list[Actor]:
    """The organisations whose people have addresses like this one."""
    domain = email.rpartition("@")[2].lower()
    return [actor for row, actor in all_local(db) if domain in row.email_domains]


def classes(row: Organization) -> tuple[str, ...]:
    """What somebody can be to an organisation: one who works there, or a citizen of a public body."""
    return (row.kind, AffiliationClass.CITIZEN) if row.kind == AffiliationClass.PUBLIC_BODY else (row.kind,)


# Editors


def editors(db: Session, actor: Actor) -> list[Actor]:
    """Who looks after an organisation."""
    query = select(Actor).join(Editor, Editor.account_id == Actor.id).where(Editor.organization_id == actor.id)
    return list(db.scalars(query.order_by(Actor.username)))


def edited_by(db: Session, account_id: int) -> list[Actor]:
    """The organisations that somebody looks after."""
    query = select(Actor).join(Editor, Editor.organization_id == Actor.id).where(Editor.account_id == account_id)
    return list(db.scalars(query.order_by(Actor.name)))


def may_edit(db: Session, by: Actor, actor: Actor) -> bool:
    """Whether somebody looks after an organisation: its editors and the node's administrators do."""
    return db.get(Editor, (actor.id, by.id)) is not None or _is_admin(db, by)


def require_editor(db: Session, by: Actor, actor: Actor) -> None:
    """Raise Forbidden for all who do not look after this organisation."""
    if not may_edit(db, by, actor):
        raise Forbidden("Only those who look after this organisation may do that.")


def add_editor(db: Session, by: Actor, actor: Actor, person: Actor) -> None:
    """One more editor, who needs an account here. Raises Forbidden or Invalid."""
    require_editor(db, by, actor)
    if db.get(Account, person.id) is None or not person.active:
        raise Invalid("An editor needs an account on this server.", code="editor_unknown")
    _add_editor(db, actor, person)
    moderation.audit(db, by.id, "organization.editor", actor.uri, editor=person.uri)


def _add_editor(db: Session, actor: Actor, person: Actor) -> None:
    insert_unless_there(db, Editor, organization_id=actor.id, account_id=person.id)


def remove_editor(db: Session, by: Actor, actor: Actor, person_id: int) -> None:
    """One editor less; the last one stays. Raises Forbidden or Conflict."""
    require_editor(db, by, actor)
    if [one.id for one in editors(db, actor)] == [person_id]:
        raise Conflict("An organisation needs an editor.")
    db.execute(delete(Editor).where(Editor.organization_id == actor.id, Editor.account_id == person_id))
    moderation.audit(db, by.id, "organization.editor_removed", actor.uri, editor=actors.get(db, person_id).uri)


def _is_admin(db: Session, by: Actor) -> bool:
    account = db.get(Account, by.id)
    return account is not None and account.role == Role.ADMIN
