"""Floods: who sends too much hears 429, nobody else notices, and the memory of it has a bound."""

import asyncio

import pytest

from models.errors import Unavailable
from server.floods import KEPT, Buckets, Floods, Places
from server.settings import Settings


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def floods(clock: Clock) -> Floods:
    return Floods(Settings(origin="https://a.example", data_dir="unused"), clock)


def test_a_domain_may_send_two_thousand_at_once_and_eight_hundred_a_second(floods: Floods, clock: Clock) -> None:
    assert sum(floods.admits("m.example", "192.0.2.1") for _ in range(3000)) == 2000
    clock.now += 1
    assert sum(floods.admits("m.example", "192.0.2.1") for _ in range(3000)) == 800


def test_nobody_uses_up_the_share_of_another(floods: Floods) -> None:
    for _ in range(3000):
        floods.admits("m.example", "192.0.2.66")
    assert floods.admits("m.example", "192.0.2.1")
    assert floods.admits("k.example", "192.0.2.66")


def test_fifty_may_cost_something_and_five_more_each_second(floods: Floods, clock: Clock) -> None:
    share = floods.allowance("m.example", "192.0.2.1")
    assert sum(share.spend() for _ in range(100)) == 50
    assert not share.left()
    clock.now += 2
    assert sum(share.spend() for _ in range(100)) == 10


def test_making_up_domains_helps_for_ten_of_them(floods: Floods) -> None:
    spent = sum(floods.allowance(f"x{at}.example", "192.0.2.66").spend() for at in range(5000))
    assert spent == 500
    assert floods.allowance("m.example", "192.0.2.1").left()


def test_a_hundred_thousand_senders_are_not_all_remembered(clock: Clock) -> None:
    buckets = Buckets(10, 1, clock)
    for at in range(100_000):
        buckets.take(f"x{at}")
    assert len(buckets) == KEPT


async def _stay(places: Places, network: str, inside: list[str], leave: asyncio.Event) -> None:
    async with places.take(network):
        inside.append(network)
        await leave.wait()


@pytest.mark.anyio
async def test_so_many_are_in_hand_at_once_and_a_fourth_of_them_of_one_network() -> None:
    places, inside, leave = Places(8, 5), list[str](), asyncio.Event()
    greedy = [asyncio.create_task(_stay(places, "192.0.2.66", inside, leave)) for _ in range(20)]
    await asyncio.sleep(0)
    assert inside == ["192.0.2.66"] * 2
    others = [asyncio.create_task(_stay(places, f"198.51.100.{n}", inside, leave)) for n in range(10)]
    await asyncio.sleep(0.01)
    assert len(inside) == 8
    leave.set()
    await asyncio.gather(*greedy, *others)
    assert len(inside) == 30
    assert len(places) == 0


@pytest.mark.anyio
async def test_who_waits_too_long_for_a_place_is_told_to_come_again() -> None:
    places, leave = Places(4, 0.05), asyncio.Event()
    staying = asyncio.create_task(_stay(places, "192.0.2.66", [], leave))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        async with places.take("192.0.2.66"):
            raise AssertionError("there was no place")
    leave.set()
    await staying
    async with places.take("192.0.2.66"):
        assert len(places) == 1
    assert len(places) == 0
