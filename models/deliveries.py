"""The delivery queue: one row per activity and inbox, claimed fairly by host, in order per object.

A claimed row has its lease in `locked_until` and, until then, in `run_at` too: so `run_at <= now` alone finds what may
be tried, and a lease that runs out needs nobody to notice. Rows that are done go; rows given up stay for the
administrator with `dead_at` set and `run_at` far away.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, Text, TextClause, bindparam, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from models import outbox
from models.actors import Actor, ActorType
from models.base import insert_into, new_id, now
from models.database import wake
from models.jobs import Job, spread
from models.outbox import Activity, Delivery, is_urgent
from models.peers import FAILURES_TO_OPEN, Peer

SCHEDULE = (30, 120, 480, 1800, 2 * 3600, 6 * 3600, 12 * 3600, *([24 * 3600] * 6))
"""Seconds to wait after each failed attempt; after the last one a week is over."""

KEPT = timedelta(days=7)
"""How long a delivery is worth trying."""

DEAD_KEPT = timedelta(days=30)
LONGEST_RETRY_AFTER = 24 * 3600
PER_HOST = 2
FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process may try now, with all that sending it needs."""

    id: int
    activity_id: int
    inbox: str
    host: str
    object_key: str
    attempts: int
    """Attempts before this one."""
    urgent: bool
    actor_id: int
    """Whose key signs it."""
    last_status: int | None = None
    scheme: str = "cavage"
    """The signature scheme to try first."""
    parked: bool = False
    """The host was given up; this urgent delivery is tried once in spite of it."""


def order_key(db: Session, activity: Activity) -> str:
    """What the order of activities is kept by: the post concerned, or who follows or blocks whom, or the object.

    An Undo, Accept or Reject has the key of the activity it answers, so that neither overtakes the other.
    """
    if activity.post_id is not None:
        return f"post:{activity.post_id}"
    embed = activity.data.get("embed")
    if isinstance(embed, dict) and isinstance(embed.get("object"), str):
        return f"{embed.get('actor')} {embed['object']}"
    actor = db.get(Actor, activity.actor_id)
    return f"{actor.uri if actor is not None else ''} {activity.object_uri or activity.uri}"


def older_unpublished(db: Session, activity: Activity, *, soon: bool = False) -> bool:
    """Whether an earlier activity about the same thing is still being handed out; the later one has to wait for it.

    `soon`: count only those that are under way or due now, not those put off till later.
    """
    same = select(Activity).where(Activity.id < activity.id)
    if activity.post_id is not None:
        same = same.where(Activity.post_id == activity.post_id)
    else:
        same = same.where(Activity.actor_id == activity.actor_id, Activity.post_id.is_(None))
    key = order_key(db, activity)
    earlier = db.scalars(same.order_by(Activity.id.desc()).limit(100)).all()
    names = [outbox.publish_key(one.id) for one in earlier if order_key(db, one) == key]
    waiting = select(Job.id).where(Job.dedupe.in_(names), Job.dead_at.is_(None)).limit(1)
    if soon:
        waiting = waiting.where(Job.run_at <= now())
    return bool(names) and db.scalar(waiting) is not None


def announcing_communities(db: Session, post_id: int) -> list[Actor]:
    """The communities of this node that announced a post plainly, so that their followers hear of its changes too."""
    query = (
        select(Activity, Actor)
        .join(Actor, Actor.id == Activity.actor_id)
        .where(Activity.post_id == post_id, Activity.type == "Announce", Actor.type == ActorType.GROUP)
    )
    found = {actor.id: actor for activity, actor in db.execute(query) if outbox.is_plain_announce(activity)}
    return list(found.values())


def add_batch(db: Session, activity: Activity, inboxes: Iterable[tuple[str, str]]) -> int:
    """Queue the activity for these (inbox, host); those it is queued for already are left alone. How many were new."""
    present, key, urgent = now(), order_key(db, activity), is_urgent(activity)
    rows = {
        inbox: {
            "id": new_id(),
            "activity_id": activity.id,
            "inbox": inbox,
            "host": host,
            "object_key": key,
            "urgent": urgent,
            "attempts": 0,
            "run_at": present,
            "error": "",
            "created_at": present,
        }
        for inbox, host in inboxes
    }
    there: set[str] = set()
    wanted = list(rows)
    for start in range(0, len(wanted), 400):
        query = select(Delivery.inbox).where(
            Delivery.activity_id == activity.id, Delivery.inbox.in_(wanted[start : start + 400])
        )
        there.update(db.scalars(query))
    fresh = [row for inbox, row in rows.items() if inbox not in there]
    if fresh:
        db.execute(insert_into(db, Delivery), fresh)  # by no way of objects: none of the hundreds is looked at
        wake(db, "deliveries")
    return len(fresh)


