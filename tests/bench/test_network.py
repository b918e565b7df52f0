"""The simulated network keeps the promises of the real one, so that its figures mean something."""

from dataclasses import replace

import pytest

from models.deliveries import SCHEDULE
from models.peers import DAYS_TO_PARK, FAILURES_TO_OPEN, OPEN_SECONDS
from tests.bench.network import Assumed, Network, Spell, report
from tests.bench.network_links import DAY, LIMITS, Delivery, Link

WELL = Assumed(
    nodes=8, people=60, twins=2, joined=2, crashes=0, slow_spells=0, whole_day=0, hoster=0, restored=0, gone=0
)
"""Few nodes, and nothing ever breaks."""

ILL = replace(WELL, crashes=1 / 2, slow_spells=1 / 3, hoster=2, restored=1, whole_day=1)


@pytest.mark.parametrize("assumed", [WELL, ILL, replace(ILL, gone=1)], ids=["well", "ill", "one is gone"])
def test_of_every_delivery_it_is_known_what_became_of_it(assumed: Assumed) -> None:
    network = Network(3, 12, assumed).run()
    assert network.count["deliveries"] > 1000
    assert network.accounted() == network.count["deliveries"]


def test_where_nothing_breaks_everything_arrives_at_the_first_try_and_next_to_nothing_is_fetched_twice() -> None:
    network = Network(1, 3, WELL, quiet_end=0.1).run()
    assert network.count["arrived"] == network.count["deliveries"] == network.count["attempts"]
    assert network.waiting == 0
    for name in ("fetches that failed", "attempts that failed"):
        assert network.count[name] == 0, name
    # An answer may come before the question it belongs to, which then comes while it is fetched.
    assert network.count["fetches of what had come meanwhile"] <= network.count["fetches of posts"] / 100
    assert max(network.ages) < 60


def test_what_breaks_only_delays() -> None:
    """Everybody is back in the end, so all arrives but what a restore held back."""
    network = Network(2, 11, ILL, quiet_end=9).run()
    assert network.count["attempts that failed"] > 100
    assert network.waiting == 0
    assert network.count["arrived"] + network.count["held back by a restore"] == network.count["deliveries"]


def test_what_is_wrapped_reaches_every_follower_of_the_community() -> None:
    network = Network(1, 2, WELL, quiet_end=0.1).run()
    for number, post in enumerate(network.posts):
        if post.community >= 0:
            for member in {post.community, *network.nodes[post.community].members}:
                assert number in network.nodes[member].known, (number, member)


def test_who_was_restored_fetches_again_what_it_had() -> None:
    busy = replace(WELL, people=200)
    assert Network(1, 5, busy).run().count["fetches of posts again, after a restore"] == 0
    assert Network(1, 5, replace(busy, restored=2)).run().count["fetches of posts again, after a restore"] > 0


def test_a_node_that_is_gone_costs_a_probe_each_half_hour_and_is_parked_after_a_week() -> None:
    network = Network(1, 12, replace(WELL, gone=1)).run()
    gone = next(
        number for number, node in enumerate(network.nodes) if Spell(0.5 * DAY, float("inf"), "silent") in node.spells
    )
    links = [link for (_, to), link in network.links.items() if to == gone and link.failures]
    assert links
    assert any(link.parked for link in links)
    most = FAILURES_TO_OPEN + LIMITS.per_host + DAYS_TO_PARK * DAY / OPEN_SECONDS
    assert all(link.failures <= most for link in links)
    assert network.count["given up: a week old, to a node that is parked"] > 0


def test_the_same_seed_gives_the_same_report_and_another_another() -> None:
    reports = [report(Network(seed, 4, ILL).run(), seed) for seed in (5, 5, 6)]
    assert reports[0] == reports[1] != reports[2]


def test_a_link_keeps_the_order_about_one_thing_and_holds_up_no_other() -> None:
    link = Link()
    first, second, other = Delivery(1, 7, 0, 0), Delivery(2, 7, 0, 0), Delivery(3, 8, 0, 0)
    for one in (first, second, other):
        link.add(one)
    assert link.take(0) is first
    assert link.take(0) is other
    link.arrived(other, 0)
    assert link.take(0) is None
    assert not link.failed(first, 0)
    assert link.take(0) is None
    assert link.take(2 * SCHEDULE[0]) is first
    link.arrived(first, 2 * SCHEDULE[0])
    assert link.take(2 * SCHEDULE[0]) is second


def test_a_delivery_is_given_up_after_the_schedule_and_what_follows_it_goes_on() -> None:
    link, at = Link(), 0.0
    link.add(Delivery(1, 7, 0, 0))
    link.add(Delivery(2, 7, 0, 0))
    tries = 0
    while (one := link.take(at)) is not None and one.activity == 1:
        tries += 1
        link.failed(one, at)
        link.failing_days, link.parked = 0, False  # parking is another matter
        at = max(at, link.next_look())
    assert tries <= len(SCHEDULE) + 1
    assert one is not None
    assert one.activity == 2


def test_a_circuit_opens_for_everything_and_then_lets_one_through() -> None:
    link = Link()
    for number in range(FAILURES_TO_OPEN + 3):
        link.add(Delivery(number, number, 0, 0))
    for _ in range(FAILURES_TO_OPEN):
        one = link.take(0)
        assert one is not None
        link.failed(one, 0)
    assert link.take(OPEN_SECONDS - 1) is None
    assert link.take(OPEN_SECONDS) is not None
    assert link.take(OPEN_SECONDS) is None


def test_giving_up_what_waits_leaves_what_is_under_way() -> None:
    link = Link()
    for number in range(3):
        link.add(Delivery(number, 7, 0, 0))
    one = link.take(0)
    assert one is not None
    assert link.give_up() == 2
    assert link.waiting == 1
    link.arrived(one, 0)
    assert link.waiting == 0
