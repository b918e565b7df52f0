"""`torv community`: the communities of this node."""

import click
from sqlalchemy.orm import Session

from models import communities, moderation
from models.communities import Ways
from server.commands.opening import as_json, local_actor, opened, show


@click.group()
def community() -> None:
    """Communities of this node."""


@community.command()
@click.argument("username")
@click.argument("name")
@click.option("--moderator", required=True, help="Who leads it: the user name of somebody here.")
@click.option("--summary", default="", help="What it is for, in a sentence or two.")
@click.option("--rule", "rules", multiple=True, help="A rule of the community; may be given several times.")
@click.option("--down-votes", is_flag=True, help="Down votes count.")
@click.option("--hold-outside", is_flag=True, help="Answers from outside wait until they are kept.")
@click.option("--questions-only", is_flag=True, help="What begins a thread there is a question.")
@click.option("--language", default="da", show_default=True, help="The language mostly written there.")
@click.option("--node-only", is_flag=True, help="Nothing of it ever leaves this node.")
def add(
    username: str,
    name: str,
    moderator: str,
    summary: str,
    rules: tuple[str, ...],
    down_votes: bool,
    hold_outside: bool,
    questions_only: bool,
    language: str,
    node_only: bool,
) -> None:
    """Add a community; its address becomes /c/USERNAME."""
    with opened() as database:

        def work(db: Session) -> str:
            made = communities.create(
                db,
                username,
                name,
                creator=local_actor(db, moderator),
                summary=summary,
                rules=rules,
                ways=Ways(
                    allows_down=down_votes,
                    holds_outside=hold_outside,
                    node_only=node_only,
                    questions_only=questions_only,
                    language=language,
                ),
            )
            moderation.audit(db, None, "community.create", made.uri)
            return made.uri

        click.echo(database.write(work))


@community.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All communities of this node."""
    with opened() as database, database.reading() as db:
        found = [{"username": one.username, "name": one.name, "uri": one.uri} for one in communities.all_local(db)]
    if as_json:
        show(found)
        return
    for one in found:
        click.echo(f"{one['username']:<30} {one['name']}")
