"""The kit that measures: medians, ratios and wishes are worked out right, the picture shows them, requests are signed."""

import asyncio
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime

import pytest

from federation import signatures
from tests.bench import activities, picture, wire
from tests.bench.figures import Measure, Result, brief, table
from tests.bench.peers import Farm
from tests.farm import actor_at, handle_at

RATE = Measure("rate", "/s", wish=5)
CPU = Measure("CPU each", "ms", less=True, wish=0.2)
START = Measure("seconds", "s", less=True, wish=1, absolute=True)


def _result(ours: list[float], theirs: list[float], measure: Measure = RATE) -> Result:
    result = Result("known", "notes come in", [measure])
    for name, values in (("torv", ours), ("other", theirs)):
        for value in values:
            result.add(name, {measure.name: value})
    return result


@pytest.mark.parametrize(
    ("measure", "ours", "theirs", "ratio", "verdict"),
    [
        (RATE, [500, 100, 510], [100, 100, 90], 5, "yes"),
        (RATE, [490], [100], 4.9, "no"),
        (CPU, [2], [10], 0.2, "yes"),
        (CPU, [3], [10], 0.3, "no"),
        (START, [0.9], [0.1], 9, "yes"),
        (START, [1.1], [2.0], 0.55, "no"),
        (Measure("rate", "/s"), [1], [2], 0.5, ""),
    ],
)
def test_a_row_compares_the_medians_and_says_whether_the_wish_is_granted(
    measure: Measure, ours: list[float], theirs: list[float], ratio: float, verdict: str
) -> None:
    row = _result(ours, theirs, measure).rows()[0]
    assert row.ratio == pytest.approx(ratio)
    assert row.verdict == verdict


def test_without_anybody_beside_there_is_no_ratio_and_only_what_is_absolute_is_judged() -> None:
    for measure, verdict in ((RATE, ""), (START, "yes")):
        row = _result([0.5], [], measure).rows()[0]
        assert row.ratio is None
        assert row.verdict == verdict


def test_the_table_has_a_line_for_each_figure_and_a_column_for_each_server() -> None:
    lines = table([_result([500], [100]), _result([2], [10], CPU)]).splitlines()
    assert lines[0] == "| work | figure | torv | other | ratio | wanted | reached |"
    assert lines[2] == "| notes come in | rate, /s | 500 | 100 | 5 | ≥ 5 x | yes |"
    assert lines[3] == "| notes come in | CPU each, ms | 2 | 10 | 0.2 | ≤ 0.2 x | yes |"


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1 234"), (3.14159, "3.14"), (0.06667, "0.0667"), (5, "5")])
def test_figures_are_shown_with_three_digits(value: float, shown: str) -> None:
    assert brief(value) == shown


def test_the_picture_has_a_bar_for_each_server_as_long_as_its_figure() -> None:
    drawn = picture.draw([_result([500], [100]).as_json()], ["torv", "other"])
    image = ElementTree.fromstring(drawn)
    bars = [float(one.get("width", "")) for one in image.findall("{*}rect") if one.get("height") == str(picture.BAR)]
    long, short = bars[-2:]
    assert long == pytest.approx(5 * short, abs=0.5)
    assert "notes come in: rate (more is better)" in drawn


def test_requests_are_signed_as_servers_expect() -> None:
    actor = actor_at(7)
    note = activities.note(
        actor, "1", "Hej", datetime.now(UTC), mentioned=("https://a.example/u/lene", "@lene@a.example")
    )
    message = activities.post("https://a.example/inbox", activities.create(note))
    head, _, body = message.partition(b"\r\n\r\n")
    headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")[1:]]
    parsed = signatures.parse_request_signature(signatures.Message.of("POST", "/inbox", headers))  # type: ignore[arg-type]
    key = signatures.public_key(activities.actor(actor)["publicKey"]["publicKeyPem"])
    signatures.verify(parsed, key, origin="https://a.example", now=datetime.now(UTC), body=body)
    assert parsed.key_id == f"{actor}#main-key"


def test_the_farm_answers_for_its_actors_and_notes_what_arrives() -> None:
    async def ask() -> None:
        farm = Farm()
        there = wire.Wire(f"127.0.0.1:{await farm.listen()}")
        try:
            webfinger = f"https://h7.farm.test/.well-known/webfinger?resource=acct:{handle_at(7)[1:]}"
            for url in (actor_at(7), webfinger, "https://h7.farm.test/nodeinfo/2.0"):
                answer = await there.ask(wire.request("GET", url, {}))
                assert answer.status == 200, url
            assert (await there.ask(wire.request("GET", "https://h7.farm.test/nothing", {}))).status == 404
            farm.expect("mark", 2)
            sent = [
                wire.request("POST", f"https://h{n}.farm.test/inbox", {}, b'{"type":"Create","content":"mark"}')
                for n in (1, 2, 2)
            ]
            burst = await there.burst(sent, at_once=2)
            await farm.all_there(1)
            assert burst.statuses == {202: 3} and not burst.refused
            assert set(farm.arrived) == {"h1.farm.test", "h2.farm.test"}
        finally:
            there.close()
            farm.close()

    asyncio.run(ask())
