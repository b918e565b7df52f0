"""Asking DNS: in threads of its own, once for many who ask, with a short memory."""

import asyncio
import socket
import time
from typing import Any

import pytest

from federation.names import SystemResolver

pytestmark = pytest.mark.anyio


class Dns:
    """Stands in for the C library's getaddrinfo."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.known: dict[str, list[str]] = {}
        self.delay = 0.0
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.append(host)
        time.sleep(self.delay)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in self.known[host]]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Dns:
    return Dns(monkeypatch)


async def test_all_addresses_come_back_once_and_are_remembered(dns: Dns) -> None:
    dns.known["a.test"] = ["1.2.3.4", "5.6.7.8", "1.2.3.4"]
    resolver = SystemResolver(keep=30)
    for _ in range(3):
        assert list(await resolver("a.test")) == ["1.2.3.4", "5.6.7.8"]
    assert dns.asked == ["a.test"]
    resolver.close()


async def test_memory_is_short_for_failures_too(dns: Dns) -> None:
    resolver = SystemResolver(keep=0.05, keep_failure=0.05)
    assert list(await resolver("a.test")) == []
    assert list(await resolver("a.test")) == []
    dns.known["a.test"] = ["1.2.3.4"]
    await asyncio.sleep(0.06)
    assert list(await resolver("a.test")) == ["1.2.3.4"]
    dns.known["a.test"] = ["5.6.7.8"]
    await asyncio.sleep(0.06)
    assert list(await resolver("a.test")) == ["5.6.7.8"]
    assert len(dns.asked) == 3
    resolver.close()


async def test_many_who_ask_at_once_are_one_question(dns: Dns) -> None:
    dns.known["a.test"], dns.delay = ["1.2.3.4"], 0.05
    resolver = SystemResolver()
    answers = await asyncio.gather(*(resolver("a.test") for _ in range(50)))
    assert {tuple(answer) for answer in answers} == {("1.2.3.4",)}
    assert dns.asked == ["a.test"]
    resolver.close()


async def test_who_gives_up_waiting_does_not_take_the_answer_from_others(dns: Dns) -> None:
    dns.known["a.test"], dns.delay = ["1.2.3.4"], 0.1
    resolver = SystemResolver()

    async def impatient() -> None:
        async with asyncio.timeout(0.02):
            await resolver("a.test")

    hasty, patient = await asyncio.gather(impatient(), resolver("a.test"), return_exceptions=True)
    assert isinstance(hasty, TimeoutError)
    assert patient == ("1.2.3.4",)
    resolver.close()


async def test_a_dead_domain_does_not_hold_up_another(dns: Dns) -> None:
    """The slow lookup sits in a thread of the resolver; the loop's own threads stay free."""
    resolver = SystemResolver(threads=4)
    dns.delay = 0.3
    slow = [asyncio.create_task(resolver(f"dead{number}.test")) for number in range(3)]
    await asyncio.sleep(0.05)
    dns.delay, dns.known["a.test"] = 0.0, ["1.2.3.4"]
    before = time.monotonic()
    assert list(await resolver("a.test")) == ["1.2.3.4"]
    await asyncio.to_thread(lambda: None)
    assert time.monotonic() - before < 0.2
    await asyncio.gather(*slow)
    resolver.close()


async def test_memory_is_bounded(dns: Dns) -> None:
    resolver = SystemResolver(size=3)
    for number in range(5):
        await resolver(f"{number}.test")
    await resolver("4.test")
    assert len(dns.asked) == 5
    await resolver("0.test")
    assert len(dns.asked) == 6
    resolver.close()
