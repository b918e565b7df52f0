"""Exclusions: the moderators of a community shut somebody out of it with a reason, which he is told and can appeal."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import bans, sanctions
from models.accounts import Account
from models.actors import Actor, ActorType
from models.base import now
from models.errors import Conflict, Invalid, NotFound
from models.sanctions import Sanction, SanctionKind


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
    db: Session, by: Actor, group: Actor, target: Actor, *, reason: str, rule: str = "", summary: str = ""
) -> Sanction:
    """Shut somebody out of a community of this node, write it down, and tell him if he is of this node.

    Raises Forbidden for who does not moderate it, Conflict for one who does, Invalid (no person, no reason), NotFound.
    """
    require_possible(db, by, group, target)
    row = sanctions.write_down(
        db, target, SanctionKind.BAN, by=by, reason=reason, rule=rule, summary=summary, community=group
    )
    bans.put(db, by, group, target, rule=row.rule)
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
    """A moderator on another server has shut somebody out; False if we know. Whoever has an account here is told.

    `inner` is the `Block` as it came, for a community of ours to pass on. Raises Forbidden, Conflict.
    """
    if not bans.put(db, by, group, target, uri=uri, until=until, inner=inner):
        return False
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
