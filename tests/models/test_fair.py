"""SQLite's one place to write is shared fairly by the processes of a node."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.database import Database, Node
from models.errors import Unavailable

pytestmark = pytest.mark.once
NODE = Node("https://a.example", "a.example")


def opened(path: Path, patience: float = 5.0) -> Database:
    """A database as each process has one of its own."""
    return Database(f"sqlite:///{path}", NODE, busy_timeout=patience)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An empty database with one table."""
    with closing(opened(tmp_path / "torv.db")) as database:
        database.write(lambda db: db.execute(text("CREATE TABLE said (what TEXT)")))
    return tmp_path / "torv.db"


HAMMER = """
import sys, threading, time
from pathlib import Path
from sqlalchemy import text
from tests.models.test_fair import opened

database = opened(Path(sys.argv[1]))

def one(db):
    db.execute(text("INSERT INTO said VALUES ('again')"))
    time.sleep(0.004)

def go():
    while True:
        database.write(one)

for _ in range(3):
    threading.Thread(target=go, daemon=True).start()
time.sleep(60)
"""


@pytest.fixture
def busy(file: Path) -> Iterator[None]:
    """Another process writes again the moment it has written."""
    process = subprocess.Popen([sys.executable, "-c", HAMMER, str(file)])
    try:
        with closing(opened(file)) as database:
            while not rows(database):
                time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()


def rows(database: Database) -> int:
    """How much has been written so far."""
    with database.reading() as db:
        return db.scalar(text("SELECT count(*) FROM said")) or 0


@pytest.mark.usefixtures("busy")
def test_who_waits_for_a_busy_process_has_the_next_turn_and_not_the_hundredth(file: Path) -> None:
    passed = []
    with closing(opened(file)) as database:
        for _ in range(20):
            before = rows(database)
            passed.append(database.write(lambda db: db.scalar(text("SELECT count(*) FROM said"))) - before)
    # It is a lottery with good odds: many have the next turn, and nobody waits for a hundred rows of the other's.
    assert sorted(passed)[10] <= 6, passed
    assert max(passed) < 100, passed


def test_somebody_who_holds_it_and_does_nothing_is_waited_for_so_long_and_no_longer(file: Path) -> None:
    with closing(opened(file)) as holder, closing(opened(file, patience=0.1)) as other:
        held, let_go = threading.Event(), threading.Event()

        def hold(db: Session) -> None:
            held.set()
            let_go.wait(20)

        holding = threading.Thread(target=lambda: holder.write(hold))
        holding.start()
        held.wait(20)
        with pytest.raises(Unavailable):
            other.write(lambda db: db.execute(text("INSERT INTO said VALUES ('too early')")))
        let_go.set()
        holding.join()
        other.write(lambda db: db.execute(text("INSERT INTO said VALUES ('now')")))
        with other.reading() as db:
            assert db.scalars(text("SELECT what FROM said")).all() == ["now"]
