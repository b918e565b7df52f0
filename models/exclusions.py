"""Exclusions: the moderators of a community shut somebody out of it with a reason, which he is told and can appeal."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, bans, communities, sanctions
from models.accounts import Account
from models.actors import Actor, ActorType
from models.base import now
from models.errors import Conflict, Invalid, NotFound
from models.sanctions import Sanction, SanctionKind

DAYS = (1, 7, 30, 90, 365)
"""For how long somebody may be shut out; or without an end."""


def require_possible(db: Session, by: Actor, group: Actor, target: Actor) -> None:
    """Raises what `shut_out` would raise before it asks for a reason."""
    if target.deleted_at is not None or target.type == ActorType.APPLICATION:
        raise NotFound("There is no such account.")
    if target.is_community or (target.local and target.type == ActorType.SERVICE):
        raise Invalid("Only a person can be shut out.", code="ban_unfit")
    bans.require_possible(db, by, group, target)
    if bans.is_banned(db, target.id, group.id):
        raise Conflict("That holds already.", code="sanction_twice")


def shut_out(
    db: Session,
    by: Actor,
    group: Actor,
    target: Actor,
    *,
    reason: str,
    rule: str = "",
    summary: str = "",
    days: int | None = None,
) -> Sanction:
    """Shut somebody out of a community of this node, write it down, and tell him if he is of this node.

    `days`: for so long, one of `DAYS`; without it until a moderator lets him in. Raises Forbidden for who does not
    moderate it, Conflict for one who does, Invalid (no person, no reason, other `days`), NotFound.
    """
    require_possible(db, by, group, target)
    if days is not None and days not in DAYS:
        raise Invalid("Choose one of these.", code="days_unknown")
    for earlier in _holding(db, group, target):
        earlier.ended_at = now()  # it was for a time only, and is over
    row = sanctions.write_down(
        db, target, SanctionKind.BAN, by=by, reason=reason, rule=rule, summary=summary, community=group
    )
    until = now().replace(microsecond=0) + timedelta(days=days) if days is not None else None
    bans.put(db, by, group, target, rule=row.rule, until=until)
    sanctions.tell(db, row, db.get(Account, target.id), group.display_name)
    return row


def let_in(db: Session, by: Actor, group: Actor, target: Actor) -> None:
    """A moderator of the community lets somebody in again. Raises Forbidden, NotFound (he is not shut out)."""
    rows = _holding(db, group, target)
    for row in rows:
        sanctions.end(db, row, by=by)
    if not rows and not bans.lift(db, by, group, target):
        raise NotFound("Nobody by that name is shut out.")


def heard(
    db: Session,
    by: Actor,
    group: Actor,
    target: Actor,
    reason: str,
    *,
    uri: str,
    until: datetime | None,
    inner: dict[str, Any] | None,
) -> bool:
    """A moderator on another server has shut somebody out, or says anew until when; False if we know that, or it is over.
    Whoever has an account here is told when he is shut out.

    `inner` is the `Block` as it came, for a community of ours to pass on. Raises Forbidden, Conflict.
    """
    if until is not None and until <= now():
        return False
    if not bans.put(db, by, group, target, uri=uri, until=until, inner=inner):
        return bans.end_otherwise(db, by, group, target, uri=uri, until=until, inner=inner)
    account = db.get(Account, target.id)
    if account is not None or group.local:
        row = sanctions.write_down(
            db, target, SanctionKind.BAN, by=by, reason=reason[: sanctions.MAX_REASON], community=group, unsaid=True
        )
        sanctions.tell(db, row, account, group.display_name)
    return True


def heard_of_end(db: Session, by: Actor, group: Actor, target: Actor, *, inner: dict[str, Any] | None) -> bool:
    """A moderator on another server lets somebody in again; False if he was not shut out."""
    if not bans.lift(db, by, group, target, inner=inner):
        return False
    for row in _holding(db, group, target):
        row.ended_at, row.ended_by_id = now(), by.id
    db.flush()
    return True


def end_over(db: Session, limit: int) -> int:
    """End what was for a time only and is over: other servers hear of it, in the name of who decided it; how many."""
    rows = bans.over(db, limit)
    for row in rows:
        group, target, by = (actors.get(db, id) for id in (row.community_id, row.actor_id, row.by_id))
        for decision in _holding(db, group, target):
            decision.ended_at = row.until
        moderates = by.local and communities.is_moderator(db, by.id, group.id)
        bans.lift(db, by if moderates else group, group, target)
    return len(rows)


def until(db: Session, row: Sanction) -> datetime | None:
    """When somebody who is shut out can take part again; None where a moderator has to let him in."""
    ban = db.get(bans.Ban, (row.community_id, row.target_id)) if row.kind == SanctionKind.BAN else None
    return ban.until if ban is not None and row.ended_at is None else None


def _holding(db: Session, group: Actor, target: Actor) -> list[Sanction]:
    query = select(Sanction).where(
        Sanction.target_id == target.id,
        Sanction.kind == SanctionKind.BAN,
        Sanction.community_id == group.id,
        Sanction.ended_at.is_(None),
    )
    return list(db.scalars(query))


def of_community(db: Session, group: Actor) -> list[tuple[bans.Ban, Actor, Sanction | None]]:
    """Whom a community has shut out, the latest first, each with the decision where one was written down."""
    found = bans.of_community(db, group)
    query = select(Sanction).where(
        Sanction.kind == SanctionKind.BAN,
        Sanction.community_id == group.id,
        Sanction.target_id.in_([actor.id for _, actor in found]),
        Sanction.ended_at.is_(None),
    )
    decided = {row.target_id: row for row in db.scalars(query)}
    return [(ban, actor, decided.get(actor.id)) for ban, actor in found]
