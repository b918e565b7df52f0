"""Reading shared lists of servers to keep out, from wherever their makers publish them."""

from collections.abc import Mapping
from typing import Any

from federation import media_types
from federation.context import Federation
from federation.crossing import reading, writing
from federation.fetch_errors import FetchError
from models import csv_text, domain_csv, domain_lists
from models.domain_csv import Table
from models.errors import Invalid, NotFound

ACCEPT = "text/csv, text/plain;q=0.9"
KINDS = frozenset({"text/csv", "text/plain", "application/csv"})
DEADLINE = 20.0


async def read_domain_list(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `read_domain_list`: read a list anew. What goes wrong stands at the list, whose rules stay as they are."""
    list_id = int(payload["list"])
    try:
        url = await reading(fed.database, lambda db: domain_lists.get(db, list_id).url)
    except NotFound:
        return
    try:
        table = await _fetched(fed, url)
    except (FetchError, Invalid) as error:
        why = str(error)
        await writing(fed.database, lambda db: domain_lists.failed(db, list_id, why))
        return
    await writing(fed.database, lambda db: domain_lists.took(db, list_id, table))


async def _fetched(fed: Federation, url: str) -> Table:
    answer = await fed.client.get(
        url, accept=ACCEPT, max_bytes=csv_text.MAX_BYTES, deadline=DEADLINE, content_types=_is_table
    )
    if not answer.ok:
        raise Invalid(f"The server answered {answer.status}.")
    return domain_csv.read(answer.body)


def _is_table(header: str) -> bool:
    return media_types.parse(header).name in KINDS
