"""`torv backup` and `torv restore`: a copy that is whole, put back without repeating what was said (T135)."""

import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from federation.synchronizing import synchronize_followers
from models import actors, composing, deliveries, follows, jobs
from models.actors import Actor
from models.database import Database
from models.jobs import Job
from models.outbox import Activity
from models.posts import Draft, Post
from server.commands.opening import running
from server.settings import Settings
from tests.conftest import NODE, Templates
from tests.federation.neighbours import Fediverse, Inbox, neighbour
from tests.server.commands import LOCAL, Torv, fill


@pytest.fixture
def torv(templates: Templates, tmp_path: Path) -> Iterator[Torv]:
    """The command, on a node with the world."""
    url, drop = templates.fresh("commands", LOCAL, fill)
    database = Database(url, LOCAL)
    yield Torv({"TORV_DATABASE_URL": url, "TORV_DATA_DIR": str(tmp_path / "data")}, database)
    database.close()
    drop()


def count_posts(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Post)) or 0


def write_note(database: Database, text: str) -> int:
    def work(db: Session) -> int:
        anna = actors.by_handle(db, "anna")
        assert anna is not None
        return composing.note(db, anna, Draft(text=text)).id

    return database.write(work)


def restored(torv: Torv, file: Path, *options: str) -> Database:
    """The node's database after `torv restore`; the connections from before are closed first."""
    torv.database.close()
    torv.good("restore", "--replace", *options, str(file))
    torv.database = Database(torv.environ["TORV_DATABASE_URL"], LOCAL)
    return torv.database


def test_a_restored_node_is_as_it_was_at_the_time_of_the_backup(torv: Torv, tmp_path: Path) -> None:
    before = count_posts(torv.database)
    said = json.loads(torv.good("backup", str(tmp_path / "copy"), "--json"))
    assert said["rows"]["posts"] == before
    write_note(torv.database, "efter")
    assert count_posts(restored(torv, tmp_path / "copy")) == before


def test_a_backup_is_whole_while_others_write(torv: Torv, tmp_path: Path) -> None:
    stop = threading.Event()
    written: list[int] = []

    def keep_writing() -> None:
        while not stop.is_set():
            written.append(write_note(torv.database, "undervejs"))

    before = count_posts(torv.database)
    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        said = json.loads(torv.good("backup", str(tmp_path / "copy"), "--json"))
    finally:
        stop.set()
        writer.join()
    assert before <= said["rows"]["posts"] <= before + len(written)
    assert count_posts(restored(torv, tmp_path / "copy")) == said["rows"]["posts"]


def test_a_backup_needs_no_turn_at_writing(torv: Torv, tmp_path: Path) -> None:
    """However long somebody else writes: what is copied is what was committed before."""
    before = count_posts(torv.database)
    with torv.database.engine.begin() as connection:
        connection.execute(update(Post).values(title="endnu ikke"))
        said = json.loads(torv.good("backup", str(tmp_path / "copy"), "--json"))
    assert said["rows"]["posts"] == before
    with restored(torv, tmp_path / "copy").reading() as db:
        assert not db.scalar(select(func.count()).where(Post.title == "endnu ikke"))


def test_numbers_given_out_after_the_backup_are_not_given_out_again(torv: Torv, tmp_path: Path) -> None:
    torv.good("backup", str(tmp_path / "copy"))
    lost = [write_note(torv.database, "tabt") for _ in range(3)]
    database = restored(torv, tmp_path / "copy")
    assert write_note(database, "ny") > max(lost)


def _wait_for_b(database: Database) -> None:
    """A delivery and a publishing job that wait."""

    def work(db: Session) -> None:
        activity = db.scalars(select(Activity)).first()
        assert activity is not None
        deliveries.add_batch(db, activity, [("https://b.example/inbox", "b.example")])
        jobs.enqueue(db, "publish", {"activity_id": activity.id, "cursor": 0})

    database.write(work)


def test_what_waited_is_held_back_so_that_nothing_old_is_sent_again(torv: Torv, tmp_path: Path) -> None:
    _wait_for_b(torv.database)
    torv.good("backup", str(tmp_path / "copy"))
    database = restored(torv, tmp_path / "copy")
    with database.reading() as db:
        assert deliveries.stats(db).waiting == jobs.depth(db) == 0
        assert deliveries.stats(db).dead == jobs.count_dead(db) == 1
    torv.good("jobs", "retry", "--all")
    with database.reading() as db:
        assert deliveries.stats(db).waiting == jobs.depth(db) == 1


def test_a_node_that_moves_goes_on_sending_what_waited(torv: Torv, tmp_path: Path) -> None:
    _wait_for_b(torv.database)
    torv.good("backup", str(tmp_path / "copy"))
    database = restored(torv, tmp_path / "copy", "--moving")
    with database.reading() as db:
        assert deliveries.stats(db).waiting == jobs.depth(db) == 1


