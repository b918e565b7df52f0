"""Copying a database whole, by the means of each engine: `VACUUM INTO` for SQLite, pg_dump and pg_restore else.

Both give the state of one moment, while the node goes on writing.
"""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import URL, Connection, text

from models import connections
from models.database import Database
from models.errors import Conflict, Unavailable
from models.tables import metadata
from server.commands.progress import Told

PROGRESS_STEPS = 100_000
"""SQLite instructions between two looks at how far the copy is."""


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows of each of our tables."""
    names = [table.name for table in metadata.sorted_tables]
    return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}  # noqa: S608


def dump(database: Database, to: Path, told: Told) -> dict[str, int]:
    """Copy the database of a running node to the file `to`; the rows of each table in the copy."""
    return _dump_sqlite(database, to, told) if database.sqlite else _dump_postgres(database, to)


def _dump_sqlite(database: Database, to: Path, told: Told) -> dict[str, int]:
    source = Path(database.url.database or "")
    size = max(source.stat().st_size, 1)

    def look() -> int:
        told(min(to.stat().st_size / size, 1.0) if to.exists() else 0.0)
        return 0

    with sqlite3.connect(source, timeout=60) as plain:
        plain.set_progress_handler(look, PROGRESS_STEPS)
        try:
            plain.execute("VACUUM INTO ?", (str(to),))
        except sqlite3.OperationalError as error:
            raise Unavailable(f"The copy could not be written: {error}.") from error
    plain.close()
    return check_file(to)


def check_file(file: Path) -> dict[str, int]:
    """Read every page of an SQLite file; the rows of each table. Raises Conflict if it is damaged."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise Conflict(f"{file} is damaged: {found[0]}.")
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise Conflict(f"{file} is damaged: it has rows whose parents are missing.")
            return {
                table.name: connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0]  # noqa: S608
                for table in metadata.sorted_tables
            }
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise Conflict(f"{file} is no usable backup: {error}.") from error


def _dump_postgres(database: Database, to: Path) -> dict[str, int]:
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connections.without_limits(connection)
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        rows = count_rows(connection)
        _run(database.url, "pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={to}")
    _run(database.url, "pg_restore", "--list", str(to))
    return rows


def load(database: Database, file: Path) -> None:
    """Put the copy into PostgreSQL in one transaction, in place of what is there."""
    _run(
        database.url,
        "pg_restore",
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        f"--dbname={database.url.database}",
        str(file),
    )


def tool(name: str) -> str:
    """The newest of PostgreSQL's programs of that name; an older one refuses a newer server."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(file.parts[4]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        raise Conflict(f"{name} is not installed (Debian: apt install postgresql-client).")
    return found


def _run(url: URL, program: str, *arguments: str) -> None:
    environ = dict(os.environ)
    for name, value in (
        ("PGHOST", url.host or url.query.get("host")),
        ("PGPORT", url.port),
        ("PGUSER", url.username),
        ("PGPASSWORD", url.password),  # not an argument: those can be read by everybody on the machine
        ("PGDATABASE", url.database),
    ):
        if value:
            environ[name] = str(value)
    done = subprocess.run([tool(program), *arguments], env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Unavailable(f"{program}: {done.stderr.strip()[-500:] or 'failed'}")
