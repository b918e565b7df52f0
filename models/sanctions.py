"""Sanctions: what moderators decided about somebody or a post of his, why, and what became of his appeal."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import (
    accounts,
    actor_keys,
    actors,
    anonymity,
    communities,
    letters,
    listings,
    moderation,
    notifications,
    text,
)
from models import settings as facts
from models.accounts import Account, Role
from models.actors import Actor, ActorType
from models.base import Base, Id, UtcTime, new_id, now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.posts import Post

MAX_REASON = 2000
MAX_APPEAL = 5000
APPEAL_SECONDS = 30 * 60
"""How long somebody who was shut out may take to write his appeal after he showed that he is who he says."""


class SanctionKind(StrEnum):
    """What was done."""

    WARN = "warn"
    LIMIT = "limit"
    SUSPEND = "suspend"
    REMOVE_POST = "remove_post"
    HIDE_POST = "hide_post"


class Appeal(StrEnum):
    """Where an appeal stands."""

    NONE = ""
    WAITING = "waiting"
    UPHELD = "upheld"
    OVERTURNED = "overturned"


ABOUT_POSTS = frozenset({SanctionKind.REMOVE_POST, SanctionKind.HIDE_POST})

LETTERS = {
    SanctionKind.WARN: "warned",
    SanctionKind.LIMIT: "limited",
    SanctionKind.SUSPEND: "suspended",
    SanctionKind.REMOVE_POST: "hidden",
    SanctionKind.HIDE_POST: "hidden",
}
"""What the letter about each is called (`letters.MODERATION`)."""


class Sanction(Base):
    """One decision. It holds until it is ended; a warning is said and that is all."""

    __tablename__ = "sanctions"
    __table_args__ = (
        Index("ix_sanctions_target_id_id", "target_id", "id"),
        Index("ix_sanctions_appeal_state_id", "appeal_state", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    target_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    """Of an anonymous post its `Service`: who wrote it stands nowhere but where it always does."""
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    rule: Mapped[str] = mapped_column(Text, default="")
    """The words of the rule that was broken, as they were then."""
    summary: Mapped[str] = mapped_column(Text, default="")
    """What the public log says about it, without names, on one line."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"), index=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Null: from the command line."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    appeal: Mapped[str] = mapped_column(Text, default="")
    appealed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    appeal_state: Mapped[str] = mapped_column(Text, default=Appeal.NONE)
    answer: Mapped[str] = mapped_column(Text, default="")
    """What was answered to the appeal."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))


def impose(
    db: Session,
    target: Actor,
    kind: SanctionKind | str,
    *,
    by: Actor | None,
    reason: str,
    rule: str = "",
    summary: str = "",
    post: Post | None = None,
    report_id: int | None = None,
) -> Sanction:
    """Do it, write it down, and tell the person if he is of this node.

    `by` None: from the command line, with or without a reason. Raises Invalid, NotFound for what nobody can act on,
    Forbidden for who may not, Conflict where it holds already.
    """
    require_possible(db, target, kind, by=by, post=post)
    reason = text.plain(text.escape(reason)).strip()
    if len(reason) > MAX_REASON or (by is not None and not reason):
        raise Invalid(f"A reason has 1 to {MAX_REASON} characters.", code="reason_length")
    if report_id is not None and db.get(moderation.Report, report_id) is None:
        raise NotFound("There is no such report.")
    row = Sanction(
        id=new_id(),
        target_id=target.id,
        kind=SanctionKind(kind),
        reason=reason,
        rule=text.one_line(rule, 300),
        summary=text.one_line(summary, 200),
        post_id=post.id if post is not None else None,
        report_id=report_id,
        by_id=by.id if by is not None else None,
    )
    db.add(row)
    db.flush()
    _carry_out(db, row, target, by, post)
    _audit(db, by, row, "impose")
    _tell(db, row, target, post, NotificationKind.SANCTION, LETTERS[SanctionKind(kind)], row.reason)
    return row


def _tell(db: Session, row: Sanction, target: Actor, post: Post | None, kind: str, letter: str, why: str) -> None:
    """A notice from the node, and a letter that reaches also who is shut out; of an anonymous post to who wrote it."""
    account = db.get(Account, anonymity.told(db, target.id, post))
    if account is not None:
        notifications.notify(db, account.id, kind, actors.node_actor(db), subject=str(row.id))
        about = (post.title or text.plain(post.content)) if post is not None else ""
        letters.moderated(db, account, letter, reason=why, about=about, path=f"/sanctions/{row.id}")


def require_possible(
    db: Session, target: Actor, kind: SanctionKind | str, *, by: Actor | None, post: Post | None = None
) -> None:
    """Raises what `impose` would raise before it asks for a reason."""
    if kind not in list(SanctionKind):
        raise Invalid("There is no such action.", code="kind_unknown")
    if target.type == ActorType.APPLICATION or target.deleted_at is not None:
        raise NotFound("There is no such account.")
    _require_rank(db, target, by)
    if target.local and target.type == ActorType.SERVICE and kind not in ABOUT_POSTS:
        raise Invalid("This is nobody's account: act on the post, or on who wrote it.", code="anonymous")
    if kind in ABOUT_POSTS:
        if post is None or post.author_id != target.id or post.deleted_at is not None:
            raise NotFound("There is no such post, or you may not see it.")
        if kind == SanctionKind.REMOVE_POST:
            group = communities.home_of(db, post)
            if group is None or not group.local:
                raise Invalid("This post is in no community of this server.", code="no_community")
        done = post.removed_at if kind == SanctionKind.REMOVE_POST else post.hidden_at
    elif kind == SanctionKind.WARN:
        if db.get(Account, target.id) is None:
            raise Invalid("Only somebody who has an account here can be warned.", code="warn_elsewhere")
        return
    else:
        done = target.limited_at if kind == SanctionKind.LIMIT else target.suspended_at
    if done is not None:
        raise Conflict("That holds already.", code="sanction_twice")


def possible(db: Session, target: Actor, *, by: Actor, post: Post | None = None) -> list[SanctionKind]:
    """The kinds that make sense now, mildest first."""
    found = []
    for kind in SanctionKind:
        try:
            require_possible(db, target, kind, by=by, post=post)
        except (Invalid, NotFound, Forbidden, Conflict):
            continue
        found.append(kind)
    return found


def _require_rank(db: Session, target: Actor, by: Actor | None) -> None:
    """Moderators act on members, administrators on everybody; nobody on himself."""
    if by is None:
        return
    actor = db.get(Account, by.id)
    if actor is None or actor.suspended_at is not None or actor.role == Role.MEMBER:
        raise Forbidden("Only moderators may do that.", code="not_moderator")
    other = db.get(Account, target.id)
    if target.id == by.id or (other is not None and other.role != Role.MEMBER and actor.role != Role.ADMIN):
        raise Forbidden("Only an administrator may act on one who moderates, and nobody on himself.", code="rank")


def _carry_out(db: Session, row: Sanction, target: Actor, by: Actor | None, post: Post | None) -> None:
    if row.kind == SanctionKind.SUSPEND:
        moderation.suspend(db, target, by=by, reason=row.reason)
    elif row.kind == SanctionKind.LIMIT:
        actors.limit(db, target)
    elif row.kind == SanctionKind.REMOVE_POST and post is not None:
        listings.remove_post(db, _in_community(db, post, by), post, row.rule or row.reason, tell=False)
    elif row.kind == SanctionKind.HIDE_POST and post is not None:
        post.hidden_at = now()
    db.flush()


def end(db: Session, row: Sanction, *, by: Actor | None) -> None:
    """Take a decision back: what it did is undone. Raises Conflict if it has ended, Forbidden for who may not."""
    target = actors.get(db, row.target_id)
    _require_rank(db, target, by)
    if row.ended_at is not None:
        raise Conflict("That has ended already.", code="sanction_ended")
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    row.ended_at, row.ended_by_id = now(), by.id if by is not None else None
    if row.kind == SanctionKind.SUSPEND:
        moderation.unsuspend(db, target, by=by)
    elif row.kind == SanctionKind.LIMIT:
        actors.limit(db, target, on=False)
    elif row.kind == SanctionKind.REMOVE_POST and post is not None and post.removed_at is not None:
        listings.restore_post(db, _in_community(db, post, by), post)
    elif row.kind == SanctionKind.HIDE_POST and post is not None:
        post.hidden_at = None
    _audit(db, by, row, "end")


def lift(db: Session, target: Actor, kind: SanctionKind, *, by: Actor | None) -> int:
    """End every decision of this kind that still holds; how many."""
    query = select(Sanction).where(Sanction.target_id == target.id, Sanction.kind == kind, Sanction.ended_at.is_(None))
    rows = db.scalars(query).all()
    for row in rows:
        end(db, row, by=by)
    return len(rows)


def _in_community(db: Session, post: Post, by: Actor | None) -> Actor:
    """As whom a community is told: as the moderator, if he moderates it, else as the community itself."""
    group = communities.home_of(db, post)
    assert group is not None
    return by if by is not None and communities.is_moderator(db, by.id, group.id) else group


def _audit(db: Session, by: Actor | None, row: Sanction, what: str) -> None:
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    target = actors.get(db, row.target_id)
    deed, subject = f"sanction.{what}.{row.kind}", post.uri if post is not None else target.uri
    detail = {"sanction": str(row.id), "person": target.uri, "reason": row.reason, "rule": row.rule}
    moderation.audit(db, by.id if by is not None else None, deed, subject, **detail)


def get(db: Session, sanction_id: int) -> Sanction:
    """The decision with this id; raises NotFound."""
    if (row := db.get(Sanction, sanction_id)) is None:
        raise NotFound("There is no such page.")
    return row


def concerns(db: Session, row: Sanction, account_id: int) -> bool:
    """Whether it is about this account, or about what it wrote anonymously."""
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    return account_id in {row.target_id, anonymity.told(db, row.target_id, post)}


def of(db: Session, target_id: int, limit: int = 20) -> list[Sanction]:
    """What was decided about somebody, newest first."""
    return list(
        db.scalars(select(Sanction).where(Sanction.target_id == target_id).order_by(Sanction.id.desc()).limit(limit))
    )


def suspension(db: Session, account: Account) -> Sanction | None:
    """The decision that keeps an account out; None where it was locked without one."""
    kept_out = (Sanction.kind == SanctionKind.SUSPEND, Sanction.ended_at.is_(None))
    return db.scalars(
        select(Sanction).where(Sanction.target_id == account.id, *kept_out).order_by(Sanction.id.desc()).limit(1)
    ).first()


def appeal(db: Session, row: Sanction, said: str, *, account_id: int) -> None:
    """Ask for it to be looked at again, once. Raises NotFound for others' decisions, Invalid, or Conflict."""
    if not concerns(db, row, account_id):
        raise NotFound("There is no such page.")
    said = text.plain(text.escape(said)).strip()
    if not said or len(said) > MAX_APPEAL:
        raise Invalid(f"An appeal has 1 to {MAX_APPEAL} characters.", code="appeal_length")
    if row.appeal_state or row.ended_at is not None:
        raise Conflict("You can appeal once, while the decision holds.", code="appeal_twice")
    row.appeal, row.appealed_at, row.appeal_state = said, now(), Appeal.WAITING
    target = actors.get(db, row.target_id)
    moderation.audit(db, row.target_id, "sanction.appeal", target.uri, sanction=str(row.id))
    for account, _ in accounts.staff(db):
        if may_decide(db, row, account):
            notifications.notify(db, account.id, NotificationKind.APPEAL, actors.node_actor(db), subject=str(row.id))


