"""Measure servers side by side: `make bench`, or `python -m tests.bench [LOAD ...]`. README.md beside this says how."""

import asyncio
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import uvloop

from tests.bench import picture, servers
from tests.bench.arriving import KnownActors, UnknownActors
from tests.bench.figures import Result, table
from tests.bench.leaving import FanoutAtOnce, FanoutSlow
from tests.bench.loads import Field, Load
from tests.bench.peers import Farm, front
from tests.bench.reading import READS
from tests.bench.servers import Server
from tests.bench.starting import Start
from tests.fediverse.gotosocial import names_in_etc_hosts
from tests.fediverse.ground import Ground

LOADS: dict[str, Load] = {
    load.name: load for load in (*READS, KnownActors(), UnknownActors(), FanoutAtOnce(), FanoutSlow(), Start())
}
"""In the order in which they run: what fills the followers' lists comes late."""


class Given(click.ParamType[Server]):
    """A server that runs already: `name=snac,account=anna@snac.test,address=127.0.0.1:8001,token=…,pid=123`."""

    name = "server"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Server:
        """Read it."""
        parts = dict(part.partition("=")[::2] for part in value.split(","))
        try:
            pid = int(parts["pid"])
            return Server(parts["name"], parts["account"], parts["address"], parts["token"], lambda: pid)
        except (KeyError, ValueError):
            self.fail(f"expected {self.__doc__}", param, ctx)


@click.command()
@click.argument("loads", nargs=-1, type=click.Choice(list(LOADS)))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 9), help="Rounds, the servers in turns.")
@click.option("--part", default=1.0, show_default=True, help="How much of each load's usual size.")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="A setting of the Torv that is started.")
@click.option("--server", "given", multiple=True, type=Given(), help=Given.__doc__)
@click.option("--save", type=click.Path(path_type=Path), help="Where the figures go, as JSON; the picture beside it.")
def main(
    loads: Sequence[str], runs: int, part: float, chosen: Sequence[str], given: Sequence[Server], save: Path | None
) -> None:
    """Measure a fresh Torv; beside it a GoToSocial that TORV_GOTOSOCIAL names, and every --server."""
    wanted = [LOADS[name] for name in loads] or list(LOADS.values())
    settings = dict(pair.partition("=")[::2] for pair in chosen)
    with tempfile.TemporaryDirectory(prefix="torv-bench") as folder:
        ground = Ground(Path(folder))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            results = runner.run(_measure(ground, wanted, runs, part, settings, given))
    names = list(dict.fromkeys(name for result in results for name in result.rounds))
    click.echo("\n" + table(results))
    if save:
        machine = f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}"
        found: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "machine": machine, "runs": runs, "part": part,
            "servers": names, "results": [result.as_json() for result in results],
        }  # fmt: skip
        save.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        save.with_suffix(".svg").write_text(picture.draw(found["results"], names))


async def _measure(
    ground: Ground, loads: Sequence[Load], runs: int, part: float, settings: dict[str, str], given: Sequence[Server]
) -> list[Result]:
    farm = Farm()
    port = await farm.listen()
    with contextlib.ExitStack() as ending:
        ending.callback(farm.close)
        hosts = 1000 + 200 * runs
        ending.callback(front(ground, port, hosts).close)
        measured = list(ending.enter_context(_started(ground, settings, given)))
        for server in measured:
            await server.discover()
            farm.followed_by[server.actor] = (server.inbox, server.wire)
        field = Field(farm, ground.port, part)
        return [await _run(field, load, measured, runs) for load in loads]


@contextlib.contextmanager
def _started(ground: Ground, settings: dict[str, str], given: Sequence[Server]) -> Iterator[list[Server]]:
    """All servers, ours first."""
    with contextlib.ExitStack() as ending:
        foreign = "TORV_GOTOSOCIAL" in os.environ
        names = ("torv.bench.test", *(["gotosocial.bench.test"] if foreign else []))
        for name in names:
            ground.settle(name)
        if foreign or given:
            ending.enter_context(names_in_etc_hosts(ground))
        ours, node = servers.torv(ground, **settings)
        ending.callback(node.close)
        found = [ours]
        if foreign:
            theirs, instance = servers.gotosocial(ground)
            ending.callback(instance.close)
            found.append(theirs)
        if given:
            click.echo(f"Servers that are to trust the farm trust {ground.ca_file}; Enter when they run.")
            sys.stdin.readline()
        yield [*found, *given]


async def _run(field: Field, load: Load, measured: Sequence[Server], runs: int) -> Result:
    """All rounds of a load: each round one turn of each server."""
    result = Result(load.name, load.title, load.measures)
    able = [server for server in measured if server.start or not isinstance(load, Start)]
    for server in able:
        await load.prepare(field, server)
    for turn in range(runs):
        for server in able:
            figures = await load.run(field, server, turn)
            result.add(server.name, figures)
            said = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            click.echo(f"{load.name} {turn + 1}/{runs} {server.name}: {said}")
    return result


if __name__ == "__main__":
    main()
