"""What a measured load is, and what all of them share: the farm, and the processor time of whom it falls on."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tests.bench import costs
from tests.bench.figures import Measure
from tests.bench.peers import Farm
from tests.bench.servers import Server

AFTERMATH = 1.0
"""Seconds after the last visible effect in which a server may still work on what it was sent; it counts."""


@dataclass(frozen=True)
class Field:
    """Where the loads meet the servers: the fake peers, the port they are reached at, and how much of everything."""

    farm: Farm
    port: int
    part: float = 1.0
    """How much of each load's usual size, for a quick look."""

    def size(self, usual: int) -> int:
        """So many, of `usual` ones."""
        return max(2, round(usual * self.part))


class Load(ABC):
    """Prepared once for each server, then run in turns."""

    name: str
    title: str
    measures: Sequence[Measure]

    @abstractmethod
    async def prepare(self, field: Field, server: Server) -> None:
        """Bring the server into the state the load begins with."""

    @abstractmethod
    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """One round; a figure for each measure."""


@dataclass
class Spent:
    """Seconds that passed and processor seconds that the server used."""

    seconds: float = 0.0
    cpu: float = 0.0

    def ended(self, begun: float) -> None:
        """What was to happen has happened, just now."""
        self.seconds = time.perf_counter() - begun


@contextlib.asynccontextmanager
async def spending(server: Server) -> AsyncIterator[tuple[Spent, float]]:
    """Measure what the block costs the server, its aftermath included; with the time at which it began."""
    spent, before, begun = Spent(), costs.cpu_seconds(server.pid()), time.perf_counter()
    yield spent, begun
    if not spent.seconds:
        spent.ended(begun)
    await asyncio.sleep(AFTERMATH)
    spent.cpu = costs.cpu_seconds(server.pid()) - before
