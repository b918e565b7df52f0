"""What handlers give back and how they decline."""

from collections.abc import Awaitable, Callable

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.verified import Verified

Effect = Callable[[Session], str]
"""Runs in the transaction that also marks the inbox row, and says in a few words what happened. It may run twice from
the start, so it keeps nothing outside."""

Handler = Callable[[Federation, Verified], Awaitable[Effect]]
"""Fetches what it needs first, then hands over what is to be written. It never writes while it waits for somebody."""


class Ignored(Exception):
    """The activity has no effect here, for good. The reason is kept with its row, for the administrator."""
