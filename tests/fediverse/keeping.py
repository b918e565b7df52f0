"""What a foreign server sent in a live run, kept for tests that need no server: one activity a line."""

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from models.inbox import Received
from tests.fediverse.nodes import RealNode


def keep(server: str, plain: str, nodes: Iterable[RealNode]) -> None:
    """Write down what `server` sent to these nodes where `TORV_TEST_KEEP` says, under names without a number."""
    if not (file := os.environ.get("TORV_TEST_KEEP")):
        return
    named = list(nodes)
    names = {server: plain, **{node.name: f"{node.name[0]}.torv.test" for node in named}}
    lines: set[str] = set()
    for node in named:
        for body in node.read(lambda db: db.scalars(select(Received.body).where(Received.host == server)).all()):
            for name, given in names.items():
                body = body.replace(name, given)
            lines.add(body.replace("\n", " "))
    Path(file).write_text("".join(f"{line}\n" for line in sorted(lines)))
