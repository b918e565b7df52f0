"""Engines that share what they compile, because each test has a database, and so an engine, of its own.

An engine keeps the text of every statement it has compiled. With a fresh one for each test all would be compiled over and
over, which took a third of the whole run. Here all engines of one kind of database use one keep.
"""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

MOST = 10_000

_compiled: dict[type, Any] = {}
_begin = Engine.__init__


def _kind(dialect: DefaultDialect) -> tuple[object, ...]:
    return (type(dialect), dialect.paramstyle, dialect.max_identifier_length)


def _init(self: Engine, *args: Any, **kwargs: Any) -> None:
    _begin(self, *args, **kwargs)
    self._compiled_cache = _compiled.setdefault(type(self.dialect), LRUCache(MOST))


def share(patch: pytest.MonkeyPatch) -> None:
    """Let engines made from now on share what they compile. Dialects of one kind count as one: they are part of the key."""
    patch.setattr(Engine, "__init__", _init)
    patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
    patch.setattr(
        DefaultDialect, "__eq__", lambda self, other: isinstance(other, DefaultDialect) and _kind(self) == _kind(other)
    )
