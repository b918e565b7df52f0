"""Moderation: setting domain rules, reports, suspensions, and the audit log of all of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import accounts, actors, domains, notifications, outbox, settings, text
from models.accounts import Account, Role
from models.actors import Actor
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.database import node_of
from models.domains import DomainAction, DomainRule
from models.errors import Conflict, Invalid

MAX_REPORTED = 50


class Report(Base):
    """Somebody tells the moderators of something."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, default="", index=True)
    reporter_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    target_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"), index=True)
    post_uris: Mapped[Any] = mapped_column(Json, default=list)
    comment: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(Text, default="other")
    rules: Mapped[Any] = mapped_column(Json, default=list)
    """Numbers of the node's rules that are broken, as the reporter sees it."""
    forwarded: Mapped[bool] = mapped_column(default=False)
    """The server of the one reported has been told too."""
    assigned_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"), index=True)
    """The moderator who has taken it on."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    outcome: Mapped[str] = mapped_column(Text, default="")
    """How it ended (`cases.Outcome`); empty while it is open."""


class AuditEntry(Base):
    """Who did what to whom, for those who must account for it."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_actor_id_id", "actor_id", "id"),
        Index("ix_audit_action_id", "action", "id"),
        Index("ix_audit_subject_id", "subject", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Null: from the command line."""
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[Any] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def audit(db: Session, actor_id: int | None, action: str, subject: str, **detail: Any) -> None:
    """Write down who did what; None: from the command line."""
    db.add(AuditEntry(id=new_id(), actor_id=actor_id, action=action, subject=subject, detail=detail))
    db.flush()


def audit_log(
    db: Session, *, action: str = "", actor_id: int | None = None, before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """The newest entries, older than `before`: of one action, of one person, or all."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if action:
        query = query.where(AuditEntry.action == action)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(db.scalars(query))


def history(db: Session, subject: str, limit: int = 100) -> list[AuditEntry]:
    """What was done about one thing, oldest first; the newest where there is more."""
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id.desc()).limit(limit)
    return list(db.scalars(query))[::-1]


def set_rule(
    db: Session, domain: str, action: DomainAction | str, reason: str = "", *, by: Actor | None = None
) -> DomainRule:
    """Decide about a domain and all below it; takes hold at once, for what is stored too."""
    name = domains.canonical(domain)
    if name == node_of(db).domain or name == domains.canonical(node_of(db).host):
        raise Invalid("That is this server itself.", code="own_domain")
    rule = db.merge(
        DomainRule(
            domain=name,
            action=DomainAction(action),
            reason=text.one_line(reason, 500),
            created_at=now(),
            list_id=None,
        )
    )
    db.flush()
    apply_rules(db, [name])
    audit(db, by.id if by else None, f"domain.{action}", name, reason=reason)
    return rule


def drop_rule(db: Session, domain: str, *, by: Actor | None = None) -> bool:
    """Take a rule of our own back; False if there was none. What shared lists want for the domain holds then.

    Raises Conflict for a rule that comes from a list.
    """
    from models import domain_lists  # knows moderation itself

    rule = db.get(DomainRule, domains.canonical(domain))
    if rule is None:
        return False
    if rule.list_id is not None:
        raise Conflict("This rule comes from a list. Make a rule of your own about the server instead.")
    db.delete(rule)
    db.flush()
    apply_rules(db, [rule.domain])
    domain_lists.settle(db, rule.domain)
    audit(db, by.id if by else None, "domain.drop", rule.domain)
    return True


def use_allow_list(db: Session, on: bool, *, by: Actor | None = None) -> None:
    """Talk only to domains that have an `allow` rule (or to all that are not blocked)."""
    settings.put(db, "allow_list", on)
    for domain in db.scalars(select(Actor.domain).where(Actor.local.is_(False)).distinct()).all():
        _weigh(db, domain)
    db.flush()
    audit(db, by.id if by else None, "domain.allow_list", "on" if on else "off")


