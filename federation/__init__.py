"""ActivityPub as a language: what comes in becomes calls of `models`, what happened there goes out.

`JOBS` names the work that models promise and the worker does: from the kind of a job to its function.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from federation.confirming import confirm_actor
from federation.context import Federation
from federation.discovery import note_software
from federation.publishing import publish

JOBS: Mapping[str, Callable[[Federation, dict[str, Any]], Awaitable[None]]] = {
    "publish": publish,
    "nodeinfo": note_software,
    "confirm_actor": confirm_actor,
}
