"""`torv migrate-database`: everything goes over, is looked at again, or nothing is changed.

The node is always made on SQLite, so the same tests need a PostgreSQL beside.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import Session

from models import composing, events, migrating, settings
from models.base import new_id, now
from models.database import Database
from models.events import Event
from models.inbox import Received
from models.jobs import Job
from models.peers import Peer
from models.posts import Draft
from models.search import asked, finding
from models.search.store import STORES
from models.tables import metadata
from server.commands import converting
from server.commands.opening import running
from server.settings import Settings
from tests.conftest import ON_POSTGRES, Templates
from tests.dumping import dumped
from tests.server.asking import local
from tests.server.commands import LOCAL, Torv, fill

pytestmark = ON_POSTGRES


@pytest.fixture(scope="module")
def ready_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with the world on SQLite."""
    file = tmp_path_factory.mktemp("ready") / "torv.db"
    database = Database(f"sqlite:///{file}", LOCAL)
    metadata.create_all(database.engine)
    fill(database)
    database.close()
    return file


class Move:
    """A node on SQLite, and an empty PostgreSQL database it is to go to."""

    def __init__(self, torv: Torv, target: str) -> None:
        self.torv, self.target = torv, target

    @property
    def source(self) -> Database:
        return self.torv.database

    def go(self, *more: str) -> Any:
        """Go over and open the new database; what was said as JSON is not looked at."""
        self.torv.good("migrate-database", self.target, *more)
        return self.arrived()

    def arrived(self) -> Database:
        self.opened = Database(self.target, LOCAL)
        return self.opened

    def is_empty(self) -> bool:
        database = Database(self.target, LOCAL)
        try:
            return inspect(database.engine).get_table_names() == []
        finally:
            database.close()


@pytest.fixture
def move(ready_made: Path, templates: Templates, tmp_path: Path) -> Iterator[Move]:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "torv.db"
    shutil.copyfile(ready_made, file)
    target, drop = templates.fresh("bare", LOCAL, lambda database: metadata.drop_all(database.engine))
    source = Database(f"sqlite:///{file}", LOCAL)
    made = Move(
        Torv({"TORV_DATABASE_URL": f"sqlite:///{file}", "TORV_DATA_DIR": str(tmp_path / "data")}, source), target
    )
    yield made
    source.close()
    if hasattr(made, "opened"):
        made.opened.close()
    drop()


def awkward(db: Session) -> None:
    """What text files, other databases and hurried programs get wrong."""
    anna = local(db, "anna")
    said = "\\N \\. \\t\t tab\nline\r\n'\"` ; -- {}, 𝒯🟢 e\u0301 \u202e \ufeff\u2028 \x7f " + "ø" * 70_000
    post = composing.note(db, anna, Draft(text="Hej"))
    post.content, post.source, post.title = said, "", "\\"
    post.extra = {"a": None, "b": [1, 2.5, True, '\\u0000 ø " \\ 🟢'], "stor": 2**62, "": {}}
    db.add(Peer(host="æ.example", clock_skew=-0.1 - 0.2, last_error="\\x00", wraps=True))
    db.add(Peer(host="", clock_skew=1e-300, failing_days=-1))
    for at in (datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), datetime(1970, 1, 1, tzinfo=UTC), now()):
        db.add(Job(id=new_id(), kind="x", payload={}, run_at=at, dedupe=None, attempts=2**31 - 1))
    settings.put(db, "tom", "")
    db.flush()


def indexes_and_constraints(database: Database) -> set[tuple[str, str]]:
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
        "SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) || convalidated FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"
    )
    with database.reading() as db:
        return {(row[0], row[1]) for row in db.execute(text(query))}


def test_every_row_goes_over_as_it_was(move: Move) -> None:
    move.source.write(awkward)
    said = move.torv.good("migrate-database", move.target)
    assert "every table was counted and compared" in said
    assert dumped(move.arrived()) == dumped(move.source)


def test_json_and_text_are_the_same_signs_and_not_only_the_same_values(move: Move) -> None:
    move.source.write(awkward)
    there = move.go()
    query = text("SELECT CAST(id AS TEXT), extra, attachments, content FROM posts ORDER BY id")
    with move.source.reading() as old, there.reading() as new:
        assert new.execute(query).all() == old.execute(query).all()


def test_the_new_database_has_the_tables_indexes_and_keys_of_a_fresh_one(move: Move, templates: Templates) -> None:
    url, drop = templates.fresh("bare", LOCAL, lambda database: metadata.drop_all(database.engine))
    fresh = Database(url, LOCAL)
    migrating.upgrade(fresh)
    there = move.go()
    assert migrating.current(there) == migrating.head()
    assert indexes_and_constraints(there) == indexes_and_constraints(fresh)
    fresh.close()
    drop()


