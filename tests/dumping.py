"""Every row of a database, to show that a refusal changed none."""

from typing import Any

from sqlalchemy import select

from models.database import Database
from models.tables import metadata

Dump = dict[str, list[tuple[Any, ...]]]


def dumped(database: Database, *, without: frozenset[str] = frozenset()) -> Dump:
    """Every row of every table but `without`."""
    tables = [table for table in metadata.sorted_tables if table.name not in without]
    with database.reading() as db:
        return {table.name: sorted((tuple(row) for row in db.execute(select(table))), key=repr) for table in tables}
