"""Alembic's entry: run by `models.migrating` only, which hands over an open connection and one open transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from models.base import Id, Json, UtcTime
from models.search.store import is_mapped
from models.tables import metadata


def in_plain_types(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write migrations in the database's words, so that an old one still runs when our classes are long gone."""
    if kind != "type":
        return False
    if isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, Json):
        return "sa.Text()"
    if item is Id or type(item) is type(Id):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=in_plain_types,
    compare_type=True,
    include_name=is_mapped,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
