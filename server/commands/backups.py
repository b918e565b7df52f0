"""`torv backup` and `torv restore`: a verified copy of a running node, and putting it back.

A backup is two files: the copy, and beside it a `.json` that says whose it is, its schema, how many rows each table has
and the copy's SHA-256. Keys and passwords' hashes are in the database, so whoever has the copy is the node.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, inspect, text, update

from models import migrating, settings
from models.base import now
from models.database import Database
from models.errors import Conflict, NotFound
from models.jobs import Job
from models.outbox import Delivery
from models.tables import metadata
from server.commands import copying
from server.commands.opening import as_json, connect, opened, require_unused, running, show
from server.commands.progress import Told, bar
from server.settings import Settings, load

HELD = "it was waiting when the backup was made and may have been sent since; `torv jobs retry` sends it"
FAR = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(1), help="In the folder TARGET keep the newest so many, delete the others.")
@as_json
def backup(target: Path, keep: int | None, as_json: bool) -> None:
    """Copy the database to TARGET: a new file, or a folder in which a name with the time is made up."""
    with opened() as database:
        kind = "sqlite" if database.sqlite else "postgresql"
        if target.is_dir():
            target = target / f"torv-{now():%Y%m%dT%H%M%SZ}.{'db' if database.sqlite else 'dump'}"
        elif keep:
            raise click.UsageError("--keep needs a folder.")
        if target.exists():
            raise Conflict(f"{target} is there already.")
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.")
        unfinished = target.with_name(target.name + ".part")
        unfinished.unlink(missing_ok=True)
        try:
            with _private_files(), bar("Copying", quiet=as_json) as told:
                rows = copying.dump(database, unfinished, told)
            said = {
                "made_at": now().isoformat(timespec="seconds"),
                "origin": database.node.origin,
                "domain": database.node.domain,
                "kind": kind,
                "schema": migrating.current(database),
                "sha256": _sha256(unfinished),
                "rows": rows,
            }
            with _private_files():
                _beside(target).write_text(json.dumps(said, indent=2), encoding="utf-8")
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        _sync(target)
    removed = _thin_out(target, keep) if keep else 0
    if as_json:
        show({"file": str(target), "bytes": target.stat().st_size, "removed": removed} | said)
    else:
        total = sum(rows.values())
        click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {total} rows in {len(rows)} tables, verified.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Take the place of a database that is there (SQLite: it is kept aside).")
@click.option("--moving", is_flag=True, help="The node was stopped before the backup: go on sending what was waiting.")
def restore(file: Path, replace: bool, moving: bool) -> None:
    """Put a backup back. The node must not be running.

    What was waiting to be sent is held back as dead letters, because it may have been sent after the backup was made.
    """
    chosen = load()
    said = _read_manifest(file, chosen)
    with running(chosen, alone=True):
        database = connect(chosen)
        try:
            if database.sqlite:
                _put_back_file(file, chosen, replace)
            else:
                _put_back_dump(database, file, replace)
            with database.engine.begin() as connection:
                _verify(connection, said["rows"])
                if not moving:
                    _hold_back(connection)
            database.write(lambda db: settings.put(db, "restored_at", now().isoformat()))
            if migrating.upgrade(database):
                click.echo(f"Its schema was {said['schema']}; brought to {migrating.head()}.")
        finally:
            database.close()
    click.echo(f"Restored the state of {said['made_at']}: {sum(said['rows'].values())} rows, verified.")
    if not moving:
        click.echo("What was waiting to be sent is held back: torv jobs dead lists it, torv jobs retry sends it.")


def _read_manifest(file: Path, chosen: Settings) -> dict[str, Any]:
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    try:
        said: dict[str, Any] = json.loads(_beside(file).read_text(encoding="utf-8"))
        kind, origin, schema, sha256 = said["kind"], said["origin"], said["schema"], said["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise Conflict(f"{_beside(file)} is missing or unreadable; it belongs to every backup.") from error
    if kind != ("sqlite" if chosen.sqlite_path else "postgresql"):
        raise Conflict(f"The backup is of {kind}, and the settings name another kind of database.")
    if origin != chosen.node.origin:
        raise Conflict(f"The backup is of {origin}, and the settings say {chosen.node.origin}.")
    if schema not in migrating.versions():
        raise migrating.SchemaTooNew(f"The backup has schema {schema}; this release knows {migrating.head()} at most.")
    with bar("Reading", quiet=False) as told:
        if _sha256(file, told) != sha256:
            raise Conflict(f"{file} is not what was written when the backup was made (its SHA-256 differs).")
    return said


def _put_back_file(file: Path, chosen: Settings, replace: bool) -> None:
    place = chosen.sqlite_path
    assert place is not None
    copying.check_file(file)
    if place.exists() and not replace:
        raise Conflict(f"There is a database at {place} already; --replace puts it aside.")
    unfinished = place.with_name(place.name + ".part")
    try:
        with _private_files(), file.open("rb") as source, unfinished.open("wb") as target, bar("Writing") as told:
            size = max(file.stat().st_size, 1)
            while block := source.read(1 << 20):
                target.write(block)
                told(target.tell() / size)
            target.flush()
            os.fsync(target.fileno())
    except OSError:  # a full disk: what is there stays
        unfinished.unlink(missing_ok=True)
        raise
    aside = place.with_name(f"{place.name}.before-{now():%Y%m%dT%H%M%SZ}")
    for end in ("-wal", "-shm", ""):
        if (part := place.with_name(place.name + end)).exists():
            part.rename(aside.with_name(aside.name + end))
    unfinished.replace(place)
    _sync(place)


def _put_back_dump(database: Database, file: Path, replace: bool) -> None:
    with database.engine.connect() as connection:
        if not replace and any(inspect(connection).has_table(table.name) for table in metadata.sorted_tables):
            raise Conflict("The database has tables already; --replace overwrites them.")
        require_unused(connection)
    database.engine.dispose()
    copying.load(database, file)


def _verify(connection: Connection, expected: dict[str, int]) -> None:
    found = {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in expected}  # noqa: S608
    wrong = [f"{name} ({found[name]} of {rows})" for name, rows in expected.items() if found[name] != rows]
    if wrong:
        raise Conflict(f"Not everything arrived: {', '.join(wrong)}.")


def _hold_back(connection: Connection) -> None:
    """What waited for delivery becomes a dead letter: kept and shown, not sent of itself."""
    held = {"dead_at": now(), "locked_until": None, "error": HELD}
    connection.execute(update(Delivery).where(Delivery.dead_at.is_(None)).values(run_at=FAR, **held))
    connection.execute(update(Job).where(Job.dead_at.is_(None), Job.kind.in_(("publish", "forward"))).values(**held))


def _thin_out(newest: Path, keep: int) -> int:
    """Delete all but the newest `keep` backups beside `newest`; how many."""
    others = sorted(newest.parent.glob(f"torv-*Z{newest.suffix}"), reverse=True)[keep:]
    for file in others:
        file.unlink()
        _beside(file).unlink(missing_ok=True)
    return len(others)


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def _sha256(file: Path, told: Told = lambda share: None) -> str:
    found = hashlib.sha256()
    size = max(file.stat().st_size, 1)
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            found.update(block)
            told(content.tell() / size)
    return found.hexdigest()


def _sync(file: Path) -> None:
    """Make the file's name last through a power cut, not only its content."""
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _private_files() -> Iterator[None]:
    """Files made here are for their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