def test_backups_are_for_their_owner_only(torv: Torv, tmp_path: Path) -> None:
    torv.good("backup", str(tmp_path / "copy"))
    for name in ("copy", "copy.json"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_only_the_newest_backups_are_kept(torv: Torv, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    ending = "db" if torv.database.sqlite else "dump"
    for day in range(1, 6):
        for name in (f"torv-2026010{day}T030000Z.{ending}", f"torv-2026010{day}T030000Z.{ending}.json"):
            (folder / name).write_text("old")
    (folder / "other.txt").write_text("not ours")
    said = json.loads(torv.good("backup", str(folder), "--keep", "3", "--json"))
    left = sorted(os.listdir(folder))
    assert said["removed"] == 3
    assert [name for name in left if name.startswith("torv-20260104")]
    assert not [name for name in left if name.startswith("torv-20260103")]
    assert "other.txt" in left


@pytest.mark.parametrize("harm", ["changed", "cut", "no manifest"])
def test_a_damaged_backup_is_refused_and_the_node_stays_as_it_is(torv: Torv, tmp_path: Path, harm: str) -> None:
    copy = tmp_path / "copy"
    torv.good("backup", str(copy))
    content = bytearray(copy.read_bytes())
    if harm == "changed":
        content[len(content) // 2] ^= 1
        copy.write_bytes(content)
    elif harm == "cut":
        copy.write_bytes(content[: len(content) // 2])
    else:
        (tmp_path / "copy.json").unlink()
    before = count_posts(torv.database)
    done = torv("restore", "--replace", str(copy))
    assert done.exit_code == 4
    assert count_posts(torv.database) == before


def test_a_database_that_is_there_is_not_overwritten_unasked(torv: Torv, tmp_path: Path) -> None:
    torv.good("backup", str(tmp_path / "copy"))
    assert torv("restore", str(tmp_path / "copy")).exit_code == 4
    assert torv("backup", str(tmp_path / "copy")).exit_code == 4
    assert torv("restore", str(tmp_path / "none")).exit_code == 3


def test_a_restore_that_finds_no_room_leaves_the_node_as_it_is(
    torv: Torv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torv.database.sqlite:
        pytest.skip("PostgreSQL loads a copy in one transaction")
    torv.good("backup", str(tmp_path / "copy"))
    write_note(torv.database, "efter")
    after = count_posts(torv.database)

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(os, "fsync", full)
    done = torv("restore", "--replace", str(tmp_path / "copy"))
    monkeypatch.undo()
    assert done.exit_code == 1
    assert "No space left" in done.output
    place = Path(torv.database.url.database or "")
    assert not list(place.parent.glob(f"{place.name}.*"))
    assert count_posts(torv.database) == after


def test_another_nodes_backup_is_refused(torv: Torv, tmp_path: Path) -> None:
    torv.good("backup", str(tmp_path / "copy"))
    done = torv("restore", "--replace", str(tmp_path / "copy"), TORV_ORIGIN="https://b.example")
    assert done.exit_code == 4
    assert "https://b.example" in done.output


def test_nothing_is_put_back_under_a_running_node(torv: Torv, tmp_path: Path) -> None:
    torv.good("backup", str(tmp_path / "copy"))
    with running(Settings(data_dir=torv.environ["TORV_DATA_DIR"])):
        done = torv("restore", "--replace", str(tmp_path / "copy"))
    assert done.exit_code == 4
    assert "running" in done.output


@pytest.mark.anyio
async def test_t136_who_was_unfollowed_after_the_backup_is_so_again_once_his_server_is_heard(
    templates: Templates, tmp_path: Path
) -> None:
    url, drop = templates.fresh("commands_elsewhere", NODE, fill)
    torv = Torv(
        {"TORV_DATABASE_URL": url, "TORV_DATA_DIR": str(tmp_path), "TORV_ORIGIN": NODE.origin}, Database(url, NODE)
    )
    fediverse = Fediverse()
    jonas = neighbour(fediverse)
    listed = fediverse.put({"id": f"{jonas.uri}/list", "type": "OrderedCollection", "orderedItems": []})["id"]
    await Inbox(torv.database, fediverse).knows(jonas)

    def pair(db: Session) -> tuple[Actor, Actor]:
        anna, him = actors.by_handle(db, "anna"), actors.by_uri(db, jonas.uri)
        assert anna is not None
        assert him is not None
        return anna, him

    def state(db: Session) -> str | None:
        anna, him = pair(db)
        return follows.state(db, anna.id, him.id)

    torv.database.write(lambda db: follows.accept(db, follows.request(db, *pair(db))))
    torv.good("backup", str(tmp_path / "copy"))
    torv.database.write(lambda db: follows.undo(db, *pair(db)))
    assert torv.database.write(state) is None
    torv.database.close()
    torv.good("restore", "--replace", str(tmp_path / "copy"))
    torv.database = Database(url, NODE)
    assert torv.database.write(state) == "accepted"

    inbox = Inbox(torv.database, fediverse)
    claim = f'collectionId="{jonas.followers}", url="{listed}", digest="{"0" * 64}"'
    note = jonas.creates(jonas.note(1))
    assert (await inbox.takes(jonas.sends(note, collection_synchronization=claim))).status == 202
    for job in inbox.read(lambda db: list(db.scalars(select(Job).where(Job.kind == "synchronize_followers")))):
        await synchronize_followers(inbox.fed, job.payload)
    assert torv.database.write(state) is None
    torv.database.close()
    drop()
