"""A node may have as many connections open as its user may have files, whatever the shell it was started from says."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

TOLD = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, hard))
from server import open_files
open_files.allow()
soft, after = resource.getrlimit(resource.RLIMIT_NOFILE)
assert after == hard, "what its user may have is not its own to change"
assert soft == open_files.allowed() == min(hard, open_files.MOST) or soft == {soft} > open_files.MOST
from models.database import Database, Node
from server.federating import federation_for
from server.settings import Settings
settings = Settings(origin="https://a.example")
fed = federation_for(settings, Database("sqlite:///never-made.db", settings.node))
print(fed.client._wires._size, soft)
"""


@pytest.mark.parametrize("soft", [256, 1024])
def test_a_node_has_as_many_as_its_user_may_have_and_keeps_connections_to_a_part_of_them(soft: int) -> None:
    done = subprocess.run([sys.executable, "-c", TOLD.format(soft=soft)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept, allowed = map(int, done.stdout.split())
    assert kept == min(2048, allowed // 8) > 0