# For each host that may be tried: its two oldest due rows that nothing older about the same object holds back.
_PICK = """
SELECT x.id FROM deliveries x
WHERE x.host = hosts.host AND x.run_at <= :present
  AND (p.parked_at IS NULL OR (x.urgent AND x.attempts = 0))
  AND NOT EXISTS (
    SELECT 1 FROM deliveries o
    WHERE o.host = x.host AND o.object_key = x.object_key AND o.id <> x.id AND o.dead_at IS NULL
      AND (o.activity_id < x.activity_id OR o.locked_until > :present))
ORDER BY x.run_at, x.id LIMIT 1 OFFSET """

# All hosts that have rows, each step one look into the index on host.
_ALL = """
  SELECT min(host) FROM deliveries WHERE host > :after
  UNION ALL
  SELECT (SELECT min(d.host) FROM deliveries d WHERE d.host > hosts.host) FROM hosts
  WHERE hosts.host IS NOT NULL AND (CAST(:last AS TEXT) IS NULL OR hosts.host < :last)
"""
_NAMED = "SELECT DISTINCT host FROM deliveries WHERE host IN :named"


def _candidates_of(hosts: str, *params: BindParameter[Any]) -> TextClause:
    query = f"""
WITH RECURSIVE hosts(host) AS ({hosts}), picked AS (
  SELECT hosts.host AS host, p.failures AS failures, p.parked_at AS parked_at,
    ({_PICK} 0) AS first, ({_PICK} 1) AS second,
    (SELECT count(*) FROM deliveries b
     WHERE b.host = hosts.host AND b.run_at > :present AND b.run_at <= :lease_end AND b.locked_until > :present) AS busy
  FROM hosts LEFT JOIN peers p ON p.host = hosts.host
  WHERE hosts.host IS NOT NULL
    AND (p.open_until IS NULL OR p.open_until <= :present OR p.parked_at IS NOT NULL)
)
SELECT host, failures, first, second, busy, parked_at FROM picked
WHERE first IS NOT NULL AND busy < :per_host LIMIT :hosts
"""  # noqa: S608 - only our own constants are put together
    return text(query).bindparams(
        bindparam("present", type_=Delivery.run_at.type), bindparam("lease_end", type_=Delivery.run_at.type), *params
    )


_CANDIDATES = _candidates_of(_ALL, bindparam("last", type_=Text()))
_CANDIDATES_NAMED = _candidates_of(_NAMED, bindparam("named", expanding=True))


def hosts_in_turn(db: Session, limit: int, lease_s: float, *, after: str = "", per_host: int = PER_HOST) -> list[str]:
    """Up to `limit` hosts to which something may be sent now, beginning with those behind `after`.

    Only reads: with a hundred thousand dead hosts the search takes half a second, in which nobody could write if it
    were done by `claim`. That judges these hosts again.
    """
    if not any_due(db):
        return []
    present = now()
    found = [row.host for row in _rows(db, present, limit, lease_s, per_host, after=after)]
    if after and len(found) < limit:
        found += [row.host for row in _rows(db, present, limit - len(found), lease_s, per_host, last=after)]
    return list(dict.fromkeys(found))


