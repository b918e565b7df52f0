"""The schema's versions: which one a database has, and bringing it to ours.

Versions are numbered files in `migrations/versions`, one after the other, and their numbers are their names: so a node
that is up to date starts without loading Alembic at all. One run is one transaction on both databases: interrupted at
any point, it leaves the old schema, and can simply be started again.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from models import connections
from models.database import Database
from models.errors import Conflict

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7_047_401
"""PostgreSQL advisory lock: two processes that start together do not both migrate."""


class SchemaTooNew(Conflict):
    """The database was written by a newer release; running this one on it would lose what it does not know."""

    code = "schema_too_new"


class SchemaTooOld(Conflict):
    """The database waits to be upgraded."""

    code = "schema_too_old"


def versions() -> list[str]:
    """All versions this release knows, oldest first: `["0001", …]`."""
    return sorted(
        found[1] for file in (FOLDER / "versions").glob("*.py") if (found := re.match(r"(\d{4})_", file.name))
    )


def head() -> str:
    """The version this release works with."""
    return versions()[-1]


def current(database: Database) -> str | None:
    """The database's version; None while it is empty.

    Only read: whoever looks needs no turn at writing, which a busy node may not let go of.
    """
    with database.reading() as db:
        return _current(db.connection())


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def require(database: Database) -> None:
    """Raise SchemaTooOld or SchemaTooNew unless the database has the version this release works with."""
    found = current(database)
    if found == head():
        return
    if found is not None and found not in versions():
        raise SchemaTooNew(
            f"The database has schema {found}; this release knows {head()} at most. Install the release that wrote it, "
            "or restore the backup made before the upgrade."
        )
    raise SchemaTooOld(
        "The database has no tables yet: run `torv init`."
        if found is None
        else f"The database has schema {found} and needs {head()}: back it up, then run `torv migrate`."
    )


def upgrade(database: Database, to: str | None = None) -> bool:
    """Bring the database to version `to` (ours). False if it was there already. Raises SchemaTooNew."""
    target = to or head()
    found = current(database)
    if found == target:
        return False
    if found is not None and found not in versions():
        require(database)
    from alembic import command

    _run(database, lambda config: command.upgrade(config, target))
    return True


def downgrade(database: Database, to: str) -> None:
    """Take the database back to version `to`; `base` removes every table and all that is in them."""
    from alembic import command

    _run(database, lambda config: command.downgrade(config, to))


def draft(database: Database, what: str) -> Path:
    """Write the next version from what the tables in the code have and an up-to-date `database` lacks."""
    from alembic import command

    number = f"{int(head()) + 1 if versions() else 1:04d}"
    _run(
        database,
        lambda config: command.revision(config, message=what, autogenerate=True, rev_id=number),
    )
    written = next((FOLDER / "versions").glob(f"{number}_*.py"))
    lines = written.read_text().splitlines(keepends=True)
    written.write_text("".join(line for line in lines if not line.lstrip().startswith("# ###")))
    return written


def make(connection: Connection) -> None:
    """Make the tables of this release in an empty database, within the caller's transaction."""
    from alembic import command

    command.upgrade(_config(connection), head())


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _run(database: Database, work: "Callable[[Config], object]") -> None:
    with database.engine.connect() as connection:
        if database.sqlite:
            # A table that SQLite can only change by copying is dropped and renamed: its children must not notice.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not database.sqlite:
                    connections.without_limits(connection)
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                work(_config(connection))
                if database.sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise Conflict("The migration would leave rows without their parents; nothing was changed.")
        finally:
            if database.sqlite:
                connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    from models.database import Node

    with TemporaryDirectory() as folder:
        scratch = Database(f"sqlite:///{folder}/scratch.db", Node("http://localhost", "localhost"))
        if versions():
            upgrade(scratch)
        print(draft(scratch, " ".join(sys.argv[1:])))  # noqa: T201 - a developer asked for it
        scratch.close()