def test_numbers_that_the_database_gives_out_go_on_behind_those_that_are_gone(move: Move) -> None:
    def number(database: Database) -> int:
        database.write(lambda db: events.filters_changed(db, 1))
        with database.reading() as db:
            return max(db.scalars(select(Event.id)))

    last = number(move.source)
    move.source.write(lambda db: db.execute(text("DELETE FROM events")))
    assert number(move.go()) == last + 1


def test_a_table_of_numbers_that_was_never_used_begins_at_one(move: Move) -> None:
    move.source.write(
        lambda db: (db.execute(text("DELETE FROM events")), db.execute(text("DELETE FROM sqlite_sequence")))
    )
    there = move.go()
    there.write(lambda db: events.filters_changed(db, 1))
    with there.reading() as db:
        assert list(db.scalars(select(Event.id))) == [1]


def _kept(database: Database) -> list[Any]:
    with database.reading() as db:
        return [db.execute(text(f"SELECT id, stems FROM {store.table} ORDER BY id")).all() for store in STORES]


def test_what_is_searched_is_what_reading_everything_anew_would_give(move: Move) -> None:
    move.source.write(awkward)
    there = move.go()
    before = _kept(there)
    assert all(before)
    Torv({**move.torv.environ, "TORV_DATABASE_URL": move.target}, there).good("search", "rebuild")
    assert _kept(there) == before


def test_the_same_is_found_there(move: Move) -> None:
    there = move.go()

    def found(database: Database) -> list[int]:
        with database.reading() as db:
            return list(finding.best(db, local(db, "anna"), asked.read("brandhaner")).ids)

    assert found(there)
    assert sorted(found(there)) == sorted(found(move.source))


def test_signs_that_postgresql_has_no_room_for_are_taken_out_and_counted(move: Move) -> None:
    def work(db: Session) -> None:
        db.execute(update(Received).values(note="x"))
        db.add(Received(id=new_id(), sender_key="k", body_sha256="0", body='{"a":"\\u0000"}', note="a\x00b\x00", key_owner="",
                        proof="signed", host="b.example"))  # fmt: skip

    move.source.write(work)
    assert "From 1 rows" in move.torv.good("migrate-database", move.target)
    with move.arrived().reading() as db:
        row = db.scalars(select(Received).where(Received.sender_key == "k")).one()
        assert (row.note, row.body) == ("ab", '{"a":"\\u0000"}')


def test_a_value_that_postgresql_does_not_take_is_named_and_nothing_is_changed(move: Move) -> None:
    move.source.write(lambda db: db.execute(text("UPDATE peers SET failures = 3000000000")))
    move.source.write(lambda db: db.add(Peer(host="stor.example", failures=3_000_000_000)))
    done = move.torv("migrate-database", move.target)
    assert done.exit_code == 4
    assert "3000000000" in done.output
    assert "peers" in done.output
    assert "failures" in done.output
    assert move.is_empty()


def test_a_row_without_its_parent_is_named_and_nothing_is_changed(move: Move) -> None:
    with move.source.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            connection.execute(text("UPDATE posts SET author_id = 17 WHERE id = (SELECT min(id) FROM posts)"))
    done = move.torv("migrate-database", move.target)
    assert done.exit_code == 4
    assert "posts" in done.output
    assert "17" in done.output
    assert move.is_empty()


def test_a_node_that_runs_is_not_moved(move: Move) -> None:
    with running(Settings(data_dir=move.torv.environ["TORV_DATA_DIR"])):
        done = move.torv("migrate-database", move.target)
    assert done.exit_code == 4
    assert "running" in done.output
    assert move.is_empty()


def test_nobody_changes_the_old_database_meanwhile(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[int] = []

    def look(*how: Any) -> Any:
        refused.append(move.torv("post", "--as", "anna", "Mens vi flytter").exit_code)
        return real(*how)

    real = converting._compare
    monkeypatch.setattr(converting, "_compare", look)
    move.go()
    assert refused == [5]


def test_a_database_that_holds_anything_is_refused(move: Move) -> None:
    there = move.arrived()
    with there.engine.begin() as connection:
        connection.execute(text("CREATE TABLE minutes (said TEXT)"))
    done = move.torv("migrate-database", move.target)
    assert done.exit_code == 4
    assert "minutes" in done.output
    assert inspect(there.engine).get_table_names() == ["minutes"]


def test_moving_twice_is_refused_and_the_first_stays(move: Move) -> None:
    there = move.go()
    before = dumped(there)
    assert move.torv("migrate-database", move.target).exit_code == 4
    assert dumped(there) == before


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("sqlite:////tmp/other.db", 4, "backup"),
        ("mysql://torv@127.0.0.1/torv", 2, "postgresql://"),
        ("torv.db", 2, "postgresql://"),
        ("postgresql://torv:hemmelig@127.0.0.1:1/torv", 5, "refused"),
        ("postgresql://torv:hemmelig@127.0.0.1:x/torv", 2, "postgresql://"),
    ],
)
def test_a_target_that_cannot_be_is_refused_without_repeating_its_password(
    move: Move, target: str, code: int, said: str
) -> None:
    done = move.torv("migrate-database", target)
    assert done.exit_code == code, done.output
    assert said in done.output
    assert "hemmelig" not in done.output


