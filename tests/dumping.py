"""Every row of a database, to show that a refusal changed none."""

from typing import Any

from sqlalchemy import select

from models.database import Database
from models.tables import metadata

Dump = dict[str, list[tuple[Any, ...]]]


def dumped(database: Database, *, without: frozenset[str] = frozenset()) -> Dump:
    """Every row of every table but `without`, and but how often somebody tried (on PostgreSQL): a refusal counts too."""
    tables = [table for table in metadata.sorted_tables if table.name not in without | {"tries"}]
    with database.reading() as db:
        return {table.name: sorted((tuple(row) for row in db.execute(select(table))), key=repr) for table in tables}
