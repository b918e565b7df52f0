"""The node with its world, as visitors meet it."""

import shutil

import pytest

from models.database import Database
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
