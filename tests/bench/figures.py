"""What was measured and what it is compared with: medians over the rounds, ratios between servers, wishes, a table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a load. `wish` is what ours shall be: a multiple of theirs, or with `absolute` a value of its own.

    More is better, and the wish a lower bound, unless it says `less`.
    """

    name: str
    unit: str
    less: bool = False
    wish: float | None = None
    absolute: bool = False

    def granted(self, value: float) -> bool:
        """Whether that ratio or value fulfils the wish."""
        return self.wish is None or (value <= self.wish if self.less else value >= self.wish)


@dataclass
class Result:
    """A load's figures: for each server those of each round, by the measure's name."""

    load: str
    title: str
    measures: Sequence[Measure]
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def add(self, server: str, figures: dict[str, float]) -> None:
        """One round of one server."""
        self.rounds.setdefault(server, []).append(figures)

    def median(self, server: str, measure: str) -> float:
        """The middle of all rounds."""
        return statistics.median(figures[measure] for figures in self.rounds[server])

    def rows(self) -> "list[Row]":
        """Each measure compared: the first server is ours, the second theirs."""
        names = list(self.rounds)
        return [
            Row(self.title, measure, {name: self.median(name, measure.name) for name in names})
            for measure in self.measures
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, rounds included."""
        return {
            "load": self.load,
            "title": self.title,
            "rounds": self.rounds,
            "compared": [row.as_json() for row in self.rows()],
        }


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    title: str
    measure: Measure
    medians: dict[str, float]

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of theirs; None where there is nobody to compare with."""
        values = list(self.medians.values())
        return values[0] / values[1] if len(values) > 1 and values[1] else None

    @property
    def judged(self) -> float | None:
        """The figure that the wish is about."""
        return next(iter(self.medians.values())) if self.measure.absolute else self.ratio

    @property
    def wish(self) -> str:
        """The wish in short: `≥ 5 x`, `≤ 90`."""
        if self.measure.wish is None:
            return ""
        sign, unit = "≤" if self.measure.less else "≥", "" if self.measure.absolute else " x"
        return f"{sign} {brief(self.measure.wish)}{unit}"

    @property
    def verdict(self) -> str:
        """`yes` or `no`; empty where nothing is wished or nobody compared with."""
        if self.measure.wish is None or self.judged is None:
            return ""
        return "yes" if self.measure.granted(self.judged) else "no"

    def as_json(self) -> dict[str, Any]:
        """The line, for a file."""
        return {
            "measure": self.measure.name, "unit": self.measure.unit, "less_is_better": self.measure.less,
            "medians": self.medians, "ratio": self.ratio, "wish": self.wish, "granted": self.verdict,
        }  # fmt: skip


def brief(value: float) -> str:
    """A figure with three digits that count: `0.0667`, `5`, `1 234`."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def table(results: Sequence[Result]) -> str:
    """All lines in Markdown."""
    servers = list(dict.fromkeys(name for result in results for name in result.rounds))
    lines = [
        f"| work | figure | {' | '.join(servers)} | ratio | wanted | reached |",
        f"| --- | --- |{' ---: |' * len(servers)} ---: | --- | --- |",
    ]
    for row in (row for result in results for row in result.rows()):
        values = " | ".join(brief(row.medians[name]) if name in row.medians else "" for name in servers)
        ratio = "" if row.ratio is None else brief(row.ratio)
        figure = f"{row.measure.name}, {row.measure.unit}"
        lines.append(f"| {row.title} | {figure} | {values} | {ratio} | {row.wish} | {row.verdict} |")
    return "\n".join(lines)
