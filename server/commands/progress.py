"""A progress bar for commands that take a while."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Told = Callable[[float], None]
"""Hears how far it is, from 0 to 1."""


@contextmanager
def bar(label: str, *, quiet: bool = False) -> Iterator[Told]:
    """A progress bar on a terminal; nothing elsewhere."""
    if quiet:
        yield lambda share: None
        return
    with click.progressbar(length=1000, label=label, show_pos=False, file=sys.stderr) as shown:
        yield lambda share: shown.update(max(int(share * 1000) - shown.pos, 0))
        shown.update(max(1000 - shown.pos, 0))
