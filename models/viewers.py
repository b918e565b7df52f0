"""Somebody who has signed in here, in statements that are put together once and run for whoever asks.

SQLAlchemy takes many times longer to put a long condition together than the database to answer it. So where a list is
asked for again and again, its statement is made for `ANYBODY_HERE`, `kept`, and run with the `values` of the viewer.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import bindparam

from models.actors import Actor, ActorType
from models.base import Id

P = ParamSpec("P")
R = TypeVar("R")

VIEWER = bindparam("viewer", type_=Id)


def is_insider(viewer: Actor | None) -> bool:
    """Somebody who has an account on this node: the only readers of node-only posts."""
    return viewer is not None and viewer.local and viewer.active and viewer.type == ActorType.PERSON


class _AnybodyHere:
    """As much of an actor as conditions ask of a viewer. What they ask is the same for all insiders."""

    id = VIEWER
    local = True
    active = True
    type = ActorType.PERSON


ANYBODY_HERE = cast(Actor, _AnybodyHere())


def kept(make: Callable[Concatenate[Actor | None, P], R]) -> Callable[Concatenate[Actor | None, P], R]:
    """A function that puts something together for a viewer (and a few arguments of few values), and keeps what it made
    for nobody and for anybody here. For whoever else might ask it is made each time."""
    made = lru_cache(maxsize=128)(make)

    @wraps(make)
    def found(viewer: Actor | None, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if viewer is not None and not is_insider(viewer):
            return make(viewer, *args, **kwargs)
        asking: Any = viewer and ANYBODY_HERE
        return made(asking, *args, **kwargs)  # type: ignore[arg-type] # all of them can be hashed

    return found


def values(viewer: Actor | None) -> dict[str, Any]:
    """Who it is this time."""
    return {} if viewer is None else {VIEWER.key: viewer.id}
