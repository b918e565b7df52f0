"""Bans: whom a community has shut out. He may go on reading, but writes, answers and votes there no more.

Our own communities' bans go out as FEP-1b12 has it: the moderator's `Block` with the community as its `target`, wrapped
by the community. Those of communities elsewhere are kept as far as we hear of them, so that nobody here writes what would
be thrown away there.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Text, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import communities, outbox
from models.actors import PUBLIC, Actor
from models.base import Base, UtcTime, insert_unless_there, now
from models.errors import Conflict, Forbidden


class Ban(Base):
    """A community has shut somebody out."""

    __tablename__ = "community_bans"

    community_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True, autoincrement=False, index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    uri: Mapped[str] = mapped_column(Text, default="")
    """The id of the `Block`."""
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it ends by itself, as some servers have it; null: when a moderator lifts it."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def is_banned(db: Session, actor_id: int, community_id: int | None) -> bool:
    """Whether this community has shut him out."""
    row = db.get(Ban, (community_id, actor_id)) if community_id is not None else None
    return row is not None and (row.until is None or row.until > now())


def require_welcome(db: Session, actor: Actor, community_id: int | None) -> None:
    """Raise Forbidden for whom this community has shut out."""
    if is_banned(db, actor.id, community_id):
        raise unwelcome()


def unwelcome() -> Forbidden:
    """What somebody hears who is shut out."""
    return Forbidden("You are shut out of this community. You can read it, but not take part.", code="banned")


def communities_of(db: Session, actor_id: int) -> set[int]:
    """The communities that have shut somebody out."""
    return set(db.scalars(select(Ban.community_id).where(Ban.actor_id == actor_id, _holds())))


def _holds() -> ColumnElement[bool]:
    return or_(Ban.until.is_(None), Ban.until > now())


def over(db: Session, limit: int) -> list[Ban]:
    """Those that have ended by themselves and still stand in the table."""
    return list(db.scalars(select(Ban).where(Ban.until <= now()).order_by(Ban.until).limit(limit)))


def require_possible(db: Session, by: Actor, group: Actor, actor: Actor) -> None:
    """Raise Forbidden unless `by` moderates the community, Conflict if `actor` does."""
    communities.require_moderator(db, by, group)
    if communities.is_moderator(db, actor.id, group.id):
        raise Conflict("A moderator of the community cannot be shut out of it.", code="is_moderator")


def put(
    db: Session,
    by: Actor,
    group: Actor,
    actor: Actor,
    *,
    rule: str = "",
    uri: str = "",
    until: datetime | None = None,
    inner: dict[str, Any] | None = None,
) -> bool:
    """A moderator of the community shuts somebody out, for good or `until` a time; False if he is already. Others are
    told the end, and the rule, if one is named.

    `uri` and `inner` are the id and the JSON of a `Block` that came from elsewhere. Raises Forbidden (no moderator),
    Conflict (he moderates the community himself).
    """
    require_possible(db, by, group, actor)
    if not is_banned(db, actor.id, group.id):
        db.execute(delete(Ban).where(Ban.community_id == group.id, Ban.actor_id == actor.id))  # one that has ended
    if not insert_unless_there(
        db, Ban, community_id=group.id, actor_id=actor.id, by_id=by.id, uri=uri, until=until, created_at=now()
    ):
        return False
    row = db.get_one(Ban, (group.id, actor.id))
    if by.local and communities.tells(db, group):
        block = outbox.record(
            db, "Block", by, object_uri=actor.uri, to=[PUBLIC], cc=[group.uri, actor.uri],
            data={"target": group.uri, "audience": group.uri, "summary": rule, **_end(until)},
        )  # fmt: skip
        row.uri = block.uri
        communities.wrap(db, group, block.uri, {"inner": block.id})
    elif inner is not None and communities.tells(db, group):
        communities.wrap(db, group, uri, {"embed": inner})
    db.flush()
    return True


def end_otherwise(
    db: Session,
    by: Actor,
    group: Actor,
    actor: Actor,
    *,
    uri: str,
    until: datetime | None,
    inner: dict[str, Any] | None,
) -> bool:
    """A moderator elsewhere says anew until when somebody is shut out (a second `Block`); False if that is known."""
    require_possible(db, by, group, actor)
    row = db.get(Ban, (group.id, actor.id))
    if row is None or row.until == until:
        return False
    row.uri, row.until, row.by_id = uri, until, by.id
    if inner is not None and communities.tells(db, group):
        communities.wrap(db, group, uri, {"embed": inner})
    db.flush()
    return True


def lift(db: Session, by: Actor, group: Actor, actor: Actor, *, inner: dict[str, Any] | None = None) -> bool:
    """A moderator of the community, or the community itself, lets him in again; False if he is not shut out.

    `inner` is the JSON of an `Undo` that came from elsewhere.
    """
    row = db.get(Ban, (group.id, actor.id))
    if row is None:
        return False
    if by.local and communities.tells(db, group):
        block = {
            "id": row.uri or f"{group.uri}#ban-{actor.id}",
            "type": "Block",
            "actor": by.uri,
            "object": actor.uri,
            "target": group.uri,
            "audience": group.uri,
            "to": [PUBLIC],
            "cc": [group.uri, actor.uri],
            **_end(row.until),
        }
        undo = outbox.record(
            db, "Undo", by, object_uri=row.uri, to=[PUBLIC], cc=[group.uri, actor.uri],
            data={"audience": group.uri, "embed": block},
        )  # fmt: skip
        communities.wrap(db, group, undo.uri, {"inner": undo.id})
    elif inner is not None and communities.tells(db, group):
        communities.wrap(db, group, str(inner.get("id", "")), {"embed": inner})
    db.delete(row)
    db.flush()
    return True


def _end(until: datetime | None) -> dict[str, str]:
    return {} if until is None else {"endTime": f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def of_community(db: Session, group: Actor, limit: int = 200) -> list[tuple[Ban, Actor]]:
    """Whom a community has shut out, the latest first."""
    rows = db.execute(
        select(Ban, Actor)
        .join(Actor, Ban.actor_id == Actor.id)
        .where(Ban.community_id == group.id, _holds())
        .order_by(Ban.created_at.desc(), Ban.actor_id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]
