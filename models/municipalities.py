"""The 98 municipalities of Denmark, by their four-digit codes (`data/municipalities.csv`)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "data" / "municipalities.csv"


@dataclass(frozen=True)
class Municipality:
    """One municipality: its code as text (`0101`), short name, region code, and the town of its town hall."""

    code: str
    name: str
    region: str
    seat: str
    latitude: float
    longitude: float


@lru_cache(maxsize=1)
def known() -> Mapping[str, Municipality]:
    """All of them by code, in the order of the alphabet (æ, ø and å last)."""
    with FILE.open(encoding="utf-8", newline="") as source:
        rows = [
            Municipality(
                row["code"], row["name"], row["region"], row["seat"], float(row["latitude"]), float(row["longitude"])
            )
            for row in csv.DictReader(source)
        ]
    return {row.code: row for row in sorted(rows, key=lambda row: _sorted_as(row.name))}


def name(code: str) -> str:
    """The name for a code; empty for a code that no municipality has."""
    found = known().get(code)
    return found.name if found else ""


def _sorted_as(word: str) -> str:
    return word.casefold().replace("æ", "~a").replace("ø", "~b").replace("å", "~c")
