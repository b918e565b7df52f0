"""`torv domain`: with which other servers this node deals."""

import click

from models import domains, moderation, settings
from models.domains import DomainAction
from server.cli import NOT_FOUND, Failed
from server.commands.opening import as_json, opened, show

reason = click.option("--reason", default="", help="Why; for the other administrators.")


@click.group()
def domain() -> None:
    """Rules about other servers. A rule holds for a domain and everything below it."""


def _set(name: str, action: DomainAction, reason: str) -> None:
    with opened() as database:
        rule = database.write(lambda db: moderation.set_rule(db, name, action, reason).domain)
    click.echo(f"{rule}: {action.value}.")


@domain.command()
@click.argument("name")
@reason
def block(name: str, reason: str) -> None:
    """Nothing comes in from there and nothing goes out."""
    _set(name, DomainAction.BLOCK, reason)


@domain.command()
@click.argument("name")
@reason
def limit(name: str, reason: str) -> None:
    """Only those who follow somebody there see what he writes."""
    _set(name, DomainAction.LIMIT, reason)


@domain.command()
@click.argument("name")
@reason
def allow(name: str, reason: str) -> None:
    """Deal with it in allow-list mode too."""
    _set(name, DomainAction.ALLOW, reason)


@domain.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take a rule back."""
    with opened() as database:
        if not database.write(lambda db: moderation.drop_rule(db, name)):
            raise Failed(f"There is no rule for {name}.", NOT_FOUND)
    click.echo(f"{name}: no rule any more.")


@domain.command("allow-list")
@click.argument("state", type=click.Choice(["on", "off"]))
def allow_list(state: str) -> None:
    """Deal only with domains that are allowed (on), or with all that are not blocked (off)."""
    with opened() as database:
        database.write(lambda db: moderation.use_allow_list(db, state == "on"))
    click.echo(f"Allow-list mode is {state}.")


@domain.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All rules."""
    with opened() as database, database.reading() as db:
        found = [
            {"domain": one.domain, "action": one.action, "reason": one.reason, "since": one.created_at}
            for one in domains.rules(db)
        ]
        mode = bool(settings.get(db, "allow_list", False))
    if as_json:
        show({"allow_list": mode, "rules": found})
        return
    click.echo(f"Allow-list mode is {'on' if mode else 'off'}.")
    for one in found:
        click.echo(f"{one['action']:<6} {one['domain']:<40} {one['reason']}")
