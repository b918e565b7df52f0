"""Runs a program with little time, memory and disk: `python confined.py SECONDS MEMORY FILE_BYTES PROGRAM ...`.

Started as a file of its own, it sets the limits on itself and becomes the program.
"""

import os
import resource
import sys


def confine(seconds: int, memory: int, file_bytes: int) -> None:
    """Limit this process for ever: CPU seconds, bytes of address space, bytes of any file it writes; no core dumps."""
    for limit, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    confine(*(int(value) for value in sys.argv[1:4]))
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - the program is ours, its arguments are no shell's
