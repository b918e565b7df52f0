"""One connection pool per host: kept, bounded, and never closed under somebody's feet."""

import asyncio

import pytest

from federation.transports import TransportsByHost

pytestmark = pytest.mark.anyio


class Fake:
    """Knows only whether it was closed."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.closed = False

    async def aclose(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True


class Made:
    """Makes fakes and remembers them in order."""

    def __init__(self) -> None:
        self.all: list[Fake] = []

    def __call__(self, host: str) -> Fake:
        self.all.append(Fake(host))
        return self.all[-1]


async def use(transports: TransportsByHost[Fake], host: str) -> Fake:
    async with transports.lend(host) as kept:
        return kept.transport


async def test_a_host_gets_the_same_transport_each_time() -> None:
    made = Made()
    transports = TransportsByHost(made)
    assert await use(transports, "a.test") is await use(transports, "a.test")
    assert await use(transports, "b.test") is not await use(transports, "a.test")
    assert [fake.host for fake in made.all] == ["a.test", "b.test"]
    await transports.aclose()
    assert all(fake.closed for fake in made.all)


async def test_the_longest_unused_goes_when_there_are_too_many() -> None:
    made = Made()
    transports = TransportsByHost(made, size=2)
    for host in ("a.test", "b.test", "a.test", "c.test"):
        await use(transports, host)
    await asyncio.sleep(0)
    assert [fake.host for fake in made.all if fake.closed] == ["b.test"]
    assert len(transports) == 2
    await transports.aclose()


async def test_one_that_carries_a_request_is_closed_only_after_it() -> None:
    made = Made()
    transports = TransportsByHost(made, size=1)
    async with transports.lend("a.test") as kept:
        await use(transports, "b.test")
        await asyncio.sleep(0)
        assert not kept.transport.closed
    assert kept.transport.closed
    await transports.aclose()


async def test_at_closing_time_requests_under_way_end_first() -> None:
    made = Made()
    transports = TransportsByHost(made)
    async with transports.lend("a.test") as kept:
        await transports.aclose()
        assert not kept.transport.closed
    assert kept.transport.closed


async def test_idle_ones_are_closed_by_a_timer() -> None:
    made = Made()
    transports = TransportsByHost(made, idle=0.05)
    await use(transports, "a.test")
    async with transports.lend("b.test"):
        await asyncio.sleep(0.2)
        assert [(fake.host, fake.closed) for fake in made.all] == [("a.test", True), ("b.test", False)]
    await asyncio.sleep(0.2)
    assert len(transports) == 0
    await transports.aclose()


async def test_no_more_than_the_allowed_number_have_a_transport_at_once() -> None:
    transports = TransportsByHost(Made(), at_once=2)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with transports.lend("a.test"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(10)))
    assert most == 2
    await transports.aclose()


async def test_a_transport_whose_request_was_cancelled_is_not_lent_again() -> None:
    made = Made()
    transports = TransportsByHost(made)

    async def forever() -> None:
        async with transports.lend("a.test"):
            await asyncio.sleep(60)

    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert made.all[0].closed
    assert await use(transports, "a.test") is made.all[1]
    await transports.aclose()


async def test_a_failure_of_another_kind_keeps_the_transport() -> None:
    made = Made()
    transports = TransportsByHost(made)
    with pytest.raises(RuntimeError):
        async with transports.lend("a.test"):
            raise RuntimeError
    assert await use(transports, "a.test") is made.all[0]
    await transports.aclose()
