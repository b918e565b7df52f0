"""Invitations: links that let somebody make an account, to be handed on or sent by mail."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import accounts, actors, jobs, moderation
from models.accounts import ROLES, Account, Role, Wait
from models.actors import Actor
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, Forbidden, Invalid, NotFound

MAX_OPEN = 20
"""How many invitations of one member wait at most to be used."""


class Invitation(Base):
    """A link that lets somebody make an account."""

    __tablename__ = "invitations"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(Id, unique=True)
    """What it is called where its secret is not known."""
    role: Mapped[str] = mapped_column(Text, default=Role.MEMBER)
    email: Mapped[str] = mapped_column(Text, default="")
    confirms: Mapped[bool] = mapped_column(default=True)
    """Whoever takes it up has shown that `email` is his: it is sent there and nowhere else, or the staff says so."""
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """The organisation that confirms whoever takes it up, as `affiliation_class`."""
    affiliation_class: Mapped[str] = mapped_column(Text, default="")
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("actors.id"), index=True)
    """Null: from the command line."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_by: Mapped[int | None] = mapped_column(Id, index=True)
    organization: Mapped[Actor | None] = relationship(foreign_keys=[organization_id], lazy="joined", viewonly=True)


def invite(
    db: Session,
    *,
    role: str = Role.MEMBER,
    email: str = "",
    confirms: bool = True,
    days: int = 7,
    organization_id: int | None = None,
    affiliation_class: str = "",
    by: int | None = None,
) -> str:
    """A secret that lets one person (`email`, or whoever has it) make an account within `days`. Raises Invalid.

    With an organisation it also confirms what he is to it: the caller has made sure that who invites may do that.
    `confirms`: who invites vouches that the address is his who gets the link.
    """
    if role not in ROLES:
        raise Invalid("Unknown role.", code="role_unknown")
    if not 1 <= days <= 365:
        raise Invalid("An invitation is valid for 1 to 365 days.", code="days_range")
    token = secrets.token_urlsafe(24)
    db.add(
        Invitation(
            token_hash=accounts.hash_token(token),
            number=new_id(),
            role=role,
            email=accounts.address(email) if email.strip() else "",
            confirms=confirms,
            organization_id=organization_id,
            affiliation_class=affiliation_class,
            invited_by=by,
            expires_at=now() + timedelta(days=days),
        )
    )
    db.flush()
    to = email.strip().rpartition("@")[2]  # whom it became is known from the account; the log outlives it
    moderation.audit(db, by, "invitation.make", to or "link", role=str(role), days=days)
    return token


def send(db: Session, *, email: str, by: int, language: str, **wishes: str | int | None) -> None:
    """Invite somebody by mail. The secret is made when the mail is written, so that nobody but its reader has it.

    `wishes` are such as `organization_id`. Raises Invalid, Conflict where he has an account.
    """
    email = accounts.require_free_address(db, email)
    invite(db, email=email, by=by, **wishes)  # type: ignore[arg-type]
    number = db.scalars(select(Invitation.number).where(Invitation.invited_by == by).order_by(Invitation.number)).all()[
        -1
    ]
    jobs.enqueue(db, "mail", {"letter": "invitation", "invitation": number, "email": email, "language": language})


def renew(db: Session, number: int) -> tuple[Invitation, str] | None:
    """An invitation that still holds, with a fresh secret instead of that it had; None if it does not hold."""
    row = db.scalar(select(Invitation).where(Invitation.number == number))
    if row is None or row.used_by is not None or row.expires_at <= now():
        return None
    token = secrets.token_urlsafe(24)
    row.token_hash = accounts.hash_token(token)
    db.flush()
    return row, token


def find(db: Session, token: str) -> Invitation:
    """An invitation that still holds; raises NotFound."""
    row = db.get(Invitation, accounts.hash_token(token))
    if row is None or row.used_by is not None or row.expires_at <= now():
        raise NotFound("This invitation is used up or too old. Ask for a new one.", code="invitation_gone")
    return row


def open_of(db: Session, inviter: int) -> list[Invitation]:
    """What somebody has sent out that waits to be used, newest first."""
    query = select(Invitation).where(
        Invitation.invited_by == inviter, Invitation.used_by.is_(None), Invitation.expires_at > now()
    )
    return list(db.scalars(query.order_by(Invitation.number.desc()).limit(100)))


def require_room(db: Session, inviter: int) -> None:
    """Raises Conflict where too many invitations of this member wait already."""
    waiting = select(func.count()).select_from(Invitation).where(
        Invitation.invited_by == inviter, Invitation.used_by.is_(None), Invitation.expires_at > now()
    )  # fmt: skip
    if (db.scalar(waiting) or 0) >= MAX_OPEN:
        raise Conflict(f"At most {MAX_OPEN} of your invitations wait to be used.", code="email_many")


def withdraw(db: Session, inviter: int, number: int) -> None:
    """Take an invitation of one's own back. Raises NotFound, also where it is used."""
    row = db.scalar(select(Invitation).where(Invitation.number == number, Invitation.invited_by == inviter))
    if row is None or row.used_by is not None:
        raise NotFound("This invitation is used up or too old. Ask for a new one.", code="invitation_gone")
    moderation.audit(db, inviter, "invitation.withdraw", row.email.rpartition("@")[2] or "link")
    db.delete(row)
    db.flush()


def use(
    db: Session,
    token: str,
    *,
    username: str,
    email: str,
    password: str,
    name: str = "",
    language: str = "da",
    by_mail: bool = False,
) -> Account:
    """Create the account an invitation promises. `by_mail`: an address that is not shown to be his has to be confirmed
    first. Raises NotFound, Invalid, Conflict or Forbidden (another address)."""
    from models import registrations  # knows invitations itself

    row = find(db, token)
    if row.email and row.email != accounts.address(email):
        raise Forbidden("This invitation is for another e-mail address.", code="email_other")
    account = accounts.create(
        db, username=username, email=email, password=password, name=name, role=row.role, language=language
    )
    row.used_by = account.id
    db.flush()
    if row.email and row.confirms:
        accounts.confirm_email(db, account)
    elif by_mail:
        registrations.keep_waiting(db, account, Wait.CONFIRMATION)
        return account
    on_admitted(db, account)
    return account


def on_admitted(db: Session, account: Account) -> None:
    """Somebody was let in: what his invitation says of him holds."""
    from models import affiliations  # knows accounts itself

    row = db.scalar(select(Invitation).where(Invitation.used_by == account.id))
    if row is not None and row.organization_id is not None:
        person, organization = actors.get(db, account.id), actors.get(db, row.organization_id)
        affiliations.accept_invited(db, person, organization, row.affiliation_class)
