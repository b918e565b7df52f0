"""Processes of one node on PostgreSQL wake one another, lose nothing when they do not, and find back by themselves."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import heralds, jobs
from models.database import TOPICS, Database, wake
from models.heralds import Herald
from tests.conftest import ON_POSTGRES

pytestmark = ON_POSTGRES


class Ear:
    """Notes what one process hears."""

    def __init__(self, database: Database) -> None:
        self.heard: list[set[str]] = []
        self._new = threading.Condition()
        database.listen(self)

    def __call__(self, topics: set[str]) -> None:
        with self._new:
            self.heard.append(topics)
            self._new.notify_all()

    def wait(self, fits: Callable[[list[set[str]]], bool]) -> None:
        with self._new:
            assert self._new.wait_for(lambda: fits(self.heard), timeout=10), self.heard

    def wait_for(self, topics: set[str]) -> None:
        """Until these topics and no others were heard at once."""
        self.wait(lambda heard: topics in heard)

    def wait_until_it_listens(self, times: int = 1) -> None:
        """A process that begins to listen, or does so again, is told of everything."""
        self.wait(lambda heard: heard.count(set(TOPICS)) >= times)


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """The same database, as another process of the node has it."""
    made = Database(database.url.render_as_string(hide_password=False), database.node)
    yield made
    made.close()


def enqueue(db: Session) -> None:
    jobs.enqueue(db, "note", {"n": 1})


def cut(database: Database) -> int:
    """Let the server end every connection that listens; how many."""
    end = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    with database.reading() as db:
        return db.scalar(end) or 0


def test_what_one_process_commits_the_other_hears(database: Database, other: Database) -> None:
    ear = Ear(other)
    ear.wait_until_it_listens()
    database.write(enqueue)
    ear.wait_for({"jobs"})


def test_a_process_of_its_own_is_heard_even_when_it_ends_at_once(database: Database) -> None:
    ear = Ear(database)
    ear.wait_until_it_listens()
    code = (
        "import sys\n"
        "from models import jobs, tables\n"
        "from models.database import Database, Node\n"
        "database = Database(sys.argv[1], Node('https://a.example', 'a.example'))\n"
        "database.write(lambda db: jobs.enqueue(db, 'note', {'n': 1}))\n"
        "database.close()\n"
    )
    subprocess.run([sys.executable, "-c", code, database.url.render_as_string(hide_password=False)], check=True)
    ear.wait_for({"jobs"})


def test_a_process_does_not_hear_itself_twice(database: Database, other: Database) -> None:
    ear, far = Ear(database), Ear(other)
    ear.wait_until_it_listens()
    far.wait_until_it_listens()
    database.write(enqueue)
    other.write(lambda db: wake(db, "tokens"))
    ear.wait_for({"tokens"})
    far.wait_for({"jobs"})
    assert ear.heard == [set(TOPICS), {"jobs"}, {"tokens"}] or ear.heard == [set(TOPICS), {"tokens"}, {"jobs"}]


def test_nobody_hears_of_what_was_rolled_back(database: Database, other: Database) -> None:
    ear = Ear(other)
    ear.wait_until_it_listens()

    def fails(db: Session) -> None:
        enqueue(db)
        raise ValueError("never mind")

    with pytest.raises(ValueError, match="never mind"):
        database.write(fails)
    database.write(lambda db: wake(db, "tokens"))
    ear.wait_for({"tokens"})
    assert {"jobs"} not in ear.heard


def test_many_commits_are_few_notifications_and_none_of_them_waits(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(heralds, "PAUSE", 60.0)

    notify = Herald._notify

    def noted(herald: Herald, text: str) -> None:
        said.append(threading.current_thread().name)
        notify(herald, text)

    monkeypatch.setattr(Herald, "_notify", noted)
    ear = Ear(other)
    ear.wait_until_it_listens()
    for _ in range(200):
        database.write(enqueue)
    ear.wait_for({"jobs"})
    database.close()
    assert len(said) <= 2, "the first at once, and one for all that came within the pause"
    assert set(said) == {"torv-telling"}


def test_who_is_cut_off_listens_again_and_looks_for_what_it_missed(
    database: Database, other: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear(other)
    ear.wait_until_it_listens()
    assert cut(database) == 1
    database.write(enqueue)  # perhaps nobody listens now: the second time everything is told counts for it
    ear.wait_until_it_listens(times=2)
    ear.heard.clear()
    database.write(lambda db: wake(db, "tokens"))
    ear.wait_for({"tokens"})
    assert [record.levelname for record in caplog.records if record.name == "torv.heralds"] == ["WARNING"]


def test_a_process_that_ends_leaves_no_connection_and_no_thread(database: Database, other: Database) -> None:
    ear = Ear(other)
    ear.wait_until_it_listens()
    other.close()
    assert cut(database) == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("torv-")]


def test_who_waits_for_nothing_keeps_no_connection_for_it(database: Database) -> None:
    database.write(enqueue)
    assert cut(database) == 0


def test_nonsense_on_the_channel_hurts_nobody(database: Database, other: Database) -> None:
    ear = Ear(other)
    ear.wait_until_it_listens()
    for said in ("", " ", "x", "x " + "y" * 5000):
        database.write(lambda db, said=said: db.execute(text("SELECT pg_notify('torv', :said)"), {"said": said}))  # type: ignore[misc]
    database.write(enqueue)
    ear.wait_for({"jobs"})