def may_decide(db: Session, row: Sanction, account: Account) -> bool:
    """Whether this moderator may decide the appeal: another than who acted, where there is another."""
    if account.role == Role.MEMBER or account.suspended_at is not None or account.id == row.target_id:
        return False
    if row.by_id != account.id:
        return True
    return all(other.id in {row.by_id, row.target_id} for other, _ in accounts.staff(db))


def decide(db: Session, row: Sanction, *, by: Actor, overturn: bool, answer: str) -> None:
    """Uphold a decision, or overturn it, which ends it. The person is told. Raises Conflict, Forbidden or Invalid."""
    account = db.get(Account, by.id)
    if account is None or not may_decide(db, row, account):
        raise Forbidden("Another moderator than the one who acted decides about an appeal.", code="same_moderator")
    answer = text.plain(text.escape(answer)).strip()
    if not answer or len(answer) > MAX_REASON:
        raise Invalid(f"An answer has 1 to {MAX_REASON} characters.", code="answer_length")
    if row.appeal_state != Appeal.WAITING:
        raise Conflict("This appeal is decided already.", code="appeal_decided")
    row.appeal_state = Appeal.OVERTURNED if overturn else Appeal.UPHELD
    row.answer, row.decided_at, row.decided_by_id = answer, now(), by.id
    if overturn and row.ended_at is None:
        end(db, row, by=by)
    target = actors.get(db, row.target_id)
    moderation.audit(db, by.id, f"appeal.{row.appeal_state}", target.uri, sanction=str(row.id), answer=answer)
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    letter = "appeal_accepted" if overturn else "appeal_refused"
    _tell(db, row, target, post, NotificationKind.APPEAL_DECIDED, letter, answer)


