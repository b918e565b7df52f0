"""RSA keys for tests: made once per machine, drawn in turn. Nothing is signed with them outside tests."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from models import actor_keys

DRAWER = Path(__file__).parent.parent / ".cache" / "test-keys.json"
HOW_MANY = 24

_make = actor_keys.new_key_pair
_keys: Iterator[tuple[str, str]] | None = None


def _fill() -> list[tuple[str, str]]:
    if DRAWER.exists():
        return [(private, public) for private, public in json.loads(DRAWER.read_text())]
    made = [_make() for _ in range(HOW_MANY)]
    DRAWER.parent.mkdir(exist_ok=True)
    fresh = DRAWER.with_suffix(".new")
    fresh.write_text(json.dumps(made))
    fresh.replace(DRAWER)
    return made


def drawer() -> list[tuple[str, str]]:
    """All of them, in one order in every process."""
    return sorted(_fill())


def draw() -> tuple[str, str]:
    """The next (private PEM, public PEM)."""
    global _keys
    if _keys is None:
        _keys = itertools.cycle(_fill())
    return next(_keys)
