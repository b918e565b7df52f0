"""The capacity model of `deploy/SCALE.md`: `python -m tests.bench.scale` works its tables out anew and writes them there.

What one more of each costs comes from `deploy/unit-costs.json`, which `python -m tests.bench.unit_costs` measures. What
people do comes from the simulation's assumptions, so that both speak of the same people.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.bench.network import Assumed

ROOT = Path(__file__).parent.parent.parent
COSTS = ROOT / "deploy" / "unit-costs.json"
DOCUMENT = ROOT / "deploy" / "SCALE.md"
Costs = dict[str, dict[str, dict[str, float]]]

DAY = 86400.0
YEAR = 365.0
READ_MS = 3.0
"""Processor time of one page or call of an app: a timeline of 20 posts."""

READS = 60
"""Pages and calls of an active person on a working day."""

BUSY = 0.5
"""Share of the processors that the busiest hour may take: the rest is for what comes all at once."""

QUEUED_DAYS = 0.05
"""How long a delivery waits on average, in days, with the usual few servers that do not answer."""


@dataclass(frozen=True)
class Example:
    """One node, by what happens on it on a working day."""

    name: str
    active: int
    """People who come on a working day."""
    followed_hosts: float
    """Servers that one activity goes to, on average."""
    posts_in: float
    """Activities that come in, for each active person here."""
    kept_posts_in: float
    """Of those, posts that are kept."""
    followers: int
    """Of all people and communities here, elsewhere."""
    most_hosts: int
    """Servers that follow whoever is followed most."""


EXAMPLES = (
    Example("one municipality of 98", 300, 15, 4, 1.5, 6_000, 60),
    Example("a large municipality", 3_000, 25, 4, 1.2, 40_000, 1_000),
    Example("200 000 people", 60_000, 60, 2, 0.6, 1_000_000, 20_000),
)


def written(active: int) -> tuple[float, float]:
    """(posts, votes) that so many people write on a working day."""
    a = Assumed()
    return active * (a.questions + a.answers + a.notes), active * a.votes


def peak(per_day: float) -> float:
    """The busiest hour's rate per second of what comes so often a day."""
    a = Assumed()
    return per_day * max(a.hours) / sum(a.hours) / 3600


def load(one: Example, cpu: dict[str, float]) -> list[tuple[str, float, float]]:
    """(what, how often a second in the busiest hour, processors it takes then)."""
    posts, votes = written(one.active)
    out = (posts + votes) * one.followed_hosts
    rows = [
        ("pages and calls of apps", one.active * READS, READ_MS),
        ("posts and votes written", posts + votes, cpu["post written"]),
        ("activities in", one.active * one.posts_in, cpu["activity in, from somebody known"]),
        ("deliveries out", out, cpu["delivery queued"] + cpu["delivery sent"]),
    ]
    return [(what, peak(times), peak(times) * ms / 1000) for what, times, ms in rows]


def stored(one: Example, weight: dict[str, float]) -> list[tuple[str, float]]:
    """(what, bytes after a year)."""
    posts, votes = written(one.active)
    working = YEAR * sum(Assumed().weekdays) / 7
    inbound = one.active * one.posts_in
    receipt = weight["of that, kept for two weeks only"]
    return [
        ("posts of our own, a year", posts * working * weight["post of our own"]),
        ("posts of others, a year", one.active * one.kept_posts_in * working * (weight["post of another, with its proof of receipt"] - receipt)),
        ("proofs of receipt, always", inbound * 14 * receipt),
        ("followers", one.followers * weight["follower, one on a server"]),
        ("deliveries that wait, always", (posts + votes) * one.followed_hosts * QUEUED_DAYS * weight["delivery that waits"]),
    ]  # fmt: skip


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _number(value: float) -> str:
    if value < 0.01:
        return "< 0.01"
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}".replace(",", " ")


def _table(*rows: list[str]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def costs_table(costs: Costs) -> str:
    """What one more of each costs, on both databases."""
    kinds = sorted(costs, reverse=True)
    rows = [["one more", *(f"{'SQLite' if kind == 'sqlite' else 'PostgreSQL'}" for kind in kinds)]]
    for part, unit in (("cpu_ms", "ms of a processor"), ("bytes", "bytes")):
        for name in costs[kinds[0]][part]:
            rows.append([f"{name}, {unit}", *(_number(costs[kind][part][name]) for kind in kinds)])
    return _table(*rows)


def load_table(costs: Costs) -> str:
    """Processors in the busiest hour."""
    rows = [["in the busiest hour", *(one.name for one in EXAMPLES)]]
    kinds = ["sqlite", "postgresql", "postgresql"]
    loads = [load(one, costs[kind]["cpu_ms"]) for one, kind in zip(EXAMPLES, kinds, strict=True)]
    for line in zip(*loads, strict=True):
        rows.append([line[0][0], *(f"{_number(times)} /s, {_number(cpu)} processors" for _, times, cpu in line)])
    sums = [sum(cpu for _, _, cpu in found) for found in loads]
    rows.append(["**all**", *(f"**{_number(total)}**" for total in sums)])
    rows.append(
        [f"processors to have, at most {BUSY:.0%} busy", *(str(max(1, round(total / BUSY + 0.5))) for total in sums)]
    )
    bursts = [_burst(one, costs[kind]["cpu_ms"]) for one, kind in zip(EXAMPLES, kinds, strict=True)]
    rows.append(["besides, one post of whoever is followed most", *bursts])
    return _table(*rows)


def _burst(one: Example, cpu: dict[str, float]) -> str:
    seconds = one.most_hosts * (cpu["delivery queued"] + cpu["delivery sent"]) / 1000
    return f"{one.most_hosts} servers: {_number(seconds)} s of a processor"


def stored_table(costs: Costs) -> str:
    """Bytes after a year."""
    rows = [["database", *(one.name for one in EXAMPLES)]]
    kinds = ["sqlite", "postgresql", "postgresql"]
    found = [stored(one, costs[kind]["bytes"]) for one, kind in zip(EXAMPLES, kinds, strict=True)]
    rows += [[line[0][0], *(_size(value) for _, value in line)] for line in zip(*found, strict=True)]
    rows.append(["**after a year**", *(f"**{_size(sum(value for _, value in one))}**" for one in found)])
    return _table(*rows)


def tables(costs: Costs) -> dict[str, str]:
    """All tables by the name that stands in the document."""
    return {"costs": costs_table(costs), "load": load_table(costs), "stored": stored_table(costs)}


def filled(document: str, costs: Costs) -> str:
    """The document with its tables as the costs give them."""
    for name, made in tables(costs).items():
        begin, end = f"<!-- {name}, by python -m tests.bench.scale -->", f"<!-- end of {name} -->"
        document, times = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}", f"{begin}\n{made}\n{end}", document, flags=re.S
        )
        assert times == 1, name
    return document


def main() -> None:
    """Write the tables."""
    costs = json.loads(COSTS.read_text())
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), costs))
    print("\n\n".join(tables(costs).values()))


if __name__ == "__main__":
    main()
