"""An activity as it came, in a form that has types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from federation import urls
from federation.reading.decoding import Unreadable
from federation.reading.values import first_type, ids, moment, one_id, several, string

MAX_BATCH = 50
"""Activities in one Announce (PieFed collects votes)."""

WITHOUT_ID = frozenset({"Add", "Remove", "Update"})
"""What Takahē and WordPress send without an id; everything else needs one."""

SECRET = frozenset({"bto", "bcc"})
"""Addressees whom nobody but their sender's own server may learn of; some send them on by mistake."""


@dataclass(frozen=True, slots=True)
class ActivityIn:
    """Who says to have done what. Nothing of it is proven here; `Verified` is what makes it count."""

    id: str
    """`""` where the sender wrote none."""
    type: str
    actor: str
    object_id: str
    """The id of the object, whether it was embedded or named; `""` if there are several or none."""
    object: Mapping[str, Any] | None
    """The embedded object, if there is one and it is more than a name."""
    objects: tuple[Any, ...] = ()
    """All objects as written, where there are several."""
    target: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    content: str = ""
    summary: str = ""
    published: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def addressed(self) -> tuple[str, ...]:
        """Everybody it is addressed to."""
        return (*self.to, *self.cc, *self.audience)


def activity(doc: Mapping[str, Any]) -> ActivityIn:
    """Read an activity; raises Unreadable if it does not say who did what to what."""
    kind = first_type(doc.get("type"))
    actor = one_id(doc.get("actor"))
    if not kind:
        raise Unreadable("The activity has no type.")
    if not actor:
        raise Unreadable("The activity needs exactly one actor.")
    objects = several(doc.get("object"))
    only = objects[0] if len(objects) == 1 else None
    if not objects:
        raise Unreadable("The activity has no object.")
    embedded = only if isinstance(only, Mapping) else None
    return ActivityIn(
        id=string(doc.get("id")),
        type=kind,
        actor=actor,
        object_id=one_id(only),
        object=embedded if embedded is not None and len(embedded) > 1 else None,
        objects=tuple(objects),
        target=one_id(doc.get("target")),
        to=ids(doc.get("to")),
        cc=ids(doc.get("cc")),
        audience=ids(doc.get("audience")),
        content=string(doc.get("content"), 100_000),
        summary=string(doc.get("summary"), 100_000),
        published=moment(doc.get("published")),
        raw=doc,
    )


def is_named_by(name: str, actor: str) -> bool:
    """Whether an activity's id is on its actor's host. NodeBB's have spaces behind the `#`, which no URL has."""
    return urls.same_origin(name.partition("#")[0], actor)


def without_context(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The activity as it is embedded into another: without its own `@context`, and without whom it names in secret."""
    return {key: value for key, value in without_secret(doc).items() if key != "@context"}


def without_secret(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The activity without `bto` and `bcc`, its own and those of what it embeds (ActivityPub 6 and 7.1)."""
    return {key: _shown(value) for key, value in doc.items() if key not in SECRET}


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_secret(value)
    return [_shown(item) for item in value] if isinstance(value, list) else value
