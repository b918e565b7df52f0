"""`torv demo`: an empty node becomes one where something is going on."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import click
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import settings
from models.accounts import Account
from models.errors import Conflict, NotFound
from server.commands.node import make
from server.commands.opening import opened
from server.settings import Settings, load

WORLD = Path(__file__).parents[2] / "tests" / "world.py"
"""The world lies with the tests, which share it; it is not part of an installed node."""

DEMO_LOGINS = "demo_logins"
"""The node setting with the lines that `torv serve` shows: everybody knows these passwords."""


@click.command()
def demo() -> None:
    """Fill an empty node with the demo world; `torv serve` shows its logins. Does nothing where it is there."""
    chosen = load()
    world = _world()
    _require_private(chosen)
    make(chosen)
    people = {person.role: person.username for person in reversed(world.PEOPLE)}
    logins = {"Member": people["member"], "Administrator": people["admin"]}
    lines = [f"{role:<14} {name} / {world.PASSWORD}" for role, name in logins.items()]

    def work(db: Session) -> None:
        world.agree(db, world.share(db, world.build(db)))
        settings.put(db, DEMO_LOGINS, lines)

    with opened(chosen) as database:
        with database.reading() as db:
            built = world.is_built(db)
            if not built and db.scalar(select(exists().select_from(Account))):
                raise Conflict("The demo world is built in an empty node only; this one has people already.")
        if not built:
            click.echo(
                "Building the demo world: six people, two communities, four threads, six reports, meetings, dogmas …",
                err=True,
            )
            database.write(work)
    click.echo("The demo world is there.", err=True)


def _world() -> ModuleType:
    if not WORLD.exists():
        raise NotFound("The demo world comes with the source code; run this in a checkout of it.")
    spec = importlib.util.spec_from_file_location("torv_demo_world", WORLD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _require_private(chosen: Settings) -> None:
    """Everybody in the world has the same password, which stands in the source."""
    host = chosen.node.host.rsplit(":", 1)[0]
    if host != "localhost" and not host.startswith("127."):
        raise Conflict(f"The demo's passwords are public; it is not built on {chosen.node.origin}.")
