"""`torv kle`: the list of service areas."""

from pathlib import Path

import click

from models import kle as areas
from server.commands.opening import opened


@click.group()
def kle() -> None:
    """The list of service areas (KLE). Its names are not free, so none come with Torv."""


@kle.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Read the list from FILE: XML as KLE publishes it, or CSV with a number and a name on each line.

    It takes the place of the list that was there; reports keep the numbers they have.
    """
    with file.open("rb") as source:
        entries = areas.read(source.read(areas.MAX_BYTES + 1))
    with opened() as database:
        count = database.write(lambda db: areas.replace(db, entries))
    click.echo(f"{count} service areas were read.")