def claim(
    db: Session,
    limit: int,
    lease_s: float,
    *,
    hosts: Sequence[str] | None = None,
    after: str = "",
    per_host: int = PER_HOST,
    spare: int | None = None,
) -> list[Claimed]:
    """Take up to `limit` due deliveries for `lease_s` seconds, a few per host: of these `hosts` in this order, or of
    all, beginning with those behind `after`.

    Every host gets one before any gets two, and none gets a second beyond `spare`, so that slow hosts leave room.

    Never more than `per_host` in flight to a host (one, if it has to prove itself after failures), never two about the
    same object, and none before an older one about the same object is done or given up.
    """
    if hosts is None:
        hosts = hosts_in_turn(db, limit, lease_s, after=after, per_host=per_host)
    present = now()
    firsts, seconds = _candidates(db, present, lease_s, per_host, hosts)
    wanted = firsts[:limit]
    wanted += seconds[: max((limit if spare is None else min(limit, spare)) - len(wanted), 0)]
    if not wanted:
        return []
    rows = db.execute(
        select(*_SENDING)
        .join(Activity, Activity.id == Delivery.activity_id)
        .outerjoin(Peer, Peer.host == Delivery.host)
        .where(Delivery.id.in_(wanted), Delivery.run_at <= present)
        .with_for_update(skip_locked=True, of=Delivery)
    ).all()
    place = {id: number for number, id in enumerate(wanted)}
    claimed: list[Claimed] = []
    objects: set[tuple[str, str]] = set()
    for row in sorted(rows, key=lambda found: place[found.id]):
        if (row.host, row.object_key) in objects:
            continue
        objects.add((row.host, row.object_key))
        claimed.append(_claimed(row, present))
    until = present + timedelta(seconds=lease_s)
    db.execute(
        update(Delivery)
        .where(Delivery.id.in_([one.id for one in claimed]))
        .values(locked_until=until, run_at=until)
        .execution_options(synchronize_session=False)
    )
    return claimed


_SENDING = (
    Delivery.id,
    Delivery.activity_id,
    Delivery.inbox,
    Delivery.host,
    Delivery.object_key,
    Delivery.attempts,
    Delivery.urgent,
    Delivery.status,
    Activity.actor_id,
    Peer.scheme,
    Peer.scheme_until,
    Peer.parked_at,
)
"""What sending takes: columns, because rows as objects cost several times as much and hundreds are claimed at once."""


def _claimed(row: Row[*tuple[Any, ...]], present: datetime) -> Claimed:
    known = row.scheme_until is not None and row.scheme_until > present
    return Claimed(
        id=row.id,
        activity_id=row.activity_id,
        inbox=row.inbox,
        host=row.host,
        object_key=row.object_key,
        attempts=row.attempts,
        urgent=row.urgent,
        actor_id=row.actor_id,
        last_status=row.status,
        scheme=(row.scheme if known else "") or "cavage",
        parked=row.parked_at is not None,
    )


