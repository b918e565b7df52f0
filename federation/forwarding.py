"""Passing a reply on (ActivityPub 7.1.2): the bytes as they came, in a request signed by the author of what it answers.

Many servers address a reply only to whom it answers. The asker's server then is the only one that can tell the
community. Others address the asker's followers, whom only the asker's server knows. Those who get it so believe none of
it and ask the reply's origin.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from federation import crossing, outcomes, reading
from federation.context import Federation
from federation.fetch_errors import FetchError
from federation.publishing import elsewhere
from models import jobs, peers, reach
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


async def forward_to_followers(fed: Federation, payload: Mapping[str, Any]) -> None:
    """The job `forward_to_followers`: a job `forward` for each inbox of an actor's followers, some hundred at a time.

    The server that the reply came from has it.
    """
    received, owner, after = int(payload["received"]), int(payload["actor"]), str(payload["after"])

    def promise(db: Session) -> None:
        row = db.get(Received, received)
        if row is None:
            return
        inboxes = reach.follower_inboxes(db, [owner], after)
        hosts = {inbox: elsewhere(fed.node, inbox) for inbox in inboxes}
        open_hosts = reach.without_blocked(db, {host for host in hosts.values() if host not in (None, row.host)})
        for inbox in inboxes:
            if hosts[inbox] in open_hosts:
                one = {"received": received, "actor": owner, "inbox": inbox}
                jobs.enqueue(db, "forward", one, dedupe=f"forward:{received}:{inbox}")
        if len(inboxes) == reach.BATCH:
            rest = {"received": received, "actor": owner, "after": inboxes[-1]}
            jobs.enqueue(
                db, "forward_to_followers", rest, dedupe=f"forward_to_followers:{received}:{owner}:{inboxes[-1]}"
            )

    await crossing.writing(fed.database, promise)
