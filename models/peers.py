"""Peers: what this node knows of each other host, and whether it answers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Text, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import quick
from models.base import (
    Base,
    UtcTime,
    dialect_of,
    insert_all_unless_there,
    insert_in,
    insert_unless_there,
    now,
    table_of,
)
from models.database import wake

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 30 * 60
DAYS_TO_PARK = 7
SCHEME_DAYS = 30
NODEINFO_DAYS = 7
FORGOTTEN_AFTER_DAYS = 90
SEEN_LATELY = timedelta(seconds=10)
"""Within this a host in good standing is not noted as seen once more."""

READS_WRAPS = frozenset({"torv", "lemmy", "piefed", "mbin", "nodebb", "wordpress", "discourse"})
"""Software known to read FEP-1b12: activities a community wraps in its Announce."""

TAKES_NO_JOIN = frozenset({"piefed"})
"""Software that writes meetings and knows no `Join`: who asked for a place would wait for ever."""


EDITS_UNWRAPPED = frozenset({"nodebb"})
"""Of these, software that reads edits from the author only. Of a wrapped one NodeBB looks at the id, and at what it
fetched there up to five minutes before."""


class Peer(Base):
    """One host. A row appears when there is something to remember."""

    __tablename__ = "peers"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    software: Mapped[str] = mapped_column(Text, default="")
    software_version: Mapped[str] = mapped_column(Text, default="")
    nodeinfo_at: Mapped[datetime | None] = mapped_column(UtcTime)
    wraps: Mapped[bool] = mapped_column(default=False)
    """It has sent us an activity wrapped by a community (FEP-1b12), so it reads ours."""
    scheme: Mapped[str] = mapped_column(Text, default="")
    """`rfc9421` if only that signature scheme worked; believed until `scheme_until`."""
    scheme_until: Mapped[datetime | None] = mapped_column(UtcTime)
    failures: Mapped[int] = mapped_column(default=0)
    """In a row."""
    failing_days: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_error: Mapped[str] = mapped_column(Text, default="")
    open_until: Mapped[datetime | None] = mapped_column(UtcTime)
    """The circuit is open: no delivery before."""
    parked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Given up until it sends us something."""
    last_success_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Its last valid request to us."""
    clock_skew: Mapped[float | None]
    """Its `Date` minus our clock, in seconds, at `clock_at`: from its last valid request, or its answer to a delivery."""
    clock_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def get(db: Session, host: str) -> Peer:
    """The peer's row; made if there is none."""
    peer = db.get(Peer, host)
    if peer is None:
        insert_unless_there(db, Peer, host=host, created_at=now(), **_NOTHING)
        peer = db.get(Peer, host)
        assert peer is not None
    return peer


def _held(db: Session, host: str) -> Peer:
    """The same, kept to this transaction as it is now: failures that several workers meet at once all count."""
    get(db, host)
    db.flush()
    query = select(Peer).where(Peer.host == host).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


_NOTHING = {
    "software": "",
    "software_version": "",
    "wraps": False,
    "scheme": "",
    "failures": 0,
    "failing_days": 0,
    "last_error": "",
}


def find(db: Session, host: str) -> Peer | None:
    """The peer's row, if there is one."""
    return db.get(Peer, host)


def many(db: Session, hosts: Iterable[str]) -> dict[str, Peer]:
    """Rows of those of the hosts that have one, in a few queries."""
    wanted = list(dict.fromkeys(hosts))
    found: dict[str, Peer] = {}
    for start in range(0, len(wanted), 400):
        rows = db.scalars(select(Peer).where(Peer.host.in_(wanted[start : start + 400])))
        found.update((peer.host, peer) for peer in rows)
    return found


def seen(db: Session, host: str, skew: float | None = None, *, wraps: bool = False) -> None:
    """A valid request came from the host: it lives, so deliveries to it go on at once.

    `skew` is its `Date` minus our clock, in seconds. `wraps`: the request was an activity wrapped by a community.
    """
    peer = get(db, host)
    peer.last_seen_at = now()
    if skew is not None:
        peer.clock_skew, peer.clock_at = skew, peer.last_seen_at
    if wraps:
        peer.wraps = True
    if peer.parked_at is not None or peer.open_until is not None or peer.failures:
        _lives(db, peer)
        wake(db, "deliveries")
    db.flush()


