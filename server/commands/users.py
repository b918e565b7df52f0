"""`torv user`: the people who have an account on this node."""

import secrets
import sys

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, actors, invitations, moderation, organizations, roster, sanctions
from models.accounts import Account, Role
from models.actors import Actor
from models.errors import Invalid
from models.organizations import AffiliationClass
from models.sanctions import SanctionKind
from server.commands.opening import as_json, opened, show
from server.settings import load

role = click.option("--role", type=click.Choice([each.value for each in Role]), default=Role.MEMBER.value)
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
generate = click.option("--generate", is_flag=True, help="Make up a password and print it.")


@click.group()
def user() -> None:
    """People: add, invite, suspend; roles and passwords."""


@user.command()
@click.argument("username")
@click.argument("email")
@click.option("--name", default="", help="The name others see.")
@click.option("--language", type=click.Choice(["da", "en"]), help="Language of pages and messages.")
@role
@from_stdin
@generate
@as_json
def add(
    username: str,
    email: str,
    name: str,
    language: str | None,
    role: str,
    password_stdin: bool,
    generate: bool,
    as_json: bool,
) -> None:
    """Make an account. Asks for the password unless told where it comes from; never takes it as an argument."""
    chosen = load()
    with opened(chosen) as database:
        password = _password(password_stdin, generate)

        def work(db: Session) -> int:
            made = accounts.create(
                db,
                username=username,
                email=email,
                password=password,
                name=name,
                role=role,
                language=language or chosen.default_language,
            )
            moderation.audit(db, None, "account.add", actors.get(db, made.id).uri, role=role)
            return made.id

        made = database.write(work)
        with database.reading() as db:
            handle = actors.get(db, made).handle
    found = {"username": username.lower(), "handle": handle, "role": role}
    if as_json:
        show(found | ({"password": password} if generate else {}))
    else:
        click.echo(f"Added {handle} ({role})." + (f" Password: {password}" if generate else ""))


@user.command()
@click.option("--email", default="", help="Only this address can use it.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@click.option("--organization", default="", help="An organisation here that confirms whoever takes it up.")
@click.option("--citizen", is_flag=True, help="As a citizen of it, not as one who works there.")
@role
@as_json
def invite(email: str, days: int, organization: str, citizen: bool, role: str, as_json: bool) -> None:
    """Make a link with which somebody can make an account of his own, once."""

    def work(db: Session) -> str:
        if not organization:
            return invitations.invite(db, role=role, email=email, days=days)
        body = organizations.by_name(db, organization)
        kinds = organizations.classes(organizations.get(db, body))
        if citizen and AffiliationClass.CITIZEN not in kinds:
            raise Invalid("Nobody can be that to this organisation.", code="class_unknown")
        kind = AffiliationClass.CITIZEN if citizen else kinds[0]
        return invitations.invite(
            db, role=role, email=email, days=days, organization_id=body.id, affiliation_class=kind
        )

    with opened() as database:
        token = database.write(work)
        link = f"{database.node.origin}/invitations/{token}"
    show({"link": link, "role": role, "days": days}) if as_json else click.echo(link)


@user.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice([each.value for each in Role]))
def change_role(username: str, role: str) -> None:
    """Make somebody a member, moderator or administrator."""
    with opened() as database:
        database.write(lambda db: roster.set_role(db, accounts.by_username(db, username), role))
    click.echo(f"{username} is {role} now.")


@user.command()
@click.argument("username")
@from_stdin
@generate
def password(username: str, password_stdin: bool, generate: bool) -> None:
    """Set somebody's password; everywhere he is signed in, he is signed out."""
    with opened() as database:
        with database.reading() as db:
            accounts.by_username(db, username)
        fresh = _password(password_stdin, generate)

        def work(db: Session) -> None:
            account = accounts.by_username(db, username)
            accounts.set_password(db, account, fresh)
            moderation.audit(db, None, "account.password", actors.get(db, account.id).uri)

        database.write(work)
    click.echo(f"Password of {username} changed." + (f" It is: {fresh}" if generate else ""))


@user.command()
@click.argument("username")
@click.option("--lift", is_flag=True, help="End the suspension.")
@click.option("--reason", default="", help="Why: the person reads it, and can appeal.")
def suspend(username: str, lift: bool, reason: str) -> None:
    """Lock somebody out: his logins end, he cannot sign in, and others no longer see his posts."""
    with opened() as database:

        def work(db: Session) -> None:
            account = accounts.by_username(db, username)
            person = actors.get(db, account.id)
            if not lift:
                sanctions.impose(db, person, SanctionKind.SUSPEND, by=None, reason=reason)
            elif not sanctions.lift(db, person, SanctionKind.SUSPEND, by=None):
                moderation.unsuspend(db, person, by=None)

        database.write(work)
    click.echo(f"{username} may sign in again." if lift else f"{username} is suspended.")


@user.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Everybody who has an account."""
    with opened() as database, database.reading() as db:
        rows = db.execute(select(Account, Actor).join(Actor, Actor.id == Account.id).order_by(Actor.username)).all()
    found = [
        {
            "username": actor.username,
            "name": actor.name,
            "email": account.email,
            "role": account.role,
            "suspended": account.suspended_at is not None,
            "seen": account.seen_at,
        }
        for account, actor in rows
    ]
    if as_json:
        show(found)
        return
    for one in found:
        click.echo(
            f"{one['username']:<20} {one['role']:<10} {one['email']:<32} {'suspended' if one['suspended'] else ''}"
        )


def _password(piped: bool, generated: bool) -> str:
    if piped and generated:
        raise click.UsageError("--password-stdin and --generate exclude each other.")
    if generated:
        return secrets.token_urlsafe(15)
    if piped:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked
