"""When a host was last heard from: exact enough to judge it by, and written no more often than that takes."""

from datetime import datetime

from models import peers
from models.base import clock
from models.database import Database


def _last_seen(database: Database, host: str) -> datetime:
    with database.reading() as db:
        found = peers.find(db, host)
        assert found is not None
        assert found.last_seen_at is not None
        return found.last_seen_at


def _heard_from(database: Database, host: str) -> datetime:
    database.write(lambda db: peers.seen_all(db, {host: None}))
    return _last_seen(database, host)


def test_a_host_seen_just_before_is_not_written_again_and_later_it_is(database: Database) -> None:
    first = _heard_from(database, "m.example")
    assert _heard_from(database, "m.example") == first
    clock.offset += 11
    assert _heard_from(database, "m.example") > first


def test_a_host_that_failed_since_it_was_seen_lives_again_at_once(database: Database) -> None:
    _heard_from(database, "m.example")
    for _ in range(peers.FAILURES_TO_OPEN):
        database.write(lambda db: peers.failed(db, "m.example", "no answer"))
    _heard_from(database, "m.example")
    with database.reading() as db:
        found = peers.find(db, "m.example")
    assert found is not None
    assert (found.failures, found.open_until) == (0, None)
