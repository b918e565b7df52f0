"""`torv search`: making what is searched anew."""

import sys
from collections.abc import Callable

import click
from sqlalchemy.orm import Session

from models.database import Database
from models.search import rebuilding
from server.commands.opening import opened


@click.group()
def search() -> None:
    """Look after what is searched. It keeps itself in step; this is for repairs."""


@search.command()
def rebuild() -> None:
    """Read all posts, people and communities, and make what is searched anew.

    The node may run meanwhile; what was not read yet is not found yet.
    """
    with opened() as database:
        total = database.write(rebuilding.empty)
        with click.progressbar(length=total, label="Reading", show_pos=True, file=sys.stderr) as bar:
            done = _all(database, rebuilding.next_posts, bar.update) + _all(
                database, rebuilding.next_actors, bar.update
            )
    click.echo(f"{done} posts, people and communities were read.")


def _all(database: Database, step: Callable[[Session, int], list[int]], told: Callable[[int], None]) -> int:
    after = done = 0
    while ids := _once(database, step, after):
        after, done = ids[-1], done + len(ids)
        told(len(ids))
    return done


def _once(database: Database, step: Callable[[Session, int], list[int]], after: int) -> list[int]:
    return database.write(lambda db: step(db, after))
