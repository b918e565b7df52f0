"""`torv follow`, `ask`, `answer`, `post`: acting for somebody of this node from the shell."""

import asyncio
import sys

import click
from sqlalchemy.orm import Session

from models import access, actors, composing, follows, posts, threads
from models.actors import Actor
from models.database import Database
from models.errors import NotFound, Unavailable
from models.posts import Draft, Post, Visibility
from server.commands.opening import as_json, local_actor, opened, show
from server.settings import Settings, load

who = click.option("--as", "author", required=True, help="User name of the person here who does it.")
language = click.option("--language", default="", help="Language of the text, such as da or en.")
text = click.argument("text", default="-")


@click.command()
@click.argument("target")
@who
def follow(target: str, author: str) -> None:
    """Follow TARGET: @name@server, an actor's address, or a name of this node."""
    chosen = load()
    with opened(chosen) as database:
        with database.reading() as db:
            local_actor(db, author)
            found = _known_here(db, target)
        target_id = found if found is not None else _look_up(chosen, database, target)

        def work(db: Session) -> str:
            return follows.request(db, local_actor(db, author), actors.get(db, target_id)).state

        state = database.write(work)
    click.echo(f"{author} follows {target}." if state == "accepted" else f"Asked {target}; the answer comes in time.")


@click.command()
@click.argument("community")
@click.argument("title")
@text
@who
@language
@click.option("--barrier", "barriers", multiple=True, help="bureaukrati, politik, vaner, kultur, regler or love.")
@as_json
def ask(
    community: str, title: str, text: str, author: str, language: str, barriers: tuple[str, ...], as_json: bool
) -> None:
    """Ask a question in COMMUNITY. TEXT is Markdown; without it, or with -, it is read from standard input."""
    written = _text(text)
    with opened() as database:

        def work(db: Session) -> Post:
            person = local_actor(db, author)
            draft = Draft(text=written, title=title, barriers=barriers, language=language)
            return threads.ask(db, person, local_actor(db, community), draft)

        _tell(database.write(work), as_json)


@click.command()
@click.argument("question")
@text
@who
@language
@as_json
def answer(question: str, text: str, author: str, language: str, as_json: bool) -> None:
    """Answer QUESTION: its address or number."""
    written = _text(text)
    with opened() as database:

        def work(db: Session) -> Post:
            person = local_actor(db, author)
            return threads.answer(db, person, _post(db, person, question), Draft(text=written, language=language))

        _tell(database.write(work), as_json)


@click.command()
@text
@who
@language
@click.option("--visibility", type=click.Choice([each.value for each in Visibility]), default=Visibility.PUBLIC.value)
@as_json
def post(text: str, author: str, language: str, visibility: str, as_json: bool) -> None:
    """Write a note."""
    written = _text(text)
    with opened() as database:

        def work(db: Session) -> Post:
            draft = Draft(text=written, visibility=visibility, language=language)
            return composing.note(db, local_actor(db, author), draft)

        _tell(database.write(work), as_json)


def _text(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _tell(made: Post, as_json: bool) -> None:
    show({"id": str(made.id), "uri": made.uri}) if as_json else click.echo(made.uri)


def _post(db: Session, viewer: Actor, named: str) -> Post:
    if named.isascii() and named.isdecimal() and len(named) < 20 and int(named) < 2**63:
        return access.access_post(db, viewer, int(named))
    found = posts.by_uri(db, named)
    if found is None or not access.may_see(db, viewer, found):
        raise NotFound(f"There is no post {named}.")
    return found


def _known_here(db: Session, target: str) -> int | None:
    """The actor's id, if no other server has to be asked."""
    if "://" in target:
        found = actors.by_uri(db, target)
        return found.id if found else None
    name, _, domain = target.lstrip("@").partition("@")
    if not domain:
        return local_actor(db, name).id
    found = actors.by_handle(db, name, domain.lower())
    return found.id if found else None


def _look_up(chosen: Settings, database: Database, target: str) -> int:
    """Ask the server that `target` names; its answer is recorded."""
    from federation import resolving
    from server.federating import federating

    async def run() -> int:
        async with federating(chosen, database) as fed:
            found = await resolving.look_up(fed, target)
            return found.id

    try:
        return asyncio.run(run())
    except resolving.Passing as error:
        raise Unavailable(f"{target} cannot be asked now: {error}") from error
    except resolving.FetchFailed as error:
        raise NotFound(f"{target} cannot be found: {error}") from error
