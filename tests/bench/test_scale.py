"""The capacity document is worked out from what was measured, and says what the code says."""

import json
import re

import pytest

from server.settings import documented
from tests.bench import scale

COSTS: scale.Costs = json.loads(scale.COSTS.read_text())

OF_POSTGRESQL = {"max_connections", "shared_buffers"}
"""Settings of the database that the document names."""


def test_the_document_holds_the_tables_that_the_costs_give() -> None:
    text = scale.DOCUMENT.read_text()
    assert scale.filled(text, COSTS) == text


def test_both_databases_are_measured_and_everything_costs_something() -> None:
    assert set(COSTS) == {"sqlite", "postgresql"}
    for kind in COSTS.values():
        for part in kind.values():
            assert all(value > 0 for value in part.values()), part


def test_twice_the_cost_is_twice_the_load() -> None:
    one, cpu = scale.EXAMPLES[0], COSTS["sqlite"]["cpu_ms"]
    doubled = {name: 2 * value for name, value in cpu.items()}
    for (what, times, before), (_, same, after) in zip(scale.load(one, cpu), scale.load(one, doubled), strict=True):
        assert same == times
        assert after == (before if what.startswith("pages") else pytest.approx(2 * before))


def test_the_busiest_hour_is_a_part_of_the_day() -> None:
    assert 1 / 24 < scale.peak(86400) / 24 < 1


def test_settings_and_files_it_speaks_of_exist() -> None:
    text = scale.DOCUMENT.read_text()
    for name in re.findall(r"`([a-z]+_[a-z_]+)`", text):
        assert name in documented() or name in OF_POSTGRESQL, name
    for file in re.findall(r"\]\(([^)#]+)\)", text):
        assert (scale.DOCUMENT.parent / file).exists(), file
