"""Two towns that are twinned: real nodes behind TLS, shared by the tests of one module because starting them takes time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fediverse.ground import Ground
from tests.fediverse.towns import Towns


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Names, addresses and certificates."""
    folder: Path = tmp_path_factory.mktemp("ground")
    return Ground(folder)


@pytest.fixture(scope="module")
def towns(ground: Ground) -> Iterator[Towns]:
    """Two running nodes, and on each people and a community; the communities are twins already."""
    made = Towns(ground)
    try:
        made.start()
        made.twin()
        yield made
    finally:
        made.close()
