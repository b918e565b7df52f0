"""All tables, in one import: for migrations, tests and backups."""

from models import (  # noqa: F401
    account_domains,
    account_notes,
    accounts,
    actors,
    blocks,
    communities,
    domains,
    endorsements,
    events,
    figures,
    follows,
    inbox,
    jobs,
    moderation,
    notification_policy,
    notifications,
    outbox,
    peers,
    posts,
    push,
    reactions,
    settings,
    thread_mutes,
)
from models.base import Base

metadata = Base.metadata
