"""Where files of tests lie in memory: a commit that waits for the disk is most of what a test would take."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 3 << 30
"""What a run may leave lying about, PostgreSQL's log of writes, and then some. A container has 64 MB unless told."""


def folder() -> Path | None:
    """A folder in memory, if there is one and it has room."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        return MEMORY
    return None
