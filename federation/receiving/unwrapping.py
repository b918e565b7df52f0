"""From one stored row to the activities it holds: itself, or what a community wrapped in an Announce (FEP-1b12).

Announce{object: "https://…/p/1"}           one Announce, signed
Announce{object: {Create …}}                one Create, wrapped
Announce{object: [{Like …}, {Dislike …}]}   several, each judged alone (PieFed's batches)
Announce{object: {Article …}}               one Announce, signed; the copy of the Article is not looked at
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from federation import reading
from federation.budget import Budget
from federation.reading import ActivityIn
from federation.reading.activities import MAX_BATCH
from federation.verified import Proof, Verified


def signed(activity: ActivityIn, received_id: int, budget: Budget) -> list[Verified]:
    """What a row signed by the activity's own actor holds, with the proof of each part."""
    whole = Verified(activity, activity.actor, Proof.SIGNED, budget, received_id=received_id)
    if activity.type != "Announce":
        return [whole]
    parts = []
    for item in activity.objects[:MAX_BATCH]:
        if is_activity(item):
            inner = _inner(item)
            if inner is not None:
                parts.append(
                    Verified(inner, inner.actor, Proof.WRAPPED, budget, wrapper=activity.actor, received_id=received_id)
                )
        elif name := reading.one_id(item):
            parts.append(replace(whole, activity=replace(activity, object_id=name, object=None, objects=(name,))))
    return parts


def is_activity(item: Any) -> bool:
    """Whether an embedded object is something somebody did, not something that is."""
    return isinstance(item, Mapping) and "actor" in item and "object" in item and not reading.is_actor(item)


def _inner(item: Mapping[str, Any]) -> ActivityIn | None:
    """The wrapped activity; None if it is none, or its id is not on its own actor's host."""
    try:
        inner = reading.activity(item)
    except reading.Unreadable:
        return None
    named = reading.is_named_by(inner.id, inner.actor) if inner.id else inner.type in reading.WITHOUT_ID
    return inner if named else None
