"""Floods: who sends too much hears 429, nobody else notices, and the memory of it has a bound."""

import pytest

from server.floods import KEPT, Buckets, Floods
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
