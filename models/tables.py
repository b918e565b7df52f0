"""All tables, in one import: for migrations, tests and backups."""

from models import (  # noqa: F401
    account_domains,
    account_notes,
    accounts,
    actors,
    blocks,
    bookmarks,
    communities,
    conversations,
    directory,
    domains,
    endorsements,
    events,
    figures,
    filters,
    follows,
    inbox,
    jobs,
    lists,
    markers,
    moderation,
    names,
    notification_policy,
    notifications,
    outbox,
    peers,
    polls,
    posts,
    push,
    reactions,
    settings,
    tag_follows,
    thread_mutes,
)
from models.base import Base

metadata = Base.metadata
