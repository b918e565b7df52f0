"""`torv`: everything an administrator does from a shell. Commands load late, so that `torv --help` is quick.

Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 not found, 4 refused or in conflict with what is there,
5 not available now (database, network) and worth another try.
"""

import gc
import importlib
from typing import Any

import click

from server.version import VERSION

FAILED, USAGE, NOT_FOUND, REFUSED, UNAVAILABLE = 1, 2, 3, 4, 5

EXIT_CODES = {401: REFUSED, 403: REFUSED, 404: NOT_FOUND, 409: REFUSED, 410: NOT_FOUND, 422: USAGE, 503: UNAVAILABLE}
"""From the status of a domain error."""

COMMANDS = {
    "init": ("node", "Make the database, the node's key and its data folder."),
    "migrate": ("node", "Bring the database's tables to this release."),
    "migrate-database": ("databases", "Go from SQLite to PostgreSQL, or back."),
    "serve": ("serve", "Answer visitors and other servers; deliver and process within."),
    "worker": ("serve", "Only deliver and process, beside `torv serve`."),
    "user": ("users", "Add, invite, suspend people; roles and passwords."),
    "token": ("tokens", "Make a token with which a script acts for somebody."),
    "community": ("communities", "Add communities."),
    "follow": ("writing", "Let somebody follow a person or community here or elsewhere."),
    "ask": ("writing", "Ask a question in a community."),
    "answer": ("writing", "Answer a question."),
    "post": ("writing", "Write a note."),
    "domain": ("domains", "Block, limit or allow other servers."),
    "kle": ("kle", "Bring the list of service areas (KLE)."),
    "search": ("search", "Make what is searched anew."),
    "media": ("media", "Bring uploaded files into a bucket, or back."),
    "jobs": ("jobs", "What waits, what was given up, and trying again."),
    "peer": ("peer", "What is known of another server, and why it fails."),
    "doctor": ("doctor", "Look for what is wrong or missing."),
    "backup": ("backups", "Copy the database of a running node, verified."),
    "restore": ("backups", "Put a backup back."),
    "demo": ("demo", "Fill an empty node with the demo world."),
}
"""Name of each command, the module in `server.commands` it lies in, and its line in the overview."""


class Failed(click.ClickException):
    """The command ends with a sentence for the administrator and a code for the script."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = code  # type: ignore[misc] # click reads it from the instance


class Torv(click.Group):
    """Loads a command's module when it is called, and turns the house's errors into exit codes."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        gc.disable()  # nothing of what is loaded is ever thrown away: looking for that is a tenth of the time it takes
        module = importlib.import_module(f"server.commands.{COMMANDS[name][0]}")
        gc.freeze()
        gc.enable()
        command = getattr(module, name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            raise as_failure(error) from error


def as_failure(error: Exception) -> Exception:
    """The sentence and exit code for what an administrator can do something about; a programming error stays what it is."""
    from sqlalchemy.exc import SQLAlchemyError

    from models.database import complaint, is_passing
    from models.errors import DomainError
    from server.settings import SettingsError

    if isinstance(error, DomainError):
        cause = complaint(error.__cause__)
        return Failed(f"{error.text} ({cause})" if cause else error.text, EXIT_CODES.get(error.status, FAILED))
    if isinstance(error, SettingsError):
        return Failed(f"Setting {error}", USAGE)
    if isinstance(error, SQLAlchemyError) and (cause := complaint(error)):
        return Failed(f"The database cannot be used: {cause}", UNAVAILABLE if is_passing(error) else FAILED)
    if isinstance(error, OSError) and error.filename is not None:
        return Failed(f"{error.filename}: {error.strerror}.", FAILED)
    if isinstance(error, UnicodeError):
        return Failed("What was typed or read is no text in UTF-8.", USAGE)
    return error


@click.group(cls=Torv, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="torv")
def main() -> None:
    """Torv: a town square for people who challenge the public sector from within.

    Settings come from TORV_* variables and from torv.toml (or the file TORV_CONFIG names); see deploy/README.md.
    """
