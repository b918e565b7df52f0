"""How many files, connections among them, a process may have open. A shell lets it have but a thousand at first."""

import resource

MOST = 65_536
"""As many as a node can use."""


def allow() -> None:
    """Let this process have as many as its user may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def allowed() -> int:
    """How many it may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft
