"""When an inbox says 410, or 404 again and again: ask whether its actor is still there before dropping him."""

from typing import Any

from sqlalchemy.orm import Session

from federation.budget import Budget
from federation.context import Federation
from federation.crossing import writing
from federation.documents import Gone, Unusable
from federation.publishing import elsewhere
from federation.resolving import actors as resolving
from models import actors, deliveries, outbox, reach


async def confirm_actor(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `confirm_actor`: fetch the actor anew. Gone: he follows nobody here any more.

    If he is there under another inbox, what could not be delivered goes to that one. Raises Passing to be asked again.
    """
    uri, refused = str(payload["actor"]), str(payload["inbox"])
    try:
        actor = await resolving.actor(fed, uri, Budget(fetches=4), fresh=True)
    except Gone:
        await writing(fed.database, lambda db: _forget(db, uri))
        return
    except Unusable:
        return
    host = elsewhere(fed.node, actor.inbox)
    if actor.inbox == refused or host is None:
        return

    def again(db: Session) -> None:
        activity = outbox.get(db, int(payload["activity"]))
        if activity is not None and activity.body:
            deliveries.add_batch(db, activity, [(actor.inbox, host)])

    await writing(fed.database, again)


def _forget(db: Session, uri: str) -> None:
    actor = actors.by_uri(db, uri)
    if actor is not None and not actor.local:
        reach.drop_followings(db, actor)
