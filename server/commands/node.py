"""`torv init` and `torv migrate`: making a node, and bringing it to a new release."""

import click
from sqlalchemy.orm import Session

from models import actors, migrating, settings
from models.actors import ActorType
from models.database import Database, Node
from models.errors import NotFound
from server.commands.opening import as_json, connect, require_same_name, running, show
from server.settings import Settings, load


@click.command()
@as_json
def init(as_json: bool) -> None:
    """Make the database, the node's key and its data folder. Does nothing where they exist already."""
    chosen = load()
    fresh = make(chosen)
    node = chosen.node
    if as_json:
        show({"fresh": fresh, "origin": node.origin, "domain": node.domain, "schema": migrating.head()})
        return
    click.echo(f"{'Made' if fresh else 'Found'} the node {node.origin} (handles end in @{node.domain}).")
    if not node.federates:
        click.echo("It talks to nobody else: other servers can only reach a public https origin (TORV_ORIGIN).")
    if fresh:
        click.echo("Next: torv user add NAME EMAIL --role admin, then torv serve.")


def make(chosen: Settings) -> bool:
    """A database with all tables and the node's own actor. False if it was there."""
    if chosen.sqlite_path:
        chosen.sqlite_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = connect(chosen)
    try:
        with database.engine.connect():
            pass
        fresh = migrating.current(database) is None
        _bring_up(chosen, database)
        with database.reading() as db:
            require_same_name(db, chosen)
        name_it(database, chosen.node)
        if chosen.sqlite_path:
            chosen.sqlite_path.chmod(0o600)  # private keys and messages
        return fresh
    finally:
        database.close()


def _bring_up(chosen: Settings, database: Database, version: str | None = None) -> bool:
    """Change the tables, with no process of the node beside; False if nothing is to be changed."""
    if migrating.current(database) == (version or migrating.head()):
        return False
    with running(chosen, alone=True):
        return migrating.upgrade(database, version)


def name_it(database: Database, node: Node) -> None:
    """Write down whose database this is, and give the node its key."""
    with database.reading() as db:
        if settings.get(db, "origin") == node.origin:
            return

    def work(db: Session) -> None:
        settings.put(db, "origin", node.origin)
        settings.put(db, "domain", node.domain)
        if actors.by_handle(db, node.domain) is None:
            actors.create_local(db, node.domain, ActorType.APPLICATION, name=node.domain)

    database.write(work)


@click.command()
@click.option("--to", "version", help="Go to this version of the schema instead of the newest.")
def migrate(version: str | None) -> None:
    """Bring the database's tables to this release. Back up first; the node must not be running."""
    chosen = load()
    if version and version not in migrating.versions():
        raise click.BadParameter(f"this release knows {', '.join(migrating.versions())}.", param_hint="--to")
    if chosen.sqlite_path and not chosen.sqlite_path.exists():
        raise NotFound(f"There is no database at {chosen.sqlite_path}: run `torv init` first.")
    database = connect(chosen)
    try:
        before = migrating.current(database)
        moved = _bring_up(chosen, database, version)
        click.echo(
            f"Schema {before or 'none'} → {migrating.current(database)}." if moved else f"Schema {before}: up to date."
        )
    finally:
        database.close()
