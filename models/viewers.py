"""Somebody who has signed in here, in statements that are put together once and run for whoever asks.

SQLAlchemy takes many times longer to put a long condition together than the database to answer it. So where a list is
asked for again and again, its statement is made for `ANYBODY_HERE`, kept, and run with the `values` of the viewer.
"""

from typing import Any, cast

from sqlalchemy import bindparam

from models.actors import Actor, ActorType
from models.base import Id

VIEWER = bindparam("viewer", type_=Id)


class _AnybodyHere:
    """As much of an actor as conditions ask of a viewer. What they ask is the same for all `access.is_insider`."""

    id = VIEWER
    local = True
    active = True
    type = ActorType.PERSON


ANYBODY_HERE = cast(Actor, _AnybodyHere())


def values(viewer: Actor | None) -> dict[str, Any]:
    """Who it is this time."""
    return {} if viewer is None else {VIEWER.key: viewer.id}
