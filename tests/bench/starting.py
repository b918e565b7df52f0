"""Starting on a database that is there, and what an idle server holds in memory."""

import asyncio
import time

from tests.bench import costs, wire
from tests.bench.figures import Measure
from tests.bench.loads import Field, Load
from tests.bench.servers import Server

SETTLED = 5.0
PATIENCE = 120.0


class Start(Load):
    """From the command until the first answer; then idle."""

    name = "start"
    title = "start on a migrated database to first answer, then idle"
    measures = (
        Measure("seconds", "s", less=True, wish=1, absolute=True),
        Measure("memory", "MiB", less=True, wish=90, absolute=True),
    )

    async def prepare(self, field: Field, server: Server) -> None:
        """It has run before, so nothing is left to be made."""
        assert server.start and server.stop, f"{server.name} was not started here, so it cannot be started again"

    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """Stop, start, first answer, quiet."""
        assert server.start and server.stop
        server.wire.close()
        await asyncio.to_thread(server.stop)
        ask = wire.request("GET", f"https://{server.host}/nodeinfo/2.0", {"Accept": "application/json"})
        begun = time.perf_counter()
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        while not await _answers(server, ask):
            assert time.perf_counter() - begun < PATIENCE, f"{server.name} does not start"
            await asyncio.sleep(0.005)
        took = time.perf_counter() - begun
        await starting
        await asyncio.sleep(SETTLED)
        return {"seconds": took, "memory": costs.memory_mib(server.pid())}


async def _answers(server: Server, ask: bytes) -> bool:
    try:
        return (await server.wire.ask(ask)).status == 200
    except OSError:
        return False