def apply_rules(db: Session, names: Collection[str]) -> None:
    """Let what the rules say of these domains and all below them hold for those who are known from there."""
    wanted = set(names)
    known = db.scalars(select(Actor.domain).where(Actor.local.is_(False)).distinct()).all() if wanted else []
    for domain in known:
        if wanted.intersection(domains.with_parents(domain.partition(":")[0])):
            _weigh(db, domain)
    db.flush()


def _weigh(db: Session, domain: str) -> None:
    from models import attending  # tells people what moderators may have to look at

    ruled = domains.standing(db, domain)
    for actor in db.scalars(select(Actor).where(Actor.local.is_(False), Actor.domain == domain)):
        actors.weigh(db, actor, ruled=ruled)
    if ruled == "blocked":
        attending.drop_domain(db, domain)


def report(
    db: Session,
    reporter: Actor,
    *,
    target: Actor | None,
    post_uris: list[str],
    comment: str,
    uri: str = "",
    category: str = "other",
    rules: Sequence[int] = (),
    forward: bool = False,
) -> Report | None:
    """Tell the moderators. The same report (by id) twice is once. At most 50 posts, 5000 characters.

    `forward`: tell those of the other server too, where the one reported lives on one. They learn what is said, not by
    whom: the node itself signs it.
    """
    if uri and db.scalar(select(Report.id).where(Report.uri == uri)) is not None:
        return None
    row = Report(
        id=new_id(),
        uri=uri,
        reporter_id=reporter.id,
        target_id=target.id if target else None,
        post_uris=post_uris[:MAX_REPORTED],
        comment=text.plain(text.escape(comment))[:5000],
        category=category,
        rules=list(rules),
        forwarded=False,
    )
    db.add(row)
    db.flush()
    if forward and target is not None and not target.local:
        forward_report(db, row, target)
    for account_id in db.scalars(select(Account.id).where(Account.role.in_([Role.MODERATOR, Role.ADMIN]))).all():
        notifications.notify(db, account_id, "report", reporter, subject=str(row.id))
    return row


def forward_report(db: Session, row: Report, target: Actor) -> bool:
    """A Flag by the node's own actor, for the inbox of the one reported: there it reaches his moderators. False if that
    was done before."""
    once = update(Report).where(Report.id == row.id, Report.forwarded.is_(False)).values(forwarded=True)
    if getattr(db.execute(once), "rowcount", 0) == 0:
        return False
    db.refresh(row)
    outbox.record(
        db,
        "Flag",
        actors.node_actor(db),
        object_uri=target.uri,
        to=[target.uri],
        data={"embed": [target.uri, *row.post_uris], "content": row.comment},
    )
    return True


def count_reports(db: Session, reporter_id: int, since: datetime) -> int:
    """How many reports one actor has made since then."""
    query = select(func.count()).select_from(Report)
    return db.scalar(query.where(Report.reporter_id == reporter_id, Report.created_at >= since)) or 0


def suspend(db: Session, actor: Actor, *, by: Actor | None, reason: str = "") -> None:
    """Suspend an actor of this or another server; whoever has an account here is locked out. Raises Conflict for the
    last administrator."""
    account = db.get(Account, actor.id)
    if account is not None:
        accounts.suspend(db, account)
    else:
        actors.suspend(db, actor)
    audit(db, by.id if by else None, "actor.suspend", actor.uri, reason=reason)


def unsuspend(db: Session, actor: Actor, *, by: Actor | None) -> None:
    """End a suspension. Raises Conflict for somebody who was never let in: that is decided among those who wait."""
    account = db.get(Account, actor.id)
    if account is not None and account.waits_for:
        raise Conflict("This account waits to be let in.", code="waits")
    if account is not None:
        accounts.unsuspend(db, account)
    else:
        actors.unsuspend(db, actor)
    audit(db, by.id if by else None, "actor.unsuspend", actor.uri)


def count_accounts(db: Session) -> int:
    """Accounts that can sign in, for NodeInfo."""
    can = (Account.suspended_at.is_(None), Account.waits_for == "")
    return db.scalar(select(func.count()).select_from(Account).where(*can)) or 0
