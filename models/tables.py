"""All tables, in one import: for migrations, tests and backups."""

from models import (  # noqa: F401
    accounts,
    actors,
    blocks,
    communities,
    domains,
    follows,
    inbox,
    jobs,
    moderation,
    notifications,
    outbox,
    peers,
    posts,
    reactions,
    settings,
)
from models.base import Base

metadata = Base.metadata
