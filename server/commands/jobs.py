"""`torv jobs`: what waits, what was given up, and trying it again."""

import click

from models import dead_letters, queues
from server.cli import FAILED, Failed
from server.commands.opening import as_json, opened, show


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> None:
    """Depth and age of the queues, and the hosts that deliveries wait for."""
    if ctx.invoked_subcommand:
        return
    with opened() as database, database.reading() as db:
        overview = queues.overview(db)
        hosts = queues.hosts(db)
    if as_json:
        show(
            {
                "queues": {
                    one.name: {"waiting": one.waiting, "dead": one.dead, "oldest_seconds": round(one.age)}
                    for one in overview
                },
                "hosts": [
                    {"host": one.host, "waiting": one.waiting, "dead": one.dead, "state": one.state, "error": one.error}
                    for one in hosts
                ],
            }
        )
        return
    click.echo(f"{'queue':<12}{'waiting':>9}{'oldest':>9}{'dead':>7}")
    for one in overview:
        click.echo(f"{one.name:<12}{one.waiting:>9}{_age(one.age):>9}{one.dead:>7}")
    for host in hosts:
        click.echo(
            f"  {host.host:<40} {host.waiting:>6} waiting {host.dead:>5} dead  {host.state:<8} {host.error[:60]}"
        )


@jobs.command()
@as_json
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Of each queue.")
def dead(as_json: bool, limit: int) -> None:
    """What was given up, newest first, and why."""
    with opened() as database, database.reading() as db:
        letters = [
            {"queue": str(one.queue), "id": str(one.id), "what": one.what, "at": one.at, "error": one.error}
            for one in dead_letters.newest(db, limit)
        ]
    if as_json:
        show(letters)
        return
    for one in letters:
        click.echo(f"{one['queue']:<10} {one['id']}  {one['what']}\n           {one['error']}")
    if not letters:
        click.echo("Nothing was given up.")


@jobs.command()
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--all", "everything", is_flag=True, help="All dead letters of all queues.")
@click.option("--host", help="All dead deliveries to this host.")
def retry(ids: tuple[int, ...], everything: bool, host: str | None) -> None:
    """Try dead letters again: those with these IDS, those of a host, or all."""
    if (bool(ids) + everything + bool(host)) != 1:
        raise click.UsageError("Say which: IDS, --host HOST, or --all.")
    wanted = None if everything or host else list(ids)
    with opened() as database:
        again = database.write(lambda db: dead_letters.retry(db, wanted, host=host or ""))
    if ids and again < len(ids):
        raise Failed(f"{again} of {len(ids)} will be tried again; the others are no dead letters.", FAILED)
    click.echo(f"{again} will be tried again.")


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