def appeals(db: Session, *, after: int | None = None, limit: int = 20) -> list[tuple[Sanction, Actor, Actor | None]]:
    """Appeals that wait, oldest decision first, with whom it is about and who decided."""
    query = select(Sanction).where(Sanction.appeal_state == Appeal.WAITING).order_by(Sanction.id).limit(limit)
    rows = db.scalars(query if after is None else query.where(Sanction.id > after)).all()
    people = actors.many(db, [i for row in rows for i in (row.target_id, row.by_id) if i])
    return [(row, people[row.target_id], people.get(row.by_id or 0)) for row in rows]


def appeal_token(db: Session, row: Sanction) -> str:
    """Lets who has just shown a password, and gets no session, send one appeal against this decision."""
    said = f"{row.id}.{int(now().timestamp()) + APPEAL_SECONDS}"
    return f"{said}.{_sign(db, said)}"


def by_token(db: Session, token: str) -> Sanction:
    """The decision that a token of ours is for; raises Forbidden for any other, and when its time is over."""
    parsed = re.fullmatch(r"(\d{1,19})\.(\d{1,12})\.([A-Za-z0-9_-]{43})", token, re.ASCII)
    if parsed is None or not hmac.compare_digest(_sign(db, f"{parsed[1]}.{parsed[2]}"), parsed[3]):
        raise Forbidden("Sign in once more, and you can write your appeal.", code="appeal_token")
    if int(parsed[2]) <= now().timestamp():
        raise Forbidden("Sign in once more, and you can write your appeal.", code="appeal_token")
    return get(db, int(parsed[1]))


def _sign(db: Session, said: str) -> str:
    """A signature by a key of its own, made from the node's."""
    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    key = hashlib.sha256(b"appeals of those who are shut out\n" + pem.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, said.encode(), "sha256")).decode().rstrip("=")


def log_open(db: Session) -> bool:
    """Whether everybody may read what moderators did, without names."""
    return bool(facts.get(db, "moderation_log", True))


def open_log(db: Session, on: bool, *, by: Actor) -> None:
    """Decide whether everybody may."""
    if on != log_open(db):
        facts.put(db, "moderation_log", on)
        moderation.audit(db, by.id, "moderation.log", "on" if on else "off")


def log(db: Session, *, before: int | None = None, limit: int = 50) -> list[Sanction]:
    """What was decided, newest first. Its page shows kind, rule, summary and time, and nothing else."""
    query = select(Sanction).order_by(Sanction.id.desc()).limit(limit)
    return list(db.scalars(query if before is None else query.where(Sanction.id < before)))
