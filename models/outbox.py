"""The outbox: what local actors did, to be told to others. Committed together with the deed itself.

A row says what happened and to whom it is addressed; federation renders the body once, stores it here, and writes one
delivery per inbox.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import jobs
from models.base import Base, Id, Json, UtcTime, new_id, now
from models.database import node_of

if TYPE_CHECKING:  # actors and posts write to the outbox, so it cannot import them
    from models.actors import Actor
    from models.posts import Post

BODY_KEPT = timedelta(days=8)
"""How long rendered bodies stay at least: deliveries are tried for a week."""


class Activity(Base):
    """One activity of a local actor, `<origin>/activities/<id>`."""

    __tablename__ = "activities"
    __table_args__ = (
        Index("ix_activities_actor_id_id", "actor_id", "id"),
        Index("ix_activities_post_id", "post_id"),
        Index("ix_activities_object_uri", "object_uri"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    type: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    """The post concerned, where there is one."""
    object_uri: Mapped[str] = mapped_column(Text, default="")
    """Id of the object (of the embedded activity, for Undo, Accept, Reject and wraps)."""
    data: Mapped[Any] = mapped_column(Json, default=dict)
    """What rendering needs and rows may no longer hold: `object` (embedded JSON), `inner` (id of an own activity that
    is undone or wrapped), `target`, `audience`, `formerType`."""
    to: Mapped[Any] = mapped_column(Json, default=list)
    cc: Mapped[Any] = mapped_column(Json, default=list)
    public: Mapped[bool] = mapped_column(default=False)
    """Readable by anybody: stands in the outbox collection and at its address."""
    body: Mapped[str] = mapped_column(Text, default="")
    """The rendered JSON, written once by the publisher; deliveries send these bytes."""
    published: Mapped[datetime] = mapped_column(UtcTime, default=now)


class Delivery(Base):
    """One activity for one inbox. `object_key` keeps what concerns one object in order, per host."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_run_at", "run_at"),
        Index("ix_deliveries_host_run_at", "host", "run_at"),
        Index("ix_deliveries_host_object_key", "host", "object_key"),
        Index("ix_deliveries_activity_id_inbox", "activity_id", "inbox", unique=True),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activities.id"))
    inbox: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    object_key: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool] = mapped_column(default=False)
    """Tried once in spite of a parked host: Delete, Move, Update of an actor."""
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    status: Mapped[int | None]
    """The last answer's status code."""
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    dead_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Given up; kept for the administrator."""


def record(
    db: Session,
    type: str,
    actor: "Actor",
    *,
    object_uri: str = "",
    post: "Post | None" = None,
    to: Iterable[str] = (),
    cc: Iterable[str] = (),
    public: bool = False,
    data: Mapping[str, Any] | None = None,
    urgent: bool = False,
) -> Activity:
    """Note what a local actor did, in the transaction of the deed, and promise to tell others.

    `to` and `cc` are ids of actors and collections as they stand in the JSON. `urgent` has it tried once even at hosts
    given up (a Delete, a Move and an actor's Update always are). A node that cannot be reached by others keeps the row
    for its outbox and tells nobody.
    """
    id = new_id()
    node = node_of(db)
    activity = Activity(
        id=id,
        uri=f"{node.origin}/activities/{id}",
        type=type,
        actor_id=actor.id,
        post_id=post.id if post is not None else None,
        object_uri=object_uri or (post.uri if post is not None else ""),
        data={**(data or {}), **({"urgent": True} if urgent else {})},
        to=list(dict.fromkeys(to)),
        cc=list(dict.fromkeys(cc)),
        public=public,
        published=now(),
    )
    db.add(activity)
    db.flush()
    if node.federates:
        jobs.enqueue(db, "publish", {"activity": id}, dedupe=publish_key(id))
    return activity


def publish_key(activity_id: int) -> str:
    """The name under which an activity's fan-out stands in the job queue."""
    return f"publish:{activity_id}"


def get(db: Session, id: int) -> Activity | None:
    """The activity with that number."""
    return db.get(Activity, id)


def by_uri(db: Session, uri: str) -> Activity | None:
    """The activity with that ActivityPub id."""
    return db.scalar(select(Activity).where(Activity.uri == uri))


def is_urgent(activity: Activity) -> bool:
    """Whether it is tried once at hosts that were given up: deletions, moves, and changes of an actor."""
    if activity.data.get("urgent"):
        return True
    return activity.type in {"Delete", "Move"} or (activity.type == "Update" and activity.post_id is None)


def is_plain_announce(activity: Activity) -> bool:
    """An Announce of an object's id, as Mastodon reads it; not of an activity, as FEP-1b12 servers do."""
    return activity.type == "Announce" and not {"embed", "inner", "only"} & set(activity.data)


def wrapped_edit(db: Session, activity: Activity) -> Activity | None:
    """The Update of ours that a community wrapped in this Announce; None of everything else."""
    inner = activity.data.get("inner") if activity.type == "Announce" else None
    found = get(db, int(inner)) if inner is not None else None
    return found if found is not None and found.type == "Update" else None


def is_choice(activity: Activity) -> bool:
    """A ChooseAnswer or its Undo. Of the servers we met, GoToSocial answers 500 to a type it does not know: such an
    error looks passing, so that everything else about the question would wait behind it for a week."""
    embed = activity.data.get("embed")
    inner = embed.get("type") if activity.type == "Undo" and isinstance(embed, dict) else activity.type
    return inner == "ChooseAnswer"


def plain_announces(db: Session, actor_id: int, post: "Post") -> list[Activity]:
    """The plain Announces of a post by one actor, oldest first."""
    query = select(Activity).where(
        Activity.post_id == post.id, Activity.type == "Announce", Activity.actor_id == actor_id
    )
    return [one for one in db.scalars(query.order_by(Activity.id)) if is_plain_announce(one)]


def announced(db: Session, actor_id: int, post: "Post") -> bool:
    """Whether an actor has announced a post, or anything about it."""
    query = select(Activity.id).where(
        Activity.post_id == post.id, Activity.type == "Announce", Activity.actor_id == actor_id
    )
    return db.scalars(query.limit(1)).first() is not None


def sweep(db: Session, limit: int = 2000) -> int:
    """Empty up to `limit` bodies that no delivery needs any more; how many.

    They can be made again from the rows, without what was deleted since.
    """
    waiting = select(Delivery.id).where(Delivery.activity_id == Activity.id)
    ids = (
        select(Activity.id)
        .where(Activity.body != "", Activity.published < now() - BODY_KEPT, ~waiting.exists())
        .order_by(Activity.id)
        .limit(limit)
    )
    done = db.execute(update(Activity).where(Activity.id.in_(ids)).values(body=""))
    return int(getattr(done, "rowcount", 0))
