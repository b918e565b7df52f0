"""`/readyz` and what it looks at (R10), and the clock (T134)."""

import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from models import peers, queues
from models.base import now
from models.database import Database
from models.errors import Unavailable
from server import health
from server.settings import Settings


def hear(database: Database, *skews: float) -> None:
    """Peers whose clocks are so many seconds ahead of ours."""

    def work(db: Session) -> None:
        for number, skew in enumerate(skews):
            peers.seen(db, f"p{number}.example", skew)

    database.write(work)


def test_a_healthy_node_is_ready(database: Database) -> None:
    hear(database, 0.5, -1, 2)
    assert all(check.ok for check in health.checks(database, Settings()))


@pytest.mark.parametrize(
    ("skews", "ok"), [((7200, 7201, 7199), False), ((-90, -80, -100), False), ((59, 58, 60), True)]
)
def test_a_clock_that_the_peers_disagree_with_is_not_ready(
    database: Database, skews: tuple[float, ...], ok: bool
) -> None:
    hear(database, *skews)
    assert health.check_clock(database).ok is ok


def test_one_peer_with_a_wrong_clock_proves_nothing(database: Database) -> None:
    hear(database, 9999, 0, 1)
    assert health.check_clock(database).ok
    hear(database, 9999)
    with database.reading() as db:
        assert queues.clock_skew(db) == 1


def test_peers_not_heard_today_do_not_count(database: Database) -> None:
    hear(database, 500, 500, 500)

    def age(db: Session) -> None:
        for number in range(3):
            peers.get(db, f"p{number}.example").clock_at = now() - timedelta(days=2)

    database.write(age)
    assert health.check_clock(database).ok


def test_a_full_disk_is_not_ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=100_000, used=96_000, free=4_000))
    assert not health.check_disk(Settings()).ok


def test_a_database_that_cannot_be_written_is_not_ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_work: object) -> None:
        raise Unavailable()

    monkeypatch.setattr(database, "write", locked)
    assert not health.check_database(database).ok
