"""Two towns that are twinned: real nodes behind TLS, shared by the tests of one module because starting them takes time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import chromium as chromium_program
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


@pytest.fixture(scope="module")
def chromium(ground: Ground, towns: Towns) -> Iterator[Browser]:
    """The browser of the system, which finds the towns by their names."""
    rules = ",".join(f"MAP {name} {address}" for name, address in ground.addresses.items())
    with chromium_program.running("--ignore-certificate-errors", f"--host-resolver-rules={rules}") as browser:
        yield browser
