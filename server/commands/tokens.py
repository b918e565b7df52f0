"""`torv token`: an access token for a script, without the way through a browser."""

import click
from sqlalchemy.orm import Session

from models import accounts, actors, moderation, oauth, scopes
from models.errors import Invalid
from server.commands.opening import as_json, opened, show


@click.command()
@click.argument("username")
@click.option("--scopes", "wanted", default="read", show_default=True, help="What it may do, separated by spaces.")
@click.option("--name", default="script", show_default=True, help="What it is called on the person's page of apps.")
@as_json
def token(username: str, wanted: str, name: str, as_json: bool) -> None:
    """Make a token with which a script acts for USERNAME in the client API. It is shown this once; it holds until the
    person takes it back under Settings, Apps, changes the password, or is suspended."""
    names = scopes.parse(wanted)
    if not names or not scopes.known(names) or "offline_access" in names:
        raise Invalid(f"Choose among these scopes: {', '.join(one for one in scopes.ALL if one != 'offline_access')}")

    def work(db: Session) -> str:
        account = accounts.by_username(db, username)
        if account.suspended_at is not None:
            raise Invalid(f"{username} is suspended, so no token of his would do anything.")
        moderation.audit(db, None, "account.token", actors.get(db, account.id).uri, scopes=" ".join(names), app=name)
        return oauth.issue_for(db, account, " ".join(names), app_name=name)

    with opened() as database:
        made = database.write(work)
    if as_json:
        show({"access_token": made, "token_type": "Bearer", "scope": " ".join(names)})
    else:
        click.echo(made)
