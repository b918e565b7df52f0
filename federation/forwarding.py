"""Passing a reply on to the home of the thread (ActivityPub 7.1.2): the bytes as they came, signed by our asker.

Many servers address a reply only to whom it answers. The asker's server then is the only one that can tell the
community; the community believes none of it and asks the reply's origin.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from federation import crossing, outcomes, reading
from federation.context import Federation
from federation.fetch_errors import FetchError
from models import peers
from models.inbox import Received


async def forward(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `forward`: post the body of one inbox row to one inbox. Raises TimeoutError to be tried again."""
    target, received = str(payload["inbox"]), int(payload["received"])
    row = await crossing.reading(fed.database, lambda db: db.get(Received, received))
    if row is None:
        return
    body = _shown(row.body)
    signer = await fed.signer(int(payload["actor"]))
    host = target.split("/")[2]
    first = await crossing.reading(fed.database, lambda db: peers.scheme(db, host))
    for scheme in (first, "cavage" if first == "rfc9421" else "rfc9421"):
        headers = signer.headers("POST", target, body, scheme=scheme)
        try:
            answer = await fed.client.post(target, body, headers=headers, deadline=fed.limits.delivery_deadline)
        except FetchError as error:
            outcome = outcomes.of_error(error)
        else:
            outcome = outcomes.of_answer(answer, attempts=0, last_status=None)
        if outcome.status not in outcomes.KNOCK:
            break
    if outcome.verdict == outcomes.Verdict.LATER:
        raise TimeoutError(outcome.error)


def _shown(text: str) -> bytes:
    """The bytes as they came, unless they name addressees who were meant to stay secret."""
    if not any(f'"{name}"' in text for name in reading.SECRET):
        return text.encode("utf-8")
    return msgspec.json.encode(reading.without_secret(reading.decode(text.encode("utf-8"))))
