"""The node with its world, as visitors meet it."""

import shutil
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from models.database import Database
from server.kept import Kept
from server.limits import Limits, Rule
from tests.missing import missing
from tests.server.visiting import Visiting


@pytest.fixture
def visiting(lived_in: Database) -> Visiting:
    """The app over the fictional world."""
    return Visiting(lived_in)


@pytest.fixture
def ffmpeg() -> None:
    """What films and sounds need."""
    if shutil.which("ffmpeg") is None:
        missing("ffmpeg is not installed")


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is worked out anew and no try is counted, so that what a request asks of the database can be. On
    PostgreSQL what other tests write meanwhile would end kept answers at any time, and tries are taken several at once."""

    async def get(_kept: Kept, _key: object, make: Callable[[], Awaitable[Any]], _size: object) -> Any:
        return await make()

    async def spend(_limits: Limits, rule: Rule, _key: str) -> tuple[int, float]:
        return rule.times, 0.0

    monkeypatch.setattr(Kept, "get", get)
    monkeypatch.setattr(Limits, "spend", spend)
