"""Who may make an account here, what a new one waits for, and those who ask to be let in.

Where the node sends mail, nobody is let in before his address is shown to be his. Until somebody is let in his actor is
suspended, so that nobody here or elsewhere hears of him, and none of his calls is answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import accounts, actors, email_links, invitations, jobs, moderation, notifications, settings
from models.accounts import Account, Role, Wait
from models.actors import Actor
from models.base import Base, UtcTime, now
from models.email_links import Purpose
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.notifications import Notification, NotificationKind

NAME = "registrations"
"""Under which the choice is kept among the facts of the node."""

MAX_REASON = 1000
MAX_DOMAINS = 200
UNCONFIRMED = timedelta(days=7)
"""For so long an account waits for its address to be confirmed; then it is gone, and its name is free."""

REFUSED = timedelta(days=30)
"""For so long who was refused can read why."""


class Mode(StrEnum):
    """Who may make an account."""

    CLOSED = "closed"
    INVITE = "invite"
    APPROVAL = "approval"
    DOMAIN = "domain"
    OPEN = "open"


BY_ONESELF = (Mode.APPROVAL, Mode.DOMAIN, Mode.OPEN)
"""Where somebody needs no invitation to begin."""


@dataclass(frozen=True)
class Policy:
    """What holds for new accounts."""

    mode: Mode = Mode.INVITE
    domains: tuple[str, ...] = ()
    """Behind the @ of those who may make an account, where `mode` is `domain`."""
    members_invite: bool = False
    """Whether every member may invite; administrators always may."""
    by_mail: bool = False
    """The node sends mail, so addresses are confirmed first."""

    @property
    def open(self) -> bool:
        """Whether there is a form for whoever has no invitation."""
        return self.mode in BY_ONESELF

    def may_invite(self, account: Account) -> bool:
        """Whether somebody may invite others."""
        return self.mode != Mode.CLOSED and (self.members_invite or account.role == Role.ADMIN)


class Application(Base):
    """Why somebody wants to be let in, and why he was not. Gone when he is."""

    __tablename__ = "applications"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(Text)
    refusal: Mapped[str] = mapped_column(Text, default="")
    refused_at: Mapped[datetime | None] = mapped_column(UtcTime)


def of(db: Session, defaults: Policy) -> Policy:
    """What holds now; `defaults` are what the process was set to."""
    chosen = settings.get(db, NAME)
    if chosen is None:
        return defaults
    return replace(
        defaults,
        mode=Mode(chosen["mode"]),
        domains=tuple(chosen["domains"]),
        members_invite=bool(chosen["members_invite"]),
    )


def choose(
    db: Session, defaults: Policy, *, mode: str, domains: Iterable[str], members_invite: bool, by: Actor
) -> Policy:
    """Decide who may make an account. Raises Invalid."""
    if mode not in list(Mode):
        raise Invalid("Choose one of these.", code="mode_unknown")
    names = tuple(dict.fromkeys(_domain(name) for name in domains if name.strip()))
    if len(names) > MAX_DOMAINS:
        raise Invalid("This is too long.", code="domains_many")
    if mode == Mode.DOMAIN and not names:
        raise Invalid("Name at least one domain.", code="domains_missing")
    if mode == Mode.DOMAIN and not defaults.by_mail:
        raise Invalid("For that the server must be able to send mail.", code="mode_mail")
    settings.put(db, NAME, {"mode": mode, "domains": list(names), "members_invite": members_invite})
    moderation.audit(db, by.id, "registrations", mode, domains=list(names), members_invite=members_invite)
    return of(db, defaults)


def _domain(name: str) -> str:
    name = name.strip().lower().removeprefix("@")
    try:
        name = name.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not accounts.MAIL_DOMAIN.fullmatch(name):
        raise Invalid("A domain is what stands after the @, such as vesterlund.dk.", code="domains_form")
    return name


def sign_up(
    db: Session,
    policy: Policy,
    *,
    username: str,
    email: str,
    password: str,
    name: str = "",
    language: str = "da",
    reason: str = "",
) -> Account:
    """Make an account without an invitation. It may wait to be let in (`Account.waits_for`).

    Raises Forbidden where that is not possible, Invalid (also `reason_…` and `email_domain`) or Conflict.
    """
    if not policy.open:
        raise Forbidden("Accounts are made from invitations here.", code="closed")
    reason = reason.strip()
    if policy.mode == Mode.APPROVAL and not reason:
        raise Invalid("Say in a sentence or two why you want to take part.", code="reason_missing")
    if len(reason) > MAX_REASON:
        raise Invalid("This is too long.", code="reason_long")
    _require_domain(policy, email)
    account = accounts.create(db, username=username, email=email, password=password, name=name, language=language)
    if policy.mode == Mode.APPROVAL:
        db.add(Application(account_id=account.id, reason=reason))
        db.flush()
    if policy.by_mail:
        keep_waiting(db, account, Wait.CONFIRMATION)
    elif policy.mode == Mode.APPROVAL:
        keep_waiting(db, account, Wait.APPROVAL)
    return account


def _require_domain(policy: Policy, email: str) -> None:
    if policy.mode == Mode.DOMAIN and accounts.address(email).rpartition("@")[2] not in policy.domains:
        raise Invalid("Accounts here are for addresses at other domains.", code="email_domain")


def keep_waiting(db: Session, account: Account, wait: Wait) -> None:
    """The account is not let in yet; whoever has to do something for that is told."""
    account.waits_for = wait
    actors.suspend(db, actors.get(db, account.id))
    if wait == Wait.CONFIRMATION:
        email_links.promise(db, account, Purpose.CONFIRM)
    elif wait == Wait.APPROVAL:
        for who, _ in accounts.staff(db):
            notifications.notify(
                db, who.id, NotificationKind.SIGN_UP, actors.node_actor(db), subject=str(account.id)
            )  # fmt: skip


def confirm_again(db: Session, policy: Policy, account: Account, email: str) -> None:
    """Send the link again, to another address if the first was wrong. Raises Invalid or Conflict."""
    if account.waits_for != Wait.CONFIRMATION:
        raise Conflict("Your address is confirmed already.", code="email_confirmed")
    if accounts.address(email) != account.email:
        _require_domain(policy, email)
        accounts.change_email(db, account, email)
        email_links.forget(db, account.id)
    email_links.promise(db, account, Purpose.CONFIRM)


def on_confirmed_email(db: Session, account: Account) -> None:
    """The address of an account that waits was confirmed: it is let in, or waits for a moderator now."""
    if account.waits_for != Wait.CONFIRMATION:
        return
    if db.get(Application, account.id) is not None:
        keep_waiting(db, account, Wait.APPROVAL)
    else:
        admit(db, account)


def admit(db: Session, account: Account) -> None:
    """Let somebody in."""
    from models import affiliations  # knows accounts itself

    account.waits_for = Wait.NOTHING
    actors.unsuspend(db, actors.get(db, account.id))
    db.execute(delete(Application).where(Application.account_id == account.id))
    db.flush()
    if account.email_confirmed_at is not None:
        affiliations.on_confirmed_email(db, account)
    invitations.on_admitted(db, account)


def queue(db: Session, limit: int = 50) -> list[tuple[Application, Account, Actor]]:
    """Who waits for a moderator's word, first come first."""
    rows = db.execute(
        select(Application, Account, Actor)
        .join(Account, Account.id == Application.account_id)
        .join(Actor, Actor.id == Application.account_id)
        .where(Account.waits_for == Wait.APPROVAL, Account.suspended_at.is_(None))
        .order_by(Application.account_id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _applicant(db: Session, account_id: int) -> tuple[Application, Account]:
    application, account = db.get(Application, account_id), db.get(Account, account_id)
    if application is None or account is None or account.waits_for != Wait.APPROVAL:
        raise NotFound("Somebody has answered this already.", code="application_gone")
    return application, account


def approve(db: Session, account_id: int, *, by: Actor) -> None:
    """Let an applicant in, and tell him by mail. Raises NotFound where somebody else has answered."""
    _, account = _applicant(db, account_id)
    admit(db, account)
    _answered(db, account_id)
    moderation.audit(db, by.id, "sign_up.approve", actors.get(db, account_id).uri)
    jobs.enqueue(db, "mail", {"letter": "approved", "account": account_id})


def refuse(db: Session, account_id: int, reason: str, *, by: Actor) -> None:
    """Do not let an applicant in, and tell him why by mail. Raises NotFound, and Invalid without a reason."""
    application, account = _applicant(db, account_id)
    reason = reason.strip()
    if not reason:
        raise Invalid("Write why: it is what the applicant reads.", code="reason_missing")
    if len(reason) > MAX_REASON:
        raise Invalid("This is too long.", code="reason_long")
    application.refusal, application.refused_at = reason, now()
    account.waits_for = Wait.REFUSAL
    _answered(db, account_id)
    moderation.audit(db, by.id, "sign_up.refuse", actors.get(db, account_id).uri, reason=reason)
    jobs.enqueue(db, "mail", {"letter": "refused", "account": account_id})


def _answered(db: Session, account_id: int) -> None:
    """No moderator needs to be told any more."""
    told = (Notification.kind == NotificationKind.SIGN_UP) & (Notification.subject == str(account_id))
    db.execute(delete(Notification).where(Notification.from_id == actors.node_actor(db).id, told))


def sweep(db: Session, limit: int) -> int:
    """Forget accounts whose address nobody confirmed in a week, and those refused a month ago; how many."""
    unconfirmed = (Account.waits_for == Wait.CONFIRMATION) & (Account.created_at < now() - UNCONFIRMED)
    refused = Account.id.in_(select(Application.account_id).where(Application.refused_at < now() - REFUSED))
    old = list(
        db.scalars(select(Account.id).where(unconfirmed | (refused & (Account.waits_for == Wait.REFUSAL))).limit(limit))
    )
    for id in old:
        _forget(db, id)
    return len(old)


def _forget(db: Session, account_id: int) -> None:
    """Nothing is left of an account that was never let in. Nobody else can have heard of it, so nobody is told.

    Every table that knows accounts or actors is asked, so that none that is added later is forgotten here.
    """
    db.flush()
    db.execute(delete(invitations.Invitation).where(invitations.Invitation.used_by == account_id))
    for table in reversed(Base.metadata.sorted_tables):
        for key in table.foreign_keys:
            if key.target_fullname in {"accounts.id", "actors.id"}:
                db.execute(delete(table).where(key.parent == account_id))
    db.execute(delete(Actor).where(Actor.id == account_id))
    db.expire_all()
