"""`torv migrate-database`: from SQLite to PostgreSQL, or back."""

import time
from pathlib import Path

import click
import msgspec

from models.database import Database
from models.errors import Conflict
from server.commands import converting, copying
from server.commands.opening import as_json, connect, opened, require_unused, running, show
from server.commands.progress import bar
from server.settings import Settings, load


@click.command("migrate-database")
@click.argument("target", envvar="TARGET_DATABASE_URL")
@as_json
def migrate_database(target: str, as_json: bool) -> None:
    """Copy the node's database to TARGET, a database of the other kind, and compare the two.

    TARGET is an address as in the setting database_url: an empty PostgreSQL database, or a new SQLite file. It may stand
    in TARGET_DATABASE_URL instead, where the machine's other users cannot read a password. The node must not be running.
    Interrupted, nothing is changed, and it can be started again.
    """
    chosen = load()
    wanted = _aimed(chosen, target)
    begun = time.monotonic()
    with running(chosen, alone=True), opened(chosen) as source:
        if not source.sqlite:
            with source.reading() as db:
                require_unused(db.connection())
        with source.reading() as db:
            total = sum(copying.count_rows(db.connection()).values())
        with bar("Copying and comparing", quiet=as_json) as told:
            done = 0

            def passed(rows: int) -> None:
                nonlocal done
                done += rows
                told(done / max(2 * total, 1))

            copied = _copy(source, wanted, passed)
    seconds = time.monotonic() - begun
    if as_json:
        show(msgspec.to_builtins(copied) | {"seconds": round(seconds, 1)})
        return
    rows = sum(copied.rows.values())
    click.echo(
        f"{rows} rows in {len(copied.rows)} tables went over in {seconds:.0f} s; every table was counted and compared."
    )
    click.echo(f"{copied.searched} posts, people and communities can be found there.")
    if copied.cleaned:
        click.echo(f"From {copied.cleaned} rows signs were taken that PostgreSQL has no room for (NUL).")
    click.echo("Now put the new address into database_url, start the node, and run torv doctor.")
    click.echo("The old database is as it was. Keep it until you are sure, and never run a node on both.")


def _aimed(chosen: Settings, target: str) -> Settings:
    """The settings of the node once it has moved."""
    try:
        wanted = msgspec.structs.replace(chosen, database_url=target, database_listen_url="")
    except ValueError as error:
        raise click.BadParameter(str(error).removeprefix("database_url: "), param_hint="TARGET") from None
    if bool(wanted.sqlite_path) == bool(chosen.sqlite_path):
        kind = "SQLite" if chosen.sqlite_path else "PostgreSQL"
        raise Conflict(f"Both are {kind}: torv backup and torv restore take a node from one to the other.")
    return wanted


def _copy(source: Database, wanted: Settings, passed: converting.Passed) -> converting.Copied:
    if wanted.sqlite_path:
        return converting.to_sqlite(source, Path(wanted.sqlite_path), passed)
    target = connect(wanted)
    try:
        return converting.to_postgres(source, target, passed)
    finally:
        target.close()