def _candidates(
    db: Session, present: datetime, lease_s: float, per_host: int, hosts: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Ids that may be tried now: those that would be alone in flight to their host, and those that would not."""
    place = {host: number for number, host in enumerate(hosts)}
    rows = [
        row
        for start in range(0, len(hosts), 400)
        for row in _rows(db, present, 400, lease_s, per_host, named=hosts[start : start + 400])
    ]
    firsts: list[int] = []
    seconds: list[int] = []
    for row in sorted(rows, key=lambda row: place[row.host]):
        proving = (row.failures or 0) >= FAILURES_TO_OPEN or row.parked_at is not None
        free = (1 if proving else per_host) - row.busy
        picked = [id for id in (row.first, row.second) if id is not None][: max(free, 0)]
        (seconds if row.busy else firsts).extend(picked[:1])
        seconds.extend(picked[1:])
    return firsts, seconds


def _rows(
    db: Session,
    present: datetime,
    limit: int,
    lease_s: float,
    per_host: int,
    *,
    after: str = "",
    last: str | None = None,
    named: Sequence[str] | None = None,
) -> Sequence[Row[Any]]:
    """What may be tried, a row for each host: of those `named`, or of all behind `after` and up to `last`."""
    values = {
        "present": present,
        # Another process may have read its clock a little after us and claimed before us.
        "lease_end": present + timedelta(seconds=lease_s + 60),
        "per_host": per_host,
        "hosts": limit,
    }
    if named is not None:
        return db.execute(_CANDIDATES_NAMED, {**values, "named": list(named)}).all()
    return db.execute(_CANDIDATES, {**values, "after": after, "last": last}).all()


def done(db: Session, ids: Iterable[int]) -> None:
    """Taken by the other side: the rows go."""
    wanted = list(ids)
    for start in range(0, len(wanted), 400):
        db.execute(delete(Delivery).where(Delivery.id.in_(wanted[start : start + 400])))


def failed(db: Session, id: int, error: str, status: int | None = None, retry_after: float | None = None) -> bool:
    """Not taken, but worth another try: by the schedule, or after `retry_after` seconds (a day at most).

    False if its week is over and it was given up instead.
    """
    row = db.get(Delivery, id)
    if row is None:
        return False
    present = now()
    over = row.attempts >= len(SCHEDULE) or present - row.created_at >= KEPT
    row.attempts += 1
    row.status, row.error, row.locked_until = status, error[:500], None
    if over:
        row.dead_at, row.run_at = present, FAR
    else:
        wait = spread(SCHEDULE[row.attempts - 1])
        if retry_after is not None:
            wait = max(min(retry_after, LONGEST_RETRY_AFTER), 1.0)
        row.run_at = present + timedelta(seconds=wait)
    db.flush()
    return not over


def dead(db: Session, id: int, error: str, status: int | None = None) -> None:
    """Given up; kept for the administrator."""
    present = now()
    db.execute(
        update(Delivery)
        .where(Delivery.id == id)
        .values(dead_at=present, run_at=FAR, locked_until=None, error=error[:500], status=status)
    )


def drop(db: Session, id: int) -> None:
    """Refused for good by an answer that concerns this delivery only: the row goes."""
    db.execute(delete(Delivery).where(Delivery.id == id))


def release(db: Session, ids: Iterable[int]) -> None:
    """Give claimed rows back at once, untried: the worker is going down, or may not send them after all."""
    wanted = list(ids)
    present = now()
    for start in range(0, len(wanted), 400):
        db.execute(
            update(Delivery)
            .where(Delivery.id.in_(wanted[start : start + 400]), Delivery.dead_at.is_(None))
            .values(locked_until=None, run_at=present)
        )


def dead_letters(db: Session, limit: int = 100) -> list[Delivery]:
    """What was given up, newest first."""
    query = select(Delivery).where(Delivery.dead_at.is_not(None)).order_by(Delivery.dead_at.desc()).limit(limit)
    return list(db.scalars(query))


def retry(db: Session, ids: Sequence[int] | None = None, *, host: str | None = None) -> int:
    """Put dead letters back into the queue with a fresh week: these, those of one host, or all. How many."""
    query = update(Delivery).where(Delivery.dead_at.is_not(None))
    if ids is not None:
        query = query.where(Delivery.id.in_(list(ids)))
    if host is not None:
        query = query.where(Delivery.host == host)
    present = now()
    again = db.execute(
        query.values(dead_at=None, attempts=0, locked_until=None, run_at=present, created_at=present, error="")
    )
    wake(db, "deliveries")
    return int(getattr(again, "rowcount", 0))


@dataclass(frozen=True)
class Stats:
    """The queue at one moment."""

    waiting: int
    dead: int
    oldest: datetime | None
    """When the longest-waiting delivery was queued."""


def stats(db: Session) -> Stats:
    """How much waits, how much was given up, and since when the oldest waits."""
    alive = Delivery.dead_at.is_(None)
    waiting, oldest = db.execute(select(func.count(), func.min(Delivery.created_at)).where(alive)).one()
    given_up = db.scalar(select(func.count()).select_from(Delivery).where(Delivery.dead_at.is_not(None))) or 0
    return Stats(waiting, given_up, oldest)


def waiting_for(db: Session, hosts: Collection[str]) -> dict[str, int]:
    """How many deliveries wait for each of these hosts, those given up not counted; hosts without any are left out."""
    query = select(Delivery.host, func.count()).where(Delivery.host.in_(hosts), Delivery.dead_at.is_(None))
    return {row[0]: int(row[1]) for row in db.execute(query.group_by(Delivery.host))}


def any_due(db: Session) -> bool:
    """Whether there is something to claim (if its host may be tried); cheap enough to ask all the time."""
    return db.scalar(select(Delivery.id).where(Delivery.run_at <= now()).limit(1)) is not None


def sweep(db: Session, limit: int = 5000) -> int:
    """Delete up to `limit` rows whose time is over: a week for parked hosts, a month for dead letters. How many."""
    present = now()
    parked = select(Peer.host).where(Peer.parked_at.is_not(None))
    over = or_(
        Delivery.dead_at < present - DEAD_KEPT,
        (Delivery.created_at < present - KEPT) & Delivery.host.in_(parked),
    )
    ids = select(Delivery.id).where(over).limit(limit)
    return int(getattr(db.execute(delete(Delivery).where(Delivery.id.in_(ids))), "rowcount", 0))
