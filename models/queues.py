"""The three queues and the peers at a glance: for metrics, health checks and the administrator's commands."""

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models import deliveries, inbox, jobs, moderation, peers
from models.actors import Actor
from models.base import now
from models.errors import NotFound
from models.jobs import Job
from models.outbox import Delivery
from models.peers import Peer

CLOCK_PEERS = 3
"""From so few peers on we believe that the clock at fault is ours."""


@dataclass(frozen=True)
class Queue:
    """One queue: how many wait, how many were given up, and since when the oldest waits."""

    name: str
    waiting: int
    dead: int
    oldest: datetime | None

    @property
    def age(self) -> float:
        """Seconds since the oldest was queued; 0 for an empty queue."""
        return max((now() - self.oldest).total_seconds(), 0.0) if self.oldest else 0.0


@dataclass(frozen=True)
class HostQueue:
    """What waits for one host, and why it waits."""

    host: str
    waiting: int
    dead: int
    state: str
    """`ok`, `failing`, `open` (circuit) or `parked`."""
    error: str


def overview(db: Session) -> list[Queue]:
    """The queues of jobs, deliveries and received activities."""
    out = deliveries.stats(db)
    received = inbox.stats(db)
    return [
        Queue("jobs", jobs.depth(db), jobs.count_dead(db), jobs.oldest(db)),
        Queue("deliveries", out.waiting, out.dead, out.oldest),
        Queue("received", received["waiting"], received["dead"], inbox.oldest(db)),
    ]


def by_kind(db: Session) -> list[Queue]:
    """The jobs by kind: those that wait longest first."""
    alive = Job.dead_at.is_(None)
    due = case((alive & (Job.run_at <= now()), Job.created_at))
    query = select(
        Job.kind,
        func.sum(case((alive, 1), else_=0)),
        func.sum(case((alive, 0), else_=1)),
        func.min(due),
    ).group_by(Job.kind)
    found = [Queue(row[0], int(row[1]), int(row[2]), row[3]) for row in db.execute(query)]
    return sorted(found, key=lambda queue: (-queue.age, queue.name))


def hosts(db: Session, limit: int = 50) -> list[HostQueue]:
    """Hosts with deliveries in the queue, those with most first."""
    waiting = func.sum(case((Delivery.dead_at.is_(None), 1), else_=0))
    dead = func.sum(case((Delivery.dead_at.is_not(None), 1), else_=0))
    query = select(Delivery.host, waiting, dead).group_by(Delivery.host).order_by(func.count().desc()).limit(limit)
    rows = db.execute(query).all()
    known = peers.many(db, [row[0] for row in rows])
    return [
        HostQueue(
            host,
            int(waits),
            int(given_up),
            peers.state(known[host]) if host in known else "ok",
            known[host].last_error if host in known else "",
        )
        for host, waits, given_up in rows
    ]


def in_trouble(db: Session, limit: int = 50) -> list[Peer]:
    """Hosts that fail, are held back or parked: those parked first, then those that failed last."""
    trouble = (Peer.parked_at.is_not(None)) | (Peer.failures > 0) | (Peer.open_until > now())
    order = (Peer.parked_at.is_(None), Peer.last_failure_at.desc(), Peer.host)
    return list(db.scalars(select(Peer).where(trouble).order_by(*order).limit(limit)))


def unpark(db: Session, host: str, *, by: Actor | None = None) -> int:
    """Somebody says that the host is back: deliver to it now, what was given up included. How many of those.

    Raises NotFound for a host of which nothing is known.
    """
    if peers.find(db, host) is None:
        raise NotFound("Nothing is known of that server.")
    peers.wake_host(db, host)
    again = deliveries.retry(db, host=host)
    moderation.audit(db, by.id if by else None, "peer.unpark", host, count=again)
    return again


def peer_states(db: Session) -> dict[str, int]:
    """How many peers are in each state."""
    state = case(
        (Peer.parked_at.is_not(None), "parked"),
        (Peer.open_until > now(), "open"),
        (Peer.failures > 0, "failing"),
        else_="ok",
    )
    found = {str(row[0]): int(row[1]) for row in db.execute(select(state, func.count()).group_by(state))}
    return {"ok": 0, "failing": 0, "open": 0, "parked": 0, **found}


def clock_skew(db: Session) -> float | None:
    """How far, in seconds, the peers' clocks are ahead of ours: the median of those heard today, None if too few.

    The median, because a single peer's clock proves nothing and may be set on purpose.
    """
    since = now() - timedelta(days=1)
    query = (
        select(Peer.clock_skew)
        .where(Peer.clock_skew.is_not(None), Peer.clock_at > since)
        .order_by(Peer.clock_at.desc())
        .limit(200)
    )
    found = [skew for skew in db.scalars(query) if skew is not None]
    return statistics.median(found) if len(found) >= CLOCK_PEERS else None
