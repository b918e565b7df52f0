"""What one incoming activity may cost us in fetches, however its author has tangled the things it names.

Replies that lead to replies, parents that are made up as fast as they are asked for, actors on ten thousand
subdomains that each mention the next (CVE-2022-46405): all of them end here.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from federation import urls

MAX_FETCHES = 100
MAX_SECONDS = 60.0
MAX_SUBDOMAINS = 10
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "gob", "ac", "edu", "or", "ne", "go"})


class OverBudget(Exception):
    """This activity has had its share of fetches, seconds or hosts."""


def registrable(host: str) -> str:
    """The domain that somebody registered, near enough: `a.b.example.dk` is `example.dk`, `x.example.co.uk` whole.

    >>> registrable("a.b.example.dk"), registrable("x.example.co.uk")
    ('example.dk', 'example.co.uk')
    """
    labels = host.partition(":")[0].split(".")
    short_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if short_country else -2 :])


@dataclass
class Budget:
    """Counts down. Shared by everything one activity causes; `carry` hands the rest on to a job."""

    fetches: int = MAX_FETCHES
    seconds: float = MAX_SECONDS
    sender: str = ""
    """The host that signed the request: asking it again opens no new door."""
    hosts: dict[str, list[str]] = field(default_factory=dict)
    """Hosts asked, by registrable domain."""
    visited: set[str] = field(default_factory=set)
    """Posts and collections looked at already, so that loops end."""
    _ends: float = 0.0

    def __post_init__(self) -> None:
        self._ends = time.monotonic() + self.seconds

    @property
    def left(self) -> bool:
        """Whether anything may still be fetched."""
        return self.fetches > 0 and time.monotonic() < self._ends

    def take(self, url: str) -> None:
        """Pay for one fetch; raises OverBudget."""
        host = urls.host_of(url) or ""
        if not self.left:
            raise OverBudget("No more fetches for this activity.")
        if host != self.sender:
            asked = self.hosts.setdefault(registrable(host), [])
            if host not in asked:
                if len(asked) >= MAX_SUBDOMAINS:
                    raise OverBudget("Too many hosts of one domain for this activity.")
                asked.append(host)
        self.fetches -= 1

    def first_visit(self, uri: str) -> bool:
        """True the first time for each address."""
        if uri in self.visited:
            return False
        self.visited.add(uri)
        return True

    def carry(self) -> dict[str, Any]:
        """What is left, as JSON for a job."""
        return {"fetches": self.fetches, "hosts": self.hosts, "sender": self.sender}

    @classmethod
    def carried(cls, value: Any, *, fetches: int = MAX_FETCHES, seconds: float = MAX_SECONDS) -> "Budget":
        """The rest that `carry` handed on; a whole budget where there is none."""
        if not isinstance(value, dict):
            return cls(fetches=fetches, seconds=seconds)
        hosts = {str(key): [str(host) for host in item] for key, item in dict(value.get("hosts") or {}).items()}
        fetches = min(int(value.get("fetches", 0)), fetches)
        return cls(fetches=fetches, seconds=seconds, sender=str(value.get("sender", "")), hosts=hosts)