def seen_all(db: Session, skews: Mapping[str, float | None]) -> None:
    """`seen` for many hosts: those that have failed one by one, all others in one statement.

    Of a host that was seen just before and has not failed since, nothing is written.
    """
    db.flush()
    present = now()
    due = set(skews)
    for host, at, failing in quick.rows(db, _STANDING, {"hosts": list(skews)}):
        if failing:
            seen(db, host, skews[host])
        if failing or (at is not None and abs(present - at) < SEEN_LATELY):
            due.discard(host)
    if not due:
        return
    rows = [
        {
            "host": host,
            "last_seen_at": present,
            "clock_skew": skews[host],
            "clock_at": present if skews[host] is not None else None,
            "created_at": present,
            **_NOTHING,
        }
        for host in sorted(due)
    ]
    quick.insert(db, _seen(dialect_of(db)), rows)
    for host in due:
        if row := db.identity_map.get(db.identity_key(Peer, host)):
            db.expire(row)


_peers = table_of(Peer).c
_STANDING = select(
    _peers.host,
    _peers.last_seen_at,
    or_(_peers.parked_at.is_not(None), _peers.open_until.is_not(None), _peers.failures > 0),
).where(_peers.host.in_(bindparam("hosts", expanding=True)))


@cache
def _seen(dialect: str) -> Any:
    insert = insert_in(dialect, Peer)
    said = insert.excluded
    kept = {
        "last_seen_at": said.last_seen_at,
        "clock_skew": func.coalesce(said.clock_skew, Peer.clock_skew),
        "clock_at": func.coalesce(said.clock_at, Peer.clock_at),
    }
    return insert.on_conflict_do_update(index_elements=["host"], set_=kept)


def _lives(db: Session, peer: Peer) -> None:
    """A host is well again. If it was thought dead, what waits for it goes now, and not when a wait of hours is over
    that was its fault and not the delivery's; its week goes on."""
    from models.outbox import Delivery

    if peer.failures >= FAILURES_TO_OPEN or peer.parked_at is not None:
        present = now()
        free = or_(Delivery.locked_until.is_(None), Delivery.locked_until <= present)
        waits = (Delivery.host == peer.host, Delivery.dead_at.is_(None), Delivery.run_at > present, free)
        db.execute(
            update(Delivery)
            .where(*waits)
            .values(run_at=present, attempts=1)
            .execution_options(synchronize_session=False)
        )
    peer.failures = peer.failing_days = 0
    peer.open_until = peer.parked_at = None


def succeeded(db: Session, hosts: Iterable[str], skews: Mapping[str, float] = MappingProxyType({})) -> None:
    """Deliveries to these hosts were answered: their circuits close. Hosts in good standing cost no write each time.

    `skews`: the `Date` of their answers minus our clock, in seconds. Only they tell of a clock of ours that is hours
    wrong: no request to us is valid then.
    """
    present = now()
    wanted = list(dict.fromkeys(hosts))
    known = many(db, wanted)
    if new := [host for host in wanted if host not in known]:
        rows = [{"host": host, "created_at": present, **_NOTHING} for host in new]
        insert_all_unless_there(db, Peer, rows)
        known |= many(db, new)
    for host in wanted:
        peer = known[host]
        stale = peer.last_success_at is None or abs(present - peer.last_success_at) > timedelta(minutes=5)
        if stale and host in skews:
            peer.clock_skew, peer.clock_at = skews[host], present
        if stale or peer.failures or peer.failing_days or peer.open_until or peer.parked_at:
            peer.last_success_at = present
            _lives(db, peer)
    db.flush()


def failed(db: Session, host: str, error: str) -> None:
    """The host did not take a delivery for a reason of its own (network, time-out, 5xx).

    Five in a row open its circuit for half an hour, after which one delivery probes it; failures on seven different
    days with no success between park it.
    """
    peer = _held(db, host)
    present = now()
    if peer.last_failure_at is None or not peer.failing_days or peer.last_failure_at.date() != present.date():
        peer.failing_days += 1
    peer.failures += 1
    peer.last_failure_at = present
    peer.last_error = error[:300]
    if peer.failures >= FAILURES_TO_OPEN:
        peer.open_until = present + timedelta(seconds=OPEN_SECONDS)
    if peer.failing_days >= DAYS_TO_PARK and peer.parked_at is None:
        peer.parked_at = present
    db.flush()


def hold(db: Session, host: str, seconds: float) -> None:
    """The host asked for a pause (429 with Retry-After): nothing is delivered to it for so long, a day at most."""
    peer = _held(db, host)
    until = now() + timedelta(seconds=min(seconds, 24 * 3600))
    if peer.open_until is None or peer.open_until < until:
        peer.open_until = until
    db.flush()


def scheme(db: Session, host: str) -> str:
    """The signature scheme to try first: `cavage`, or `rfc9421` if only that worked within the last 30 days."""
    peer = db.get(Peer, host)
    if peer is None or peer.scheme_until is None or peer.scheme_until <= now():
        return "cavage"
    return peer.scheme or "cavage"


def remember_scheme(db: Session, host: str, scheme: str) -> None:
    """The host took a request in this scheme after it had refused the other; believed for 30 days."""
    peer = get(db, host)
    peer.scheme = scheme
    peer.scheme_until = now() + timedelta(days=SCHEME_DAYS)
    db.flush()


def note_software(db: Session, host: str, software: str, version: str = "") -> None:
    """What the host's NodeInfo says; an empty name if it has none. Asked again after a week."""
    peer = get(db, host)
    peer.software = software.lower()[:100]
    peer.software_version = version[:100]
    peer.nodeinfo_at = now()
    db.flush()


def reads_wraps(peer: Peer | None) -> bool:
    """Whether the host reads activities wrapped by a community (FEP-1b12). Not known yet counts as no."""
    return peer is not None and (peer.wraps or peer.software in READS_WRAPS)


def takes_joins(db: Session, uri: str) -> bool:
    """Whether whoever asks for a place at this meeting, by its id, can hope for an answer."""
    peer = find(db, urlsplit(uri).netloc)
    return peer is None or peer.software not in TAKES_NO_JOIN


def known_software(db: Session, hosts: Sequence[str]) -> set[str]:
    """Those of the hosts whose NodeInfo somebody has asked for lately."""
    lately = now() - timedelta(days=NODEINFO_DAYS)
    known: set[str] = set()
    for start in range(0, len(hosts), 400):
        some = Peer.host.in_(hosts[start : start + 400])
        known.update(db.scalars(select(Peer.host).where(some, Peer.nodeinfo_at >= lately)))
    return known


def state(peer: Peer) -> str:
    """In one word, for the administrator: `ok`, `failing`, `open` (circuit), `parked`."""
    if peer.parked_at is not None:
        return "parked"
    if peer.open_until is not None and peer.open_until > now():
        return "open"
    return "failing" if peer.failures else "ok"


def wake_host(db: Session, host: str) -> None:
    """An administrator says that the host is back."""
    db.execute(
        update(Peer)
        .where(Peer.host == host)
        .values(parked_at=None, open_until=None, failures=0, failing_days=0, last_error="")
    )


def sweep(db: Session, limit: int = 5000) -> int:
    """Delete up to `limit` hosts nobody has heard of for 90 days; how many. So their number has a bound."""
    edge = now() - timedelta(days=FORGOTTEN_AFTER_DAYS)
    silent = (
        select(Peer.host)
        .where(
            Peer.created_at < edge,
            (Peer.last_seen_at.is_(None)) | (Peer.last_seen_at < edge),
            (Peer.last_success_at.is_(None)) | (Peer.last_success_at < edge),
            (Peer.last_failure_at.is_(None)) | (Peer.last_failure_at < edge),
        )
        .limit(limit)
    )
    return int(getattr(db.execute(delete(Peer).where(Peer.host.in_(silent))), "rowcount", 0))
