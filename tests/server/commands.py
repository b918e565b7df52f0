"""The `torv` command in tests: run in this process on a node with the fictional world."""

from collections.abc import Mapping

from click.testing import CliRunner, Result
from sqlalchemy import text

from models import migrating
from models.database import Database, Node
from server.cli import main
from server.commands.node import name_it
from tests import world

LOCAL = Node("http://localhost:8000", "localhost:8000")


class Torv:
    """Runs commands on one node; `database` is that node's, opened beside."""

    def __init__(self, environ: Mapping[str, str], database: Database) -> None:
        self.environ = dict(environ)
        self.database = database

    def __call__(self, *arguments: str, input: str | None = None, **environ: str) -> Result:
        """Run one command and return what came of it."""
        return CliRunner().invoke(main, list(arguments), input=input, env={**self.environ, **environ})

    def good(self, *arguments: str, input: str | None = None) -> str:
        """Run one command that must succeed; what it printed."""
        done = self(*arguments, input=input)
        assert done.exit_code == 0, done.output
        return done.stdout


def fill(database: Database) -> None:
    """A node as `torv init` and `torv demo` leave it."""
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": migrating.head()})
    name_it(database, database.node)
    database.write(world.build)
