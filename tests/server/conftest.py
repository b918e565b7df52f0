"""The node with its world, as visitors meet it."""

import pytest

from models.database import Database
from tests.server.visiting import Visiting


@pytest.fixture
def visiting(lived_in: Database) -> Visiting:
    """The app over the fictional world."""
    return Visiting(lived_in)
