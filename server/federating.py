"""From settings to a running federation layer: the one place where both are known."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from federation import crossing
from federation.client import Client
from federation.context import Federation, Limits
from federation.names import SystemResolver
from models import domains
from models.database import Database
from models.domains import DomainAction
from server import open_files
from server.settings import Settings
from server.version import VERSION

REMEMBERED = 5.0
"""Seconds a domain rule is believed before the database is asked again."""


class Blocked:
    """Says whether a host must not be asked, without a query for every request: it knows all rules for a moment."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._rules: domains.Rules | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def __call__(self, host: str) -> bool:
        rules = self._remembered()
        if rules is None:
            async with self._asking:  # who waited finds what the one before him asked for
                rules = self._remembered()
                if rules is None:
                    rules = self._rules = await crossing.reading(self.database, domains.all_rules)
                    self._until = time.monotonic() + REMEMBERED
        return rules.rule_for(host) == DomainAction.BLOCK

    def _remembered(self) -> domains.Rules | None:
        return self._rules if time.monotonic() < self._until else None


class FixedNames:
    """The system's resolver, but for the names that a setting fixes."""

    def __init__(self, fixed: Sequence[str]) -> None:
        self._fixed = dict(entry.split("=", 1) for entry in fixed)
        self._system = SystemResolver()

    async def __call__(self, host: str) -> Sequence[str]:
        address = self._fixed.get(host)
        return (address,) if address is not None else await self._system(host)

    def close(self) -> None:
        """Stop asking; the client does this at its end."""
        self._system.close()


HOSTS_KEPT = 2048
"""Servers to which connections are kept for a moment: whoever hears of one post hears of the next, too, and a handshake
costs as much as all the rest of a delivery."""

FILES_EACH = 8
"""Of as many files that the process may have open one such server is kept: it has up to four connections, and visitors
have to be let in as well."""


def federation_for(settings: Settings, database: Database) -> Federation:
    """The node as others meet it. Close its client at the end: `await fed.client.aclose()`."""
    client = Client(
        user_agent=f"Torv/{VERSION} (+{settings.node.origin})",
        ca_file=settings.ca_file or None,
        fetch_allow=settings.fetch_allow,
        blocked=Blocked(database),
        hosts_kept=min(HOSTS_KEPT, open_files.allowed() // FILES_EACH),
        resolver=FixedNames(settings.resolve) if settings.resolve else None,
    )
    limits = Limits(
        delivery_concurrency=settings.delivery_concurrency,
        per_host=settings.per_host,
        delivery_deadline=settings.delivery_deadline,
        fetch_deadline=settings.fetch_deadline,
        max_body=settings.max_body,
    )
    return Federation(
        database,
        client,
        limits,
        authorized_fetch=settings.authorized_fetch,
        question_object=settings.question_object,
    )


@asynccontextmanager
async def federating(settings: Settings, database: Database) -> AsyncIterator[Federation]:
    """The same for the length of a block."""
    fed = federation_for(settings, database)
    try:
        yield fed
    finally:
        await fed.client.aclose()
