"""Sanctions: what moderators decided about somebody or a post of his, why, and what became of his appeal."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import (
    actors,
    anonymity,
    bans,
    communities,
    leaving,
    letters,
    listings,
    moderation,
    notifications,
    removing,
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


class SanctionKind(StrEnum):
    """What was done."""

    WARN = "warn"
    LIMIT = "limit"
    SUSPEND = "suspend"
    REMOVE_POST = "remove_post"
    HIDE_POST = "hide_post"
    DELETE_POST = "delete_post"
    DELETE = "delete"
    """The account goes for good."""
    BAN = "ban"
    """Shut out of one community (`exclusions`)."""


class Appeal(StrEnum):
    """Where an appeal stands."""

    NONE = ""
    WAITING = "waiting"
    UPHELD = "upheld"
    OVERTURNED = "overturned"


ABOUT_POSTS = frozenset({SanctionKind.REMOVE_POST, SanctionKind.HIDE_POST, SanctionKind.DELETE_POST})
FINAL = frozenset({SanctionKind.DELETE_POST, SanctionKind.DELETE})
"""What cannot be undone."""


LETTERS = {
    SanctionKind.WARN: "warned",
    SanctionKind.LIMIT: "limited",
    SanctionKind.SUSPEND: "suspended",
    SanctionKind.REMOVE_POST: "hidden",
    SanctionKind.HIDE_POST: "hidden",
    SanctionKind.DELETE_POST: "deleted_post",
    SanctionKind.DELETE: "deleted",
    SanctionKind.BAN: "banned",
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
    community_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Of a ban: from where."""
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
    if report_id is not None and db.get(moderation.Report, report_id) is None:
        raise NotFound("There is no such report.")
    row = write_down(
        db, target, kind, by=by, reason=reason, rule=rule, summary=summary, post=post, report_id=report_id,
        unsaid=by is None,
    )  # fmt: skip
    account, about = db.get(Account, anonymity.told(db, target.id, post)), title_of(post)
    if kind == SanctionKind.DELETE:
        tell(db, row, account, about)  # while there is an address to write to
        leaving.delete_local(db, target)
        return row
    _carry_out(db, row, target, by, post)
    tell(db, row, account, about)
    return row


def write_down(
    db: Session,
    target: Actor,
    kind: SanctionKind | str,
    *,
    by: Actor | None,
    reason: str,
    rule: str = "",
    summary: str = "",
    post: Post | None = None,
    community: Actor | None = None,
    report_id: int | None = None,
    unsaid: bool = False,
) -> Sanction:
    """The row of a decision that is about to be carried out, and its place in the audit log. Raises Invalid (no reason,
    unless it may be left `unsaid`)."""
    reason = text.plain(text.escape(reason)).strip()
    if len(reason) > MAX_REASON or not (reason or unsaid):
        raise Invalid(f"A reason has 1 to {MAX_REASON} characters.", code="reason_length")
    row = Sanction(
        id=new_id(),
        target_id=target.id,
        kind=SanctionKind(kind),
        reason=reason,
        rule=text.one_line(rule, 300),
        summary=text.one_line(summary, 200),
        post_id=post.id if post is not None else None,
        community_id=community.id if community is not None else None,
        report_id=report_id,
        by_id=by.id if by is not None else None,
    )
    row.appeal = row.answer = ""
    row.appeal_state = Appeal.NONE
    db.add(row)
    db.flush()
    _audit(db, by, row, "impose")
    return row


def title_of(post: Post | None) -> str:
    """What a letter calls a post; empty for none."""
    return "" if post is None else post.title or text.plain(post.content)


def tell(
    db: Session,
    row: Sanction,
    account: Account | None,
    about: str,
    *,
    kind: str = NotificationKind.SANCTION,
    letter: str = "",
    why: str = "",
) -> None:
    """Tell whom it is about, if he has an account here: a notice from the node, and a letter that reaches also who is
    shut out. `about` is what it concerns in plain text; without `letter` and `why`, it is the decision itself."""
    letter, why = letter or LETTERS[SanctionKind(row.kind)], why or row.reason
    if account is not None:
        notifications.notify(db, account.id, kind, actors.node_actor(db), subject=str(row.id))
        path = "" if row.kind == SanctionKind.DELETE else f"/sanctions/{row.id}"
        letters.moderated(db, account, letter, reason=why, about=about, path=path)


