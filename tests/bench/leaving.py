"""Loads that go out: one post to a thousand followers, each on a host of his own."""

import asyncio
import time

from tests.bench import activities
from tests.bench.figures import Measure
from tests.bench.loads import Field, Load, spending
from tests.bench.servers import Server
from tests.farm import actor_at

FOLLOWERS = 1000
AT_ONCE = 8
PATIENCE = 240.0


class Fanout(Load):
    """From the client's call until the last host has the post."""

    delay = 0.0

    async def prepare(self, field: Field, server: Server) -> None:
        """Everybody follows the account. Whoever is not heard the first time asks again."""
        field.farm.delay = 0.0
        field.farm.followed_by[server.actor] = (server.inbox, server.wire)
        wanted = field.size(FOLLOWERS)
        followers = [actor_at(number, field.port) for number in range(1, wanted + 1)]
        for attempt in range(3):
            if await _followers(server) >= wanted:
                return
            asked = (activities.follow(one, server.actor, f"{attempt}-{time.time_ns()}") for one in followers)
            sent = await server.wire.burst((activities.post(server.inbox, one) for one in asked), AT_ONCE)
            assert not sent.refused, f"{server.name} answered {dict(sent.statuses)} to follows"
            await _settled(server, wanted)
        assert await _followers(server) >= wanted, f"{server.name} has {await _followers(server)} followers"

    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """One post."""
        marker, hosts = f"{self.name}x{time.time_ns()}", field.size(FOLLOWERS)
        field.farm.delay = self.delay
        field.farm.expect(marker, hosts)
        async with spending(server) as (spent, begun):
            await server.call("POST", "/api/v1/statuses", status=marker, visibility="public")
            answered = time.perf_counter() - begun
            await field.farm.all_there(PATIENCE)
            spent.ended(begun)
        return {
            "seconds": spent.seconds,
            "CPU each": 1000 * spent.cpu / hosts,
            "answer to the client, ms": 1000 * answered,
            "per second": hosts / spent.seconds,
        }


class FanoutAtOnce(Fanout):
    """To hosts that answer at once."""

    name = "fanout"
    title = "one post to 1 000 followers on 1 000 hosts answering at once"
    measures = (Measure("seconds", "s", less=True, wish=1), Measure("CPU each", "ms", less=True, wish=1))


class FanoutSlow(Fanout):
    """To hosts that take their time."""

    name = "fanout-slow"
    title = "the same, hosts taking 200 ms"
    measures = (Measure("seconds", "s", less=True, wish=1 / 15), Measure("CPU each", "ms", less=True))
    delay = 0.2


async def _followers(server: Server) -> int:
    found = await server.call("GET", "/api/v1/accounts/verify_credentials")
    return int(found["followers_count"])


async def _settled(server: Server, wanted: int) -> None:
    """Wait until all are followers, or their number no longer grows."""
    known, since = await _followers(server), time.monotonic()
    while known < wanted and time.monotonic() - since < 10:
        await asyncio.sleep(0.5)
        if (more := await _followers(server)) != known:
            known, since = more, time.monotonic()
    await asyncio.sleep(2)  # the last Accepts are still under way