def test_the_target_may_stand_where_others_cannot_read_it(move: Move) -> None:
    assert move.torv("migrate-database", TARGET_DATABASE_URL=move.target).exit_code == 0
    assert not move.is_empty()


def test_a_schema_of_another_release_is_refused(move: Move) -> None:
    move.source.write(lambda db: db.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert move.torv("migrate-database", move.target).exit_code == 4
    assert move.is_empty()


@pytest.mark.parametrize("where", ["_copying_in", "_set_sequences", "_compare"])
def test_killed_anywhere_it_leaves_an_empty_database_and_can_be_started_again(move: Move, where: str) -> None:
    code = (
        "import os, sys\n"
        "from server.commands import converting\n"
        "from server.cli import main\n"
        "real, calls = getattr(converting, sys.argv[1]), []\n"
        "def dies(*how):\n"
        "    calls.append(1)\n"
        "    if len(calls) == (60 if sys.argv[1] == '_copying_in' else 1):\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return real(*how)\n"
        "setattr(converting, sys.argv[1], dies)\n"
        "main(['migrate-database', sys.argv[2]])\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, where, move.target], env={**os.environ, **move.torv.environ}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    before = dumped(move.source)
    assert move.is_empty()
    assert dumped(move.go()) == before


Spoil = Callable[[tuple[Any, ...]], list[tuple[Any, ...]]]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda row: [], "of"),
        (lambda row: [(*row[:-1], "someone else")], "other values"),
    ],
    ids=["lost", "changed"],
)
def test_what_arrives_otherwise_than_it_was_is_noticed_and_nothing_is_changed(
    move: Move, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, said: str
) -> None:
    move.source.write(lambda db: settings.put(db, "vigtigt", "urørt"))
    real = converting._copying_in

    def careless(new: Any, name: str, columns: list[str]) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def way() -> Iterator[Any]:
            with real(new, name, columns) as write:
                yield lambda row: [write(one) for one in (spoil(row) if '"urørt"' in row else [row])]

        return way()

    monkeypatch.setattr(converting, "_copying_in", careless)
    done = move.torv("migrate-database", move.target)
    assert done.exit_code == 4
    assert "node_settings" in done.output
    assert said in done.output
    assert move.is_empty()


def test_there_and_back_again_everything_is_as_it_was(move: Move, tmp_path: Path) -> None:
    move.source.write(awkward)
    before = dumped(move.source)
    there = move.go()
    there.close()
    back = f"sqlite:///{tmp_path}/back.db"
    returning = Torv({**move.torv.environ, "TORV_DATABASE_URL": move.target}, there)
    returning.good("migrate-database", back)
    home = Database(back, LOCAL)
    assert dumped(home) == before
    assert (tmp_path / "back.db").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("back.db.part*"))
    with home.reading() as db, move.source.reading() as old:
        for store in STORES:
            query = text(f"SELECT rowid, title, body, marks FROM {store.table} ORDER BY rowid")
            assert db.execute(query).all() == old.execute(query).all()
        assert db.scalar(text("PRAGMA integrity_check")) == "ok"
    last = max(row[0] for row in before["events"])
    home.write(lambda db: events.filters_changed(db, 1))
    with home.reading() as db:
        assert max(db.scalars(select(Event.id))) == last + 1
    home.close()


def test_the_way_back_is_refused_while_anybody_is_connected_and_over_a_file(move: Move, tmp_path: Path) -> None:
    there = move.go()
    returning = Torv({**move.torv.environ, "TORV_DATABASE_URL": move.target}, there)
    with there.engine.connect() as busy:
        busy.execute(text("SELECT 1"))
        done = returning("migrate-database", f"sqlite:///{tmp_path}/back.db")
    assert done.exit_code == 4
    assert "connected" in done.output
    there.close()
    (tmp_path / "there.db").write_text("mine")
    assert returning("migrate-database", f"sqlite:///{tmp_path}/there.db").exit_code == 4
    assert (tmp_path / "there.db").read_text() == "mine"