def require_possible(
    db: Session, target: Actor, kind: SanctionKind | str, *, by: Actor | None, post: Post | None = None
) -> None:
    """Raises what `impose` would raise before it asks for a reason."""
    if kind not in list(SanctionKind):
        raise Invalid("There is no such action.", code="kind_unknown")
    if target.type == ActorType.APPLICATION or target.deleted_at is not None:
        raise NotFound("There is no such account.")
    _require_rank(db, target, by)
    if kind == SanctionKind.BAN:
        raise Invalid("There is no such action.", code="kind_unknown")  # the community's moderators do that
    if target.local and target.type == ActorType.SERVICE and kind not in ABOUT_POSTS:
        raise Invalid("This is nobody's account: act on the post, or on whoever wrote it.", code="anonymous")
    if kind in ABOUT_POSTS:
        if post is None or post.author_id != target.id or post.deleted_at is not None:
            raise NotFound("There is no such post, or you may not see it.")
        if kind == SanctionKind.REMOVE_POST:
            group = communities.home_of(db, post)
            if group is None or not group.local:
                raise Invalid("This post is in no community of this server.", code="no_community")
        done = {SanctionKind.REMOVE_POST: post.removed_at, SanctionKind.HIDE_POST: post.hidden_at}.get(
            SanctionKind(kind)
        )
    elif kind == SanctionKind.WARN:
        if db.get(Account, target.id) is None:
            raise Invalid("Only somebody who has an account here can be warned.", code="warn_elsewhere")
        return
    elif kind == SanctionKind.DELETE:
        _require_deletable(db, target, by)
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


def _require_deletable(db: Session, target: Actor, by: Actor | None) -> None:
    if db.get(Account, target.id) is None:
        raise Invalid("Only an account of this server can be deleted.", code="delete_elsewhere")
    actor = db.get(Account, by.id) if by is not None else None
    if by is not None and (actor is None or actor.role != Role.ADMIN):
        raise Forbidden("Only an administrator deletes accounts.", code="rank")


def _carry_out(db: Session, row: Sanction, target: Actor, by: Actor | None, post: Post | None) -> None:
    if row.kind == SanctionKind.SUSPEND:
        moderation.suspend(db, target, by=by, reason=row.reason)
    elif row.kind == SanctionKind.LIMIT:
        actors.limit(db, target)
    elif row.kind == SanctionKind.REMOVE_POST and post is not None:
        listings.remove_post(db, _in_community(db, post, by), post, row.rule or row.reason, tell=False)
    elif row.kind == SanctionKind.HIDE_POST and post is not None:
        post.hidden_at = now()
    elif row.kind == SanctionKind.DELETE_POST and post is not None:
        removing.delete_by_moderator(db, post)
    db.flush()


def end(db: Session, row: Sanction, *, by: Actor | None) -> None:
    """Take a decision back: what it did is undone. Raises Conflict if it has ended, Forbidden for who may not."""
    target = actors.get(db, row.target_id)
    group = db.get(Actor, row.community_id) if row.community_id is not None else None
    if group is None or by is None or not communities.is_moderator(db, by.id, group.id):
        _require_rank(db, target, by)
    if row.ended_at is not None:
        raise Conflict("That has ended already.", code="sanction_ended")
    if row.kind in FINAL and row.appeal_state != Appeal.OVERTURNED:
        raise Conflict("That cannot be undone.", code="sanction_final")
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
    elif row.kind == SanctionKind.BAN and group is not None:
        moderates = by is not None and communities.is_moderator(db, by.id, group.id)
        bans.lift(db, by if by is not None and moderates else group, group, target)
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
    group = db.get(Actor, row.community_id) if row.community_id is not None else None
    detail = {"sanction": str(row.id), "person": target.uri, "reason": row.reason, "rule": row.rule}
    if group is not None:
        detail["community"] = group.uri
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


def forget(db: Session, actor_id: int) -> None:
    """Somebody leaves: what was said to him and by him goes. That something was decided stays, for the public list."""
    kept = Sanction.kind != SanctionKind.DELETE
    for row in db.scalars(select(Sanction).where(Sanction.target_id == actor_id, kept)):
        row.reason = row.appeal = row.answer = ""
        if row.appeal_state == Appeal.WAITING:
            row.appeal_state = Appeal.NONE
    db.flush()


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
