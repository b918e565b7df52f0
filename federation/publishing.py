"""From one outbox row to one delivery per inbox.

The job holds ids only. It renders the activity once, then writes deliveries in batches; each batch and the note of how
far it has come (the cursor, in the job's payload) commit together. So a worker may die anywhere: the next one goes on
behind the last batch, and nobody is left out or written to twice. Memory does not grow with the number of followers.

Payload: `{"activity": id, "cursor": null}`; the cursor is a number while the addressees named one by one are written,
then the last inbox of the followers, or the last domain where every server is told.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from federation import counting, urls
from federation.context import Federation
from federation.crossing import reading, writing
from federation.working import GiveUp, Later
from federation.writing import activities, dumps
from models import actors, deliveries, jobs, outbox, reach
from models.database import Node
from models.outbox import Activity

LEASE = 120.0
WAIT_FOR_OLDER = 1.0
LOOK_AGAIN = 0.03
"""Seconds between looks while an older activity about the same thing is being handed out: mostly it takes no longer."""


@dataclass(frozen=True)
class _Plan:
    """What is known before the first batch."""

    owners: list[int]
    named: list[str]
    readers_only: bool
    """Only servers that read what communities wrap (FEP-1b12) are told, and `also`."""
    everyone: bool = False
    """Every server we know is told, once; the followers are among them."""
    also: str = ""
    """The inbox of the home community, where a choice of an answer is judged: told whatever its server runs."""


async def publish(fed: Federation, payload: dict[str, Any]) -> None:
    """Hand one activity out to all inboxes it concerns; goes on where an earlier attempt stopped.

    Raises Later while an older activity about the same object is being handed out, GiveUp if the row is not there.
    """
    activity_id = int(payload["activity"])
    plan = await _when_its_turn_comes(fed, activity_id)
    if plan is None:
        return
    cursor: int | str | None = payload.get("cursor")
    done = cursor if isinstance(cursor, int) else 0
    if not isinstance(cursor, str):
        while done < len(plan.named):
            batch = plan.named[done : done + reach.BATCH]
            done += len(batch)
            await _write_batch(fed, activity_id, plan, batch, done)
        cursor = ""
    known = frozenset(plan.named)
    while plan.everyone:
        found = await _servers(fed, cursor)
        if not found:
            return
        cursor = found[-1][0]
        await _write_batch(fed, activity_id, plan, [inbox for _, inbox in found if inbox not in known], cursor)
    while plan.owners:
        batch = await _followers(fed, plan.owners, cursor)
        if not batch:
            return
        cursor = batch[-1]
        await _write_batch(fed, activity_id, plan, [inbox for inbox in batch if inbox not in known], cursor)
        if len(batch) < reach.BATCH:
            return


async def _when_its_turn_comes(fed: Federation, activity_id: int) -> _Plan | None:
    """One click can cause half a dozen activities about one post, so a moment's patience saves a second for each."""

    def held_up(db: Session) -> bool:
        activity = outbox.get(db, activity_id)
        return activity is not None and deliveries.older_unpublished(db, activity, soon=True)

    for _ in range(int(WAIT_FOR_OLDER / LOOK_AGAIN)):
        if not await reading(fed.database, held_up):
            break
        await asyncio.sleep(LOOK_AGAIN)
    return await _prepare(fed, activity_id)


async def _servers(fed: Federation, after: str) -> list[tuple[str, str]]:
    return await reading(fed.database, lambda db: reach.everyone(db, after))


async def _followers(fed: Federation, owners: list[int], after: str) -> list[str]:
    return await reading(fed.database, lambda db: reach.follower_inboxes(db, owners, after))


async def _prepare(fed: Federation, activity_id: int) -> _Plan | None:
    def work(db: Session) -> _Plan | None:
        activity = outbox.get(db, activity_id)
        if activity is None:
            raise GiveUp("There is no such activity.")
        if deliveries.older_unpublished(db, activity):
            raise Later(WAIT_FOR_OLDER)
        if not render(db, activity, fed.question_object):
            return None
        wrapped = activity.type == "Announce" and not outbox.is_plain_announce(activity)
        chosen = outbox.is_choice(activity)
        home = actors.by_uri(db, activity.data.get("audience", "")) if chosen else None
        also = (home.shared_inbox or home.inbox) if home is not None else ""
        owners, named = reach.collections(db, activity), reach.addressed(db, activity)
        return _Plan(owners, named, wrapped or chosen, bool(activity.data.get("everyone")), also)

    return await writing(fed.database, work)


def render(db: Session, activity: Activity, form: str) -> bool:
    """Make sure the activity's bytes are stored; False if there is nothing to say any more.

    What was rendered once stays as it is, also inside later wraps: receivers compare.
    """
    if not activity.body:
        body = activities.activity_document(db, activity, form)
        if body is None:
            return False
        activity.body = dumps(body).decode()
        db.flush()
    return True


async def _write_batch(
    fed: Federation, activity_id: int, plan: _Plan, inboxes: Sequence[str], cursor: int | str
) -> None:
    wanted = [(inbox, host) for inbox in inboxes if (host := elsewhere(fed.node, inbox)) is not None]

    def work(db: Session) -> int:
        activity = outbox.get(db, activity_id)
        assert activity is not None
        hosts = reach.without_blocked(db, {host for _, host in wanted})
        unknown = reach.unknown_software(db, hosts)
        jobs.enqueue_all(db, "nodeinfo", {f"nodeinfo:{host}": {"host": host} for host in unknown})
        if plan.readers_only:
            hosts = reach.reading_wraps(db, hosts) | (hosts & {elsewhere(fed.node, plan.also)})
        new = 0
        if (edit := outbox.wrapped_edit(db, activity)) is not None and edit.body:
            unwrapped = reach.wanting_edits_unwrapped(db, hosts)
            new += deliveries.add_batch(db, edit, [(inbox, host) for inbox, host in wanted if host in unwrapped])
            hosts -= unwrapped
        new += deliveries.add_batch(db, activity, [(inbox, host) for inbox, host in wanted if host in hosts])
        payload = {"activity": activity_id, "cursor": cursor}
        jobs.advance(db, outbox.publish_key(activity_id), payload, LEASE)
        return new

    counting.count("deliveries_queued", await writing(fed.database, work))


def elsewhere(node: Node, inbox: str) -> str | None:
    """The inbox's host (with the port where it is not 443); None for our own and for what is no https address."""
    host = urls.host_of(inbox)
    return None if host is None or host == urls.host_of(node.origin) else host
