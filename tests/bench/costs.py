"""What a server costs: processor time and memory of a process and all below it, as Linux counts them."""

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                left += map(int, task.read_text().split())
            except OSError:
                continue  # it ended just now
    return found


def cpu_seconds(pid: int) -> float:
    """Processor seconds that the tree has used, user and system."""
    used = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / _TICKS


def memory_mib(pid: int) -> float:
    """Memory of the tree in MiB: resident, with what is shared counted in proportion."""
    kib = 0
    for one in tree(pid):
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.M)
        except OSError:
            continue
        kib += int(found[1]) if found else 0
    return kib / 1024
